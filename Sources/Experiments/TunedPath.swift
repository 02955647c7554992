// A setting to be tuned: a path of the scenario and the range of its values, `mesh.routes.0.timeout=100ms..2s`.

import MeshConfiguration
import MeshCore
import Statistics

/// A setting and its range.
public struct TunedPath: Sendable, Hashable {
  /// What values are made of.
  private enum Kind: Hashable {
    case whole
    case span
    /// A number with whatever stands behind it, such as `%` or `/s`.
    case number(suffix: String)
  }

  /// The dotted path.
  public var path: String
  private var low: Double
  private var high: Double
  private var kind: Kind

  /// Reads `PATH=LOW..HIGH`: two whole numbers, two durations, or two numbers with the same unit.
  /// - Throws: `ArgumentFault` with what is wrong and what was expected.
  public init(_ text: String) throws(ArgumentFault) {
    let fault = ArgumentFault(
      reason: "'\(text)' is no range; expected PATH=LOW..HIGH, such as mesh.routes.0.timeout=100ms..2s")
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { throw fault }
    let range = Array(text[text.index(after: equals)...])
    guard let dots = range.indices.dropLast().first(where: { range[$0] == "." && range[$0 + 1] == "." }) else {
      throw fault
    }
    let ends = (String(range[..<dots]), String(range[(dots + 2)...]))
    guard let (low, high, kind) = Self.ends(ends.0, ends.1) else { throw fault }
    if low >= high { throw ArgumentFault(reason: "'\(text)' has no room; expected LOW below HIGH") }
    path = String(text[..<equals])
    (self.low, self.high, self.kind) = (low, high, kind)
  }

  private static func ends(_ low: String, _ high: String) -> (Double, Double, Kind)? {
    if let low = Int(low), let high = Int(high) { return (Double(low), Double(high), .whole) }
    if let low = try? Quantity.span(low), let high = try? Quantity.span(high) {
      return (Double(low.nanoseconds), Double(high.nanoseconds), .span)
    }
    func parts(_ text: String) -> (number: Double, suffix: String)? {
      let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "-") }
      return Double(digits).map { ($0, String(text.dropFirst(digits.count))) }
    }
    guard let first = parts(low), let second = parts(high), first.suffix == second.suffix else { return nil }
    return (first.number, second.number, .number(suffix: first.suffix))
  }

  /// Whether it is looked at in ratios: where it spans a factor of ten and more.
  private var isLogarithmic: Bool { low > 0 && high / low >= 10 }

  /// The value at `place`, 0 (the lowest) to 1 (the highest), as it would be written.
  public func text(at place: Double) -> String {
    let value =
      isLogarithmic
      ? low * RatioScale.exponential(place * RatioScale.logarithm(high / low)) : low + place * (high - low)
    switch kind {
    case .whole: return String(Int(min(high, max(low, value)).rounded()))
    case .span:
      // Three digits are as many as anybody would write.
      let rounded = DecimalNumber.rounded(min(high, max(low, value)), significantDigits: 3)
      return QuantityText.span(TimeSpan(nanoseconds: Int64(rounded)))
    case .number(let suffix):
      return DecimalNumber(min(high, max(low, value)), significantDigits: 3).text + suffix
    }
  }
}
