// Conditions on texts, ready to be tried.
//
// A regular expression must fit the whole text, as in Envoy (`safe_regex`), Linkerd and what Istio makes of its own. Its syntax is
// what Swift's `Regex` and RE2 have in common; what RE2 does not know (looking ahead and behind, atomic groups, references to
// groups) is refused, so that a pattern which works here works there.

import MeshCore

/// A condition on a text.
struct TextPattern {
  private enum Form {
    case text(TextMatch)
    case regex(Regex<AnyRegexOutput>)
    case never
  }

  private let form: Form

  /// The condition that `match` describes. A regular expression that `RegularExpression.fault` finds fault with fits nothing.
  init(_ match: TextMatch) {
    if case .regex(let pattern) = match {
      form = RegularExpression.compiled(pattern).map { .regex($0) } ?? .never
    } else {
      form = .text(match)
    }
  }

  /// Whether it holds for `text`.
  func holds(for text: Substring) -> Bool {
    switch form {
    case .never: return false
    case .regex(let regex): return text.wholeMatch(of: regex) != nil
    case .text(.exact(let wanted)): return text.utf8.elementsEqual(wanted.utf8)
    case .text(.prefix(let wanted)): return text.utf8.starts(with: wanted.utf8)
    case .text(.suffix(let wanted)): return text.utf8.reversed().starts(with: wanted.utf8.reversed())
    case .text(.contains(let wanted)): return wanted.isEmpty || Self.has(text, wanted)
    case .text(.present), .text(.regex): return true
    }
  }

  private static func has(_ text: Substring, _ wanted: String) -> Bool {
    var rest = text.utf8
    while rest.count >= wanted.utf8.count {
      if rest.starts(with: wanted.utf8) { return true }
      rest = rest.dropFirst()
    }
    return false
  }
}

/// Regular expressions of configurations.
public enum RegularExpression {
  /// What is wrong with `pattern`, or nil when it is fine.
  public static func fault(in pattern: String) -> String? {
    if let construct = foreignConstruct(in: pattern) { return "\(construct) is not known to RE2" }
    do {
      _ = try Regex(pattern)
      return nil
    } catch {
      return "\(error)"
    }
  }

  static func compiled(_ pattern: String) -> Regex<AnyRegexOutput>? {
    if foreignConstruct(in: pattern) != nil { return nil }
    return (try? Regex(pattern))?.matchingSemantics(.unicodeScalar)
  }

  /// What Swift takes and RE2 does not.
  private static func foreignConstruct(in pattern: String) -> String? {
    let bytes = Array(pattern.utf8)
    var place = 0
    while place < bytes.count {
      let rest = bytes[place...]
      if rest.starts(with: "\\".utf8) {
        let next = place + 1 < bytes.count ? bytes[place + 1] : 0
        if next >= UInt8(ascii: "1") && next <= UInt8(ascii: "9") { return "a reference to a group" }
        if next == UInt8(ascii: "k") || next == UInt8(ascii: "g") { return "a reference to a group" }
        place += 2
        continue
      }
      for start in ["(?=", "(?!", "(?<=", "(?<!"] where rest.starts(with: start.utf8) { return "looking around" }
      if rest.starts(with: "(?>".utf8) { return "an atomic group" }
      place += 1
    }
    return nil
  }
}
