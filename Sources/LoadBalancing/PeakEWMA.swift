// Peak EWMA: of two endpoints drawn at random, the one where a request would cost less.
//
// cost = round trip · (requests in flight + 1). The round trip is an exponentially weighted moving average that jumps up
// to a slower answer at once and comes down slowly; a look at it counts as an observation of 0, so an endpoint that nobody
// asks becomes attractive again. Latencies are those of all attempts, failed and given-up ones too: who fails fast looks
// fast, in Linkerd as here.
//
//   observe r after Δt:  r > estimate → r;  else estimate · w + r · (1 − w)  with  w = exp(−Δt / decay)
//
// Two forms. *tower* (tower/src/load/peak_ewma.rs, which Linkerd 2 uses): a new endpoint starts from `defaultRtt`.
// *finagle* (loadbalancer/PeakEwma.scala): it starts from nothing, costs nothing while idle and 2^47 ns more than anything
// while its first requests are out, so an unknown endpoint is probed by one request at a time.
//
// Envoy's contrib extension has a form of its own, in a file of its own: `EnvoyPeakEWMA`.
//
// Latency enters in nanoseconds. Weights are ignored, as in both systems.

import MeshCore

/// Chooses the cheaper of two by latency and load. Complexity: O(1), two exponentials a pick.
public struct PeakEWMA: LoadBalancer, Sendable {
  private static let parameters = [
    ParameterDescriptor(
      "decay", .duration(minimum: TimeSpan(nanoseconds: 1)), default: .integer(10_000_000_000),
      "how long it takes a latency to fade to 1/e"),
    ParameterDescriptor(
      "defaultRtt", .duration(minimum: .zero), default: .integer(30_000_000),
      "what an endpoint without answers is taken to take; not in the finagle form; Envoy's own default is 10 ms"),
    ParameterDescriptor(
      "form", .choice(["tower", "finagle", "envoy"]), default: .word("tower"),
      "tower (Linkerd 2) starts from defaultRtt; finagle (Linkerd 1) probes unknown endpoints; envoy's contrib form"),
    FinagleChoice.parameter,
  ]

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "peakEwma", summary: "the cheaper of two: peak-sensitive average latency times requests in flight plus one",
    origin: "Linkerd 2, tower, Finagle, Envoy contrib", parameters: parameters,
    fault: { parameters in
      let name = FinagleChoice.parameter.name
      if parameters.word("form") != "envoy" || parameters.integer(name) == 0 { return nil }
      return (name, "maxEffort is Finagle's; expected maxEffort 0 with form envoy")
    }
  ) { parameters, _ in
    if parameters.word("form") == "envoy" { return EnvoyPeakEWMA(parameters) }
    let maxEffort = Int(parameters.integer(FinagleChoice.parameter.name))
    return maxEffort == 0 ? PeakEWMA(parameters) : FinagleChoice(PeakEWMA(parameters), maxEffort: maxEffort)
  }

  /// Finagle's cost of an endpoint that has requests and no answer yet: the largest 64-bit number, shifted by 16.
  private static let penalty = Double(Int64.max >> 16)

  private struct Estimate: BitwiseCopyable, Sendable {
    /// Nanoseconds.
    var roundTrip: Double
    /// When it was last observed or looked at.
    var stamp: Timestamp

    /// Takes in `value` nanoseconds.
    @inline(__always)
    mutating func observe(_ value: Double, at now: Timestamp, decay: Double) {
      if value > roundTrip {
        roundTrip = value
      } else {
        let elapsed = now > stamp ? Double(now.nanoseconds &- stamp.nanoseconds) : 0
        let kept = Elementary.exponential(-elapsed / decay)
        roundTrip = roundTrip * kept + value * (1 - kept)
      }
      stamp = now
    }
  }

  /// Nanoseconds.
  private let decay: Double
  /// Nanoseconds; what a new endpoint starts from. Not a number in Finagle's form, which starts from nothing.
  private let initial: Double
  private var estimates = SlotRecords<Estimate>()

  /// One flag more and the policy would not fit into an `any LoadBalancer` (24 bytes), at 2 ns a call.
  @inline(__always)
  private var startsFromNothing: Bool { initial.isNaN }

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters) {
    decay = Double(max(parameters.span("decay").nanoseconds, 1))
    let defaultRtt = Double(max(parameters.span("defaultRtt").nanoseconds, 0))
    initial = parameters.word("form") == "finagle" ? .nan : defaultRtt
  }

  /// The Finagle form with a decay of its own.
  init(finagleDecay: TimeSpan) {
    decay = Double(max(finagleDecay.nanoseconds, 1))
    initial = .nan
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let fresh = Estimate(roundTrip: startsFromNothing ? 0 : initial, stamp: now)
    estimates.update(roster.view) { _ in fresh }
  }

  /// The cost: nanoseconds times requests.
  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    cost(endpoints, slot: slot, at: now)
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count < 2 { return count == 0 ? -1 : endpoints.available[0] }
    let pair = random.distinctPair(below: count)
    let first = endpoints.available[pair.first]
    let second = endpoints.available[pair.second]
    let firstCost = cost(endpoints, slot: first, at: now)
    let secondCost = cost(endpoints, slot: second, at: now)
    return firstCost <= secondCost ? first : second
  }

  public func candidates(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) -> [Int32] {
    let count = endpoints.availableCount
    if count < 2 { return [] }
    let pair = random.distinctPair(below: count)
    return [endpoints.available[pair.first], endpoints.available[pair.second]]
  }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) {
    estimates[slot].observe(Double(max(outcome.latency.nanoseconds, 0)), at: now, decay: decay)
  }

  /// What one more request would cost at `slot`, in nanoseconds. Looking lets the estimate fade.
  @inline(__always)
  mutating func cost(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double {
    let inFlight = Double(endpoints.states[slot].inFlight)
    var estimate = estimates[slot]
    estimate.observe(0, at: now, decay: decay)
    estimates[slot] = estimate
    if startsFromNothing && estimate.roundTrip == 0 && inFlight > 0 { return Self.penalty + inFlight }
    return estimate.roundTrip * (inFlight + 1)
  }
}
