// What changed between two results: figure by figure, with intervals, and no more alarms than were asked for.
//
// Where the seeds are the same, replication i of one is the same traffic as replication i of the other, and what both
// have in common cancels (paired t). Where they are not, the two are independent samples (Welch's t). What is equal to the
// byte needs no test. Of all the others, how many look different by chance alone is held down by Holm's correction: a
// result has some thirty figures a variant.

import Statistics

/// How a figure was compared.
public enum ComparisonMethod: String, Sendable, Hashable {
  /// Its cells are equal.
  case equal
  /// Replication with replication of the same seed.
  case paired
  /// As independent samples.
  case independent
  /// Value with value, without an interval: there are too few.
  case values
}

/// One figure of one setting in two results.
public struct FigureDifference: Sendable, Hashable {
  /// The variant, in a sweep behind its cell's values.
  public var setting: String
  /// The figure's column.
  public var metric: String
  /// How it was compared.
  public var method: ComparisonMethod
  /// Its mean before; nil without a value. As in the file: times are milliseconds.
  public var before: Double?
  /// Its mean after.
  public var after: Double?
  /// The difference, after minus before, of what was compared; nil when one side has no value.
  public var difference: Double?
  /// The interval of the difference.
  public var interval: Interval?
  /// The probability of so large a difference by chance.
  public var pValue: Double?
  /// The same, corrected for how many figures were compared.
  public var adjustedPValue: Double?
  /// Replications without a value.
  public var missingBefore = 0
  /// The same, after.
  public var missingAfter = 0
  /// Whether it differs: the corrected probability is below 1 − confidence; or, where there is none, the values are
  /// different.
  public var differs = false
}

/// What one of two results has and the other has not.
public struct OneSided: Sendable, Hashable {
  /// Variants, in a sweep behind their cells' values.
  public var settings: [String] = []
  /// Figures' columns.
  public var metrics: [String] = []
  /// Replications of settings that both have, in words: `peakEwma 5–9`.
  public var replications: [String] = []

  /// Whether there is nothing.
  public var isEmpty: Bool { settings.isEmpty && metrics.isEmpty && replications.isEmpty }
}

/// What changed between two results.
public struct ResultDifference: Sendable, Hashable {
  /// The level of its intervals, 0…1.
  public var confidence: Double
  /// Every figure that both have, setting by setting in the order of the first.
  public var figures: [FigureDifference]
  /// What the first alone has.
  public var onlyBefore = OneSided()
  /// What the second alone has.
  public var onlyAfter = OneSided()

