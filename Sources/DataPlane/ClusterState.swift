// One cluster inside one data plane: its endpoints, its balancers, what fault detection knows of each endpoint.

import FaultDetection
import LoadBalancing
import MeshCore

/// The timer that ends an endpoint's penalty.
struct EndpointPenalty: BitwiseCopyable {
  /// The penalty's timer, or none.
  var timer: TimerHandle
  /// Whose failure accrual the slot has.
  var incarnation: UInt32
}

/// Who keeps an endpoint out by watching its health. Balancers may not know it yet.
struct WatchedHealth: BitwiseCopyable {
  var exclusions: EndpointExclusions
  /// Whose health it is.
  var incarnation: UInt32
}

/// A cluster's live state.
struct ClusterState: ~Copyable {
  /// What may be chosen, and what is in flight.
  var endpoints: EndpointSet
  /// Changes that wait for their merge window; nil without one.
  var merging: EndpointMerging?
  /// Who chooses: one group without layers, else one for each part of the endpoints that requests are sent to.
  var groups: BalancingGroups
  /// The layers around the balancer, if any.
  var layers: ClusterLayers?
  /// Whether there are any.
  let isLayered: Bool
  /// Whether a choice is the balancer's alone: without layers, and without fail-fast.
  private let choosesPlainly: Bool
  /// The group of each key that has had one.
  var groupNumbers: [GroupKey: Int32] = [:]
  /// Which endpoint is in which groups.
  var groupLists = GroupLists()
  /// Which groups are to hear what an endpoint reports.
  var reportLists = GroupLists()
  /// For what layers draw when endpoints change.
  var layerRandom: RandomStream
  /// How often endpoints have been sorted into groups.
  var regroupings: UInt64 = 0
  /// By route, the group that all of its requests go to which name no key; -1 when that depends on the request.
  var soleGroups: Pool<Int32>
  private var wasInPanic = false
  private let policy: PolicyDescriptor
  private let parameters: PolicyParameters
  private let place: BalancerContext
  private let key: RandomKey
  /// What failures count as for the balancer, if they are penalised.
  private let biaser: LoadBiaser?
  /// When the answer that is being taken in asks to be tried again.
  var retryAfter: TimeSpan?
  /// The share of requests that are copied to all endpoints that have their data.
  let readRepairChance: Double
  /// The group that the last choice in layers was made in.
  private var lastGroup = 0
  /// Whether the balancer wants to hear of attempts.
  private let observesAttempts: Bool
  /// Whether the balancer may ask for something.
  let hasWishes: Bool
  /// Whether the balancer goes by the number that chose the priority.
  private let sharesDraws: Bool
  /// Whether the priority goes by the key, as the endpoint does.
  private let sharesKeys: Bool
  /// Whether the balancer, or a layer around it, wants servers' reports of their load.
  let wantsLoadReports: Bool
  /// Whether localities are chosen by load.
  private let isLoadAware: Bool
  /// Whether anything hears how attempts end, to find endpoints that fail.
  private(set) var detects: Bool
  /// Whether failure accrual is on.
  let accrues: Bool
  /// Whether a detector counts successes too. Without one they matter only to an endpoint that has failed.
  private var countsSuccesses: Bool
  private let alwaysCountsSuccesses: Bool
  /// Which endpoints a request may name itself.
  private let overrideHost: OverrideHost
  /// Whether the attempt that began last is a probe.
  private(set) var hasSentProbe = false
  /// The list of the groups that heard of the attempt that began last.
  private(set) var begunList: Int32 = 0
  /// Failure accrual by slot, and its timers; empty when off.
  var accruals: EndpointAccruals
  var penalties: Pool<EndpointPenalty>
  /// Whether endpoints are left alone to which no connection opens, and who is.
  let failsFast: Bool
  var failFast: FailFastRecords
  /// Whether endpoints are asked for heartbeats; by slot, what is known of them, and the timer of the next question.
  let hearsHeartbeats: Bool
  private(set) var phi: PhiDetectors
  private var heartbeatIncarnations = Pool<UInt32>()
  var heartbeatTimer = TimerHandle.none
  /// Who waits for an endpoint, if anybody may.
  var queue: RequestQueue?
  /// What outlier detection and health checks say, by slot; empty where both are off.
  var watched = Pool<WatchedHealth>()
  /// Whether outlier detection is on.
  let detectsOutliers: Bool
  /// Outlier detection; without endpoints when off.
  var outliers: OutlierDetection
  /// The timer of its next sweep, or none.
  var sweepTimer = TimerHandle.none
  /// Whether the circuit breaker counts connections and what is on them.
  let countsConnections: Bool
  /// What is open.
  var breaker: CircuitBreaker
  /// What people know of its refusals.
  var trips = BreakerTrips()
  /// Active health checks, and whether there are any.
  var health: HealthChecks
  let checksHealth: Bool

