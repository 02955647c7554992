// gRPC's weighted round robin: the static stride schedule's turns, and the shares that its balancer tests ask for.

import LoadBalancing
import MeshCore
import TestVectors

struct StaticStrideVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "grpc_wrr" || (try? file.content.member("algorithm")?.string.hasPrefix("static stride")) == true
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let sequences = file.content.member("derived_sequences")
    let start = (try? sequences?.member("seq_start")?.count) ?? 0
    report.runEach((try? sequences?.member("cases")?.items) ?? [], of: "derived_sequences.cases") {
      try checkTurns($0, start: start, &$1)
    }
    let ratios = file.list("upstream_expected_ratios")
    report.runEach(ratios, of: "upstream_expected_ratios") { try checkRatio($0, among: ratios, &$1) }
  }

  private func checkTurns(_ vector: VectorValue, start: Int, _ check: inout VectorCheck) throws {
    let weights = ContiguousArray(try vector("weights").doubles)
    guard weights.allSatisfy({ $0 >= 0 && $0 < 1e18 }), weights.count <= 100_000 else {
      throw VectorError(description: "weights below 0 or too many")
    }
    var stride = StaticStride(counter: UInt32(start))
    stride.rebuild(weights: weights)
    if let kind = try vector.member("kind")?.string { check.equal(stride.isPlain ? "rr" : "edf", kind, "schedule") }
    if !stride.isPlain, let scaled = try? vector.member("scaled")?.ints {
      check.equal(stride.scaled.map { Int($0) }, scaled, "scaled weights")
    }
    for (key, expected) in try vector.members where key.hasPrefix("first") {
      var turns = stride
      let expected = try expected.ints
      check.equal(expected.map { _ in Int(turns.next()) }, expected, key)
    }
    for (key, expected) in try vector.members where key.hasPrefix("counts_of_") {
      guard let picks = Int(key.dropFirst("counts_of_".count)), (0...20_000_000).contains(picks) else {
        throw VectorError(description: "no count in \(key)")
      }
      var turns = stride
      var counts = [Int](repeating: 0, count: weights.count)
      for _ in 0..<check.rounds(picks) {
        let place = Int(turns.next())
        if counts.indices.contains(place) { counts[place] += 1 }
      }
      check.equal(counts, try expected.ints, key)
    }
  }

  /// The upstream tests' measure: of 100 requests each server gets its share, two more or two fewer.
  private func checkRatio(_ vector: VectorValue, among vectors: [VectorValue], _ check: inout VectorCheck) throws {
    let ratio = try vector("ratio").doubles
    var weights: ContiguousArray<Double> = []
    if let given = vector.member("weights") {
      weights = ContiguousArray(try given.doubles)
    } else if let first = vector.member("s1"), let second = vector.member("s2") {
      weights = [try weight(of: first, penalty: 1), try weight(of: second, penalty: 1)]
    } else if let penalty = try vector.member("case").flatMap({ try penalty(in: $0.string) }) {
      weights = try equalised(by: penalty, vectors, &check)
    } else if try vector.member("case")?.string.contains("blackout") == true {
      weights = ContiguousArray(Self.weightsThatDoNotCount())
    } else {
      throw VectorSkip("does not say what is reported")
    }
    guard weights.count == ratio.count else {
      throw VectorError(description: "\(ratio.count) shares of \(weights.count)")
    }
    var stride = StaticStride()
    stride.rebuild(weights: weights)
    let total = ratio.reduce(0, +)
    for pass in 1...2 {
      var counts = [Int](repeating: 0, count: weights.count)
      for _ in 0..<100 { counts[Int(stride.next())] += 1 }
      for (place, count) in counts.enumerated() {
        check.near(Double(count), 100 * ratio[place] / total, absolute: 2, "requests of \(place) in pass \(pass)")
      }
    }
  }

  /// `error penalty .9 with eps... makes weights equal`: the penalty.
  private func penalty(in text: String) throws -> Double? {
    guard text.contains("makes weights equal"), let start = text.range(of: "error penalty ")?.upperBound else {
      return nil
    }
    return Double("0\(text[start...].prefix { $0 != " " })")
  }

  /// The servers of the vector before, of which the one that is less busy now reports as many errors as the penalty needs to make
  /// them equal: without the penalty they stay as they were.
  private func equalised(
    by penalty: Double, _ vectors: [VectorValue], _ check: inout VectorCheck
  ) throws -> ContiguousArray<Double> {
    guard penalty > 0, let pair = vectors.first(where: { $0.member("s1") != nil && $0.member("s2") != nil }) else {
      throw VectorSkip("does not say what is reported")
    }
    let (busy, idle) = (try pair("s1"), try pair("s2"))
    let rate = try idle("qps").double
    let errors = (try busy("util").double * rate / busy("qps").double - (try idle("util").double)) * rate / penalty
    let ratio = try pair("ratio").doubles
    guard ratio.count == 2, errors > 0 else { throw VectorSkip("does not say what is reported") }
    let without = try weight(of: idle, penalty: 0, errors: errors) / weight(of: busy, penalty: 0)
    check.close(without, ratio[1] / ratio[0], relative: 1e-12, "weights without a penalty")
    return [try weight(of: busy, penalty: penalty), try weight(of: idle, penalty: penalty, errors: errors)]
  }

  private func weight(of server: VectorValue, penalty: Double, errors: Double = 0) throws -> Double {
    let report = LoadReport(
      applicationUtilization: try server("util").double, requestsPerSecond: try server("qps").double,
      errorsPerSecond: try server.member("eps")?.double ?? errors)
    guard let weight = UtilizationWeight.weight(of: report, errorUtilizationPenalty: penalty, .grpc) else {
      throw VectorError(description: "a report without a weight")
    }
    return weight
  }

  /// Weights of 10 and 100 as they count within the blackout and after the expiration.
  private static func weightsThatDoNotCount() -> [Double] {
    let start = Timestamp.zero + .seconds(1)
    var young = UtilizationWeight()
    young.report(10, at: start)
    var stale = UtilizationWeight(weight: 100, since: .zero, last: start)
    return [
      young.counted(at: start + .seconds(9), blackout: .seconds(10), expiration: .seconds(180), .grpc) ?? 0,
      stale.counted(at: start + .seconds(180), blackout: .seconds(10), expiration: .seconds(180), .grpc) ?? 0,
    ]
  }
}
