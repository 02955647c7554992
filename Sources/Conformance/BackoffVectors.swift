// Growing waits: linkerd2-proxy's exp-backoff; Finagle's, tower's and gRPC's forms come with retries.

import FaultDetection
import MeshCore
import TestVectors

struct BackoffVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "backoff" || (file.content.member("linkerd")?.member("accrual_base_1_60") != nil)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let linkerd = file.content.member("linkerd") ?? .null
    report.run("linkerd accrual") { check in
      // 1 s … 60 s with half as much again of jitter, as the rows are called.
      try runBases(linkerd("accrual_base_1_60"), ConsecutiveAccrualDescription(), in: 1000, &check)
      try runRanges(linkerd("accrual_range_jitter_0_5"), ConsecutiveAccrualDescription(), &check)
    }
    report.run("linkerd route_retry_annotation") { check in
      let row = try linkerd("route_retry_annotation")
      let configuration = ConsecutiveAccrualDescription(
        minPenalty: .milliseconds(of: try row("min_ms").time), maxPenalty: .milliseconds(of: try row("max_ms").time),
        jitterRatio: try row("jitter").double)
      try runBases(row("base"), configuration, in: 1, &check)
    }
    report.skipEach(file.list("finagle"), of: "finagle", "no waits between retries yet")
    for key in ["tower_default", "finagle_failfast", "grpc_retry"] where file.has(key) {
      report.skip(key, "no waits between retries yet")
    }
  }

  /// `unit` is milliseconds in one of the row's figures.
  private func runBases(
    _ row: VectorValue, _ configuration: ConsecutiveAccrualDescription, in unit: Double, _ check: inout VectorCheck
  ) throws {
    for (step, base) in try row.items.enumerated() {
      let penalty = configuration.basePenalty(step: UInt32(step))
      check.equal(penalty, .milliseconds(of: try base.time * unit), "base \(step)")
    }
  }

  /// Every draw is within the range, and both of its ends are come near to.
  private func runRanges(
    _ rows: VectorValue, _ configuration: ConsecutiveAccrualDescription, _ check: inout VectorCheck
  ) throws {
    var random = RandomStream(state: 3)
    for (step, row) in try rows.items.enumerated() {
      let range = try row.doubles
      guard range.count == 2 else { throw VectorError(description: "a range of \(range.count) ends") }
      let drawn = (0..<check.rounds(20_000)).map { _ in configuration.penalty(step: UInt32(step), &random).seconds }
      let (least, most) = (drawn.min() ?? 0, drawn.max() ?? 0)
      let width = range[1] - range[0]
      let isFilled =
        least >= range[0] && most <= range[1] && least - range[0] <= 0.001 * width + 1e-9
        && range[1] - most <= 0.001 * width + 1e-9
      check.holds(isFilled, "\(range[0]) … \(range[1])", "\(least) … \(most)", "range \(step)")
    }
  }
}
