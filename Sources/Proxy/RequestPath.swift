// Request targets in the one form that policies and servers both understand.
//
// A policy that speaks of `/secret` must not be passed by a target that a server reads as `/secret` too: with its host before it, with
// empty or dotted segments, or with letters in per cent (RFC 3986, 6.2.2). What can be put right without changing what it means is; where
// policies stand, the rest is refused.

import NIOHTTP1

enum RequestPath {
  /// A target in its absolute form, `http://host/path`, as host and target; nil for what is none (RFC 9112, 3.2.2).
  static func absolute(_ target: String) -> (host: String, target: String)? {
    guard target.utf8.first != UInt8(ascii: "/"), let scheme = target.range(of: "://") else { return nil }
    let kind = target[..<scheme.lowerBound].lowercased()
    if kind != "http" && kind != "https" { return nil }
    let rest = target[scheme.upperBound...]
    let end = rest.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
    let host = String(rest[..<end])
    if host.isEmpty || host.utf8.contains(UInt8(ascii: "@")) { return nil }
    let path = String(rest[end...])
    return (host, path.utf8.first == UInt8(ascii: "/") ? path : "/" + path)
  }

  /// Whether the path of a target, what stands before its query, is in its normal form.
  static func isNormal(_ target: String) -> Bool {
    let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
    guard path.first == UInt8(ascii: "/") else { return target == "*" }
    var segment: [UInt8] = []
    var bytes = Array(path.dropFirst())[...]
    func isDotted() -> Bool { segment == [0x2e] || segment == [0x2e, 0x2e] }
    while let byte = bytes.popFirst() {
      switch byte {
      case UInt8(ascii: "/"):
        if isDotted() || segment.isEmpty { return false }
        segment = []
      case ...0x20, 0x7f..., UInt8(ascii: "\\"), UInt8(ascii: "#"): return false
      case UInt8(ascii: "%"):
        guard let high = bytes.popFirst().flatMap(digit), let low = bytes.popFirst().flatMap(digit) else {
          return false
        }
        let letter = high << 4 | low
        if isUnreserved(letter) || letter == UInt8(ascii: "/") || letter == UInt8(ascii: "\\") || letter < 0x20 {
          return false
        }
        segment.append(letter)
      default: segment.append(byte)
      }
    }
    return !isDotted()
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
