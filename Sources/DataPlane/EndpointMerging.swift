// Changes of a cluster's endpoints that wait for their merge window, as Envoy's do.
//
// A change without endpoints added or removed reaches a priority's balancers at once only if more than a window has passed
// since the last one did; otherwise it waits for the end of one full window, and what comes meanwhile rides on it. Endpoints
// added or removed are told at once, with all that waits (`UpdateMergeWindow` has the rule). Priorities wait each on
// their own, so what balancers hear is put together from those that are told now and those whose news still wait.

import LoadBalancing
import MeshCore

/// What waits, by priority.
struct EndpointMerging {
  /// One priority's window and the timer that ends it.
  private struct Priority {
    var window: UpdateMergeWindow
    var timer: TimerHandle = .none
    var due: Timestamp = .distantPast
  }

  /// What becomes of a listing.
  struct Decision {
    /// What the balancers are to hear now; nil when all of it waits.
    var listing: [EndpointDescription]?
    /// Priorities whose timers are to be set, and for when.
    var waits: [(priority: Int32, until: Timestamp)] = []
    /// Timers that are void now.
    var voided: [TimerHandle] = []
  }

  private let window: TimeSpan
  private var priorities: [Priority] = []
  /// The latest that discovery said.
  private var heard: [EndpointDescription] = []
  /// Whether there has been a listing: the first one begins no window (Envoy's clusters have their endpoints before anybody listens).
  private var hasBegun = false
  /// What the balancers know.
  private var delivered: [EndpointDescription] = []

  /// Nil when changes do not wait.
  init?(window: TimeSpan) {
    if UpdateMergeWindow(window).windowMilliseconds == 0 { return nil }
    self.window = window
  }

  /// Takes in what discovery says now.
  mutating func take(_ listing: [EndpointDescription], at now: Timestamp) -> Decision {
    var decision = Decision()
    if !hasBegun {
      hasBegun = true
      heard = listing
      delivered = listing
      decision.listing = listing
      return decision
    }
    let before = heard
    heard = listing
    let count = (before + listing).reduce(0) { max($0, Int($1.priority) + 1) }
    while priorities.count < count { priorities.append(Priority(window: UpdateMergeWindow(window))) }
    var delivers = false
    var isHeldBack = [Bool](repeating: false, count: priorities.count)
    for number in 0..<count {
      let (old, new) = (Self.members(before, number), Self.members(listing, number))
      isHeldBack[number] = priorities[number].window.isWaiting
      if old == new { continue }
      let isMergeable = old.map(\.identity) == new.map(\.identity)
      switch priorities[number].window.changed(isMergeable: isMergeable, at: now) {
      case .deliver:
        delivers = true
        isHeldBack[number] = false
        if priorities[number].timer.index >= 0 { decision.voided.append(priorities[number].timer) }
        priorities[number].timer = .none
      case .wait(let until):
        isHeldBack[number] = true
        priorities[number].due = until
        decision.waits.append((priority: Int32(number), until: until))
      case .ride: break
      }
    }
    if delivers { decision.listing = deliver(leavingOut: isHeldBack) }
    return decision
  }

  /// Takes in that the health of some of a priority's endpoints is another, as somebody else than discovery knows.
  mutating func takeHealth(ofPriority priority: Int32, at now: Timestamp) -> Decision {
    var decision = Decision()
    let number = Int(priority)
    while priorities.count <= number { priorities.append(Priority(window: UpdateMergeWindow(window))) }
    switch priorities[number].window.changed(isMergeable: true, at: now) {
    case .deliver:
      if priorities[number].timer.index >= 0 { decision.voided.append(priorities[number].timer) }
      priorities[number].timer = .none
      decision.listing = deliver(leavingOut: priorities.map(\.window.isWaiting))
    case .wait(let until):
      priorities[number].due = until
      decision.waits.append((priority: priority, until: until))
    case .ride: break
    }
    return decision
  }

  /// Whether news of a priority's endpoints wait.
  func isWaiting(priority: Int32) -> Bool {
    Int(priority) < priorities.count && priorities[Int(priority)].window.isWaiting
  }

  /// The timer of a priority that waits.
  mutating func setTimer(_ timer: TimerHandle, priority: Int32) { priorities[Int(priority)].timer = timer }

  /// A priority's window is over. Returns what the balancers are to hear.
  mutating func windowEnds(priority: Int32, at now: Timestamp) -> [EndpointDescription]? {
    let number = Int(priority)
    priorities[number].timer = .none
    if !priorities[number].window.timerFired(for: priorities[number].due, at: now) { return nil }
    return deliver(leavingOut: priorities.map(\.window.isWaiting))
  }

  /// The latest, but what is known already of the priorities that are left out. These have the same endpoints in both.
  private mutating func deliver(leavingOut isLeftOut: [Bool]) -> [EndpointDescription] {
    var known: [EndpointIdentity: EndpointDescription] = [:]
    for endpoint in delivered { known[endpoint.identity] = endpoint }
    delivered = heard.map { isLeftOut[Int($0.priority)] ? known[$0.identity] ?? $0 : $0 }
    return delivered
  }

  /// The endpoints of one priority, in an order that does not depend on the listing's.
  private static func members(_ listing: [EndpointDescription], _ priority: Int) -> [EndpointDescription] {
    listing.filter { Int($0.priority) == priority }.sorted { $0.identity.number < $1.identity.number }
  }
}

extension DataPlane {
  /// What of `endpoints` the cluster's balancers are to hear now; nil when it waits.
  mutating func merged(
    _ endpoints: [EndpointDescription], cluster: Int, at now: Timestamp, into actions: inout ActionBuffer
  ) -> [EndpointDescription]? {
    guard let decision = clusters[cluster].merging?.take(endpoints, at: now) else { return endpoints }
    return merged(decision, cluster: cluster, into: &actions)
  }

  /// Sets and drops timers as a decision says, and gives what the balancers are to hear now.
  mutating func merged(
    _ decision: EndpointMerging.Decision, cluster: Int, into actions: inout ActionBuffer
  ) -> [EndpointDescription]? {
    for timer in decision.voided { drop(timer, into: &actions) }
    for wait in decision.waits {
      let timer = setTimer(
        .mergeWindow, Int32(truncatingIfNeeded: cluster), slot: wait.priority, deadline: wait.until, into: &actions)
      clusters[cluster].merging?.setTimer(timer, priority: wait.priority)
    }
    return decision.listing
  }

  /// A merge window is over.
  mutating func mergeWindowDue(
    cluster: Int, priority: Int32, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    guard let listing = clusters[cluster].merging?.windowEnds(priority: priority, at: now) else { return }
    list(listing, cluster: cluster, at: now, into: &actions)
  }
}
