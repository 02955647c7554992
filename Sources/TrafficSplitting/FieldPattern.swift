// Conditions on what a request carries by name: headers, cookies, parameters of the query.

import MeshCore

/// A condition on a named value.
struct FieldPattern {
  private let name: String
  private let value: TextPattern
  private let isInverted: Bool

  /// The condition that `match` describes.
  init(_ match: FieldMatch) {
    name = match.name
    value = TextPattern(match.value)
    isInverted = match.isInverted
  }

  /// Whether it holds for a request's headers: one line of several is enough. Names compare without regard to case.
  func holds(for headers: [HeaderField]) -> Bool {
    headers.contains { Self.namesAreEqual($0.name, name) && value.holds(for: $0.value[...]) } != isInverted
  }

  /// Whether it holds for the cookies among a request's headers (RFC 6265, section 4.2).
  func holds(forCookiesOf headers: [HeaderField]) -> Bool {
    let found = headers.contains { header in
      Self.namesAreEqual(header.name, "cookie")
        && header.value.utf8.split(separator: UInt8(ascii: ";")).contains { pair in
          holds(forPair: Substring(pair).drop { $0 == " " })
        }
    }
    return found != isInverted
  }

  /// Whether it holds for the query of `path`: of several values the first counts, and nothing is decoded (Envoy).
  func holds(forQueryOf path: String) -> Bool {
    let parts = path.utf8.prefix { $0 != UInt8(ascii: "#") }.split(
      separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count < 2 { return isInverted }
    let pairs = parts[1].split(separator: UInt8(ascii: "&"))
    guard let pair = pairs.first(where: { Self.split(Substring($0)).name.utf8.elementsEqual(name.utf8) }) else {
      return isInverted
    }
    return value.holds(for: Self.split(Substring(pair)).value) != isInverted
  }

  private func holds(forPair pair: Substring) -> Bool {
    let (own, text) = Self.split(pair)
    return own.utf8.elementsEqual(name.utf8) && value.holds(for: text)
  }

  /// A name and what stands behind its first '='.
  private static func split(_ pair: Substring) -> (name: Substring, value: Substring) {
    let bytes = pair.utf8
    guard let sign = bytes.firstIndex(of: UInt8(ascii: "=")) else { return (pair, "") }
    return (pair[..<sign], pair[bytes.index(after: sign)...])
  }

  /// Names of headers compare without regard to case (ASCII).
  private static func namesAreEqual(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8) { lowercased($0) == lowercased($1) }
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }
}