  /// Compares two results at `confidence` (0…1, say 0.95).
  public init(_ before: ResultRows, _ after: ResultRows, confidence: Double) {
    self.confidence = confidence
    figures = []
    let metrics = before.metrics.enumerated().compactMap { place, name in
      after.metrics.firstIndex(of: name).map { (name: name, before: place, after: $0) }
    }
    onlyBefore.metrics = before.metrics.filter { !after.metrics.contains($0) }
    onlyAfter.metrics = after.metrics.filter { !before.metrics.contains($0) }
    let places = Dictionary(after.settings.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    for own in before.settings {
      guard let place = places[own.name] else {
        onlyBefore.settings.append(own.name)
        continue
      }
      let pairing = Pairing(own.rows, after.settings[place].rows)
      if !pairing.lost.isEmpty { onlyBefore.replications.append("\(own.name) \(Self.ranges(pairing.lost))") }
      if !pairing.gained.isEmpty { onlyAfter.replications.append("\(own.name) \(Self.ranges(pairing.gained))") }
      for metric in metrics {
        figures.append(Self.figure(own.name, metric, pairing, confidence: confidence))
      }
    }
    let known = Set(before.settings.map(\.name))
    onlyAfter.settings = after.settings.map(\.name).filter { !known.contains($0) }
    judge()
  }

  /// How many figures were held to a test.
  public var tests: Int { figures.count { $0.pValue != nil } }

  /// Whether nothing is different.
  public var isEmpty: Bool { onlyBefore.isEmpty && onlyAfter.isEmpty && !figures.contains { $0.differs } }

  /// Ascending numbers, in a row where they follow each other: `0–4, 7`.
  static func ranges(_ numbers: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = ranges.last, last.upperBound == number - 1 {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map { range in
      range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)–\(range.upperBound)"
    }.joined(separator: ", ")
  }

  private static func figure(
    _ setting: String, _ metric: (name: String, before: Int, after: Int), _ pairing: Pairing, confidence: Double
  ) -> FigureDifference {
    let cells = pairing.before.map { $0.cells[metric.before] }
    let others = pairing.after.map { $0.cells[metric.after] }
    let (values, otherValues) = (cells.compactMap { Double($0) }, others.compactMap { Double($0) })
    var figure = FigureDifference(setting: setting, metric: metric.name, method: .equal)
    figure.before = Moments(values).mean
    figure.after = Moments(otherValues).mean
    figure.missingBefore = cells.count - values.count
    figure.missingAfter = others.count - otherValues.count
    if !pairing.hasCommonSeeds {
      figure.compareIndependent(values, otherValues, areEqual: cells == others, confidence: confidence)
      return figure
    }
    let pairs = pairing.common.map { (cells[$0.before], others[$0.after]) }
    if pairs.allSatisfy({ $0.0 == $0.1 }) {
      figure.difference = pairs.contains { !$0.0.isEmpty } ? 0 : nil
      return figure
    }
    // A value on one side alone is a difference that no test weighs.
    figure.differs = pairs.contains { $0.0.isEmpty != $0.1.isEmpty }
    let known = pairs.compactMap { pair in Double(pair.0).flatMap { own in Double(pair.1).map { (own, $0) } } }
    figure.comparePaired(known, confidence: confidence)
    return figure
  }

  /// Corrects for how many figures were compared, and tells which differ.
  private mutating func judge() {
    let tested = figures.indices.filter { figures[$0].pValue != nil }
    let adjusted = HolmCorrection.adjusted(tested.compactMap { figures[$0].pValue })
    for (place, value) in zip(tested, adjusted) {
      figures[place].adjustedPValue = value
      if HolmCorrection.shows(value, confidence: confidence) { figures[place].differs = true }
    }
  }
}

/// The replications of one setting in two results, side by side.
private struct Pairing {
  let before: [ResultRows.Row]
  let after: [ResultRows.Row]
  /// Places of replications that both have.
  private(set) var common: [(before: Int, after: Int)] = []
  /// Numbers of those that only one has.
  private(set) var lost: [Int] = []
  private(set) var gained: [Int] = []

  /// Both are ascending.
  init(_ before: [ResultRows.Row], _ after: [ResultRows.Row]) {
    self.before = before
    self.after = after
    var (left, right) = (0, 0)
    while left < before.count || right < after.count {
      let own = left < before.count ? before[left].replication : .max
      let other = right < after.count ? after[right].replication : .max
      if own < other {
        lost.append(own)
        left += 1
      } else if other < own {
        gained.append(other)
        right += 1
      } else {
        common.append((left, right))
        left += 1
        right += 1
      }
    }
  }

  /// Whether there are common replications, and each has met the same traffic.
  var hasCommonSeeds: Bool {
    !common.isEmpty && common.allSatisfy { before[$0.before].seed == after[$0.after].seed }
  }
}

extension FigureDifference {
  fileprivate mutating func comparePaired(_ pairs: [(Double, Double)], confidence: Double) {
    method = pairs.count > 1 ? .paired : .values
    guard let test = PairedDifference(of: pairs.map(\.1), over: pairs.map(\.0), confidence: confidence) else { return }
    difference = test.mean
    interval = test.interval
    pValue = test.pValue
    // Cells that differ and numbers that don't (1 and 1.0) are no difference.
    if pValue == nil && test.mean != 0 { differs = true }
  }

  fileprivate mutating func compareIndependent(
    _ values: [Double], _ others: [Double], areEqual: Bool, confidence: Double
  ) {
    if areEqual {
      difference = values.isEmpty ? nil : 0
      return
    }
    method = .values
    guard let test = WelchDifference(of: others, over: values, confidence: confidence) else {
      // One side has values and the other has none.
      differs = values.isEmpty != others.isEmpty
      return
    }
    method = test.pValue == nil ? .values : .independent
    difference = test.mean
    interval = test.interval
    pValue = test.pValue
    if pValue == nil && test.mean != 0 { differs = true }
  }
}
