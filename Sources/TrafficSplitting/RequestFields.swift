// What requests carry by name: headers, cookies (RFC 6265, section 4.2), parameters of the query. Nothing is decoded (Envoy).

import MeshCore

/// Finds what a request carries.
public enum RequestFields {
  /// All values of a header, in order.
  static func values(ofHeader name: String, in headers: [HeaderField]) -> [String] {
    headers.filter { namesAreEqual($0.name, name) }.map(\.value)
  }

  /// Whether any cookie among a request's headers fits.
  static func containsCookie(
    in headers: [HeaderField], where fits: (_ name: Substring, _ value: Substring) -> Bool
  ) -> Bool {
    headers.contains { header in
      namesAreEqual(header.name, "cookie")
        && header.value.utf8.split(separator: UInt8(ascii: ";")).contains { pair in
          let (name, value) = split(Substring(pair).drop { $0 == " " })
          return fits(name, value)
        }
    }
  }

  /// The value of the first cookie of a name, without quotes around it.
  public static func cookie(_ name: String, in headers: [HeaderField]) -> Substring? {
    var found: Substring?
    _ = containsCookie(in: headers) { own, value in
      if !own.utf8.elementsEqual(name.utf8) { return false }
      let isQuoted = value.utf8.count >= 2 && value.first == "\"" && value.last == "\""
      found = isQuoted ? value.dropFirst().dropLast() : value
      return true
    }
    return found
  }

  /// The first value of a parameter in the query of `path`.
  static func parameter(_ name: String, of path: String) -> Substring? {
    let parts = path.utf8.prefix { $0 != UInt8(ascii: "#") }.split(
      separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count < 2 { return nil }
    for pair in parts[1].split(separator: UInt8(ascii: "&")) {
      let (own, value) = split(Substring(pair))
      if own.utf8.elementsEqual(name.utf8) { return value }
    }
    return nil
  }

  /// Names of headers compare without regard to case (ASCII).
  static func namesAreEqual(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8) { lowercased($0) == lowercased($1) }
  }

  /// A name and what stands behind its first '='.
  private static func split(_ pair: Substring) -> (name: Substring, value: Substring) {
    let bytes = pair.utf8
    guard let sign = bytes.firstIndex(of: UInt8(ascii: "=")) else { return (pair, "") }
    return (pair[..<sign], pair[bytes.index(after: sign)...])
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }
}
