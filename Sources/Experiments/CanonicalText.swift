// What a resolved scenario says, without how it is written: the input of its digest.

import MeshConfiguration

enum CanonicalText {
  /// Adds the meaning of `value`: types, numbers and words, but neither places nor spelling (1000ms is 1s).
  static func add(_ value: ResolvedValue, to digest: inout ContentDigest) {
    switch value.content {
    case .invalid: digest.add("!")
    case .text(let text): digest.add("t\(text)")
    case .flag(let flag): digest.add("f\(flag)")
    case .integer(let number): digest.add("n\(Double(number).bitPattern)")
    case .number(let number): digest.add("n\(number.bitPattern)")
    case .span(let span): digest.add("s\(span.nanoseconds)")
    case .mark: digest.add("m")
    case .raw: digest.add("r")
    case .list(let items):
      digest.add("[\(items.count)")
      for item in items { add(item, to: &digest) }
    case .map, .choice:
      digest.add("{\(value.entries.count)")
      for entry in value.entries {
        digest.add(entry.key)
        add(entry.value, to: &digest)
      }
    }
  }
}
