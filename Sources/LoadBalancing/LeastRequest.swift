// Least request: of a few endpoints drawn at random, the one with the fewest requests in flight.
//
// Two choices in place of one shrink the longest queue from log n to log log n (Mitzenmacher: The Power of Two Choices in
// Randomized Load Balancing, 2001; Azar et al. 1994). Envoy's `LEAST_REQUEST` draws with replacement, Linkerd and Finagle
// draw distinct endpoints; at ten endpoints and load 0.9 the mean responses are 3.11 and 2.99 service times. With
// unequal weights Envoy's form takes over whatever was asked for (`weighting: schedule`): an earliest-deadline schedule by
// weight / (active + 1)^bias. It makes bursts to whoever is idle or heavy, so its users ask for what Finagle's weighted
// aperture does (`weighting: compare`): endpoints are drawn in proportion to their weights, a second one that is the first
// up to five times anew, and requests in flight / weight are compared. gRPC (A48), Linkerd and Finagle's plain balancers do not
// know weights (`weighting: ignore`).
//
// Under slow start (`SlowStart`) Envoy's form takes over with equal weights too, while anybody is young; the other two forms
// know none.
//
// The draws come in Envoy's order: with replacement `choices` numbers modulo n, even for a single endpoint; in a full
// scan one number a tie.

import MeshCore