  init(
    _ description: ClusterDescription, criteria: [[NamedValue]?], policy: PolicyDescriptor, place: BalancerContext,
    key: RandomKey
  ) {
    let parameters = description.balancer.parameters
    soleGroups = Pool(repeating: -1, count: criteria.count)
    let balancer = policy.make(parameters, Self.place(place, description))
    observesAttempts = balancer.observesAttempts
    hasWishes = balancer.hasWishes
    let isLoadAware = description.layers?.loadAwareLocality != nil
    self.isLoadAware = isLoadAware
    // Between load-aware localities and the balancer within one nothing is handed on (Envoy).
    //
    // Not `&&` and `||`: their right sides are closures, and one that reads a part of `self` in the initialiser of a noncopyable
    // type is miscompiled by an optimising build of Swift 6.3 (who reads the value crashes, while debug builds are sound).
    sharesDraws = isLoadAware ? false : balancer.sharesDraws
    sharesKeys = isLoadAware ? false : policy.placesKeys
    wantsLoadReports = isLoadAware ? true : balancer.wantsLoadReports
    let first = GroupKey(subset: 0, priority: 0, zone: GroupKey.allZones, source: .healthy)
    groupNumbers[first] = 0
    endpoints = EndpointSet(offer: balancer.offer)
    merging = EndpointMerging(window: description.updateMergeWindow)
    groups = BalancingGroups()
    groups.append(BalancingGroup(key: first, balancer: balancer, random: key.stream()))
    layers = description.layers.map {
      ClusterLayers($0, failover: description.failover, place: place, criteria: criteria)
    }
    isLayered = description.layers != nil
    failsFast = description.failsFast
    failFast = FailFastRecords(connectTimeout: description.connectTimeout)
    choosesPlainly = description.layers != nil ? false : !description.failsFast
    layerRandom = key.key(1).stream()
    self.policy = policy
    self.parameters = parameters
    self.place = Self.place(place, description)
    self.key = key
    biaser = description.layers?.failurePenalty.map { LoadBiaser(penalty: $0) }
    readRepairChance = description.layers?.tokenAware?.readRepairChance ?? 0
    let accrual = description.failureAccrual ?? .consecutive(ConsecutiveAccrualDescription())
    accrues = description.failureAccrual != nil
    let hearsAll = description.outlierDetection != nil
    detectsOutliers = hearsAll
    outliers = OutlierDetection(description.outlierDetection ?? OutlierDetectionDescription())
    let isChecked = description.healthCheck != nil
    health = HealthChecks(description.healthCheck)
    checksHealth = isChecked
    let countsAlways: Bool
    if case .consecutive = accrual { countsAlways = hearsAll } else { countsAlways = true }
    alwaysCountsSuccesses = countsAlways
    // Until there has been traffic, health checks want to know of it.
    countsSuccesses = isChecked ? true : countsAlways
    let hears = description.failsFast ? true : hearsAll
    detects = description.failureAccrual != nil ? true : hears ? true : isChecked
    overrideHost = OverrideHost(accepting: description.overrideHostStatus)
    accruals = EndpointAccruals(accrual)
    penalties = Pool()
    hearsHeartbeats = description.phi != nil
    phi = PhiDetectors(description.phi ?? PhiAccrualDescription())
    countsConnections = description.circuitBreaker.countsConnections
    breaker = CircuitBreaker(description.circuitBreaker, isTunnel: description.transport == .tcp)
    queue = description.queue.map { RequestQueue(machine: FailFastQueue($0)) }
  }

