// One policy at work as a data plane has it, with nothing around it but what the policy asks for.
//
// A request comes every 100 µs and stays until as many are in flight as half of the endpoints could hold one of. Endpoints differ:
// number s takes 1 ms and (s mod 7) tenths more, now and then a tenth more still, and is as busy as that. A server's report comes
// with each answer, an oracle looks whenever a request begins or ends, and probes are answered before the next request, so every
// policy is timed on the way that it goes when it knows what it wants to know.

import LoadBalancing
import MeshCore

/// What is timed: a policy with parameters, and the endpoints' weights.
struct BenchmarkCase {
  /// What it is called in the table.
  let name: String
  let policy: PolicyDescriptor
  let parameters: PolicyParameters
  /// Weights are 1, 2, 3, 4, 1 … or all 1.
  let hasWeights: Bool

  /// A registered policy with parameters other than their defaults.
  init(
    _ policy: PolicyDescriptor, as form: String? = nil, given: [(name: String, value: ParameterValue)] = [],
    hasWeights: Bool = false
  ) {
    self.name = form.map { "\(policy.name), \($0)" } ?? policy.name
    self.policy = policy
    self.parameters = PolicyParameters(policy.parameters, given: given)
    self.hasWeights = hasWeights
  }

  /// Every policy with its defaults, each followed by the forms that go another way.
  static var all: [BenchmarkCase] {
    let bounded: [(name: String, value: ParameterValue)] = [("hashBalanceFactor", .integer(150))]
    return PolicyRegistry.policies.flatMap { policy -> [BenchmarkCase] in
      let plain = BenchmarkCase(policy)
      switch policy.name {
      case "roundRobin":
        return [
          plain, BenchmarkCase(policy, as: "edf", hasWeights: true),
          BenchmarkCase(policy, as: "smooth", given: [("schedule", .word("smooth"))], hasWeights: true),
          BenchmarkCase(policy, as: "staticStride", given: [("schedule", .word("staticStride"))], hasWeights: true),
        ]
      case "leastRequest":
        return [
          plain, BenchmarkCase(policy, as: "edf", hasWeights: true),
          BenchmarkCase(policy, as: "fullScan", given: [("fullScan", .flag(true))]),
          BenchmarkCase(policy, as: "compare", given: [("weighting", .word("compare"))], hasWeights: true),
          BenchmarkCase(policy, as: "maxEffort", given: [("maxEffort", .integer(4))]),
        ]
      case "peakEwma":
        return [
          plain, BenchmarkCase(policy, as: "finagle", given: [("form", .word("finagle"))]),
          BenchmarkCase(policy, as: "envoy", given: [("form", .word("envoy"))]),
        ]
      case "clientSideWeightedRoundRobin":
        return [plain, BenchmarkCase(policy, as: "envoy", given: [("form", .word("envoy"))])]
      case "ringHash":
        return [
          plain, BenchmarkCase(policy, as: "bounded", given: bounded),
          BenchmarkCase(policy, as: "grpc", given: [("form", .word("grpc"))]),
        ]
      case "maglev": return [plain, BenchmarkCase(policy, as: "bounded", given: bounded)]
      case "aperture":
        return [
          plain, BenchmarkCase(policy, as: "random", given: [("kind", .word("random"))]),
          BenchmarkCase(policy, as: "peakEwma", given: [("load", .word("peakEwma"))]),
        ]
      default: return [plain]
      }
    }
  }
}

/// Endpoints, a policy, and what happens around both.
struct BenchmarkPlane: ~Copyable {
  private var balancer: any LoadBalancer & ~Copyable
  private var endpoints: EndpointSet
  private var random = RandomStream(state: 7)
  private var now = Timestamp.zero
  private let observes: Bool
  private let wishes: Bool
  private let wantsReports: Bool
  private let needsOracle: Bool
  /// The slots of requests in flight, the oldest at `oldest`; -1 before the first round is full.
  private var inFlight: [Int32]
  private var oldest = 0
  /// Slots to be probed: a policy asks for a few a request.
  private var probes: [Int32] = []
  private var wakeTime: Timestamp?
  private(set) var requests: UInt64 = 0

