// Numbers with units as people write them: `250us`, `3000/s`, `16KiB`, `10Gbps`, `0.1%`.
//
// Decimal text becomes the nearest double in one rounding (a percentage by moving its decimal point), so that `0.1%` and
// `0.001` are the same number on every machine.

import MeshCore

/// Why a text is no quantity of the wanted kind, in words that follow the text itself.
public struct QuantityFault: Error, Sendable, Hashable {
  /// What is wrong, such as "has no unit".
  public var reason: String
  /// What was probably meant.
  public var suggestion: String?

  /// A reason.
  public init(reason: String, suggestion: String? = nil) {
    self.reason = reason
    self.suggestion = suggestion
  }
}

/// Reads quantities.
public enum Quantity {
  /// The longest span that can be written: 100 years of 365 days.
  public static let longest = TimeSpan.seconds(100 * 365 * 86_400)

  private static let spans: [(unit: String, nanoseconds: Double)] = [
    ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
  ]

  /// A span such as `5ms`, `1.5s` or `1m30s`; a bare 0 is none.
  public static func span(_ text: String) throws(QuantityFault) -> TimeSpan {
    var rest = Substring(text)
    if let number = try? number(text), number == 0 { return .zero }
    var isNegative = false
    if rest.hasPrefix("-") {
      isNegative = true
      rest = rest.dropFirst()
    }
    var total = 0.0
    var parts = 0
    var lastUnit = Double.infinity
    while !rest.isEmpty {
      guard let value = takeNumber(&rest, signed: false) else {
        throw QuantityFault(reason: "is no duration")
      }
      let unit = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
      rest = rest.dropFirst(unit.count)
      if unit.isEmpty { throw QuantityFault(reason: "has no unit") }
      guard let scale = spans.first(where: { $0.unit == unit })?.nanoseconds else {
        throw QuantityFault(reason: "has the unknown unit \(quoted(String(unit)))")
      }
      if scale >= lastUnit { throw QuantityFault(reason: "is no duration") }
      lastUnit = scale
      total += value * scale
      parts += 1
    }
    if parts == 0 { throw QuantityFault(reason: "is no duration") }
    if isNegative && total > 0 { throw QuantityFault(reason: "is negative") }
    if total > Double(longest.nanoseconds) { throw QuantityFault(reason: "is longer than 100 years") }
    let rounded = total.rounded()
    if rounded == 0 && total > 0 { throw QuantityFault(reason: "is shorter than 1ns") }
    return TimeSpan(nanoseconds: Int64(rounded))
  }

  /// A rate such as `3000/s`, `10/m` or `5/h`, per second.
  public static func rate(_ text: String) throws(QuantityFault) -> Double {
    var rest = Substring(text)
    guard let value = takeNumber(&rest, signed: true) else { throw QuantityFault(reason: "is no rate") }
    if rest.isEmpty { throw QuantityFault(reason: "has no unit") }
    guard rest.hasPrefix("/"), let scale = spans.first(where: { $0.unit == rest.dropFirst() })?.nanoseconds else {
      let isPerSecond = ["rps", "qps", "req/s", "requests/s", "hz"].contains(rest.lowercased())
      throw QuantityFault(
        reason: "has the unknown unit \(quoted(String(rest)))",
        suggestion: isPerSecond ? "\(text.dropLast(rest.count))/s" : nil)
    }
    if value < 0 { throw QuantityFault(reason: "is negative") }
    // Dividing by a whole number of nanoseconds or of seconds keeps `10/m` the double nearest to 1/6.
    let rate = scale >= 1e9 ? value / (scale / 1e9) : value * (1e9 / scale)
    if rate > 1e9 { throw QuantityFault(reason: "is above one per nanosecond") }
    return rate
  }

  /// A fraction such as `0.1%` or `0.001`, without bounds.
  public static func fraction(_ text: String) throws(QuantityFault) -> Double {
    var rest = Substring(text)
    let start = rest.startIndex
    guard let value = takeNumber(&rest, signed: true) else {
      throw QuantityFault(reason: "is neither a percentage nor a number")
    }
    if rest.isEmpty { return value }
    if rest != "%" { throw QuantityFault(reason: "is neither a percentage nor a number") }
    let digits = text[start..<rest.startIndex]
    if digits.contains(where: { $0 == "e" || $0 == "E" }) { return value / 100 }
    return Double("\(digits)e-2") ?? value / 100
  }

