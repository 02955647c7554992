// Numbers as text, the same bytes on every machine.
//
// The digits come from Swift's own shortest round-trip conversion (SwiftDtoa, after Ryū and Errol), not from the C library,
// and are cut by rounding the decimal digits. No locale has a say.

/// A number as decimal digits.
///
/// Result files hold figures with up to `DecimalNumber.fileDigits` significant digits. That is more than any of them deserves,
/// and few enough that nobody has to read `0.30000000000000004`.
public struct DecimalNumber: Sendable, Hashable {
  /// Significant digits of a figure in a result file: sums, means and ratios of exact values.
  public static let fileDigits = 12
  /// Significant digits of a p-value, which comes out of GSL, whose last bits depend on the CPU.
  public static let probabilityDigits = 4

  /// The number as text: plain from 1e-6 up to 1e15, else with an exponent.
  public let text: String

  /// `value`, rounded half up to at most `significantDigits` (at least 1). What is not finite has no text: it is empty.
  public init(_ value: Double, significantDigits: Int = fileDigits) {
    guard value.isFinite else {
      text = ""
      return
    }
    if value == 0 {
      text = "0"
      return
    }
    var (digits, point) = Self.digits(of: value.magnitude)
    if digits.count > significantDigits {
      let roundsUp = digits[significantDigits] >= 5
      digits.removeLast(digits.count - significantDigits)
      if roundsUp { Self.increment(&digits, &point) }
    }
    while digits.count > 1 && digits.last == 0 { digits.removeLast() }
    text = (value < 0 ? "-" : "") + Self.layOut(digits, point: point)
  }

  /// The number that the text stands for; nil for an empty one.
  public var value: Double? { Double(text) }

  /// `value` rounded to `significantDigits`.
  public static func rounded(_ value: Double, significantDigits: Int) -> Double {
    DecimalNumber(value, significantDigits: significantDigits).value ?? value
  }

  /// `value` with exactly `places` digits (at most 9) behind the point, for people.
  public static func fixed(_ value: Double, places: Int) -> String {
    guard value.isFinite else { return "" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded(.toNearestOrAwayFromZero)
    guard scaled < 1e15 else { return DecimalNumber(value, significantDigits: 6).text }
    let whole = Int64(scaled / scale)
    let rest = Int64(scaled) - whole * Int64(scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if places == 0 { return "\(sign)\(whole)" }
    let fraction = String(rest)
    return "\(sign)\(whole)." + String(repeating: "0", count: places - fraction.count) + fraction
  }

  /// The shortest digits of a positive number, 0.d₁d₂… × 10^point.
  private static func digits(of value: Double) -> (digits: [UInt8], point: Int) {
    var digits: [UInt8] = []
    var point: Int?
    var exponent = 0
    var bytes = value.description.utf8.makeIterator()
    while let byte = bytes.next() {
      switch byte {
      case UInt8(ascii: "."): point = digits.count
      case UInt8(ascii: "e"):
        var rest: [UInt8] = []
        while let byte = bytes.next() { rest.append(byte) }
        exponent = Int(String(decoding: rest, as: UTF8.self)) ?? 0
      default: digits.append(byte - UInt8(ascii: "0"))
      }
    }
    var place = (point ?? digits.count) + exponent
    if let first = digits.firstIndex(where: { $0 != 0 }) {
      digits.removeFirst(first)
      place -= first
    }
    return (digits, place)
  }

  private static func increment(_ digits: inout [UInt8], _ point: inout Int) {
    var place = digits.count - 1
    while place >= 0 {
      if digits[place] < 9 {
        digits[place] += 1
        return
      }
      digits[place] = 0
      place -= 1
    }
    digits.insert(1, at: 0)
    digits.removeLast()
    point += 1
  }

  private static func layOut(_ digits: [UInt8], point: Int) -> String {
    let figures = digits.map { String($0) }.joined()
    if point > 15 || point < -5 {
      let head = figures.prefix(1)
      let tail = figures.dropFirst()
      return head + (tail.isEmpty ? "" : "." + tail) + "e\(point - 1)"
    }
    if point <= 0 { return "0." + String(repeating: "0", count: -point) + figures }
    if digits.count <= point { return figures + String(repeating: "0", count: point - digits.count) }
    return figures.prefix(point) + "." + figures.dropFirst(point)
  }
}
