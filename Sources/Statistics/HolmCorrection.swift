// Many comparisons at once: of a hundred figures that have not moved, five differ at 5 % by chance alone. Holm's
// step-down procedure bounds the probability of even one such false alarm by what was asked for, whatever the figures
// have to do with each other, and never finds less than Bonferroni's.
//
// Holm, A simple sequentially rejective multiple test procedure (Scandinavian Journal of Statistics 6:65, 1979). The
// adjusted p-value of the k-th smallest of n is the largest of (n − j + 1) · p(j) over j ≤ k, and at most 1, as R's
// p.adjust has it: a figure differs at level α when its adjusted p-value is at most α.

/// Holm's correction for many comparisons.
public enum HolmCorrection {
  /// The adjusted p-values of `pValues` (each 0…1), in the same order: none is below its own p-value, none above 1, and
  /// who has the smaller p-value has no larger adjusted one.
  ///
  /// What is not a number stays so, and is not counted as a comparison.
  ///
  /// Complexity: O(n log n).
  public static func adjusted(_ pValues: [Double]) -> [Double] {
    let places = pValues.indices.filter { !pValues[$0].isNaN }
    // Places of equal p-values in the order they are given: their adjusted values are equal either way.
    let ascending = places.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
    var adjusted = pValues
    var largest = 0.0
    for (rank, place) in ascending.enumerated() {
      largest = max(largest, min(1, Double(ascending.count - rank) * pValues[place]))
      adjusted[place] = largest
    }
    return adjusted
  }

  /// Whether a comparison with this adjusted p-value has shown a difference at a level of `confidence` (0…1, say 0.95).
  public static func shows(_ adjusted: Double, confidence: Double) -> Bool { adjusted < 1 - confidence }
}
