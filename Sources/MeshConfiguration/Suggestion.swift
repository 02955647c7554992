// Which known name was probably meant by a misspelt one.
//
// Distance is the optimal string alignment distance (Damerau 1964): insertions, deletions, replacements and swaps of
// neighbours cost 1. Where nothing is close, a name of which the given one is the beginning or the end. Case is ignored, and so are the hyphens and underscores of other systems' spellings.

/// Finds the name that a misspelt one was probably meant to be.
public enum Suggestion {
  /// How many names are looked at.
  private static let candidateLimit = 2000

  /// The closest of `names`, if one is close enough; the first among equals.
  ///
  /// Complexity: O(names × length²), for names of at most 64 characters.
  public static func closest(to name: String, among names: [String]) -> String? {
    let wanted = folded(name)
    if wanted.isEmpty { return nil }
    let limit = max(1, wanted.count / 3)
    var best: (name: String, distance: Int)?
    for candidate in names.prefix(candidateLimit) {
      let other = folded(candidate)
      if abs(other.count - wanted.count) > limit { continue }
      let distance = distance(wanted, other)
      // Two names without a letter in common are no misspelling of each other.
      if distance <= limit && distance < max(wanted.count, other.count) && distance < (best?.distance ?? .max) {
        best = (candidate, distance)
      }
    }
    return best?.name ?? part(wanted, of: names)
  }

  /// The shortest of `names` that begins or ends with `part`: `ewma` is `peakEwma`, `p99` is `latency.p99`.
  private static func part(_ part: [UInt8], of names: [String]) -> String? {
    if part.count < 3 { return nil }
    return names.prefix(candidateLimit).filter { candidate in
      let name = folded(candidate)
      return name.starts(with: part) || name.suffix(part.count) == part[...]
    }.min { $0.utf8.count < $1.utf8.count }
  }

  /// The number of edits between two spellings.
  public static func distance(_ left: String, _ right: String) -> Int { distance(Array(left.utf8), Array(right.utf8)) }

  private static func folded(_ name: String) -> [UInt8] {
    name.lowercased().utf8.prefix(64).filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") }
  }

  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for i in 1...left.count {
      var row = [Int](repeating: i, count: right.count + 1)
      for j in 1...right.count {
        let replaced = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
        row[j] = min(replaced, last[j] + 1, row[j - 1] + 1)
        if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
          row[j] = min(row[j], beforeLast[j - 2] + 1)
        }
      }
      beforeLast = last
      last = row
    }
    return last[right.count]
  }
}
