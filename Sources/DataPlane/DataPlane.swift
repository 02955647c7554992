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
  /// A request and the attempt that is under way for it, on one cache line: the attempt goes by the request's handle. Of a request
  /// that may be tried again, and of a copy, it is the attempt alone.
  struct RequestRecord: BitwiseCopyable {
    var caller: CallerToken
    /// The route's timeout, or that of the try.
    var timer: TimerHandle
    /// When the attempt was sent.
    var sent: Timestamp
    var cluster: Int32
    /// The slot of the endpoint it was sent to, or -1.
    var slot: Int32
    /// The list of the groups that heard of it.
    var groups: Int32
    /// What it is a try of, `alone`, `copy`, or `answering`.
    var pursuit: Int32
    /// Whether the attempt holds the permit of a probation.
    var isProbe: Bool

    /// The request and its only attempt.
    static var alone: Int32 { -1 }
    /// An attempt whose answer nobody sees.
    static var copy: Int32 { -2 }
    /// An attempt whose request has its response, the rest of which is under way.
    static var answering: Int32 { -3 }

    /// Whether nobody sees its answer.
    var isCopy: Bool { pursuit == Self.copy }
  }

  /// What a route says, as far as each of its requests needs it.
  struct RoutePlan: BitwiseCopyable {
    var timeout: TimeSpan
    /// The cluster that each of its requests is sent to once, or -1 when there is more to decide.
    var simpleCluster: Int32
    /// The only cluster it leads to, or -1 when a draw decides.
    var onlyCluster: Int32
    /// Its rules of trying again, in `retryPlans`, or -1.
    var retry: Int32
    /// Its rule of dividing its requests beyond weights, in `splitRules`, or -1.
    var rule: Int32
    /// Whether a request that names an endpoint goes there or nowhere.
    var isStrict: Bool
  }

  enum TimerPurpose: UInt8, BitwiseCopyable {
    /// A request's only attempt, or a copy takes too long.
    case attemptTimeout
    /// Something is due that a request waits for which may be tried again.
    case pursuit
    case penalty
    case heartbeat
    case failFast
    case queuedTimeout
    case sweep
    case probe
    case healthCheck
    case connectionTrial
    case balancer
    case mergeWindow
    case breaker
  }

  struct TimerRecord: BitwiseCopyable {
    var purpose: TimerPurpose
    /// The request's or probe's slot, or the cluster.
    var subject: Int32
    /// The endpoint's slot, or the balancer's group; and the endpoint's incarnation.
    var slot: Int32
    var incarnation: UInt32
  }

  let profile: MeshProfile
  /// By route: where a session may be, of several clusters; empty where the cluster is drawn without a look at it.
  private let sessionClusters: [[Int32]]
  private(set) var routes: Pool<RoutePlan>
  var splits: WeightedSplit
  var splitRules: SplitRules
  var aggregates: [AggregateState]
  let clusters: UnsafeMutablePointer<ClusterState>
  /// How many clusters the mesh has.
  public let clusterCount: Int
  var requests: Slab<RequestRecord>
  /// Requests that may be tried again, beside their attempts.
  var pursuits: Slab<PursuitRecord>
  var retries: RetryRules
  var gates: RouteGates
  /// Requests that wait for an endpoint.
  var queued: Slab<QueuedRequest>
  var probes: Slab<ProbeRecord>
  var timers: Slab<TimerRecord>
  var detectionRandom: RandomStream
  /// Attempts under way that no request waits for: copies, and answers whose responses have begun.
  var openCopies = 0
  /// Attempts under way of requests that may be tried again.
  var openTries = 0
  /// When the answer that is being taken in asks to be tried again.
  var retryAfter: TimeSpan?
  /// What the answer that is being taken in says as gRPC's status, 1 … 16; -1 where it says none.
  var grpcStatus: Int16 = -1

  /// A data plane without endpoints: `endpointsChanged` brings them.
  ///
  /// - Parameters:
  ///   - mesh: What is deployed, checked: a policy that is not among `policies` stops the process.
  ///   - place: Which data plane of how many it is, and where.
  ///   - key: The root of the data plane's own streams, one a purpose; two data planes need two keys.
  ///   - policies: Those that the mesh may name, registered or one's own.
  public init(
    _ mesh: MeshDescription, place: BalancerContext = BalancerContext(), key: RandomKey,
    policies: [PolicyDescriptor] = PolicyRegistry.policies
  ) {
    profile = mesh.profile
    sessionClusters = mesh.routes.map { route in
      if mesh.profile != .grpc || route.statefulSession == nil || route.split.count < 2 { return [] }
      return route.split.map { Int32($0.cluster) }
    }
    splits = WeightedSplit(mesh.routes)
    splitRules = SplitRules(mesh)
    routes = Pool(capacity: mesh.routes.count)
    retries = RetryRules(mesh)
    gates = RouteGates(mesh, random: key.key(for: .admission).stream())
    for (index, route) in mesh.routes.enumerated() {
      let (onlyCluster, retry) = (splits.onlyCluster(route: Int32(index)), retries.plan(ofRoute: index))
      let rule = splitRules.number(ofRoute: Int32(index))
      routes.append(
        RoutePlan(
          timeout: route.timeout ?? .zero, simpleCluster: retry < 0 && rule < 0 ? onlyCluster : -1,
          onlyCluster: onlyCluster, retry: retry, rule: rule, isStrict: route.statefulSession?.isStrict ?? false))
      if let canary = route.canary {
        splits.setWeights(
          CanaryAnalysis.weights(route.split, canary: canary.destination, weight: 0), route: Int32(index))
      }
    }
    clusterCount = mesh.clusters.count
    aggregates = mesh.aggregates.map { AggregateState($0) }
    clusters = .allocate(capacity: max(1, mesh.clusters.count))
    let balancerKey = key.key(for: .balancer)
    for (index, cluster) in mesh.clusters.enumerated() {
      guard let policy = policies.first(where: { $0.name == cluster.balancer.name }) else {
        preconditionFailure("whoever describes a mesh names policies that are registered: the readers check it")
      }
      (clusters + index).initialize(
        to: ClusterState(
          cluster, criteria: mesh.routes.map(\.metadataMatch), policy: policy, place: place,
          key: balancerKey.key(UInt64(index))))
    }
    requests = Slab()
    pursuits = Slab(capacity: 8)
    queued = Slab(capacity: 8)
    probes = Slab(capacity: 8)
    timers = Slab()
    detectionRandom = key.key(for: .detection).stream()
  }

  deinit {
    clusters.deinitialize(count: clusterCount)
    clusters.deallocate()
  }

  /// Requests that have no answer yet.
  public var openRequests: Int {
    requests.occupiedCount - openCopies - openTries + pursuits.occupiedCount + queued.occupiedCount
  }

  /// Attempts that have no answer yet: at most one a request, and copies.
  public var openAttempts: Int { requests.occupiedCount }

  /// Probes that have no answer yet.
  public var openProbes: Int { probes.occupiedCount }

  /// Whether a cluster's balancer wants servers' reports of their load.
  public func wantsLoadReports(inCluster cluster: Int) -> Bool { clusters[cluster].wantsLoadReports }

  /// Whether a cluster's balancer may probe endpoints.
  public func mayProbe(inCluster cluster: Int) -> Bool {
    clusters[cluster].hasWishes || clusters[cluster].hearsHeartbeats
  }

  /// Timers that are set.
  public var openTimers: Int { timers.occupiedCount }

  /// Endpoints of a cluster that may be chosen now.
  public func availableEndpoints(inCluster cluster: Int) -> Int { clusters[cluster].endpoints.healthyCount }

  /// Tells what happened, and appends to `actions` what is to be done about it, in order.
  public mutating func handle(_ event: Event, at now: Timestamp, into actions: inout ActionBuffer) {
    switch event {
    case .requestArrived(let arrival):
      requestArrived(arrival, at: now, into: &actions)
    case .attemptAnswered(let attempt, let status):
      attemptAnswered(attempt, status: status, at: now, into: &actions)
    case .answerBegan(let attempt, let status):
      answerBegan(attempt, status: status, at: now, into: &actions)
    case .answerPutOff(let attempt, let status, let retryAfter):
      putOff(attempt, status: status, retryAfter: retryAfter, isWhole: false, at: now, into: &actions)
    case .callFailed(let attempt, let grpcStatus, let isWhole):
      callFailed(attempt, grpcStatus: grpcStatus, isWhole: isWhole, at: now, into: &actions)
    case .retriesEnded(let request):
      retriesEnded(request)
    case .attemptFailed(let attempt, let failure):
      if !requests.contains(attempt) { return }
      if failure == .overflow {
        overflowed(attempt, at: now, into: &actions)
      } else {
        end(attempt, .broken, status(of: failure), .transport, at: now, into: &actions, failure)
      }
    case .attemptPutOff(let attempt, let status, let retryAfter):
      putOff(attempt, status: status, retryAfter: retryAfter, isWhole: true, at: now, into: &actions)
    case .loadReported(let attempt, let report):
      loadReported(attempt, report, at: now, into: &actions)
    case .probeAnswered(let probe, let report):
      probeEnded(probe, report, at: now, into: &actions)
    case .healthAnswered(let probe, let answer):
      healthAnswered(probe, answer, at: now, into: &actions)
    case .probeFailed(let probe, let failure):
      probeFailed(probe, failure, at: now, into: &actions)
    case .leaveRequested(let attempt):
      leaveRequested(attempt, at: now, into: &actions)
    case .timerDue(let timer):
      timerDue(timer, at: now, into: &actions)
    case .requestAbandoned(let request):
      if requests.contains(request) {
        abandon(request, at: now, into: &actions)
      } else if !abandonQueued(request, into: &actions) {
        abandonPursuit(request, at: now, into: &actions)
      }
    case .workObserved(let cluster, let endpoint, let work):
      if let slot = clusters[Int(cluster)].endpoints.slot(of: endpoint) {
        clusters[Int(cluster)].observed(work, slot: slot)
      }
    }
  }

  /// What `handle` does with `.requestArrived`, for worlds that know what they have.
  @inline(never)
  public mutating func requestArrived(
    _ arrival: RequestArrival, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    actions.reserve(2)
    if arrival.route < 0 {
      actions.appendReserved(.respond(arrival.caller, attempt: .none, status: 404, cause: .noRoute))
      return
    }
    let plan = routes[arrival.route]
    var cluster = plan.simpleCluster
    let slot: Int32
    if UInt32(bitPattern: cluster) < UInt32(truncatingIfNeeded: clusterCount) && arrival.override.number < 0 {
      // The n-th try compares the same endpoints in every variant that makes one.
      var draws = arrival.randomness.stream(for: .balancer, 1)
      let context = PickContext(key: arrival.key, hasKey: arrival.hasKey)
      slot = clusters[Int(cluster)].begin(context, route: arrival.route, &draws, at: now)
    } else if plan.retry < 0 {
      (cluster, slot) = beginElsewhere(arrival, plan, at: now)
    } else {
      pursue(arrival, at: now, into: &actions)
      return
    }
    if slot < 0 {
      foundNobody(arrival, plan, toward: cluster, cluster: cluster, at: now, into: &actions)
      return
    }
    let request = record(arrival.caller, cluster, slot: slot, pursuit: RequestRecord.alone, at: now)
    limit(request, to: plan.timeout, at: now, into: &actions)
    start(request, arrival.caller, cluster, slot: slot, .first, number: 1, into: &actions)
    if clusters[Int(cluster)].readRepairChance > 0 && arrival.override.number < 0 {
      copyToOthers(arrival, plan.timeout, cluster, slot: slot, at: now, into: &actions)
    }
    if clusters[Int(cluster)].hasWishes { grantWishes(cluster: Int(cluster), at: now, into: &actions) }
  }

  /// Begins a request whose cluster is not settled by its route, or that names its endpoint itself. Apart, because all of that in
  /// line crowds the common way.
  @inline(never)
  mutating func beginElsewhere(
    _ arrival: RequestArrival, _ plan: RoutePlan, at now: Timestamp
  ) -> (cluster: Int32, slot: Int32) {
    begin(arrival, plan, toward: destination(of: arrival, plan), at: now)
  }

  /// Begins a request whose destination is settled.
  mutating func begin(
    _ arrival: RequestArrival, _ plan: RoutePlan, toward destination: Int32, at now: Timestamp
  ) -> (cluster: Int32, slot: Int32) {
    var draws = arrival.randomness.stream(for: .balancer, 1)
    guard let (cluster, chosen) = member(of: destination, &draws) else {
      return (destination < 0 ? Self.nowhere : Self.nowhere - 1, -1)
    }
    var named: Int32 = -1
    if arrival.override.number >= 0 {
      // Envoy looks for the endpoint before it balances, and an aggregate has none of its own: it is not found. Where the first
      // member that works takes all, the member looks (gRPC).
      named =
        chosen == nil
        ? clusters[Int(cluster)].slot(named: arrival.override, isStrict: plan.isStrict) : plan.isStrict ? -2 : -1
      if named < -1 { return (cluster, -1) }
    }
    let context = PickContext(key: arrival.key, hasKey: arrival.hasKey)
    let slot = clusters[Int(cluster)].begin(
      context, route: arrival.route, named: named, within: chosen, &draws, at: now)
    return (cluster, slot)
  }

  /// gRPC's cookies name a cluster too, and it is taken before one is drawn, whatever its weight (A60). Which it was is seen from the
  /// endpoint here: so a session whose endpoint has gone is drawn anew.
  private func clusterOfSession(_ arrival: RequestArrival, drawn: Int32) -> Int32 {
    let candidates = sessionClusters[Int(arrival.route)]
    if candidates.isEmpty || has(arrival.override, drawn) { return drawn }
    return candidates.first { has(arrival.override, $0) } ?? drawn
  }

  /// Whether a cluster, or one that an aggregate lists, has an endpoint.
  private func has(_ endpoint: EndpointIdentity, _ destination: Int32) -> Bool {
    if destination < 0 { return false }
    let aggregate = Int(destination) - clusterCount
    if aggregate < 0 { return clusters[Int(destination)].lists(endpoint) }
    return aggregates[aggregate].clusters.contains { clusters[$0].lists(endpoint) }
  }

  /// The cluster or the aggregate that a request is for, or `nowhere`. `number` counts its draws.
  mutating func destination(of arrival: RequestArrival, _ plan: RoutePlan, draw number: UInt64 = 0) -> Int32 {
    var cluster = plan.onlyCluster
    if plan.rule >= 0 {
      cluster = ruledDestination(of: arrival, rule: plan.rule, draw: number)
    } else if cluster < 0 {
      cluster = splits.cluster(route: arrival.route, draw: arrival.randomness.key(for: .split).draw(number))
    }
    return arrival.override.number >= 0 ? clusterOfSession(arrival, drawn: cluster) : cluster
  }

  /// The cluster that a try goes to, and the priority if that is chosen with it.
  mutating func member(
    of destination: Int32, _ draws: inout RandomStream
  ) -> (cluster: Int32, choice: PriorityChoice?)? {
    if destination < 0 { return nil }
    if Int(destination) < clusterCount { return (destination, nil) }
    return member(ofAggregate: Int(destination) - clusterCount, draws.next())
  }

  /// Keeps what is to be known of a request, or of an attempt, that its cluster has just counted in.
  @inline(__always)
  mutating func record(
    _ caller: CallerToken, _ cluster: Int32, slot: Int32, pursuit: Int32, at now: Timestamp
  ) -> RequestHandle {
    requests.insert(
      RequestRecord(
        caller: caller, timer: .none, sent: now, cluster: cluster, slot: slot,
        groups: clusters[Int(cluster)].begunList, pursuit: pursuit, isProbe: clusters[Int(cluster)].hasSentProbe))
  }

  /// Sets the timer of an attempt's timeout, if there is one. Room for the action is reserved.
  @inline(__always)
  mutating func limit(
    _ request: RequestHandle, to timeout: TimeSpan, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if timeout.nanoseconds > 0 {
      let timer = timers.insert(
        TimerRecord(purpose: .attemptTimeout, subject: request.index, slot: -1, incarnation: 0))
      requests[request.index].timer = timer
      actions.appendReserved(.setTimer(timer, deadline: now + timeout))
    }
  }

  /// Asks for a request's only attempt.
  @inline(__always)
  func start(
    _ request: RequestHandle, _ caller: CallerToken, _ cluster: Int32, slot: Int32, _ kind: AttemptKind, number: Int32,
    into actions: inout ActionBuffer
  ) {
    actions.appendReserved(
      .startAttempt(
        AttemptStart(
          caller: caller, request: request, attempt: request, cluster: cluster,
          endpoint: clusters[Int(cluster)].endpoints.states[slot].identity, kind: kind, number: number)))
  }

  /// What `handle` does with `.attemptAnswered`, for worlds that know what they have.
  @inline(never)
  public mutating func attemptAnswered(
    _ attempt: AttemptHandle, status: Int16, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    if requests.contains(attempt) { end(attempt, .answered, status, .endpoint, at: now, into: &actions) }
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
    var listing = endpoints
    if clusters[cluster].checksHealth {
      listing = clusters[cluster].health.takeIn(endpoints, clusters[cluster].endpoints)
    }
    if let merged = merged(listing, cluster: cluster, at: now, into: &actions) {
      list(merged, cluster: cluster, at: now, into: &actions)
    }
  }

  /// Hands a cluster its endpoints.
  mutating func list(
    _ endpoints: [EndpointDescription], cluster: Int, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    clusters[cluster].list(endpoints, at: now)
    if clusters[cluster].checksHealth { followHealthChecks(cluster: cluster, at: now, into: &actions) }
    dropPenaltiesOfTheGone(cluster: cluster, at: now, into: &actions)
    if clusters[cluster].failsFast { followFailFast(cluster: cluster, at: now, into: &actions) }
    dropCopiesToTheGone(cluster: cluster, at: now, into: &actions)
    grantWishes(cluster: cluster, at: now, into: &actions)
    reportPanic(cluster: cluster, into: &actions)
    releaseQueue(cluster: cluster, at: now, into: &actions)
    if clusters[cluster].hearsHeartbeats { startHeartbeats(cluster: cluster, at: now, into: &actions) }
  }

  @inline(__always)
  private mutating func end(
    _ handle: AttemptHandle, _ ending: AttemptEnding, _ status: Int16, _ cause: ResponseCause, at now: Timestamp,
    into actions: inout ActionBuffer, _ failure: TransportFailure? = nil
  ) {
    let (cluster, pursuit) = countOut(handle.index, ending, status, failure, at: now, into: &actions)
    if pursuit == RequestRecord.alone {
      respond(handle, handle, status: status, cause, into: &actions)
    } else if pursuit < RequestRecord.alone {
      forgetCopy(handle.index, into: &actions)
    } else {
      tryEnded(handle, ending, status, cause, failure, at: now, into: &actions)
    }
    if clusters[cluster].hasWishes { grantWishes(cluster: cluster, at: now, into: &actions) }
  }

  /// Tells an attempt's cluster how it ended: its balancers and whatever watches its endpoints for faults.
  @inline(__always)
  mutating func countOut(
    _ index: Int32, _ ending: AttemptEnding, _ status: Int16, _ failure: TransportFailure? = nil, at now: Timestamp,
    into actions: inout ActionBuffer
  ) -> (cluster: Int, pursuit: Int32) {
    let (sent, cluster, slot, list, pursuit) = requests.modify(index) { request in
      (request.sent, Int(request.cluster), request.slot, request.groups, request.pursuit)
    }
    let outcome = AttemptOutcome(latency: now - sent, status: status, ending: ending)
    clusters[cluster].end(slot: slot, groups: list, outcome, at: now)
    if clusters[cluster].detects {
      let isFailure = FailureClassification.isAccrualFailure(status: status, isAnswered: outcome.isAnswered)
      // A try that has gone on beyond its time was heard of then.
      let isKnown = pursuit >= 0 ? pursuits[pursuit].tries.isOverdue(index) : false
      if !isKnown && (isFailure || clusters[cluster].listens(slot: slot)) {
        detect(cluster: cluster, slot: slot, outcome, failure, at: now, into: &actions)
      }
    }
    return (cluster, pursuit)
  }

  @inline(__always)
  mutating func respond(
    _ request: RequestHandle, _ attempt: AttemptHandle, status: Int16, _ cause: ResponseCause,
    into actions: inout ActionBuffer
  ) {
    actions.reserve(2)
    let (caller, timer) = requests.modify(request.index) { ($0.caller, $0.timer) }
    requests.remove(at: request.index)
    if timer.index >= 0 { drop(timer, into: &actions) }
    actions.appendReserved(.respond(caller, attempt: attempt, status: status, cause: cause))
  }

  private mutating func timerDue(_ timer: TimerHandle, at now: Timestamp, into actions: inout ActionBuffer) {
    if !timers.contains(timer) { return }
    let record = timers[timer.index]
    timers.remove(at: timer.index)
    switch record.purpose {
    case .attemptTimeout:
      requests[record.subject].timer = .none
      attemptTimedOut(record.subject, at: now, into: &actions)
    case .pursuit:
      deadlinesDue(record.subject, at: now, into: &actions)
    case .penalty:
      penaltyElapsed(record, at: now, into: &actions)
    case .heartbeat:
      heartbeatDue(cluster: Int(record.subject), at: now, into: &actions)
    case .failFast:
      failFast(cluster: Int(record.subject), at: now, into: &actions)
    case .queuedTimeout:
      queuedTimedOut(record.subject, at: now, into: &actions)
    case .sweep:
      sweepDue(cluster: Int(record.subject), at: now, into: &actions)
    case .probe:
      probeTimedOut(record.subject, at: now, into: &actions)
    case .healthCheck:
      healthCheckDue(record, at: now, into: &actions)
    case .connectionTrial:
      connectionTrialDue(record, at: now, into: &actions)
    case .balancer:
      balancerDue(cluster: Int(record.subject), group: Int(record.slot), at: now, into: &actions)
    case .mergeWindow:
      mergeWindowDue(cluster: Int(record.subject), priority: record.slot, at: now, into: &actions)
    case .breaker:
      if let resource = BreakerResource(rawValue: UInt8(truncatingIfNeeded: record.slot)) {
        breakerDue(cluster: Int(record.subject), resource, at: now, into: &actions)
      }
    }
  }

  /// An attempt has taken too long.
  mutating func attemptTimedOut(_ index: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    let attempt = requests.handle(at: index)
    actions.append(.cancelAttempt(attempt, caller: requests[index].caller))
    end(attempt, .timedOut, 504, .routeTimeout, at: now, into: &actions)
  }

  private mutating func abandon(_ handle: RequestHandle, at now: Timestamp, into actions: inout ActionBuffer) {
    let timer = requests[handle.index].timer
    withdraw(handle, .abandoned, at: now, into: &actions)
    if requests[handle.index].pursuit < RequestRecord.alone { openCopies -= 1 }
    requests.remove(at: handle.index)
    if timer.index >= 0 { drop(timer, into: &actions) }
  }

  /// Gives up an attempt whose answer nobody wants any more: its cluster counts it out and hears no verdict. The record stays.
  @inline(never)
  mutating func withdraw(
    _ attempt: AttemptHandle, _ ending: AttemptEnding, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    actions.append(.cancelAttempt(attempt, caller: requests[attempt.index].caller))
    countOutUnheard(attempt, ending, at: now, into: &actions)
  }

  /// Counts an attempt out of which nobody says how it went.
  mutating func countOutUnheard(
    _ attempt: AttemptHandle, _ ending: AttemptEnding, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let record = requests[attempt.index]
    let cluster = Int(record.cluster)
    clusters[cluster].health.hasTraffic = true
    let outcome = AttemptOutcome(latency: now - record.sent, status: 0, ending: ending)
    clusters[cluster].end(slot: record.slot, groups: record.groups, outcome, at: now)
    if record.isProbe {
      clusters[cluster].returnPermit(slot: record.slot, at: now)
      releaseQueue(cluster: cluster, at: now, into: &actions)
    }
  }

  /// Sets a timer, of a request's or a probe's slot or of a cluster and maybe an endpoint in it.
  mutating func setTimer(
    _ purpose: TimerPurpose, _ subject: Int32, slot: Int32 = -1, incarnation: UInt32 = 0, deadline: Timestamp,
    into actions: inout ActionBuffer
  ) -> TimerHandle {
    let timer = timers.insert(
      TimerRecord(purpose: purpose, subject: subject, slot: slot, incarnation: incarnation))
    actions.append(.setTimer(timer, deadline: deadline))
    return timer
  }

  @inline(__always)
  mutating func drop(_ timer: TimerHandle, into actions: inout ActionBuffer) {
    timers.remove(at: timer.index)
    actions.append(.cancelTimer(timer))
  }
}
