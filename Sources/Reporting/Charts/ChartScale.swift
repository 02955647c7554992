// From values to places: scales with ends and ticks at round numbers.
//
// Logarithms are our own (`Elementary`): those of C libraries differ in the last bit, and a picture is a result file too.

import Experiments
import MeshCore

/// A mark on a scale.
struct ChartTick: Sendable, Hashable {
  var value: Double
  var label: String
}

/// A scale from `low` to `high`.
struct ChartScale: Sendable, Hashable {
  /// What is equally long along it.
  enum Kind: Sendable {
    /// A difference.
    case linear
    /// A ratio.
    case logarithmic
    /// A ratio of what is left to 1: from 0.9 to 0.99 is as long as from 0.99 to 0.999. For quantiles, whose tail this spreads.
    case nines
  }

  let kind: Kind
  let low: Double
  let high: Double
  let ticks: [ChartTick]

  /// How far along `value` is, 0…1; what lies beyond an end is at that end.
  func part(_ value: Double) -> Double {
    let part: Double =
      switch kind {
      case .linear: (value - low) / (high - low)
      case .logarithmic: value <= 0 ? 0 : Elementary.logarithm(value / low) / Elementary.logarithm(high / low)
      case .nines: Self.nines(value) / Self.nines(high)
      }
    return part.isFinite ? min(1, max(0, part)) : 0
  }

  /// −log10(1 − q).
  static func nines(_ quantile: Double) -> Double { -logarithm(max(1e-9, 1 - quantile)) }

  /// The logarithm to the base of 10.
  static func logarithm(_ value: Double) -> Double { Elementary.logarithm(value) / Elementary.logarithm(10) }
}

extension ChartScale {
  /// A linear scale over `from`…`to` with about `most` ticks. Its ends are ticks, or with `isTight` the given ends.
  static func linear(from: Double, to: Double, ticks most: Int = 6, isTight: Bool = false) -> ChartScale {
    var (low, high) = (min(from, to), max(from, to))
    let size = max(low.magnitude, high.magnitude)
    if high - low <= size * 1e-6 {
      // One value alone has no length: it gets some around it.
      low -= size * 0.05
      high += size == 0 ? 1 : size * 0.05
    }
    let step = roundStep((high - low) / Double(max(1, most)))
    // A quotient that should be whole may be off by its last bit.
    let slack = 1e-9
    let first = isTight ? (low / step - slack).rounded(.up) : (low / step + slack).rounded(.down)
    let last = isTight ? (high / step + slack).rounded(.down) : (high / step - slack).rounded(.up)
    let ticks = stride(from: first, through: last, by: 1).map { number in
      ChartTick(value: number * step, label: DecimalNumber(number * step).text)
    }
    return isTight
      ? ChartScale(kind: .linear, low: low, high: high, ticks: ticks)
      : ChartScale(kind: .linear, low: first * step, high: last * step, ticks: ticks)
  }

  /// A logarithmic scale over `from`…`to`, both above 0, whose ends are 1, 2 or 5 times a power of ten.
  static func logarithmic(from: Double, to: Double, ticks most: Int = 7) -> ChartScale {
    let to = max(to, 1e-9)
    let from = min(max(from, to * 1e-12), to)
    let lowest = Int(logarithm(from).rounded(.down)) - 1
    let highest = Int(logarithm(to).rounded(.up)) + 1
    let marks = (lowest...highest).flatMap { exponent in [1.0, 2, 5].map { $0 * power(exponent) } }
    let first = marks.lastIndex { $0 <= from * (1 + 1e-9) } ?? 0
    let last = max(marks.firstIndex { $0 >= to * (1 - 1e-9) } ?? marks.count - 1, first + 1)
    var places = Array(first...min(last, marks.count - 1))
    if places.count > most {
      // Every third mark is a power of ten.
      let tens = places.filter { $0 % 3 == 0 }
      let every = max(1, (tens.count + most - 1) / most)
      places = tens.enumerated().filter { $0.offset % every == 0 }.map(\.element)
    }
    return ChartScale(
      kind: .logarithmic, low: marks[first], high: marks[min(last, marks.count - 1)],
      ticks: places.map { ChartTick(value: marks[$0], label: DecimalNumber(marks[$0], significantDigits: 6).text) })
  }

  /// A scale for `values`: logarithmic where the largest is `ratio` times the smallest or more, all above 0; else linear, from 0 unless
  /// told otherwise. Without values from 0 to 1. A logarithmic one goes no deeper than `depth` times the largest; what is below lies on
  /// its edge.
  static func fitting(
    _ values: [Double], ratio: Double = 30, includesZero: Bool = true, ticks most: Int = 6, depth: Double = 0
  ) -> ChartScale {
    guard let low = values.min(), let high = values.max() else { return linear(from: 0, to: 1) }
    if low > 0 && high / low >= ratio { return logarithmic(from: max(low, high * depth), to: high) }
    return linear(from: includesZero ? min(0, low) : low, to: high, ticks: most)
  }

  /// A scale for fractions, which are drawn as per cent: from 0 to 100, or the upper part of it where all of them are.
  static func perCent(_ fractions: [Double]) -> ChartScale {
    let low = (fractions.min() ?? 0) * 100
    return low < 80 ? linear(from: 0, to: 100, ticks: 5) : linear(from: min(low, 99.9), to: 100, ticks: 5)
  }

  /// A scale for quantiles from 0 to `depth`, below 1, that spreads the tail.
  static func nines(to depth: Double) -> ChartScale {
    let marks = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99")]
    return ChartScale(
      kind: .nines, low: 0, high: depth,
      ticks: marks.filter { $0.0 <= depth }.map { ChartTick(value: $0.0, label: $0.1) })
  }

  /// A scale of things that are no numbers: thing i lies at i. Of many some are named, with at most `letters` letters; the fewer there are
  /// along a chart the more have room.
  static func places(_ labels: [String], ticks most: Int = 6, letters given: Int? = nil) -> ChartScale {
    let every = max(1, (labels.count + most - 1) / most)
    let letters = given ?? max(10, 60 / max(1, (labels.count + every - 1) / every))
    return ChartScale(
      kind: .linear, low: -0.5, high: Double(max(1, labels.count)) - 0.5,
      ticks: labels.enumerated().filter { $0.offset % every == 0 }.map {
        ChartTick(value: Double($0.offset), label: Markup.shortened($0.element, to: letters))
      })
  }

  /// The smallest of 1, 2, 5, 10, … that is `size` or more.
  static func roundStep(_ size: Double) -> Double {
    guard size.isFinite, size > 1e-200 else { return 1 }
    let unit = power(Int(logarithm(size).rounded(.down)))
    for factor in [1.0, 2, 5] where factor * unit >= size * (1 - 1e-9) { return factor * unit }
    return 10 * unit
  }

  /// 10 to the power of `exponent`, correctly rounded up to 10^±22.
  private static func power(_ exponent: Int) -> Double {
    var power = 1.0
    for _ in 0..<exponent.magnitude { power *= 10 }
    return exponent < 0 ? 1 / power : power
  }
}
