// A data plane with somebody who carries its actions out: keeps what is under way and complains about what does not fit.

import LoadBalancing
import MeshCore

@testable import DataPlane

/// One data plane over one cluster, and the reference accounts of what it has asked for.
struct Harness: ~Copyable {
  struct OpenAttempt {
    var start: AttemptStart
  }

  var plane: DataPlane
  var actions = ActionBuffer()
  var now = Timestamp.zero
  var wanted: UInt64 = 0
  /// Requests without an answer, with the handle their attempt has named.
  var open: [UInt64: RequestHandle] = [:]
  var attempts: [OpenAttempt] = []
  /// Attempts that were answered, cancelled or given up: whatever is said of them must change nothing.
  var pastAttempts: [AttemptHandle] = []
  var timers: [(handle: TimerHandle, deadline: Timestamp)] = []
  var pastTimers: [TimerHandle] = []
  var probes: [ProbeStart] = []
  var answers: [(caller: UInt64, status: Int16, cause: ResponseCause)] = []
  var notices: [DetectionNotice] = []
  /// Requests that have waited, and the paces of answers that are handed on slowly.
  var held: [UInt64] = []
  var slowAnswers: [Int64] = []
  /// What did not fit.
  var complaints: [String] = []

  init(
    timeout: TimeSpan? = nil, accrual: ConsecutiveAccrualDescription? = nil, balancer: String = "roundRobin",
    profile: MeshProfile = .weir, layers: LayersDescription? = nil, metadataMatch: [NamedValue]? = nil,
    place: BalancerContext = BalancerContext(), seed: UInt64 = 1, mergeWindow: TimeSpan = .zero,
    slowStart: SlowStartDescription? = nil, parameters: [(name: String, value: ParameterValue)] = [],
    policies: [PolicyDescriptor] = PolicyRegistry.policies, session: StatefulSessionDescription? = nil,
    overrideHostStatus: [HostStatus] = HostStatus.accepted, failover: FailoverRule = .spillOver,
    retry: RetryDescription? = nil, maxRetries: Int32? = nil,
    hedge: HedgeDescription? = nil, mirrors: [MirrorDescription] = [],
    failureAccrual: FailureAccrualDescription? = nil, queue: QueueDescription? = nil,
    phi: PhiAccrualDescription? = nil,
    outlierDetection: OutlierDetectionDescription? = nil, gates: GatesDescription? = nil,
    breaker: CircuitBreakerDescription = CircuitBreakerDescription(),
    healthCheck: HealthCheckDescription? = nil, failsFast: Bool = false
  ) {
    let policy = PolicyChoice(
      name: balancer,
      parameters: PolicyParameters(policies.first { $0.name == balancer }?.parameters ?? [], given: parameters))
    var cluster = ClusterDescription(
      name: "web", service: "web", balancer: policy, failureAccrual: failureAccrual ?? accrual.map { .consecutive($0) })
    cluster.updateMergeWindow = mergeWindow
    cluster.queue = queue
    cluster.phi = phi
    cluster.failsFast = failsFast
    cluster.layers = layers
    cluster.slowStart = slowStart
    cluster.overrideHostStatus = overrideHostStatus
    cluster.failover = failover
    cluster.circuitBreaker = breaker
    if let maxRetries { cluster.circuitBreaker.maxRetries = maxRetries }
    cluster.outlierDetection = outlierDetection
    cluster.healthCheck = healthCheck
    var route = RouteDescription(
      match: RouteMatch(host: "web"), split: [WeightedCluster(cluster: 0)], timeout: timeout,
      metadataMatch: metadataMatch)
    route.statefulSession = session
    route.retry = retry
    route.hedge = hedge
    route.gates = gates
    route.mirrors = mirrors
    let mesh = MeshDescription(profile: profile, clusters: [cluster], routes: [route])
    plane = DataPlane(
      mesh, place: place, key: RandomKey(seed: seed, replication: 0, purpose: .balancer, entity: 7), policies: policies)
  }

  mutating func list(_ numbers: [Int32]) {
    listAs(numbers.map { EndpointDescription(identity: EndpointIdentity($0)) })
  }

  mutating func listAs(_ endpoints: [EndpointDescription]) {
    plane.endpointsChanged(cluster: 0, endpoints, at: now, into: &actions)
    carryOut()
  }

  @discardableResult
  mutating func request(route: Int32 = 0, key: UInt64? = nil, naming endpoint: Int32 = -1) -> UInt64 {
    wanted += 1
    open[wanted] = RequestHandle.none
    tell(
      .requestArrived(
        RequestArrival(
          caller: CallerToken(wanted), route: route, randomness: RandomKey(value: mix64(wanted)), key: key ?? 0,
          hasKey: key != nil, override: EndpointIdentity(endpoint))))
    return wanted
  }

