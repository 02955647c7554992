// How much of a run's beginning to leave out, found in the run itself: MSER-5.
//
// The marginal standard error rule leaves out what makes the interval of the rest's mean narrowest (White, Cobb and Spratt, A comparison of
// five steady-state truncation heuristics for simulation, Winter Simulation Conference 2000). The series is taken in batches of five first.
// A minimum in the latter half says that the run was too short to have settled (Hoad, Robinson and Davies, 2010).

/// The rule MSER-5.
public enum MarginalStandardErrorRule {
  /// How many observations a batch has.
  public static let batch = 5

  /// How many of `observations` to leave out, a multiple of five; nil when the series is too short, or never settles in its first half.
  public static func truncation(of observations: [Double]) -> Int? {
    let batches = observations.count / batch
    // Fewer leave no half to search.
    if batches < 4 { return nil }
    let means = (0..<batches).map { place in
      observations[(place * batch)..<((place + 1) * batch)].reduce(0, +) / Double(batch)
    }
    // From the end, each step adds one batch to what is kept.
    var kept = Moments()
    var best = (error: Double.infinity, start: batches)
    for start in stride(from: batches - 1, through: 0, by: -1) {
      kept.add(means[start])
      // Of fewer the spread is a matter of chance: the rule's known weakness at the end of a series.
      guard kept.count >= 5, let variance = kept.variance else { continue }
      let count = Double(kept.count)
      let error = variance * (count - 1) / (count * count)
      // Of equals the longest rest.
      if error <= best.error { best = (error, start) }
    }
    return best.start <= batches / 2 ? best.start * batch : nil
  }
}
