// Linkerd's stack of queue, balancer and breaker, told in words: what one endpoint, or two, make of failures
// (linkerd2-proxy, outbound/src/http/logical/tests/failure_accrual.rs). A whole data plane runs each step.

import LoadBalancing
import MeshCore
import TestVectors

struct FailFastScript: ~Copyable {
  private var driver: PlaneDriver
  private let queue = QueueDescription()

  private init(endpoints: Int32, maxFailures: UInt32) {
    let accrual = ConsecutiveAccrualDescription(
      maxFailures: maxFailures, minPenalty: queue.failfastTimeout + .seconds(1), maxPenalty: .seconds(60),
      jitterRatio: 0)
    let policy = PolicyRegistry.policies.first { $0.name == "peakEwma" }
    var cluster = ClusterDescription(
      name: "web", service: "web",
      balancer: PolicyChoice(name: "peakEwma", parameters: PolicyParameters(policy?.parameters ?? [])),
      failureAccrual: .consecutive(accrual))
    cluster.queue = queue
    driver = PlaneDriver(cluster, profile: .linkerd, endpoints: 1...endpoints)
  }

  static func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    if let steps = try vector.member("single_endpoint")?.strings {
      let count = steps.first.flatMap { Self.number(after: "max_failures=", in: $0) } ?? 3
      var script = FailFastScript(endpoints: 1, maxFailures: UInt32(clamping: count))
      for step in steps { try script.follow(step, &check) }
    }
    if let text = try vector.member("two_endpoints")?.string {
      guard let failures = number(after: "fails ", in: text), let others = number(after: "next ", in: text) else {
        throw VectorError(description: "no script \(text)")
      }
      var script = FailFastScript(endpoints: 2, maxFailures: UInt32(clamping: failures))
      script.followTwo(failures: failures, others: others, &check)
    }
  }

  private static func number(after words: String, in text: String) -> Int? {
    guard let range = text.firstRange(of: words) else { return nil }
    return Int(text[range.upperBound...].prefix { $0.isNumber }).flatMap { (1...1000).contains($0) ? $0 : nil }
  }

  /// `3x500 returned to caller`, `next request: waits failfast timeout then FailFast error (504)`, `next: LoadShed error (503)
  /// immediately`, `after backoff: probe hits service; 500 -> shut again; next: FailFast`, `after 2nd backoff: probe 200 -> open`.
  private mutating func follow(_ step: String, _ check: inout VectorCheck) throws {
    if step.hasPrefix("max_failures") { return }
    if step.hasPrefix("after") {
      // Until the penalty is over, and the gate lets one pass.
      while driver.availableEndpoints == 0, let next = driver.nextDeadline {
        driver.advance(to: next)
      }
      driver.request()
      check.equal(driver.attempts.count, 1, "the probe hits the service")
      let isGood = step.contains("probe 200")
      driver.answer(isGood ? 200 : 500)
      check.equal(driver.availableEndpoints, isGood ? 1 : 0, step)
      if step.contains("FailFast") { expectFailFast(step, &check) }
    } else if step.contains("FailFast") {
      expectFailFast(step, &check)
    } else if step.contains("LoadShed") {
      driver.request()
      check.equal(driver.statuses.last, 503, step)
    } else if step.contains("returned to caller"), let times = Int(step.prefix { $0.isNumber }), times <= 1000 {
      let status = Int16(step.drop { $0.isNumber }.dropFirst().prefix { $0.isNumber }) ?? 500
      for _ in 0..<times {
        driver.request()
        driver.answer(status)
        check.equal(driver.statuses.last, status, step)
      }
      check.equal(driver.availableEndpoints, 0, step)
    } else {
      throw VectorError(description: "no step \(step)")
    }
  }

  private mutating func expectFailFast(_ step: String, _ check: inout VectorCheck) {
    let (before, start) = (driver.statuses.count, driver.now)
    driver.request()
    check.equal(driver.statuses.count, before, "\(step): it waits")
    driver.advance(to: start + queue.failfastTimeout)
    check.equal(driver.statuses.count, before + 1, step)
    check.equal(driver.statuses.last, 504, step)
  }

  private mutating func followTwo(failures: Int, others: Int, _ check: inout VectorCheck) {
    var left = failures
    while left > 0 && driver.wanted < 10_000 {
      driver.request()
      let isBad = driver.attempts.first?.endpoint.number == 2
      left -= isBad ? 1 : 0
      driver.answer(isBad ? 500 : 200)
    }
    for _ in 0..<others {
      driver.request()
      check.equal(driver.attempts.first?.endpoint.number, 1)
      driver.answer(200)
    }
  }
}
