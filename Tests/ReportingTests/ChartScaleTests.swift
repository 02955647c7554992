// Scales of charts: round ticks that cover what is to be drawn, whatever that is.

import Testing

@testable import Reporting

@Suite struct ChartScaleTests {
  private func labels(_ scale: ChartScale) -> [String] { scale.ticks.map(\.label) }

  /// Goal: a linear scale ends at round ticks around its values; a tight one at the values themselves, with the ticks within.
  @Test func linear() {
    let scale = ChartScale.linear(from: 0, to: 48.4, ticks: 5)
    #expect(labels(scale) == ["0", "10", "20", "30", "40", "50"])
    #expect(scale.low == 0 && scale.high == 50)
    #expect(scale.part(25) == 0.5 && scale.part(-1) == 0 && scale.part(99) == 1)
    let tight = ChartScale.linear(from: 0.5, to: 48.4, ticks: 5, isTight: true)
    #expect(labels(tight) == ["10", "20", "30", "40"])
    #expect(tight.low == 0.5 && tight.high == 48.4)
    // Sums of tenths are off by their last bits; labels are not.
    #expect(labels(.linear(from: 0, to: 0.6, ticks: 6)) == ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6"])
  }

  /// Goal: one value alone, zeros and the extremes that a file may hold still make a scale with an end above its beginning.
  @Test func extremes() {
    let pairs: [(Double, Double)] = [
      (0.0, 0.0), (5, 5), (-3, -3), (1e14, 1e14 + 1), (-1e14, 1e14), (1e-30, 2e-30), (0, 1e-300), (999_999_999, 1e9),
    ]
    for (low, high) in pairs {
      let scale = ChartScale.linear(from: low, to: high)
      #expect(scale.part(low).isFinite && scale.part(high) >= scale.part(low), "\(low) to \(high)")
      #expect(scale.ticks.count <= 12, "\(low) to \(high): \(labels(scale))")
    }
    let ratios: [(Double, Double)] = [(1e-9, 1e14), (5, 5), (0, 3), (0.3, 0.4)]
    for (low, high) in ratios {
      let scale = ChartScale.logarithmic(from: low, to: high)
      #expect(scale.low > 0 && scale.high > scale.low, "\(low) to \(high)")
      #expect((1...9).contains(scale.ticks.count), "\(low) to \(high): \(labels(scale))")
    }
  }

  /// Goal: a logarithmic scale has its ticks at 1, 2 and 5 times powers of ten, at the powers alone where that would be many, and equal
  /// ratios are equally long.
  @Test func logarithmic() {
    #expect(labels(.logarithmic(from: 1.5, to: 40)) == ["1", "2", "5", "10", "20", "50"])
    #expect(labels(.logarithmic(from: 1, to: 9000)) == ["1", "10", "100", "1000", "10000"])
    let scale = ChartScale.logarithmic(from: 1, to: 100)
    #expect(scale.low == 1 && scale.high == 100)
    #expect((scale.part(10) - 0.5).magnitude < 1e-12)
    #expect(scale.part(0) == 0 && scale.part(-5) == 0)
  }

  /// Goal: values of one size get a linear scale from 0, values of many sizes a logarithmic one.
  @Test func fitting() {
    #expect(ChartScale.fitting([3, 40]).kind == .linear)
    #expect(ChartScale.fitting([3, 40]).low == 0)
    #expect(ChartScale.fitting([3, 40], includesZero: false, ticks: 6).low == 0)
    #expect(ChartScale.fitting([33, 40], includesZero: false).low > 30)
    #expect(ChartScale.fitting([1, 40]).kind == .logarithmic)
    #expect(ChartScale.fitting([0, 40]).kind == .linear)
    #expect(ChartScale.fitting([1e-9, 40]).low <= 1e-9 && ChartScale.fitting([1e-9, 40], depth: 1e-5).low > 0.0001)
    #expect(ChartScale.fitting([]).high == 1)
    #expect(ChartScale.perCent([0.999, 1]).low >= 99 && ChartScale.perCent([0.999, 1]).high == 100)
    #expect(ChartScale.perCent([0.5, 1]).low == 0)
  }

  /// Goal: on the tail's scale each nine is as long as the one before.
  @Test func nines() {
    let scale = ChartScale.nines(to: 0.999)
    #expect(labels(scale) == ["p50", "p90", "p99", "p99.9"])
    for (quantile, part) in [(0.0, 0.0), (0.9, 1 / 3.0), (0.99, 2 / 3.0), (0.999, 1), (1, 1)] {
      #expect((scale.part(quantile) - part).magnitude < 1e-9, "\(quantile)")
    }
  }

  /// Goal: of many things some are named, and each has its place in the middle of its own part.
  @Test func places() {
    let scale = ChartScale.places((0..<20).map { "thing-number-\($0)" }, ticks: 5)
    #expect(labels(scale) == ["thing-numbe…", "thing-numbe…", "thing-numbe…", "thing-numbe…", "thing-numbe…"])
    #expect(scale.part(0) == 0.5 / 20 && scale.part(19) == 19.5 / 20)
  }
}