  private static let interval = TimeSpan.microseconds(100)

  init(_ tried: BenchmarkCase, endpoints count: Int) {
    balancer = tried.policy.make(tried.parameters, BalancerContext(planeNumber: 1, planeCount: 3))
    observes = balancer.observesAttempts
    wishes = balancer.hasWishes
    wantsReports = balancer.wantsLoadReports
    needsOracle = tried.policy.needsOracle
    endpoints = EndpointSet(offer: balancer.offer)
    inFlight = [Int32](repeating: -1, count: max(1, count / 2))
    endpoints.list(
      (0..<count).map { number in
        EndpointDescription(
          identity: EndpointIdentity(Int32(number)), weight: tried.hasWeights ? UInt32(number % 4 + 1) : 1,
          address: benchmarkAddress(number))
      }, at: now)
    balancer.endpointsChanged(endpoints.roster, &random, at: now)
    carryOut()
    prepare()
  }

  /// Lets every endpoint answer and report once, and once more when weights have waited long enough to count.
  private mutating func prepare() {
    for _ in 0..<2 {
      for slot in 0..<Int32(endpoints.states.count) {
        begin(slot)
        end(slot)
      }
      now = now + .seconds(11)
      wake()
    }
  }

  /// One request: who is chosen, and the end of the oldest one.
  @inline(__always)
  mutating func request() {
    now = now + Self.interval
    requests &+= 1
    wake()
    answerProbes()
    let slot = balancer.pick(endpoints.view, PickContext(key: mix64(requests)), &random, at: now)
    begin(slot)
    let old = inFlight[oldest]
    if old >= 0 { end(old) }
    inFlight[oldest] = slot
    oldest = oldest &+ 1 == inFlight.count ? 0 : oldest &+ 1
  }

  private mutating func begin(_ slot: Int32) {
    endpoints.states[slot].inFlight &+= 1
    if observes { balancer.began(endpoints.view, slot: slot, at: now) }
    look(slot)
    carryOut()
  }

  private mutating func end(_ slot: Int32) {
    endpoints.states[slot].inFlight &-= 1
    look(slot)
    if wantsReports { balancer.reported(endpoints.view, slot: slot, report(slot), at: now) }
    if observes {
      let outcome = AttemptOutcome(latency: latency(slot), status: 200, ending: .answered)
      balancer.ended(endpoints.view, slot: slot, outcome, at: now)
    }
    carryOut()
  }

  private func latency(_ slot: Int32) -> TimeSpan {
    .microseconds(1000 + 100 * Int64(slot % 7) + 100 * Int64(requests & 1))
  }

  private func report(_ slot: Int32) -> LoadReport {
    LoadReport(
      applicationUtilization: 0.3 + 0.1 * Double(slot % 7), requestsPerSecond: 100,
      requestsInFlight: endpoints.states[slot].inFlight, expectedLatency: latency(slot),
      serviceTime: .microseconds(500))
  }

  private mutating func look(_ slot: Int32) {
    if !needsOracle { return }
    let work = Double(endpoints.states[slot].inFlight) * Double(latency(slot).nanoseconds)
    balancer.observed(endpoints.view, slot: slot, ObservedWork(left: work, rate: 1, at: now))
  }

  /// What a data plane does after each call.
  @inline(__always)
  private mutating func carryOut() {
    if !wishes { return }
    while let wish = balancer.nextWish(endpoints.view, &random, at: now) {
      switch wish {
      case .wake(let time): wakeTime = time
      case .probe(let slot, _): probes.append(slot)
      }
    }
  }

  private mutating func wake() {
    guard let time = wakeTime, time <= now else { return }
    wakeTime = nil
    balancer.woken(endpoints.view, &random, at: now)
    carryOut()
  }

  private mutating func answerProbes() {
    while let slot = probes.popLast() {
      balancer.probed(endpoints.view, slot: slot, report(slot), at: now)
      carryOut()
    }
  }
}

/// Where endpoint `number` lies.
func benchmarkAddress(_ number: Int) -> String { "10.0.\(number / 250).\(number % 250 + 1):8080" }