  private static func place(_ place: BalancerContext, _ description: ClusterDescription) -> BalancerContext {
    var own = place
    own.slowStart = description.slowStart
    own.localityWeights = description.layers?.localityWeights
    return own
  }

  /// Makes another group; returns its number.
  mutating func addGroup(_ group: GroupKey) -> Int {
    let number = groups.count
    groups.append(
      BalancingGroup(
        key: group, balancer: policy.make(parameters, place), random: key.key(UInt64(number) &+ 1).stream()))
    return number
  }

  /// Whether discovery lists an endpoint.
  func lists(_ identity: EndpointIdentity) -> Bool {
    guard let slot = endpoints.slot(of: identity) else { return false }
    return endpoints.states[slot].isListed
  }

  /// The slot of the endpoint that a request names; -1 when the balancer is to choose, -2 when it is to go nowhere.
  @inline(never)
  func slot(named identity: EndpointIdentity, isStrict: Bool) -> Int32 {
    var status: HostStatus?
    let slot = endpoints.slot(of: identity) ?? -1
    if slot >= 0 && endpoints.states[slot].isListed { status = HostStatus(of: endpoints.states[slot]) }
    switch overrideHost.decide(status, isStrict: isStrict, isRetry: false) {
    case .use: return slot
    case .balance: return -1
    case .fail: return -2
    }
  }

  /// Chooses an endpoint, unless it is `named`, and counts the attempt in. Returns its slot, or -1 when none may be chosen.
  @inline(__always)
  mutating func begin(
    _ context: PickContext, route: Int32, named: Int32 = -1, within chosen: PriorityChoice? = nil,
    _ draws: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let slot = named >= 0 ? named : choose(context, route: route, within: chosen, &draws, at: now)
    if slot >= 0 { send(slot, at: now) }
    return slot
  }

  /// Chooses an endpoint, and counts nothing yet. Returns its slot, or -1 when none may be chosen.
  @inline(__always)
  mutating func choose(
    _ context: PickContext, route: Int32, within chosen: PriorityChoice?, _ draws: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    choosesPlainly
      ? groups[0].balancer.pick(endpoints.view, context, &draws, at: now)
      : chooseWithCare(context, route: route, within: chosen, &draws, at: now)
  }

  /// Counts an attempt in.
  @inline(__always)
  mutating func send(_ slot: Int32, at now: Timestamp) {
    endpoints.states[slot].inFlight &+= 1
    if observesAttempts {
      if isLayered {
        begunList = groupLists.number(ofSlot: slot)
        groupLists.hold(begunList)
        forEachGroup(ofList: begunList) { group, view in group.balancer.began(view, slot: slot, at: now) }
      } else {
        groups[0].balancer.began(endpoints.view, slot: slot, at: now)
      }
    }
    // A probe's permit is taken: nobody else may go there until the verdict.
    if accrues {
      hasSentProbe = accruals.attemptSent(slot: slot)
      if hasSentProbe { setAdmitted(false, slot: slot, at: now) }
    }
  }

  /// Sends to the next one that may serve what the last choice was made for, from the `place`-th in discovery's order on. Returns
  /// nil when nobody is left.
  mutating func sendToOther(than chosen: Int32, from place: inout Int, at now: Timestamp) -> Int32? {
    while place < groups[lastGroup].members.count {
      let slot = groups[lastGroup].members[place]
      place += 1
      if slot == chosen { continue }
      send(slot, at: now)
      // Who has given its last permit may be no member any more: the next one has its place then.
      let members = groups[lastGroup].members.count
      if place > members || groups[lastGroup].members[place - 1] != slot { place -= 1 }
      return slot
    }
    return nil
  }

  mutating func pickInLayers(
    _ given: PickContext, route: Int32, within chosen: PriorityChoice?, _ draws: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let sole = soleGroups[route]
    if sole >= 0 && chosen == nil && !sharesKeys {
      let number = draws.next()
      let context = sharesDraws ? PickContext(drawnByLayers: number) : given
      return pick(fromGroup: sole, context, &draws, at: now)
    }
    if isLoadAware { catchUpWithLoads(at: now) }
    if let ranges = layers?.tokenRanges {
      if ranges == 0 { return -1 }
      // Who asks without a key asks for anything.
      let range = TokenRing.range(ofToken: given.hasKey ? given.key : draws.next(), count: ranges)
      return pick(fromSubset: range, given, within: chosen, &draws, at: now)
    }
    let tries = layers?.orders[Int(route)].count ?? 0
    for place in 0..<tries {
      guard let subset = layers?.orders[Int(route)][place] else { return -1 }
      let slot = pick(fromSubset: Int(subset), given, within: chosen, &draws, at: now)
      if slot >= 0 { return slot }
    }
    return -1
  }

