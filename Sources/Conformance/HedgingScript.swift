// gRPC's hedging (gRFC A6): when the tries of a request that nobody answers begin, as a whole data plane sends them.

import DataPlane
import LoadBalancing
import MeshCore
import TestVectors

struct HedgingScript: ~Copyable {
  private var plane: DataPlane
  private var actions = ActionBuffer()
  private var now = Timestamp.zero
  private var timers: [(handle: TimerHandle, deadline: Timestamp)] = []
  private var attempts: [AttemptStart] = []
  /// When each try began, in milliseconds.
  private var begun: [Int] = []

  private init(maxAttempts: Int, delay: TimeSpan) {
    let policy = PolicyChoice(name: "random", parameters: PolicyParameters([]))
    var route = RouteDescription(match: RouteMatch(host: "web"), split: [WeightedCluster(cluster: 0)])
    route.hedge = HedgeDescription(
      after: .delay(delay), maxAttempts: Int32(clamping: min(max(maxAttempts, 1), 5)), nonFatalStatusCodes: [503])
    let mesh = MeshDescription(
      profile: .grpc, clusters: [ClusterDescription(name: "web", service: "web", balancer: policy)], routes: [route])
    plane = DataPlane(mesh, key: RandomKey(seed: 4, replication: 0, purpose: .balancer, entity: 0))
    plane.endpointsChanged(
      cluster: 0, [EndpointDescription(identity: EndpointIdentity(0))], at: now, into: &actions)
    carryOut()
    let arrival = RequestArrival(caller: CallerToken(1), route: 0, randomness: RandomKey(value: 1))
    plane.handle(.requestArrived(arrival), at: now, into: &actions)
    carryOut()
  }

  static func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let configuration = try vector("config")
    let attempts = try configuration("maxAttempts").int
    let milliseconds = try configuration("hedgingDelay_ms").int
    guard (1...100).contains(attempts), (1...1_000_000).contains(milliseconds) else {
      throw VectorError(description: "no such hedging")
    }
    let delay = TimeSpan.milliseconds(Int64(milliseconds))
    var silent = HedgingScript(maxAttempts: attempts, delay: delay)
    silent.wait()
    check.equal(silent.begun, try vector("attempt_start_ms").ints, "nobody answers")
    guard let rule = try vector.member("nonfatal_status")?.string else { return }
    if rule != "sends next immediately, then delay resumes" { throw VectorError(description: "no rule \(rule)") }
    var failing = HedgingScript(maxAttempts: attempts, delay: delay)
    failing.advance(to: Timestamp.zero + .milliseconds(Int64(milliseconds / 5)))
    failing.fail()
    failing.wait()
    let number = min(attempts, 5)
    let expected = [0] + (0..<max(0, number - 1)).map { milliseconds / 5 + $0 * milliseconds }
    check.equal(failing.begun, expected, "the first fails after \(milliseconds / 5) ms")
  }

  /// The oldest try is answered with a failure that is not fatal.
  private mutating func fail() {
    if attempts.isEmpty { return }
    plane.handle(.attemptAnswered(attempts.removeFirst().attempt, status: 503), at: now, into: &actions)
    carryOut()
  }

  /// Until nothing is due any more.
  private mutating func wait() {
    while let next = timers.map(\.deadline).min() { advance(to: next) }
  }

  private mutating func advance(to instant: Timestamp) {
    while let place = timers.firstIndex(where: { $0.deadline <= instant }) {
      let timer = timers.remove(at: place)
      now = max(now, timer.deadline)
      plane.handle(.timerDue(timer.handle), at: now, into: &actions)
      carryOut()
    }
    now = max(now, instant)
  }

  private mutating func carryOut() {
    for place in 0..<actions.count {
      switch actions[place] {
      case .startAttempt(let start):
        attempts.append(start)
        begun.append(Int((now - Timestamp.zero).nanoseconds / 1_000_000))
      case .setTimer(let handle, let deadline), .setBackgroundTimer(let handle, let deadline):
        timers.append((handle, deadline))
      case .cancelTimer(let handle): timers.removeAll { $0.handle == handle }
      default: break
      }
    }
    actions.removeAll()
  }
}
