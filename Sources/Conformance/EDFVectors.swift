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
    if let steps = try vector.member("steps")?.items { return try follow(steps.map { try $0.string }, &check) }
    if let peeks = try vector.member("peeks")?.count { return try lookAhead(peeks, vector, &check) }
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

  /// `add(weight,name)`, `name destroyed`, `peek -> name` and `pick -> name`. Who is destroyed leaves the schedule, which is made
  /// anew of the others, as when an endpoint goes.
  private func follow(_ steps: [String], _ check: inout VectorCheck) throws {
    var members: [(name: String, weight: Double)] = []
    var schedule = EDFScheduler()
    for step in steps.flatMap({ $0.replacing("), ", with: ");").split(separator: ";") }).map({ $0.trimmingPrefix(" ") })
    {
      if step.hasPrefix("add("), step.hasSuffix(")") {
        let parts = step.dropFirst(4).dropLast().split(separator: ",").map { $0.filter { $0 != " " } }
        guard parts.count == 2, let weight = Double(parts[0]) else { throw VectorError(description: "no step \(step)") }
        _ = try positive([weight])
        members.append((parts[1], weight))
      } else if step.hasSuffix(" destroyed") {
        members.removeAll { $0.name == step.dropLast(10) }
      } else {
        let parts = step.split(separator: " ")
        guard parts.count == 3, parts[1] == "->", ["peek", "pick"].contains(parts[0]), schedule.count > 0 else {
          throw VectorError(description: "no step \(step)")
        }
        let place = Int(schedule.earliest)
        check.equal(members[place].name, String(parts[2]), String(parts[0]))
        if parts[0] == "pick" { schedule.takeTurn(weight: members[place].weight) }
        continue
      }
      schedule.rebuild(weights: ContiguousArray(members.map(\.weight)), seed: 0)
    }
  }

  /// A schedule is a value: whoever looks ahead takes the turns of a copy, and those come again.
  private func lookAhead(_ peeks: Int, _ vector: VectorValue, _ check: inout VectorCheck) throws {
    let count = try vector("n").count
    guard (1...10_000).contains(count), (1...10_000).contains(peeks) else {
      throw VectorError(description: "\(peeks) of \(count)")
    }
    var schedule = EDFScheduler()
    schedule.rebuild(weights: ContiguousArray(repeating: 1, count: count), seed: 0)
    func turns(_ schedule: inout EDFScheduler) -> [Int32] {
      (0..<peeks).map { _ in
        defer { schedule.takeTurn(weight: 1) }
        return schedule.earliest
      }
    }
    var ahead = schedule
    let seen = turns(&ahead)
    check.equal(turns(&schedule), seen, "turns that had been looked at")
    check.equal(seen.map(Int.init), (0..<peeks).map { $0 % count }, "turns")
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
