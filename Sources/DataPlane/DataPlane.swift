// One request's way through a data plane, without input or output.
//
// A world tells events and carries out the actions that come back; the data plane never waits, reads no clock and calls
// nobody. The way of a request: `requestArrived` → the route's split picks a cluster, the cluster's balancer an endpoint →
// `setTimer` for the route's timeout and `startAttempt`; `attemptAnswered` → the balancer and fault detection learn how it
// went → `cancelTimer` and `respond`. The same bytes run in the simulator and behind sockets.

import FaultDetection
import LoadBalancing
import MeshCore
import TrafficSplitting

/// The joined decisions of one proxy, or of one event loop of it.
///
/// Not thread-safe by design: whoever owns it tells it one event at a time. After construction and once its slabs have grown
/// to their peaks, handling an event allocates nothing.
public struct DataPlane: ~Copyable {
  struct RequestRecord: BitwiseCopyable {
    var caller: CallerToken
    var randomness: RandomKey
    var context: PickContext
    var attempt: AttemptHandle
    var timer: TimerHandle
    var cluster: Int32
    var attempts: Int32
  }

  struct AttemptRecord: BitwiseCopyable {
    var sent: Timestamp
    var request: Int32
    var cluster: Int32
    var slot: Int32
    /// Whether it holds the permit of a probation.
    var isProbe: Bool
  }

  enum TimerPurpose: UInt8, BitwiseCopyable {
    case routeTimeout
    case penalty
  }

  struct TimerRecord: BitwiseCopyable {
    var purpose: TimerPurpose
    /// The request's slot, or the cluster.
    var subject: Int32
    /// The endpoint's slot and incarnation.
    var slot: Int32
    var incarnation: UInt32
  }

  private let profile: MeshProfile
  private var timeouts: Pool<TimeSpan>
  private var splits: WeightedSplit
  let clusters: UnsafeMutablePointer<ClusterState>
  /// How many clusters the mesh has.
  public let clusterCount: Int
  private var requests: Slab<RequestRecord>
  private var attempts: Slab<AttemptRecord>
  var timers: Slab<TimerRecord>
  var detectionRandom: RandomStream

  /// A data plane without endpoints: `endpointsChanged` brings them.
  ///
  /// - Parameters:
  ///   - mesh: What is deployed, checked.
  ///   - key: The root of the data plane's own streams, one a purpose; two data planes need two keys.
  public init(_ mesh: MeshDescription, key: RandomKey) {
    profile = mesh.profile
    timeouts = Pool(capacity: mesh.routes.count)
    for route in mesh.routes { timeouts.append(route.timeout ?? .zero) }
    splits = WeightedSplit(mesh.routes)
    clusterCount = mesh.clusters.count
    clusters = .allocate(capacity: max(1, mesh.clusters.count))
    let balancerKey = key.key(for: .balancer)
    for (index, cluster) in mesh.clusters.enumerated() {
      guard let policy = PolicyRegistry.policy(named: cluster.balancer.name) else {
        preconditionFailure("whoever describes a mesh names policies that are registered: the readers check it")
      }
      (clusters + index).initialize(
        to: ClusterState(
          cluster, balancer: policy.make(cluster.balancer.parameters), random: balancerKey.key(UInt64(index)).stream()))
    }
    requests = Slab()
    attempts = Slab()
    timers = Slab()
    detectionRandom = key.key(for: .detection).stream()
  }

  deinit {
    clusters.deinitialize(count: clusterCount)
    clusters.deallocate()
  }

  /// Requests that have no answer yet.
  public var openRequests: Int { requests.occupiedCount }

  /// Attempts that have no answer yet.
  public var openAttempts: Int { attempts.occupiedCount }

  /// Timers that are set.
  public var openTimers: Int { timers.occupiedCount }

  /// Endpoints of a cluster that may be chosen now.
  public func availableEndpoints(inCluster cluster: Int) -> Int { clusters[cluster].endpoints.availableCount }

  /// Tells what happened, and appends to `actions` what is to be done about it, in order.
  public mutating func handle(_ event: Event, at now: Timestamp, into actions: inout ActionBuffer) {
    switch event {
    case .requestArrived(let arrival):
      requestArrived(arrival, at: now, into: &actions)
    case .attemptAnswered(let attempt, let status):
      if attempts.contains(attempt) { end(attempt, .answered, status, .endpoint, at: now, into: &actions) }
    case .attemptFailed(let attempt, let failure):
      if attempts.contains(attempt) { end(attempt, .broken, status(of: failure), .transport, at: now, into: &actions) }
    case .timerDue(let timer):
      timerDue(timer, at: now, into: &actions)
    case .requestAbandoned(let request):
      if requests.contains(request) { abandon(request, at: now, into: &actions) }
    case .workObserved(let cluster, let endpoint, let work):
      if let slot = clusters[Int(cluster)].endpoints.slot(of: endpoint) {
        clusters[Int(cluster)].endpoints.observe(work, slot: slot)
      }
    }
  }

  /// What the caller of a broken attempt is told: 503, as Envoy does; Linkerd says 502, and 504 when the connection did not open
  /// in time.
  private func status(of failure: TransportFailure) -> Int16 {
    if profile != .linkerd { return 503 }
    return failure == .connectTimeout ? 504 : 502
  }