  /// A percentage such as `25%` or `25`, in per cent, from 0 to 100.
  public static func percentage(_ text: String) throws(QuantityFault) -> Double {
    var rest = Substring(text)
    guard let value = takeNumber(&rest, signed: true), rest.isEmpty || rest == "%" else {
      throw QuantityFault(reason: "is no percentage")
    }
    if value < 0 { throw QuantityFault(reason: "is negative") }
    if value > 100 { throw QuantityFault(reason: "is above 100 %") }
    return value
  }

  private static let sizes: [(unit: String, factor: Double)] = [
    ("", 1), ("B", 1), ("KB", 1e3), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("KiB", 1024),
    ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
  ]

  /// A size such as `16KiB`, `1KB` or a bare number of bytes, in bytes.
  public static func size(_ text: String) throws(QuantityFault) -> Int64 {
    var rest = Substring(text)
    guard let value = takeNumber(&rest, signed: true) else { throw QuantityFault(reason: "is no size") }
    guard let factor = sizes.first(where: { $0.unit == rest })?.factor else {
      throw QuantityFault(reason: "has the unknown unit \(quoted(String(rest)))")
    }
    if value < 0 { throw QuantityFault(reason: "is negative") }
    let bytes = value * factor
    if bytes > 0x1p50 { throw QuantityFault(reason: "is above 1024TiB") }
    if bytes != bytes.rounded() { throw QuantityFault(reason: "is no whole number of bytes") }
    return Int64(bytes)
  }

  /// A bandwidth such as `10Gbps`, in bits per second.
  public static func bandwidth(_ text: String) throws(QuantityFault) -> Double {
    let units: [(unit: String, factor: Double)] = [
      ("bps", 1), ("kbps", 1e3), ("Kbps", 1e3), ("Mbps", 1e6), ("Gbps", 1e9), ("Tbps", 1e12),
    ]
    var rest = Substring(text)
    guard let value = takeNumber(&rest, signed: true) else { throw QuantityFault(reason: "is no bandwidth") }
    if rest.isEmpty { throw QuantityFault(reason: "has no unit") }
    guard let factor = units.first(where: { $0.unit == rest })?.factor else {
      throw QuantityFault(reason: "has the unknown unit \(quoted(String(rest)))")
    }
    if value <= 0 { throw QuantityFault(reason: "is not above 0") }
    return value * factor
  }

  /// A plain decimal number: no hexadecimal, no infinity.
  public static func number(_ text: String) throws(QuantityFault) -> Double {
    var rest = Substring(text)
    guard let value = takeNumber(&rest, signed: true), rest.isEmpty else {
      throw QuantityFault(reason: "is no number")
    }
    return value
  }

  /// A whole number; `1e6` is one.
  public static func integer(_ text: String) throws(QuantityFault) -> Int64 {
    if let value = Int64(text), !text.hasPrefix("+") { return value }
    guard let value = try? number(text) else { throw QuantityFault(reason: "is no whole number") }
    if value != value.rounded() { throw QuantityFault(reason: "is no whole number") }
    guard let whole = Int64(exactly: value), abs(value) <= 0x1p53 else { throw QuantityFault(reason: "is too large") }
    return whole
  }

  /// Takes a decimal number off the front of `text`, or nothing.
  private static func takeNumber(_ text: inout Substring, signed: Bool) -> Double? {
    var end = text.startIndex
    func skipDigits() -> Int {
      var count = 0
      while end < text.endIndex, let value = text[end].asciiValue, value >= 48, value <= 57 {
        end = text.index(after: end)
        count += 1
      }
      return count
    }
    if signed, end < text.endIndex, text[end] == "-" || text[end] == "+" { end = text.index(after: end) }
    var digits = skipDigits()
    if end < text.endIndex, text[end] == "." {
      end = text.index(after: end)
      digits += skipDigits()
    }
    if digits == 0 || digits > 400 { return nil }
    if end < text.endIndex, text[end] == "e" || text[end] == "E" {
      let mantissaEnd = end
      end = text.index(after: end)
      if end < text.endIndex, text[end] == "-" || text[end] == "+" { end = text.index(after: end) }
      if skipDigits() == 0 { end = mantissaEnd }
    }
    var number = String(text[..<end])
    if number.hasPrefix("+") { number.removeFirst() }
    guard let value = Double(number), value.isFinite else { return nil }
    text = text[end...]
    return value
  }
}
