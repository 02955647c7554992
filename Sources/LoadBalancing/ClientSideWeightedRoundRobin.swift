// Client-side weighted round robin: each endpoint in proportion to what it says it can do.
//
// Servers report their load with each answer (ORCA); a server's weight is its requests a second per unit of utilization, so
// one that does the same work at half the effort gets twice the share (`UtilizationWeight`). Weights act when the policy
// wakes, once a `weightUpdatePeriod`, and whenever endpoints change. Two forms:
//
// *grpc* (gRFC A58, grpc-go): endpoints whose weight does not count yet get the mean of the others, fewer than two weights
// make plain round robin, turns go by static stride (`StaticStride`). *envoy*: the median stands in for missing weights,
// whole numbers, turns go by an earliest-deadline schedule that starts again from the same seed whenever a weight
// changes. Envoy documents an `errorUtilizationPenalty` of 1, but its code takes 0 when nothing is said.
//
// With Envoy's form young endpoints' weights are lowered under slow start (`SlowStart`); gRPC's knows none.
// Weights that discovery gives are not used. Reports out of band (A51) are not asked for.

import MeshCore

/// Chooses in turn, by reported utilization. Complexity: a pick O(1) on average with static stride, O(log n) with EDF; O(n) at
/// each update of the weights, O(n log n) for EDF and the median.
public struct ClientSideWeightedRoundRobin: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "form", .choice(["grpc", "envoy"]), default: .word("grpc"),
      "grpc: mean for missing weights, static stride; envoy: median, EDF"),
    ParameterDescriptor(
      "blackoutPeriod", .duration(minimum: .zero), default: .integer(10_000_000_000),
      "how long an endpoint must have reported before its weight counts"),
    ParameterDescriptor(
      "weightExpirationPeriod", .duration(minimum: .zero), default: .integer(180_000_000_000),
      "how long a weight counts after the last report"),
    ParameterDescriptor(
      "weightUpdatePeriod", .duration(minimum: .milliseconds(100)), default: .integer(1_000_000_000),
      "how often weights are computed; gRPC's least is 100 ms"),
    ParameterDescriptor(
      "errorUtilizationPenalty", .number(minimum: 0, maximum: 1e6), default: .number(1),
      "how much utilization an error a request counts as; Envoy's code takes 0 when unset"),
  ]

  public var observesAttempts: Bool { false }
  public var hasWishes: Bool { true }
  public var wantsLoadReports: Bool { true }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "clientSideWeightedRoundRobin",
    summary: "each endpoint in turn, in proportion to its reported requests per utilization (ORCA)",
    origin: "gRPC A58 weighted_round_robin; Envoy client_side_weighted_round_robin", parameters: parameters,
    slowStartForm: ("form", "envoy")
  ) { parameters, context in ClientSideWeightedRoundRobin(parameters, context) }

  private struct Contents: Sendable {
    let form: UtilizationWeightForm
    let slowStart: SlowStart
    let blackout: TimeSpan
    let expiration: TimeSpan
    /// When weights are due.
    var wake: PeriodicWake
    let penalty: Double
    /// What each endpoint has reported.
    var reports = SlotRecords<UtilizationWeight>()
    /// The weights in use, by place of available endpoints; 0 where a gRPC weight is missing.
    var weights: ContiguousArray<Double> = []
    var stride = StaticStride()
    var schedule = SeededSchedule()
    /// Envoy's turns with equal weights.
    var counter: UInt64 = 0
    /// Whether turns go by the counter.
    var areEqual = true
    /// When somebody came last.
    var newest = Timestamp.distantPast
  }

  private var contents: Indirect<Contents>

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters, _ context: BalancerContext = BalancerContext()) {
    contents = Indirect(
      Contents(
        form: parameters.word("form") == "envoy" ? .envoy : .grpc, slowStart: SlowStart(context.slowStart),
        blackout: parameters.span("blackoutPeriod"),
        expiration: parameters.span("weightExpirationPeriod"),
        wake: PeriodicWake(
          every: TimeSpan(nanoseconds: max(parameters.span("weightUpdatePeriod").nanoseconds, 100_000_000))),
        penalty: max(parameters.number("errorUtilizationPenalty"), 0)))
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let endpoints = roster.view
    if contents.value.schedule.seed == nil {
      contents.value.schedule.drawSeed(&random)
      let seed = contents.value.schedule.seed ?? 0
      contents.value.counter = seed
      contents.value.stride.counter = UInt32(truncatingIfNeeded: seed)
    }
    contents.value.reports.update(endpoints) { _ in UtilizationWeight() }
    contents.value.newest = roster.newest
    updateWeights(endpoints, at: now, always: true)
    contents.value.wake.begin(at: now)
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    if contents.value.form == .grpc { return endpoints.available[contents.value.stride.next()] }
    if contents.value.areEqual {
      let place = Int(contents.value.counter % UInt64(count))
      contents.value.counter &+= 1
      return endpoints.available[place]
    }
    let place = contents.value.schedule.earliest
    let slot = endpoints.available[place]
    contents.value.schedule.takeTurn(
      weight: contents.value.slowStart.weight(
        contents.value.weights[Int(place)], of: endpoints.states[slot], at: now))
    return slot
  }

  public mutating func reported(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport, at now: Timestamp) {
    let weight = UtilizationWeight.weight(
      of: report, errorUtilizationPenalty: contents.value.penalty, contents.value.form)
    if let weight { contents.value.reports[slot].report(weight, at: now) }
  }

  public mutating func woken(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) {
    updateWeights(endpoints, at: now, always: false)
    contents.value.wake.restart(at: now)
  }

  public mutating func nextWish(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> BalancerWish? {
    contents.value.wake.isAwaited ? nil : contents.value.wake.nextWish()
  }

  /// The weights that turns go by, in discovery's order of the available endpoints; 0 where gRPC's schedule takes the mean.
  public var currentWeights: [Double] { Array(contents.value.weights) }

  /// Computes the weights and, when one has changed or `always`, the schedule.
  private mutating func updateWeights(_ endpoints: EndpointView, at now: Timestamp, always: Bool) {
    let (blackout, expiration, form) = (contents.value.blackout, contents.value.expiration, contents.value.form)
    var weights: ContiguousArray<Double> = []
    weights.reserveCapacity(endpoints.availableCount)
    for place in 0..<endpoints.availableCount {
      let counted = contents.value.reports[endpoints.available[place]]
        .counted(at: now, blackout: blackout, expiration: expiration, form)
      weights.append(counted.map { form == .envoy ? max($0, 1) : $0 } ?? 0)
    }
    if form == .envoy { Self.fillWithMedian(&weights) }
    if !always && weights == contents.value.weights { return }
    contents.value.weights = weights
    if form == .grpc {
      contents.value.stride.rebuild(weights: weights)
    } else {
      let slowStart = contents.value.slowStart
      let isAnyoneStarting = slowStart.isAnyoneStarting(newest: contents.value.newest, at: now)
      contents.value.areEqual = weights.count < 2 || !isAnyoneStarting && weights.allSatisfy { $0 == weights[0] }
      if contents.value.areEqual { return }
      for place in weights.indices {
        weights[place] = slowStart.weight(weights[place], of: endpoints.states[endpoints.available[place]], at: now)
      }
      contents.value.schedule.rebuild(weights: weights)
    }
  }

  /// Puts the median of the known whole weights, rounded down, where there is none; 1 without any.
  public static func fillWithMedian(_ weights: inout ContiguousArray<Double>) {
    let known = weights.filter { $0 > 0 }.sorted()
    let half = known.count / 2
    let median =
      known.isEmpty
      ? 1 : known.count % 2 == 1 ? known[half] : ((known[half - 1] + known[half]) / 2).rounded(.down)
    for place in weights.indices where weights[place] == 0 { weights[place] = median }
  }
}
