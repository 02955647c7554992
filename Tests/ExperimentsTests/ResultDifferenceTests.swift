import Statistics
import Testing

@testable import Experiments

/// Goal: what has changed is told and nothing else, with the test that suits the seeds. Method: tables made by hand, against
/// the tests themselves.
@Suite struct ResultDifferenceTests {
  /// A result of one variant: a metric's values by replication.
  private func rows(
    seed: Int = 42, variant: String = "a", from first: Int = 0, _ metrics: KeyValuePairs<String, [Double?]>
  ) throws -> ResultRows {
    var lines = ["scenario,variant,replication,seed," + metrics.map(\.key).joined(separator: ",")]
    let count = metrics.first?.value.count ?? 0
    for number in 0..<count {
      let cells = metrics.map { $0.value[number].map { "\($0)" } ?? "" }
      lines.append("s,\(variant),\(first + number),\(seed)," + cells.joined(separator: ","))
    }
    return try ResultRows(Array(lines.joined(separator: "\n").utf8))
  }

  private func difference(
    _ before: ResultRows, _ after: ResultRows, confidence: Double = 0.95
  ) -> ResultDifference { ResultDifference(before, after, confidence: confidence) }

  /// Goal: the same bytes are the same, also where seeds are not, and need no test.
  @Test func nothing() throws {
    let before = try rows(["x": [1, 2, 3], "y": [nil, nil, nil]])
    let same = difference(before, before)
    #expect(same.isEmpty && same.tests == 0 && same.figures.map(\.method) == [.equal, .equal])
    #expect(same.figures.map(\.difference) == [0, nil] && same.figures[0].before == 2)
    #expect(difference(before, try rows(seed: 7, ["x": [1, 2, 3], "y": [nil, nil, nil]])).isEmpty)
  }

  /// Goal: common seeds are compared pair by pair.
  @Test func paired() throws {
    let (own, other): ([Double], [Double]) = ([100, 10, 1000, 50], [101.0, 12, 1003, 52])
    let figures = difference(try rows(["x": own]), try rows(["x": other])).figures
    let test = try #require(PairedDifference(of: other, over: own, confidence: 0.95))
    #expect(figures[0].method == .paired && figures[0].difference == test.mean && figures[0].interval == test.interval)
    #expect(figures[0].pValue == test.pValue && figures[0].adjustedPValue == test.pValue && figures[0].differs)
    #expect(figures[0].before == 290 && figures[0].after == 292)
  }

  /// Goal: other seeds are other samples, of whatever size; so are other replications of the same seed.
  @Test func independent() throws {
    let (own, other): ([Double], [Double]) = ([10, 12, 9, 11, 13], [20, 23, 19])
    let test = try #require(WelchDifference(of: other, over: own, confidence: 0.9))
    for after in [try rows(seed: 7, ["x": other]), try rows(from: 5, ["x": other])] {
      let figure = difference(try rows(["x": own]), after, confidence: 0.9).figures[0]
      #expect(figure.method == .independent && figure.difference == test.mean && figure.interval == test.interval)
      #expect(figure.pValue == test.pValue && figure.differs)
    }
  }

  /// Goal: a difference without spread is one, however small; one within the spread is none.
  @Test func spread() throws {
    let exact = difference(try rows(["x": [1, 5, 9]]), try rows(["x": [1.5, 5.5, 9.5]])).figures[0]
    #expect(exact.differs && exact.pValue == 0 && exact.interval == Interval(low: 0.5, high: 0.5))
    let noise = difference(try rows(["x": [1, 5, 9]]), try rows(["x": [2, 4, 9]]))
    #expect(noise.isEmpty && noise.tests == 1 && noise.figures[0].method == .paired)
  }

  /// Goal: one replication has no interval: what is different differs.
  @Test func oneReplication() throws {
    let figure = difference(try rows(["x": [1]]), try rows(["x": [1.001]])).figures[0]
    #expect(figure.method == .values && figure.differs && figure.interval == nil && figure.adjustedPValue == nil)
    let other = difference(try rows(["x": [1]]), try rows(seed: 7, ["x": [1, 2, 3]])).figures[0]
    #expect(other.method == .values && other.differs && other.difference == 1)
    #expect(!difference(try rows(["x": [2]]), try rows(seed: 7, ["x": [1, 2, 3]])).figures[0].differs)
  }

  /// Goal: of many figures each has to show more. Method: differences of 1, 2, 2 and 3 have p = 0.016, which is enough for one
  /// figure at 95 % and not for four.
  @Test func manyFigures() throws {
    let (own, other): ([Double?], [Double?]) = ([1, 1, 1, 1], [2, 3, 3, 4])
    #expect(difference(try rows(["x": own]), try rows(["x": other])).figures[0].differs)
    let four = difference(
      try rows(["w": own, "x": own, "y": own, "z": own]), try rows(["w": other, "x": other, "y": other, "z": other]))
    #expect(four.isEmpty && four.tests == 4)
    for figure in four.figures {
      let p = try #require(figure.pValue)
      #expect(p < 0.05 && figure.adjustedPValue == HolmCorrection.adjusted([p, p, p, p])[0])
    }
    #expect(!difference(try rows(["x": own]), try rows(["x": other]), confidence: 0.99).figures[0].differs)
  }

  /// Goal: what one alone has is told, and is a difference.
  @Test func oneSided() throws {
    let metrics = difference(try rows(["x": [1], "y": [1]]), try rows(["z": [1], "x": [1]]))
    #expect(metrics.onlyBefore.metrics == ["y"] && metrics.onlyAfter.metrics == ["z"] && !metrics.isEmpty)
    #expect(metrics.figures.map(\.metric) == ["x"] && metrics.figures[0].method == .equal)
    let variants = difference(try rows(["x": [1]]), try rows(variant: "b", ["x": [1]]))
    #expect(variants.onlyBefore.settings == ["a"] && variants.onlyAfter.settings == ["b"] && variants.figures.isEmpty)
    let more = difference(try rows(["x": [1, 2]]), try rows(["x": [1, 2, 3, 4]]))
    #expect(more.onlyAfter.replications == ["a 2–3"] && more.onlyBefore.isEmpty && !more.isEmpty)
    #expect(more.figures[0].method == .equal && more.figures[0].after == 2.5)
    #expect(ResultDifference.ranges([0, 1, 2, 4, 7, 8]) == "0–2, 4, 7–8")
  }

  /// Goal: a value that comes or goes is a difference.
  @Test func missingValues() throws {
    let some = difference(try rows(["x": [1, 2, nil]]), try rows(["x": [1, 2, 3]])).figures[0]
    #expect(some.differs && some.missingBefore == 1 && some.missingAfter == 0 && some.difference == 0)
    let all = difference(try rows(["x": [1, 2]]), try rows(seed: 7, ["x": [nil, nil]])).figures[0]
    #expect(all.differs && all.after == nil && all.difference == nil)
  }
}