  private mutating func pick(
    fromSubset subset: Int, _ given: PickContext, within chosen: PriorityChoice?, _ draws: inout RandomStream,
    at now: Timestamp
  ) -> Int32 {
    if sharesKeys { return pickByKey(fromSubset: subset, given, within: chosen, &draws, at: now) }
    let number = draws.next()
    let context = sharesDraws ? PickContext(drawnByLayers: number) : given
    let group = layers?.group(subset: subset, number, within: chosen, &draws) ?? -1
    return pick(fromGroup: group, context, &draws, at: now)
  }

  /// A key that chooses the endpoint chooses the priority too: a shift of priorities moves fixed classes of keys.
  private mutating func pickByKey(
    fromSubset subset: Int, _ given: PickContext, within chosen: PriorityChoice?, _ draws: inout RandomStream,
    at now: Timestamp
  ) -> Int32 {
    let number = given.hasKey ? given.key : draws.next()
    if policy.hasTables {
      let group = layers?.tableGroup(subset: subset, number) ?? -1
      var context = PickContext(key: number)
      context.attempt = given.attempt
      return pick(fromGroup: group, context, &draws, at: now)
    }
    let group = layers?.group(subset: subset, number, within: chosen, &draws) ?? -1
    return pick(fromGroup: group, given, &draws, at: now)
  }

  private mutating func pick(
    fromGroup group: Int32, _ context: PickContext, _ draws: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if group < 0 { return -1 }
    lastGroup = Int(group)
    let view = view(ofGroup: lastGroup)
    return groups[lastGroup].balancer.pick(view, context, &draws, at: now)
  }

  /// Counts an attempt out and tells the balancers that heard of its beginning how it went.
  @inline(__always)
  mutating func end(slot: Int32, groups list: Int32, _ outcome: AttemptOutcome, at now: Timestamp) {
    endpoints.states[slot].inFlight &-= 1
    if observesAttempts {
      if isLayered {
        endInLayers(slot, list, outcome, at: now)
      } else {
        groups[0].balancer.ended(endpoints.view, slot: slot, outcome, at: now)
      }
    }
  }

  @inline(never)
  private mutating func endInLayers(_ slot: Int32, _ list: Int32, _ given: AttemptOutcome, at now: Timestamp) {
    var outcome = given
    if let biaser, outcome.isAnswered {
      outcome.latency = biaser.recordedLatency(
        outcome.latency, LoadBiaser.failure(status: outcome.status), retryAfter: retryAfter)
    }
    forEachGroup(ofList: list) { group, view in group.balancer.ended(view, slot: slot, outcome, at: now) }
    groupLists.release(list)
  }

  /// Does something with every group that an endpoint is in now, and what the group's balancer sees.
  private mutating func forEachGroup(of slot: Int32, _ body: (inout BalancingGroup, EndpointView) -> Void) {
    if isLayered {
      forEachGroup(ofList: groupLists.number(ofSlot: slot), body)
    } else {
      let view = endpoints.view
      groups.modify(0) { body(&$0, view) }
    }
  }

  @inline(never)
  private mutating func forEachGroup(
    ofList list: Int32, _ body: (inout BalancingGroup, EndpointView) -> Void
  ) {
    for place in groupLists.places(ofList: list) {
      let number = groupLists.group(at: place)
      let view = view(ofGroup: number)
      groups.modify(number) { body(&$0, view) }
    }
  }

  /// What a group's balancer sees.
  func view(ofGroup number: Int) -> EndpointView {
    isLayered
      ? EndpointView(states: endpoints.states.view, available: groups[number].members.view) : endpoints.view
  }

  /// What the balancer saw that chose last.
  var lastView: EndpointView { view(ofGroup: lastGroup) }