  /// Answers the oldest attempt at an endpoint, or the oldest of all, leaving some out.
  mutating func answer(_ status: Int16 = 200, from endpoint: Int32? = nil, leavingOut skipped: Int = 0) {
    guard
      let place = attempts.indices.dropFirst(skipped).first(where: {
        endpoint == nil || attempts[$0].start.endpoint.number == endpoint
      })
    else {
      complaints.append("nothing to answer")
      return
    }
    let attempt = attempts.remove(at: place).start.attempt
    pastAttempts.append(attempt)
    tell(.attemptAnswered(attempt, status: status))
  }

  mutating func breakAttempt(_ failure: TransportFailure) {
    if attempts.isEmpty { return }
    let attempt = attempts.removeFirst().start.attempt
    pastAttempts.append(attempt)
    tell(.attemptFailed(attempt, failure))
  }

  mutating func abandon(_ caller: UInt64) {
    guard let request = open.removeValue(forKey: caller) else { return }
    tell(.requestAbandoned(request))
  }

  /// Moves the clock on and tells the timers that are due, in order.
  mutating func advance(to instant: Timestamp) {
    while true {
      var earliest: Int?
      for place in timers.indices where timers[place].deadline <= instant {
        if let best = earliest, timers[best].deadline <= timers[place].deadline { continue }
        earliest = place
      }
      guard let earliest else { break }
      let timer = timers.remove(at: earliest)
      now = max(now, timer.deadline)
      pastTimers.append(timer.handle)
      tell(.timerDue(timer.handle))
    }
    now = instant
  }

  mutating func advance(by span: TimeSpan) { advance(to: now + span) }

  mutating func tell(_ event: Event) {
    plane.handle(event, at: now, into: &actions)
    carryOut()
  }

  private mutating func carryOut() {
    for place in 0..<actions.count {
      switch actions[place] {
      case .startAttempt(let start):
        // Of a copy nobody hears, and the request it was made of may be over by now.
        if start.kind != .mirror && open.updateValue(start.request, forKey: start.caller.value) == nil {
          complaints.append("an attempt for nobody")
        }
        attempts.append(OpenAttempt(start: start))
      case .cancelAttempt(let handle, _):
        if let known = attempts.firstIndex(where: { $0.start.attempt == handle }) {
          attempts.remove(at: known)
          pastAttempts.append(handle)
        } else {
          complaints.append("cancels an attempt that is not under way")
        }
      case .startProbe(let start): probes.append(start)
      case .cancelProbe(let probe):
        if !probes.contains(where: { $0.probe == probe }) { complaints.append("cancels a probe that is not under way") }
        probes.removeAll { $0.probe == probe }
      case .respond(let caller, _, let status, let cause):
        if open.removeValue(forKey: caller.value) == nil { complaints.append("answers \(caller.value) twice") }
        answers.append((caller.value, status, cause))
      case .setTimer(let handle, let deadline), .setBackgroundTimer(let handle, let deadline):
        if deadline < now { complaints.append("a timer in the past") }
        if timers.contains(where: { $0.handle.index == handle.index }) { complaints.append("a timer set twice") }
        timers.append((handle, deadline))
      case .cancelTimer(let handle):
        if let known = timers.firstIndex(where: { $0.handle == handle }) {
          timers.remove(at: known)
          pastTimers.append(handle)
        } else {
          complaints.append("cancels a timer that is not set")
        }
      case .respondSlowly(let caller, _, let status, let rate):
        if open.removeValue(forKey: caller.value) == nil { complaints.append("answers \(caller.value) twice") }
        answers.append((caller.value, status, .endpoint))
        slowAnswers.append(rate)
      case .hold(let caller, let request, _):
        held.append(caller.value)
        if open.updateValue(request, forKey: caller.value) == nil { complaints.append("holds nobody's request") }
      case .report(let notice): notices.append(notice)
      }
    }
    actions.removeAll()
    if plane.openRequests != open.count { complaints.append("\(plane.openRequests) requests, not \(open.count)") }
    if plane.openAttempts != attempts.count {
      complaints.append("\(plane.openAttempts) attempts, not \(attempts.count)")
    }
    if plane.openTimers != timers.count { complaints.append("\(plane.openTimers) timers, not \(timers.count)") }
    checkInFlight()
  }

  private mutating func checkInFlight() {
    var sum: Int32 = 0
    for slot in 0..<plane.clusters[0].endpoints.states.count {
      let state = plane.clusters[0].endpoints.states[slot]
      sum += state.inFlight
      var mine: Int32 = 0
      for attempt in attempts where attempt.start.endpoint == state.identity { mine += 1 }
      if state.inFlight > mine || state.inFlight < 0 {
        complaints.append("endpoint \(state.identity.number) has \(state.inFlight) in flight, not \(mine)")
      }
    }
    if Int(sum) != attempts.count { complaints.append("\(sum) in flight, not \(attempts.count)") }
  }

  /// The endpoint of the youngest attempt.
  var lastEndpoint: Int32 { attempts.last?.start.endpoint.number ?? -1 }

  var available: Int { plane.availableEndpoints(inCluster: 0) }
}
