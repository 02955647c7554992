// One cluster inside one data plane: its endpoints, its balancer, what fault detection knows of each endpoint.

import FaultDetection
import LoadBalancing
import MeshCore

/// Failure accrual of one endpoint, and the timer that ends its penalty.
struct EndpointAccrual: BitwiseCopyable {
  var machine: ConsecutiveFailureAccrual
  /// The penalty's timer, or none.
  var timer: TimerHandle
  /// Whose state it is.
  var incarnation: UInt32
}

/// A cluster's live state.
struct ClusterState: ~Copyable {
  /// What may be chosen, and what is in flight.
  var endpoints: EndpointSet
  /// Changes that wait for their merge window; nil without one.
  var merging: EndpointMerging?
  /// Who chooses.
  private var balancer: any LoadBalancer & ~Copyable
  /// The balancer's stream for what no request causes.
  private var random: RandomStream
  /// Failure accrual's settings, when on.
  private let accrual: ConsecutiveAccrualDescription?
  /// Whether the balancer wants to hear of attempts.
  private let observesAttempts: Bool
  /// Whether the balancer may ask for something.
  let hasWishes: Bool
  /// Whether the balancer wants servers' reports of their load.
  let wantsLoadReports: Bool
  /// The timer that wakes the balancer, or none.
  var wakeTimer: TimerHandle = .none
  /// Whether fault detection is on.
  let detects: Bool
  /// Whether the attempt that began last is a probe.
  private(set) var hasSentProbe = false
  /// Failure accrual by slot; empty when off.
  var accruals: Pool<EndpointAccrual>

  init(_ description: ClusterDescription, balancer: consuming any LoadBalancer & ~Copyable, random: RandomStream) {
    self.endpoints = EndpointSet()
    self.merging = EndpointMerging(window: description.updateMergeWindow)
    self.observesAttempts = balancer.observesAttempts
    self.hasWishes = balancer.hasWishes
    self.wantsLoadReports = balancer.wantsLoadReports
    self.balancer = balancer
    self.random = random
    self.accrual = description.failureAccrual
    self.detects = description.failureAccrual != nil
    self.accruals = Pool()
  }

  /// Chooses an endpoint and counts the attempt in. Returns its slot, or -1 when none may be chosen.
  @inline(__always)
  mutating func begin(_ context: PickContext, _ draws: inout RandomStream, at now: Timestamp) -> Int32 {
    let slot = balancer.pick(endpoints.view, context, &draws, at: now)
    if slot < 0 { return -1 }
    endpoints.states[slot].inFlight &+= 1
    if observesAttempts { balancer.began(endpoints.view, slot: slot, at: now) }
    // A probe's permit is taken: nobody else may go there until the verdict.
    if detects {
      hasSentProbe = accruals[slot].machine.attemptSent()
      if hasSentProbe { setAdmitted(false, slot: slot, at: now) }
    }
    return slot
  }

  /// Counts an attempt out and tells the balancer how it went.
  @inline(__always)
  mutating func end(slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp) {
    endpoints.states[slot].inFlight &-= 1
    if observesAttempts { balancer.ended(endpoints.view, slot: slot, outcome, at: now) }
  }

  /// Hands on what an oracle sees.
  mutating func observed(_ work: ObservedWork, slot: Int32) { balancer.observed(endpoints.view, slot: slot, work) }

  /// Hands on what a server says of its load.
  mutating func reported(slot: Int32, _ report: LoadReport, at now: Timestamp) {
    balancer.reported(endpoints.view, slot: slot, report, at: now)
  }

  /// Hands on a probe's answer, or that there is none.
  mutating func probed(slot: Int32, _ report: LoadReport?, at now: Timestamp) {
    balancer.probed(endpoints.view, slot: slot, report, at: now)
  }

  /// Wakes the balancer.
  mutating func woken(at now: Timestamp) { balancer.woken(endpoints.view, &random, at: now) }

  /// What the balancer asks for next, if anything.
  mutating func nextWish(at now: Timestamp) -> BalancerWish? {
    hasWishes ? balancer.nextWish(endpoints.view, &random, at: now) : nil
  }

  /// The figure by which the balancer compares an endpoint, if it compares any.
  mutating func rank(slot: Int32, at now: Timestamp) -> Double? { balancer.rank(endpoints.view, slot: slot, at: now) }

  /// Replaces the endpoints; who is new gets a fresh state machine.
  mutating func list(_ descriptions: [EndpointDescription], at now: Timestamp) {
    endpoints.list(descriptions, at: now)
    if detects {
      let count = endpoints.states.count
      let fresh = EndpointAccrual(machine: ConsecutiveFailureAccrual(), timer: .none, incarnation: 0)
      accruals.resize(to: count, filling: fresh)
      for slot in 0..<count where accruals[slot].incarnation != endpoints.states[slot].incarnation {
        accruals[slot].machine = ConsecutiveFailureAccrual()
        accruals[slot].incarnation = endpoints.states[slot].incarnation
      }
    }
    balancer.endpointsChanged(endpoints.roster, &random, at: now)
  }

  /// Feeds one verdict on an answer to failure accrual and applies what follows.
  mutating func classified(
    slot: Int32, isFailure: Bool, _ draws: inout RandomStream, at now: Timestamp
  ) -> AccrualVerdict {
    guard let accrual else { return .none }
    let verdict = accruals[slot].machine.classified(
      isFailure: isFailure, configuration: accrual, random: &draws, at: now)
    if verdict != .none { setAdmitted(accruals[slot].machine.isAdmitting, slot: slot, at: now) }
    return verdict
  }

  /// The penalty is over: one request may pass. Returns whether it was.
  mutating func penaltyElapsed(slot: Int32, at now: Timestamp) -> Bool {
    let isOver = accruals[slot].machine.penaltyElapsed(at: now) == .probation
    setAdmitted(accruals[slot].machine.isAdmitting, slot: slot, at: now)
    return isOver
  }

  /// A probe ended without a verdict: the next request may be one.
  mutating func returnPermit(slot: Int32, at now: Timestamp) {
    if accruals[slot].machine.state != .probation { return }
    accruals[slot].machine.attemptForgotten()
    setAdmitted(true, slot: slot, at: now)
  }

  /// Forgets an endpoint's failures, as if it were new.
  mutating func pardon(slot: Int32) {
    accruals[slot].machine = ConsecutiveFailureAccrual()
    accruals[slot].timer = .none
    endpoints.setExcluded(false, by: .failureAccrual, slot: slot)
  }

  private mutating func setAdmitted(_ admitted: Bool, slot: Int32, at now: Timestamp) {
    if endpoints.setExcluded(!admitted, by: .failureAccrual, slot: slot) {
      balancer.endpointsChanged(endpoints.roster, &random, at: now)
    }
  }
}