/// Chooses the least loaded of a sample. Complexity: O(choices), O(n) in a full scan, O(log n) with unequal weights in
/// Envoy's form.
public struct LeastRequest: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "choices", .integer(minimum: 1, maximum: 100), default: .integer(2),
      "how many endpoints are drawn; 1 is random choice"),
    ParameterDescriptor(
      "sampling", .choice(["distinct", "withReplacement"]), default: .word("distinct"),
      "whether an endpoint can be drawn twice; Envoy, Istio and gRPC draw with replacement"),
    ParameterDescriptor(
      "fullScan", .flag, default: .flag(false),
      "compare all endpoints, ties at random (Envoy's FULL_SCAN); a pick asks every endpoint"),
    ParameterDescriptor(
      "activeRequestBias", .number(minimum: -100, maximum: 100), default: .number(1),
      "with unequal weights: the exponent of weight / (active + 1)^bias; below 0 counts as 1"),
    ParameterDescriptor(
      "weighting", .choice(["schedule", "compare", "ignore"]), default: .word("schedule"),
      "with unequal weights: schedule (Envoy's EDF), compare (draw by weight, compare load / weight) or ignore (gRPC)"),
    FinagleChoice.parameter,
  ]

  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "leastRequest", summary: "of a few endpoints drawn at random, the one with the fewest requests in flight",
    origin: "Envoy LEAST_REQUEST; Mitzenmacher 2001", parameters: parameters,
    slowStartForm: ("weighting", "schedule"), fault: finagleFault
  ) { parameters, context in
    let maxEffort = Int(parameters.integer(FinagleChoice.parameter.name))
    if maxEffort == 0 { return LeastRequest(parameters, context) }
    return FinagleChoice(LeastRequest(choices: 2, weighting: .ignore), maxEffort: maxEffort)
  }

  /// Finagle compares two different endpoints, whatever their weights.
  private static func finagleFault(_ parameters: PolicyParameters) -> (parameter: String, what: String)? {
    let effort = FinagleChoice.parameter.name
    if parameters.integer(effort) == 0 { return nil }
    let isPlain =
      parameters.integer("choices") == 2 && parameters.word("sampling") == "distinct" && !parameters.flag("fullScan")
      && parameters.word("weighting") != "compare"
    if !isPlain {
      return (
        effort,
        "maxEffort is Finagle's, which compares two distinct endpoints and knows no weights; expected maxEffort 0, or choices 2, sampling distinct, no fullScan and no weighting compare"
      )
    }
    if parameters.number("activeRequestBias") != 1 {
      return (
        "activeRequestBias",
        "activeRequestBias lowers weights, and Finagle's choice (maxEffort above 0) knows none; expected no activeRequestBias, or maxEffort 0"
      )
    }
    return nil
  }

  /// How endpoints are compared when all weights are equal.
  private enum Comparison: Sendable {
    case oneOfOne
    case distinctPair
    case distinct
    case withReplacement
    case fullScan
  }

  /// What weights do.
  private enum Weighting: Sendable {
    case ignore
    case schedule
    case compare
  }

  /// How often a draw by weight that gives the same endpoint again is made anew: Finagle's bound.
  private static let redraws = 5

  /// What unequal weights need.
  private struct Weighted: Sendable {
    let bias: ActiveRequestBias
    let weighting: Weighting
    let slowStart: SlowStart
    var draw = WeightedDraw()
    var schedule = SeededSchedule()
  }

  private let choices: Int8
  private let comparison: Comparison
  private var weighting = Weighting.ignore
  private var weighted: Indirect<Weighted>
  /// Places of available endpoints in some order: what three and more distinct draws shuffle the front of.
  private var deck: ContiguousArray<Int32> = []

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters, _ context: BalancerContext = BalancerContext()) {
    choices = Int8(clamping: max(1, parameters.integer("choices")))
    let word = parameters.word("weighting")
    weighted = Indirect(
      Weighted(
        bias: ActiveRequestBias(parameters.number("activeRequestBias")),
        weighting: word == "compare" ? .compare : word == "ignore" ? .ignore : .schedule,
        slowStart: SlowStart(context.slowStart)))
    if parameters.flag("fullScan") {
      comparison = .fullScan
    } else if parameters.word("sampling") == "withReplacement" {
      comparison = .withReplacement
    } else {
      comparison = choices == 1 ? .oneOfOne : choices == 2 ? .distinctPair : .distinct
    }
  }

  /// A policy that does one thing alone.
  private init(choices: Int8, weighting: Weighting) {
    self.choices = choices
    comparison = .distinctPair
    weighted = Indirect(Weighted(bias: ActiveRequestBias(1), weighting: weighting, slowStart: SlowStart()))
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let endpoints = roster.view
    weighted.value.schedule.drawSeed(&random)
    let count = endpoints.availableCount
    if comparison == .distinct { deck = ContiguousArray((0..<count).map { Int32(truncatingIfNeeded: $0) }) }
    let isAnyoneStarting =
      weighted.value.weighting == .schedule
      && weighted.value.slowStart.isAnyoneStarting(newest: roster.newest, at: now)
    let isEqual = count < 2 || endpoints.availableWeightsAreEqual && !isAnyoneStarting
    weighting = isEqual ? .ignore : weighted.value.weighting
    var weights = ContiguousArray<Double>()
    switch weighting {
    case .ignore: return
    case .schedule:
      for place in 0..<count {
        weights.append(effectiveWeight(endpoints, slot: endpoints.available[place], at: now))
      }
      weighted.value.schedule.rebuild(weights: weights)
    case .compare:
      for place in 0..<count { weights.append(Double(endpoints.states[endpoints.available[place]].weight)) }
      weighted.value.draw.rebuild(weights: weights)
    }
  }

  /// The requests in flight, by weight where that is compared; where turns decide nothing is.
  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    let state = endpoints.states[slot]
    switch weighting {
    case .ignore: return Double(state.inFlight)
    case .schedule: return nil
    case .compare: return Double(state.inFlight) / Double(state.weight)
    }
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    if weighting == .compare { return pickByWeight(endpoints, count, &random) }
    if weighting == .schedule {
      let slot = endpoints.available[weighted.value.schedule.earliest]
      weighted.value.schedule.takeTurn(weight: effectiveWeight(endpoints, slot: slot, at: now))
      return slot
    }
    switch comparison {
    case .oneOfOne: return endpoints.available[random.below(count)]
    case .distinctPair: return pickOfPair(endpoints, count, &random)
    case .distinct: return pickOfDistinct(endpoints, count, &random)
    case .withReplacement: return pickWithReplacement(endpoints, count, &random)
    case .fullScan: return pickOfAll(endpoints, count, &random)
    }
  }

  public func candidates(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) -> [Int32] {
    let count = endpoints.availableCount
    if weighting == .schedule || count < 2 || comparison == .fullScan { return [] }
    if weighting == .compare { return drawnByWeight(endpoints, &random) }
    switch comparison {
    case .distinctPair:
      let pair = random.distinctPair(below: count)
      return [endpoints.available[pair.first], endpoints.available[pair.second]]
    case .withReplacement: return (0..<Int(choices)).map { _ in endpoints.available[random.modulo(count)] }
    case .distinct:
      var deck = deck
      return (0..<min(Int(choices), count)).map { dealt in
        deck.swapAt(dealt, dealt &+ random.below(count &- dealt))
        return endpoints.available[deck[dealt]]
      }
    case .oneOfOne, .fullScan: return []
    }
  }

  /// What a choice by weight draws, where a second one depends on which of those before is the best.
  private func drawnByWeight(_ endpoints: EndpointView, _ random: inout RandomStream) -> [Int32] {
    var drawn = [endpoints.available[weighted.value.draw.draw(&random)]]
    var best = drawn[0]
    for _ in 1..<max(1, choices) {
      let slot = drawnByWeight(endpoints, otherThan: best, &random)
      if isLighter(endpoints.states[slot], endpoints.states[best]) { best = slot }
      drawn.append(slot)
    }
    return drawn
  }

  /// A draw by weight, made anew a few times while it gives the one that is best so far, where two are to be distinct.
  @inline(__always)
  private func drawnByWeight(
    _ endpoints: EndpointView, otherThan best: Int32, _ random: inout RandomStream
  ) -> Int32 {
    var slot = endpoints.available[weighted.value.draw.draw(&random)]
    var redraws = comparison == .withReplacement ? 0 : Self.redraws
    while slot == best && redraws > 0 {
      slot = endpoints.available[weighted.value.draw.draw(&random)]
      redraws &-= 1
    }
    return slot
  }

  @inline(__always)
  private func pickOfPair(_ endpoints: EndpointView, _ count: Int, _ random: inout RandomStream) -> Int32 {
    if count == 1 { return endpoints.available[0] }
    let pair = random.distinctPair(below: count)
    let first = endpoints.available[pair.first]
    let second = endpoints.available[pair.second]
    return endpoints.states[second].inFlight < endpoints.states[first].inFlight ? second : first
  }

  /// Deals from the front of the deck. A partial shuffle of a deck in any order gives every ordered sample the same chance,
  /// so the deck need not be put back in order.
  private mutating func pickOfDistinct(
    _ endpoints: EndpointView, _ count: Int, _ random: inout RandomStream
  ) -> Int32 {
    if count == 1 { return endpoints.available[0] }
    var best: Int32 = -1
    var least = Int32.max
    for dealt in 0..<min(Int(choices), count) {
      deck.swapAt(dealt, dealt &+ random.below(count &- dealt))
      let slot = endpoints.available[deck[dealt]]
      let inFlight = endpoints.states[slot].inFlight
      if best < 0 || inFlight < least {
        best = slot
        least = inFlight
      }
    }
    return best
  }

  private func pickWithReplacement(
    _ endpoints: EndpointView, _ count: Int, _ random: inout RandomStream
  ) -> Int32 {
    var best = endpoints.available[random.modulo(count)]
    for _ in 1..<choices {
      let slot = endpoints.available[random.modulo(count)]
      if endpoints.states[slot].inFlight < endpoints.states[best].inFlight { best = slot }
    }
    return best
  }

  /// The k-th of k equals replaces the earlier ones with probability 1/k, so all of them are equally likely in the end.
  private func pickOfAll(_ endpoints: EndpointView, _ count: Int, _ random: inout RandomStream) -> Int32 {
    var best = endpoints.available[0]
    var ties = 1
    for place in 1..<count {
      let slot = endpoints.available[place]
      let inFlight = endpoints.states[slot].inFlight
      let least = endpoints.states[best].inFlight
      if inFlight < least {
        best = slot
        ties = 1
      } else if inFlight == least {
        ties &+= 1
        if random.modulo(ties) == 0 { best = slot }
      }
    }
    return best
  }

  /// Whether `left` holds less for its weight than `right`.
  @inline(__always)
  private func isLighter(_ left: EndpointState, _ right: EndpointState) -> Bool {
    Int64(left.inFlight) * Int64(right.weight) < Int64(right.inFlight) * Int64(left.weight)
  }

  private func pickByWeight(_ endpoints: EndpointView, _ count: Int, _ random: inout RandomStream) -> Int32 {
    if comparison == .fullScan {
      // Starting anywhere spreads ties.
      let start = random.below(count)
      var best = endpoints.available[start]
      for step in 1..<count {
        let slot = endpoints.available[start &+ step < count ? start &+ step : start &+ step &- count]
        if isLighter(endpoints.states[slot], endpoints.states[best]) { best = slot }
      }
      return best
    }
    var best = endpoints.available[weighted.value.draw.draw(&random)]
    for _ in 1..<max(1, choices) {
      let slot = drawnByWeight(endpoints, otherThan: best, &random)
      if isLighter(endpoints.states[slot], endpoints.states[best]) { best = slot }
    }
    return best
  }

  @inline(__always)
  private func effectiveWeight(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double {
    let state = endpoints.states[slot]
    let lowered = weighted.value.bias.effectiveWeight(Double(state.weight), active: state.inFlight)
    return weighted.value.slowStart.weight(lowered, of: state, at: now)
  }
}