  /// Replaces a cluster's endpoints with what discovery says. Who stays keeps its state.
  public mutating func endpointsChanged(
    cluster: Int, _ endpoints: [EndpointDescription], at now: Timestamp, into actions: inout ActionBuffer
  ) {
    clusters[cluster].list(endpoints, at: now)
    dropPenaltiesOfTheGone(cluster: cluster, into: &actions)
  }

  @inline(__always)
  private mutating func requestArrived(
    _ arrival: RequestArrival, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if arrival.route < 0 {
      actions.append(.respond(arrival.caller, attempt: .none, status: 404, cause: .noRoute))
      return
    }
    var cluster = splits.onlyCluster(route: arrival.route)
    if cluster < 0 {
      cluster = splits.cluster(route: arrival.route, draw: arrival.randomness.key(for: .split).draw(0))
    }
    let context = arrival.hasKey ? PickContext(key: arrival.key) : PickContext()
    let record = RequestRecord(
      caller: arrival.caller, randomness: arrival.randomness, context: context, attempt: .none, timer: .none,
      cluster: cluster, attempts: 0)
    let request = requests.insert(record)
    let timeout = timeouts[arrival.route]
    if timeout.nanoseconds > 0 {
      let timer = timers.insert(
        TimerRecord(purpose: .routeTimeout, subject: request.index, slot: -1, incarnation: 0))
      requests[request.index].timer = timer
      actions.append(.setTimer(timer, deadline: now + timeout))
    }
    startAttempt(request, record, .first, at: now, into: &actions)
  }

  @inline(__always)
  private mutating func startAttempt(
    _ request: RequestHandle, _ record: RequestRecord, _ kind: AttemptKind, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    let number = record.attempts &+ 1
    // The n-th try compares the same endpoints in every variant that makes one.
    var draws = record.randomness.stream(for: .balancer, UInt64(UInt32(bitPattern: number)))
    let slot = clusters[Int(record.cluster)].begin(record.context, &draws, at: now)
    if slot < 0 {
      respond(request.index, .none, status: 503, .noEndpoint, into: &actions)
      return
    }
    let attempt = attempts.insert(
      AttemptRecord(
        sent: now, request: request.index, cluster: record.cluster, slot: slot,
        isProbe: clusters[Int(record.cluster)].hasSentProbe))
    requests.modify(request.index) { request in
      request.attempt = attempt
      request.attempts = number
    }
    actions.append(
      .startAttempt(
        AttemptStart(
          caller: record.caller, request: request, attempt: attempt, cluster: record.cluster,
          endpoint: clusters[Int(record.cluster)].endpoints.states[slot].identity, kind: kind, number: number)))
  }

  @inline(__always)
  private mutating func end(
    _ handle: AttemptHandle, _ ending: AttemptEnding, _ status: Int16, _ cause: ResponseCause, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    let attempt = attempts[handle.index]
    attempts.remove(at: handle.index)
    let outcome = AttemptOutcome(latency: now - attempt.sent, status: status, ending: ending)
    clusters[Int(attempt.cluster)].end(slot: attempt.slot, outcome, at: now)
    if clusters[Int(attempt.cluster)].detects {
      let isFailure = FailureClassification.isAccrualFailure(status: status, isAnswered: outcome.isAnswered)
      if isFailure || !clusters[Int(attempt.cluster)].accruals[attempt.slot].machine.isUntroubled {
        classified(attempt, isFailure: isFailure, at: now, into: &actions)
      }
    }
    respond(attempt.request, handle, status: status, cause, into: &actions)
  }

  @inline(__always)
  private mutating func respond(
    _ request: Int32, _ attempt: AttemptHandle, status: Int16, _ cause: ResponseCause,
    into actions: inout ActionBuffer
  ) {
    let (caller, timer) = (requests[request].caller, requests[request].timer)
    requests.remove(at: request)
    if timer.index >= 0 { drop(timer, into: &actions) }
    actions.append(.respond(caller, attempt: attempt, status: status, cause: cause))
  }

  private mutating func timerDue(_ timer: TimerHandle, at now: Timestamp, into actions: inout ActionBuffer) {
    if !timers.contains(timer) { return }
    let record = timers[timer.index]
    timers.remove(at: timer.index)
    switch record.purpose {
    case .routeTimeout:
      requests[record.subject].timer = .none
      let attempt = requests[record.subject].attempt
      actions.append(.cancelAttempt(attempt, caller: requests[record.subject].caller))
      end(attempt, .timedOut, 504, .routeTimeout, at: now, into: &actions)
    case .penalty:
      penaltyElapsed(record, at: now, into: &actions)
    }
  }

  private mutating func abandon(_ handle: RequestHandle, at now: Timestamp, into actions: inout ActionBuffer) {
    let request = requests[handle.index]
    requests.remove(at: handle.index)
    if attempts.contains(request.attempt) {
      let attempt = attempts[request.attempt.index]
      attempts.remove(at: request.attempt.index)
      let outcome = AttemptOutcome(latency: now - attempt.sent, status: 0, ending: .abandoned)
      clusters[Int(attempt.cluster)].end(slot: attempt.slot, outcome, at: now)
      if attempt.isProbe { clusters[Int(attempt.cluster)].returnPermit(slot: attempt.slot, at: now) }
      actions.append(.cancelAttempt(request.attempt, caller: request.caller))
    }
    if request.timer.index >= 0 { drop(request.timer, into: &actions) }
  }

  @inline(__always)
  mutating func drop(_ timer: TimerHandle, into actions: inout ActionBuffer) {
    timers.remove(at: timer.index)
    actions.append(.cancelTimer(timer))
  }
}
