// Linkerd's average of latencies: linkerd2-proxy, linkerd/ewma/src/lib.rs. Times are in seconds.

import MeshCore
import TestVectors

struct DecayingAverageVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "ewma_linkerd" || file.list("cases").contains { $0.member("ops") != nil && $0.member("decay") != nil }
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.list("cases"), of: "cases") { try run($0, &$1) }
    guard let sequence = file.content.member("derived_sequence") else { return }
    report.run("derived_sequence") { check in
      // Its parameters stand in its note: a default of 30 ms and a decay of 10 s.
      let decay = try sequence.member("decay")?.time ?? 10
      let initial = try sequence.member("default_rtt")?.double ?? 0.03
      var average = DecayingAverage(decay: .seconds(of: decay), value: initial, at: .zero)
      for row in try sequence("rows").items {
        let figures = try row.doubles
        guard figures.count == 3 else { throw VectorError(description: "a row of another length") }
        average.addPeak(figures[1], at: try instant(row.items[0]))
        check.close(average.value, figures[2], relative: 1e-9, "at \(figures[0])")
      }
    }
  }

  private func instant(_ value: VectorValue) throws -> Timestamp { .zero + .seconds(of: try value.time) }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let start = try vector.member("t0").map(instant) ?? .zero
    let initial = try vector.member("init").flatMap { $0 == .null ? nil : try $0.double } ?? .infinity
    var average = DecayingAverage(decay: .seconds(of: try vector("decay").time), value: initial, at: start)
    for step in try vector("ops").items {
      guard try step.items.count == 3 else { throw VectorError(description: "an operation of another length") }
      let sample = try step.items[1].double
      let now = try instant(step.items[2])
      switch try step.items[0].string {
      case "add": average.add(sample, at: now)
      case "peak", "add_peak": average.addPeak(sample, at: now)
      case "reset": average.reset(sample, at: now)
      case let operation: throw VectorError(description: "no operation \(operation)")
      }
    }
    if let expected = try vector.member("get")?.double { check.close(average.value, expected, relative: 1e-12, "get") }
    if let bound = try vector.member("get_gt")?.double {
      check.holds(average.value > bound, "above \(bound)", "\(average.value)")
    }
    if let bound = try vector.member("get_lt")?.double {
      check.holds(average.value < bound, "below \(bound)", "\(average.value)")
    }
    for read in try vector.member("get_at")?.items ?? [] {
      guard try read.items.count == 2 else { throw VectorError(description: "a read of another length") }
      let value = average.value(at: try instant(read.items[0]))
      // A value that has faded beyond all sense is as good as none.
      let expected = try read.items[1].double
      check.holds(
        abs(value - expected) <= 1e-9 * abs(expected) + 1e-300, "\(expected)", "\(value)", "at \(read)")
    }
  }
}