  /// Hands on what an oracle sees.
  mutating func observed(_ work: ObservedWork, slot: Int32) {
    forEachGroup(of: slot) { group, view in group.balancer.observed(view, slot: slot, work) }
  }

  /// Hands on what a server says of its load, to every group of its subsets: in Envoy it is kept with the endpoint, so it goes along
  /// when the endpoint comes into another.
  mutating func reported(slot: Int32, _ report: LoadReport, at now: Timestamp) {
    if !isLayered {
      let view = endpoints.view
      groups.modify(0) { $0.balancer.reported(view, slot: slot, report, at: now) }
      return
    }
    if isLoadAware { reportedUtilization(report, slot: slot, at: now) }
    for place in reportLists.places(ofList: reportLists.number(ofSlot: slot)) {
      let number = reportLists.group(at: place)
      let view = view(ofGroup: number)
      groups.modify(number) { $0.balancer.reported(view, slot: slot, report, at: now) }
    }
  }

  /// Hands on a probe's answer, or that there is none.
  mutating func probed(slot: Int32, _ report: LoadReport?, group number: Int, at now: Timestamp) {
    let view = view(ofGroup: number)
    groups.modify(number) { $0.balancer.probed(view, slot: slot, report, at: now) }
  }

  /// Wakes a group's balancer.
  mutating func woken(group number: Int, at now: Timestamp) {
    let view = view(ofGroup: number)
    groups.modify(number) { group in
      group.wakeTimer = .none
      group.balancer.woken(view, &group.random, at: now)
    }
  }

  /// What a group's balancer asks for next, if anything.
  mutating func nextWish(group number: Int, at now: Timestamp) -> BalancerWish? {
    if !hasWishes { return nil }
    let view = view(ofGroup: number)
    return groups.modify(number) { group in group.balancer.nextWish(view, &group.random, at: now) }
  }

  /// The figure by which the balancer compares an endpoint, if it compares any.
  mutating func rank(slot: Int32, at now: Timestamp) -> Double? {
    var rank: Double?
    forEachGroup(of: slot) { group, view in rank = rank ?? group.balancer.rank(view, slot: slot, at: now) }
    return rank
  }

  /// Replaces the endpoints; who is new gets a fresh state machine.
  mutating func list(_ descriptions: [EndpointDescription], at now: Timestamp) {
    endpoints.list(descriptions, at: now)
    // Fail-fast alone has machines that nobody feeds: they say that a success changes nothing.
    if accrues || failsFast { accruals.resize(to: endpoints.states.count, at: now) }
    if accrues {
      let count = endpoints.states.count
      penalties.resize(to: count, filling: EndpointPenalty(timer: .none, incarnation: 0))
      for slot in 0..<count where penalties[slot].incarnation != endpoints.states[slot].incarnation {
        accruals.reset(slot: Int32(truncatingIfNeeded: slot), at: now)
        penalties[slot].incarnation = endpoints.states[slot].incarnation
      }
    }
    if failsFast { failFast.makeRoom(endpoints.states.count) }
    if hearsHeartbeats { listForHeartbeats(at: now) }
    if detectsOutliers { outliers.list(endpoints) }
    if detectsOutliers || checksHealth { listForWatchers() }
    endpointsChanged(at: now)
  }

  private mutating func listForWatchers() {
    watched.resize(
      to: max(watched.count, endpoints.states.count), filling: WatchedHealth(exclusions: [], incarnation: 0))
    let exclusionsOfNew = health.exclusionsOfNew
    for slot in 0..<endpoints.states.count {
      let state = endpoints.states[slot]
      // Who has gone is watched no longer; if it comes back it is new.
      let incarnation = state.isListed ? state.incarnation : 0
      if watched[slot].incarnation != incarnation {
        watched[slot] = WatchedHealth(
          exclusions: state.isListed ? exclusionsOfNew : [], incarnation: incarnation)
      }
    }
    _ = deliverHealth()
  }

  /// Waits for those that are new.
  private mutating func listForHeartbeats(at now: Timestamp) {
    let former = heartbeatIncarnations.count
    phi.resize(to: endpoints.states.count, at: now)
    heartbeatIncarnations.resize(to: endpoints.states.count, filling: 0)
    for slot in 0..<endpoints.states.count {
      let incarnation = endpoints.states[slot].incarnation
      if slot >= former || heartbeatIncarnations[slot] != incarnation {
        phi.reset(slot: Int32(truncatingIfNeeded: slot), at: now)
      }
      heartbeatIncarnations[slot] = incarnation
      if !endpoints.states[slot].isListed { forgetHeartbeats(slot: Int32(truncatingIfNeeded: slot), at: now) }
    }
  }

