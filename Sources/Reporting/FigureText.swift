// Figures for people: units and places that suit the size, the same for all that stand side by side.

import Experiments
import Statistics

/// How the figures of a row are written: all in one unit, with the same places.
struct FigureFormat {
  /// What a figure is multiplied by.
  var scale: Double
  /// The unit's name, empty for none.
  var unit: String
  /// Digits behind the point.
  var places: Int

  /// A format for figures of `unit` such as `values`: the smallest one keeps three digits.
  ///
  /// Means of counts have at most one digit behind the point.
  init(_ unit: MetricUnit, for values: [Double], halfWidths: [Double] = [], isCount: Bool = false) {
    let sizes = values.filter { $0.isFinite }.map(\.magnitude)
    let positive = sizes.filter { $0 > 0 }
    let smallest = positive.min() ?? 0
    let largest = positive.max() ?? 0
    switch unit {
    case .time:
      if largest < 1e6 && largest > 0 {
        (scale, self.unit) = (1e-3, "µs")
      } else if smallest >= 1e9 {
        (scale, self.unit) = (1e-9, "s")
      } else {
        (scale, self.unit) = (1e-6, "ms")
      }
      places = Self.places(smallest * scale)
    case .fraction:
      (scale, self.unit) = (100, "%")
      // Near 100 % it is the distance from it that counts.
      let gaps = sizes.map { (1 - $0).magnitude }.filter { $0 > 1e-9 }
      var magnified = (gaps.min() ?? 1) * 1e4
      places = 2
      while magnified < 1 && places < 5 {
        magnified *= 10
        places += 1
      }
    case .number:
      (scale, self.unit) = (1, "")
      let areWhole = sizes.allSatisfy { $0 == $0.rounded() }
      places = areWhole ? 0 : Self.places(smallest, most: isCount ? 1 : 6)
    }
    if isCount { return }
    // An interval that is not zero should not look like it, within reason.
    let narrowest = (halfWidths.filter { $0 > 0 }.max() ?? .infinity) * scale
    while places < 3 && !text(narrowest / scale).contains(where: { ("1"..."9").contains($0) }) && narrowest.isFinite {
      places += 1
    }
  }

  /// `value` without its unit.
  func text(_ value: Double) -> String { DecimalNumber.fixed(value * scale, places: places) }

  /// `value` with its unit.
  func textWithUnit(_ value: Double) -> String { unit.isEmpty ? text(value) : "\(text(value)) \(unit)" }

  /// An estimate with its interval and unit: `12.3 ± 0.4 ms`.
  static func text(_ estimate: Estimate, _ unit: MetricUnit) -> String {
    let halfWidth = estimate.interval?.halfWidth ?? 0
    let format = FigureFormat(unit, for: [estimate.mean], halfWidths: [halfWidth])
    let spread = halfWidth == 0 ? "" : " ± " + format.text(halfWidth)
    return format.text(estimate.mean) + spread + (format.unit.isEmpty ? "" : " " + format.unit)
  }

  /// Places that leave three digits of `size`, at most `most`.
  private static func places(_ size: Double, most: Int = 3) -> Int {
    var places = 0
    var magnified = size
    while magnified < 100 && magnified > 0 && places < most {
      magnified *= 10
      places += 1
    }
    return places
  }
}

extension SummaryColumn {
  /// The name of its row in a table: the one that `expect` has.
  var title: String { Metric.summary(self).name }

  /// Its unit in a table, when that is no size of its own.
  var rate: String { self == .throughput ? "/s" : "" }
}
