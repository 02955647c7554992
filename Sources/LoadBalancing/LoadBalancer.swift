// What a balancing policy is: a value that is asked for an endpoint and told what became of it.

import MeshCore

/// What a policy may know of the request that it chooses for.
@frozen
public struct PickContext: BitwiseCopyable, Sendable {
  /// Where the number comes from.
  @frozen
  public enum Origin: UInt8, BitwiseCopyable, Sendable {
    /// There is none.
    case none
    /// The request carries a key.
    case key
    /// The layers around the policy drew it and chose by it already.
    case layers
  }

  /// The hash of what the request is to stick to, or the number that layers chose by; 0 without either.
  public var key: UInt64
  /// Which of these it is.
  public var origin: Origin
  /// How many times a choice for the same try has been rejected, from 0: policies that place keys then look further on, as Envoy's
  /// ring and Maglev do.
  public var attempt: Int32 = 0

  /// Whether the request carries a key.
  @inlinable
  public var hasKey: Bool { origin == .key }

  /// A request without a key.
  @inlinable
  public init() {
    self.key = 0
    self.origin = .none
  }

  /// A request with a key, if it has one.
  @inlinable
  public init(key: UInt64, hasKey: Bool = true) {
    self.key = hasKey ? key : 0
    self.origin = hasKey ? .key : .none
  }

  /// A request that layers have chosen for already, by this number.
  @inlinable
  public init(drawnByLayers number: UInt64) {
    self.key = number
    self.origin = .layers
  }
}

/// How an attempt came to its end.
@frozen
public enum AttemptEnding: UInt8, BitwiseCopyable, Sendable {
  /// With an answer.
  case answered
  /// Its connection was refused, broke or did not open in time.
  case broken
  /// The route's time was up.
  case timedOut
  /// Another attempt of the same request was faster.
  case superseded
  /// The caller went away.
  case abandoned
}

/// How an attempt ended, as far as policies care.
@frozen
public struct AttemptOutcome: BitwiseCopyable, Sendable {
  /// From the moment it was sent until its end.
  public var latency: TimeSpan
  /// The answer's HTTP status; 0 when there was none.
  public var status: Int16
  /// How it came to its end.
  public var ending: AttemptEnding

  /// An outcome.
  @inlinable
  public init(latency: TimeSpan, status: Int16, ending: AttemptEnding) {
    self.latency = latency
    self.status = ending == .answered ? status : 0
    self.ending = ending
  }

  /// Whether an answer came at all.
  @inlinable
  public var isAnswered: Bool { ending == .answered }

  /// Whether the caller counts it as a success: an answer below 500 that is not 429.
  @inlinable
  public var isSuccess: Bool { ending == .answered && SuccessRule.isSuccess(status: status) }
}

/// What a policy asks of its data plane beside requests.
@frozen
public enum BalancerWish: BitwiseCopyable, Sendable, Hashable {
  /// Ask the endpoint in `slot` how busy it is; an answer that takes longer than `timeout` counts as none.
  case probe(slot: Int32, timeout: TimeSpan)
  /// Call `woken` at that time; it replaces what was asked for before.
  case wake(Timestamp)
}

/// A balancing policy: a pure state machine, one per cluster and data plane.
///
/// A policy reads no clock and owns no randomness: both come in. It works on slots of the `EndpointView`; state of its own
/// that belongs to an endpoint sits in arrays by slot and starts afresh when the slot's `incarnation` changes.
/// The calls come in this order: `endpointsChanged` first and after each change, then for each attempt `pick`, `began`
/// (after the set's `inFlight` has grown by one) and `ended` (after it has shrunk).
public protocol LoadBalancer: ~Copyable {
  /// Whether `began` and `ended` do anything: those of a policy that goes by `inFlight` alone need not be called.
  var observesAttempts: Bool { get }

  /// Whether it asks for something of its own: only then `nextWish` is asked after each call.
  var hasWishes: Bool { get }

  /// Whether layers around it hand it the number by which they chose, so that both go by one (Envoy's random).
  var sharesDraws: Bool { get }

  /// Whether it wants servers' reports of their load: only then `reported` is called.
  var wantsLoadReports: Bool { get }

  /// Which endpoints it is to be shown.
  var offer: EndpointOffer { get }

  /// Endpoints came or went, were admitted or shut out, or changed weight.
  mutating func endpointsChanged(
    _ endpoints: EndpointRoster, _ random: inout RandomStream, at now: Timestamp)

  /// Chooses one of the endpoints offered and returns its slot, or -1 when there is none.
  mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32

  /// An attempt was sent to `slot`.
  mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp)

  /// An oracle has looked at the endpoint in `slot`. The lab alone calls it, for policies that need an oracle.
  mutating func observed(_ endpoints: EndpointView, slot: Int32, _ work: ObservedWork)

  /// The endpoint in `slot` has said with an answer how busy it is; `ended` of that answer follows.
  mutating func reported(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport, at now: Timestamp)

  /// A probe that it had asked for is over: with a report, or with none when it failed.
  mutating func probed(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport?, at now: Timestamp)

  /// The time has come that it had asked to be woken at.
  mutating func woken(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp)

  /// What it asks for next, or `nil` when that was all for now.
  mutating func nextWish(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) -> BalancerWish?

  /// The figure by which the policy compares the endpoint in `slot` with others now, less being better; `nil` when it compares
  /// none. For people and tests: nothing is decided by it.
  mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double?

  /// The slots that `pick` would compare now with these draws, in the order drawn; empty where it compares none or all. The one it takes is
  /// among them. For people, as `rank` is.
  mutating func candidates(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) -> [Int32]

  /// An attempt at `slot` has ended.
  mutating func ended(_ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp)
}

extension LoadBalancer where Self: ~Copyable {
  public var observesAttempts: Bool { true }

  public var hasWishes: Bool { false }

  public var sharesDraws: Bool { false }

  public var wantsLoadReports: Bool { false }

  public var offer: EndpointOffer { .available }

  public mutating func endpointsChanged(
    _ endpoints: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {}

  public mutating func reported(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport, at now: Timestamp) {}

  public mutating func probed(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport?, at now: Timestamp) {}

  public mutating func woken(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) {}

  public mutating func nextWish(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> BalancerWish? { nil }

  public mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) {}

  public mutating func observed(_ endpoints: EndpointView, slot: Int32, _ work: ObservedWork) {}

  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? { nil }

  public mutating func candidates(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> [Int32] { [] }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) {}
}