  /// Begins anew with an endpoint that is not listed.
  mutating func forgetHeartbeats(slot: Int32, at now: Timestamp) {
    phi.reset(slot: slot, at: now)
    endpoints.setExcluded(false, by: .failureAccrual, slot: slot)
  }

  /// Shuts a silent endpoint out. Returns whether it was in.
  mutating func suspect(slot: Int32, at now: Timestamp) -> Bool {
    if endpoints.states[slot].exclusions.contains(.failureAccrual) { return false }
    setAdmitted(false, slot: slot, at: now)
    return true
  }

  /// A heartbeat has come. Returns whether the endpoint had been out for its silence.
  mutating func heard(slot: Int32, at now: Timestamp) -> Bool {
    phi.heartbeat(slot: slot, at: now)
    if !endpoints.states[slot].exclusions.contains(.failureAccrual) { return false }
    setAdmitted(true, slot: slot, at: now)
    return true
  }

  /// Lets the balancers' view of the endpoints catch up with what watches their health, but for priorities whose news wait. Returns
  /// whether that changed what may be chosen.
  private mutating func deliverHealth() -> Bool {
    var hasChanged = false
    for place in 0..<endpoints.listed.count {
      let slot = endpoints.listed[place]
      if merging?.isWaiting(priority: endpoints.states[slot].priority) ?? false { continue }
      for watcher in [EndpointExclusions.outlierDetection, .healthCheck, .uncounted] {
        let isOut = watched[slot].exclusions.contains(watcher)
        if endpoints.states[slot].exclusions.contains(watcher) == isOut { continue }
        if endpoints.setExcluded(isOut, by: watcher, slot: slot) || watcher == .uncounted { hasChanged = true }
      }
    }
    return hasChanged
  }

  /// Notes that `watcher` keeps an endpoint out, or no longer does. Returns whether that is news.
  mutating func setWatched(_ isOut: Bool, by watcher: EndpointExclusions, slot: Int32) -> Bool {
    if watched[slot].exclusions.contains(watcher) == isOut { return false }
    if isOut { watched[slot].exclusions.insert(watcher) } else { watched[slot].exclusions.remove(watcher) }
    return true
  }

  /// Who keeps an endpoint out, whether balancers know it or not.
  func exclusions(slot: Int32) -> EndpointExclusions {
    let known = endpoints.states[slot].exclusions
    let isWatched = detectsOutliers || checksHealth
    return isWatched ? known.intersection([.failureAccrual, .failFast]).union(watched[slot].exclusions) : known
  }

  /// An attempt has ended. Whether that one was the first to, for health checks that wait for it.
  mutating func takeFirstTraffic() -> Bool {
    if !checksHealth || health.hasTraffic { return false }
    health.hasTraffic = true
    detects = accrues || detectsOutliers || failsFast
    countsSuccesses = alwaysCountsSuccesses
    return true
  }

  /// Something that watches endpoints' health has changed its mind of one, and nothing makes the balancers wait for the news.
  mutating func healthChanged(at now: Timestamp) {
    if deliverHealth() { endpointsChanged(at: now) }
  }

  /// Tells the balancers that there are others to choose from.
  mutating func endpointsChanged(at now: Timestamp) {
    if isLayered {
      regroup(at: now)
      return
    }
    let roster = endpoints.roster
    groups.modify(0) { group in group.balancer.endpointsChanged(roster, &group.random, at: now) }
  }

  /// Whether the cluster panics now, if that has changed since it was asked last.
  mutating func takePanicChange() -> Bool? {
    let isInPanic = layers?.isInPanic ?? false
    if isInPanic == wasInPanic { return nil }
    wasInPanic = isInPanic
    return isInPanic
  }

  /// Whether a detector wants to know of a success.
  @inline(__always)
  func listens(slot: Int32) -> Bool {
    if countsSuccesses { return true }
    return !accruals.isUntroubled(slot: slot)
  }
}
