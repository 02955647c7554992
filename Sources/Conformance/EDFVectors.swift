// Envoy's earliest-deadline schedule: edf_scheduler_test.cc and sequences derived from its rule.

import LoadBalancing
import MeshCore
import TestVectors

struct EDFVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "EDF scheduler" || (file.name == "edf" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if vector.member("steps") != nil {
      throw VectorSkip("no weak references: a schedule is rebuilt when an endpoint goes")
    }
    if vector.member("peeks") != nil {
      throw VectorSkip("nothing looks ahead: no connection is opened before its request")
    }
    if let sets = vector.member("weights_sets") {
      for weights in try sets.items { try checkFirstTurns(try positive(weights.doubles), &check) }
      return
    }
    let weights = try weights(of: vector)
    let seed = try vector.member("picks_seed")?.unsigned ?? vector.member("seed")?.unsigned
    for (key, expected) in try vector.members where key.hasPrefix("expected_next") || key.hasPrefix("next_") {
      let expected = try expected.ints
      let skipped = try seed ?? vector.member("picks")?.unsigned ?? 0
      check.equal(turns(weights, seed: skipped, count: expected.count), expected, key)
    }
    // Sequences from the start, whatever number of turns the counts are about.
    for (key, expected) in try vector.members where key.hasPrefix("expected_first") {
      let expected = try expected.ints
      check.equal(turns(weights, seed: seed ?? 0, count: expected.count), expected, key)
    }
    let rule = try vector.member("expected")?.string ?? ""
    if rule.contains("exactly") {
      let picks = check.rounds(try vector("picks").count)
      let counts = turns(weights, seed: 0, count: picks).reduce(into: [Int](repeating: 0, count: weights.count)) {
        $0[$1] += 1
      }
      let total = weights.reduce(0, +)
      check.equal(counts, weights.map { Int(($0 / total * Double(picks)).rounded()) }, "turns of each")
    } else if rule.hasPrefix("cycle") {
      let count = weights.count
      check.equal(turns(weights, seed: 0, count: 2 * count), (0..<2 * count).map { $0 % count }, "two rounds")
    }
  }

  /// The first turn after a random seed goes to each in proportion to its weight, to a percentage point.
  private func checkFirstTurns(_ weights: [Double], _ check: inout VectorCheck) throws {
    var random = RandomStream(state: 7)
    var counts = [Double](repeating: 0, count: weights.count)
    var schedule = EDFScheduler()
    let rounds = check.rounds(20_000)
    for _ in 0..<rounds {
      schedule.rebuild(weights: ContiguousArray(weights), seed: random.next())
      counts[Int(schedule.earliest)] += 1
    }
    let total = weights.reduce(0, +)
    for (count, weight) in zip(counts, weights) {
      check.near(
        count / Double(rounds) * 100, weight / total * 100, absolute: 1, "first turns in per cent of \(weights)")
    }
  }

  /// A list, or a rule for `n` endpoints.
  private func weights(of vector: VectorValue) throws -> [Double] {
    let given = try vector.member("weights") ?? vector("weight")
    if case .list = given { return try positive(given.doubles) }
    let count = try vector.member("n")?.count ?? 128
    let rule = ArithmeticText(try given.string.replacing(" each", with: ""))
    return try positive((0..<count).map { try rule.value(Double($0)) })
  }

  private func positive(_ weights: [Double]) throws -> [Double] {
    if weights.isEmpty || !weights.allSatisfy({ (1e-9...1e9).contains($0) }) {
      throw VectorError(description: "weights that are not all from 1e-9 to 1e9")
    }
    return weights
  }

  private func turns(_ weights: [Double], seed: UInt64, count: Int) -> [Int] {
    var schedule = EDFScheduler()
    schedule.rebuild(weights: ContiguousArray(weights), seed: seed)
    return (0..<count).map { _ in
      let place = schedule.earliest
      schedule.takeTurn(weight: weights[Int(place)])
      return Int(place)
    }
  }
}
