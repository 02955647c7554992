// Linkerd's stack of queue, balancer and breaker, told in words: what one endpoint, or two, make of failures
// (linkerd2-proxy, outbound/src/http/logical/tests/failure_accrual.rs). A whole data plane runs each step.

import DataPlane
import LoadBalancing
import MeshCore
import TestVectors

struct FailFastScript: ~Copyable {
  private var plane: DataPlane
  private var actions = ActionBuffer()
  private var now = Timestamp.zero
  private var timers: [(handle: TimerHandle, deadline: Timestamp)] = []
  private var attempts: [AttemptStart] = []
  private var statuses: [Int16] = []
  private var wanted: UInt64 = 0
  private let accrual: ConsecutiveAccrualDescription
  private let queue = QueueDescription()

  private init(endpoints: Int32, maxFailures: UInt32) {
    accrual = ConsecutiveAccrualDescription(
      maxFailures: maxFailures, minPenalty: queue.failfastTimeout + .seconds(1), maxPenalty: .seconds(60),
      jitterRatio: 0)
    let policy = PolicyRegistry.policies.first { $0.name == "peakEwma" }
    var cluster = ClusterDescription(
      name: "web", service: "web",
      balancer: PolicyChoice(name: "peakEwma", parameters: PolicyParameters(policy?.parameters ?? [])),
      failureAccrual: .consecutive(accrual))
    cluster.queue = queue
    let route = RouteDescription(match: RouteMatch(host: "web"), split: [WeightedCluster(cluster: 0)])
    let mesh = MeshDescription(profile: .linkerd, clusters: [cluster], routes: [route])
    plane = DataPlane(mesh, key: RandomKey(seed: 4, replication: 0, purpose: .balancer, entity: 0))
    let listed = (1...endpoints).map { EndpointDescription(identity: EndpointIdentity($0)) }
    plane.endpointsChanged(cluster: 0, listed, at: now, into: &actions)
    carryOut()
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
      while plane.availableEndpoints(inCluster: 0) == 0, let next = timers.map(\.deadline).min() {
        advance(to: next)
      }
      request()
      check.equal(attempts.count, 1, "the probe hits the service")
      let isGood = step.contains("probe 200")
      answer(isGood ? 200 : 500)
      check.equal(plane.availableEndpoints(inCluster: 0), isGood ? 1 : 0, step)
      if step.contains("FailFast") { expectFailFast(step, &check) }
    } else if step.contains("FailFast") {
      expectFailFast(step, &check)
    } else if step.contains("LoadShed") {
      request()
      check.equal(statuses.last, 503, step)
    } else if step.contains("returned to caller"), let times = Int(step.prefix { $0.isNumber }), times <= 1000 {
      let status = Int16(step.drop { $0.isNumber }.dropFirst().prefix { $0.isNumber }) ?? 500
      for _ in 0..<times {
        request()
        answer(status)
        check.equal(statuses.last, status, step)
      }
      check.equal(plane.availableEndpoints(inCluster: 0), 0, step)
    } else {
      throw VectorError(description: "no step \(step)")
    }
  }

  private mutating func expectFailFast(_ step: String, _ check: inout VectorCheck) {
    let (before, start) = (statuses.count, now)
    request()
    check.equal(statuses.count, before, "\(step): it waits")
    advance(to: start + queue.failfastTimeout)
    check.equal(statuses.count, before + 1, step)
    check.equal(statuses.last, 504, step)
  }

  private mutating func followTwo(failures: Int, others: Int, _ check: inout VectorCheck) {
    var left = failures
    while left > 0 && wanted < 10_000 {
      request()
      let isBad = attempts.first?.endpoint.number == 2
      left -= isBad ? 1 : 0
      answer(isBad ? 500 : 200)
    }
    for _ in 0..<others {
      request()
      check.equal(attempts.first?.endpoint.number, 1)
      answer(200)
    }
  }

  private mutating func request() {
    wanted += 1
    let arrival = RequestArrival(
      caller: CallerToken(wanted), route: 0, randomness: RandomKey(value: mix64(wanted)))
    plane.handle(.requestArrived(arrival), at: now, into: &actions)
    carryOut()
  }

  private mutating func answer(_ status: Int16) {
    if attempts.isEmpty { return }
    plane.handle(.attemptAnswered(attempts.removeFirst().attempt, status: status), at: now, into: &actions)
    carryOut()
  }

  private mutating func advance(to instant: Timestamp) {
    while let place = timers.indices.min(by: { timers[$0].deadline < timers[$1].deadline }),
      timers[place].deadline <= instant
    {
      let timer = timers.remove(at: place)
      now = timer.deadline
      plane.handle(.timerDue(timer.handle), at: now, into: &actions)
      carryOut()
    }
    now = instant
  }

  private mutating func carryOut() {
    for place in 0..<actions.count {
      switch actions[place] {
      case .startAttempt(let start): attempts.append(start)
      case .respond(_, _, let status, _): statuses.append(status)
      case .setTimer(let timer, let deadline), .setBackgroundTimer(let timer, let deadline):
        timers.append((timer, deadline))
      case .cancelTimer(let timer): timers.removeAll { $0.handle == timer }
      default: break
      }
    }
    actions.removeAll()
  }
}
