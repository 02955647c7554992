// The failure accrual of all endpoints of a cluster, of the one kind that the cluster has.
//
// A pool a kind, all but one of them empty: so the machines of the common kind, failures in a row, stay as small as they are, and what
// others remember of each endpoint costs nobody else anything.

import MeshCore

/// Breakers by slot. Complexity: every operation O(1), without allocation, but for `update`.
public struct EndpointAccruals: ~Copyable {
  private let description: FailureAccrualDescription
  @usableFromInline let isConsecutive: Bool
  @usableFromInline var consecutive = Pool<ConsecutiveFailureAccrual>()
  private var unified = Pool<UnifiedFailureAccrual>()
  private var finagle = Pool<FinagleFailureAccrual>()

  /// No endpoints yet.
  public init(_ description: FailureAccrualDescription) {
    self.description = description
    if case .consecutive = description { isConsecutive = true } else { isConsecutive = false }
  }

  /// Whether one more success of an endpoint changes nothing: what nearly every answer meets, and no call is needed for.
  @inlinable
  @inline(__always)
  public func isUntroubled(slot: Int32) -> Bool { isConsecutive && consecutive[slot].isUntroubled }

  /// Where an endpoint stands.
  public func gate(slot: Int32) -> AccrualGate {
    switch description {
    case .consecutive: consecutive[slot].gate
    case .unified: unified[slot].gate
    case .finagle: finagle[slot].gate
    }
  }

  /// Makes room for `count` slots; new ones have machines that have seen nothing.
  public mutating func resize(to count: Int, at now: Timestamp) {
    switch description {
    case .consecutive(let settings):
      consecutive.resize(to: count, filling: ConsecutiveFailureAccrual(settings, at: now))
    case .unified(let settings): unified.resize(to: count, filling: UnifiedFailureAccrual(settings, at: now))
    case .finagle(let settings): finagle.resize(to: count, filling: FinagleFailureAccrual(settings, at: now))
    }
  }

  /// Forgets what an endpoint has done, as if it were new.
  public mutating func reset(slot: Int32, at now: Timestamp) {
    switch description {
    case .consecutive(let settings): consecutive[slot] = ConsecutiveFailureAccrual(settings, at: now)
    case .unified(let settings): unified[slot] = UnifiedFailureAccrual(settings, at: now)
    case .finagle(let settings): finagle[slot] = FinagleFailureAccrual(settings, at: now)
    }
  }

  /// An attempt goes to an endpoint. Returns true when it is a probe: the endpoint must be shut out until the verdict.
  public mutating func attemptSent(slot: Int32) -> Bool {
    if isConsecutive { return consecutive[slot].gate.attemptSent() }
    return change(slot) { $0.attemptSent() }
  }

  /// The probe under way was given up by its caller and will get no verdict: the next attempt may be the probe.
  public mutating func attemptForgotten(slot: Int32) { change(slot) { $0.attemptForgotten() } }

  /// The timer of an endpoint's penalty is due.
  public mutating func penaltyElapsed(slot: Int32, at now: Timestamp) -> AccrualVerdict {
    change(slot) { $0.penaltyElapsed(at: now) }
  }

  /// An attempt at an endpoint has been classified.
  public mutating func classified(
    slot: Int32, _ answer: AccrualAnswer, random: inout RandomStream, at now: Timestamp
  ) -> AccrualVerdict {
    switch description {
    case .consecutive(let settings): consecutive[slot].classified(answer, settings, random: &random, at: now)
    case .unified(let settings): unified[slot].classified(answer, settings, random: &random, at: now)
    case .finagle(let settings): finagle[slot].classified(answer, settings, random: &random, at: now)
    }
  }

  private mutating func change<Result>(_ slot: Int32, _ body: (inout AccrualGate) -> Result) -> Result {
    switch description {
    case .consecutive: body(&consecutive[slot].gate)
    case .unified: body(&unified[slot].gate)
    case .finagle: body(&finagle[slot].gate)
    }
  }
}
