// Aperture: a client balances over a few of many servers, so that it keeps few connections and learns fast how busy each is.
//
// Finagle's and linkerd 1's way. The deterministic form lays clients and servers around a ring, so that all servers get the
// same load whatever their numbers; the random form gives each client an order of its own and widens with its load. Of two
// candidates within the aperture the healthier one is taken, at the same health the one with less load for its part: requests in
// flight, or what one more would cost by peak EWMA in its Finagle form (`aperturePeakEwma`); picks that find endpoints which are not open are made again a few times; then the next one is taken, whatever its state
// (finagle-core loadbalancer/aperture, PanicMode; `MaxEffort`).

import MeshCore

/// Chooses the less loaded of two within an aperture. Complexity: O(1); O(n log n) when endpoints change.
public struct Aperture: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "kind", .choice(["deterministic", "random"]), default: .word("deterministic"),
      "by the client's place among its peers, or in an order of its own"),
    ParameterDescriptor(
      "minimumAperture", .integer(minimum: 0, maximum: 100_000), default: .integer(0),
      "the least number of servers; 0 is Finagle's own: 12 when deterministic, 1 when random"),
    ParameterDescriptor(
      "load", .choice(["leastLoaded", "peakEwma"]), default: .word("leastLoaded"),
      "what the two are compared by: requests in flight, or their average latency times those and one"),
    ParameterDescriptor(
      "lowLoad", .number(minimum: 0, maximum: 1000), default: .number(0.875),
      "random: at or below this load of each server it narrows"),
    ParameterDescriptor(
      "highLoad", .number(minimum: 0, maximum: 1000), default: .number(1.125),
      "random: at or above this load of each server it widens"),
    ParameterDescriptor(
      "smoothingWindow", .duration(minimum: .zero), default: .integer(15_000_000_000),
      "the time constant of the load's average (random), and of latencies (peakEwma)"),
    ParameterDescriptor(
      "maxEffort", .integer(minimum: 1, maximum: 100), default: .integer(4),
      "picks that may find an endpoint that is not open before any one is taken"),
  ]

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "aperture", summary: "the less loaded of two within a client's few of many endpoints",
    origin: "Finagle, linkerd 1", parameters: parameters
  ) { parameters, context in Aperture(parameters, context) }

  private struct Contents: Sendable {
    var isRandom: Bool
    var minimum: Int
    var maxEffort: Int32
    var coordinate: ApertureCoordinate
    var ring = DeterministicAperture()
    var window: RandomAperture
    var band: LoadBand
    /// The slot of each server, in the order that all clients share.
    var slots: ContiguousArray<Int32> = []
    /// Latencies, where they are what endpoints are compared by.
    var latencies: PeakEWMA?
    /// What an order of its own goes by.
    var tokens = SlotRecords<UInt32>()
  }

  private var contents: Indirect<Contents>
  private let isRandom: Bool
  private let knowsLatencies: Bool

  public var observesAttempts: Bool { isRandom || knowsLatencies }
  public var offer: EndpointOffer { .all }

  /// A policy with the descriptor's parameters, at a data plane's place.
  public init(_ parameters: PolicyParameters, _ context: BalancerContext = BalancerContext()) {
    isRandom = parameters.word("kind") == "random"
    knowsLatencies = parameters.word("load") == "peakEwma"
    let asked = Int(parameters.integer("minimumAperture"))
    let minimum = asked > 0 ? asked : isRandom ? 1 : DeterministicAperture.minimumAperture
    contents = Indirect(
      Contents(
        isRandom: isRandom, minimum: minimum, maxEffort: Int32(clamping: parameters.integer("maxEffort")),
        coordinate: ApertureCoordinate(instance: context.planeNumber, total: context.planeCount),
        window: RandomAperture(minimumAperture: minimum, initial: minimum),
        band: LoadBand(
          smoothingWindow: parameters.span("smoothingWindow"),
          lowLoad: parameters.number("lowLoad"),
          highLoad: parameters.number("highLoad")),
        latencies: knowsLatencies ? PeakEWMA(finagleDecay: parameters.span("smoothingWindow")) : nil))
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let view = roster.view
    contents.value.slots.removeAll(keepingCapacity: true)
    for place in 0..<view.availableCount { contents.value.slots.append(view.available[place]) }
    contents.value.tokens.update(view) { _ in UInt32(truncatingIfNeeded: random.next() >> 32) }
    if knowsLatencies { contents.value.latencies?.endpointsChanged(roster, &random, at: now) }
    if isRandom { reorder(view) } else { lay(view) }
  }

  /// The number of servers that it chooses from now.
  var width: Int { isRandom ? contents.value.window.logicalAperture : contents.value.ring.indices.count }

  private mutating func reorder(_ view: EndpointView) {
    let slots = contents.value.slots
    let tokens = contents.value.tokens
    contents.value.window.update(
      tokens: slots.map { tokens[$0] }, statuses: slots.map { EndpointStatus(view.states[$0]) })
  }

  private mutating func lay(_ view: EndpointView) {
    let weights = contents.value.slots.map { Double(view.states[$0].weight) }
    let count = weights.count
    let wanted = min(contents.value.minimum, count)
    let coordinate = contents.value.coordinate
    if weights.allSatisfy({ $0 == weights[0] }) {
      contents.value.ring.update(servers: count, at: coordinate, logicalAperture: wanted)
    } else {
      contents.value.ring.update(weights: weights, at: coordinate, logicalAperture: wanted)
    }
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if endpoints.availableCount == 0 { return -1 }
    var effort = MaxEffort(maximum: contents.value.maxEffort)
    while true {
      let drawn = isRandom ? contents.value.window.pair(&random) : contents.value.ring.pair(&random)
      guard let pair = drawn else { return -1 }
      let (first, second) = (contents.value.slots[Int(pair.first)], contents.value.slots[Int(pair.second)])
      let place = pair.choose(
        firstStatus: EndpointStatus(endpoints.states[first]), firstLoad: load(endpoints, first, at: now),
        secondStatus: EndpointStatus(endpoints.states[second]), secondLoad: load(endpoints, second, at: now))
      let slot = contents.value.slots[Int(place)]
      switch effort.judge(isOpen: endpoints.states[slot].mayBeChosen) {
      case .take: return slot
      case .pickAgain: continue
      case .panic: if isRandom { reorder(endpoints) }
      }
    }
  }

  /// Those of the last pair: pairs of dead ones before it were not compared.
  public mutating func candidates(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> [Int32] {
    if endpoints.availableCount < 2 { return [] }
    var effort = MaxEffort(maximum: contents.value.maxEffort)
    var window = contents.value.window
    while true {
      let drawn = isRandom ? window.pair(&random) : contents.value.ring.pair(&random)
      guard let pair = drawn else { return [] }
      let slots = [contents.value.slots[Int(pair.first)], contents.value.slots[Int(pair.second)]]
      switch effort.judge(isOpen: slots.contains { endpoints.states[$0].mayBeChosen }) {
      case .take: return slots
      case .pickAgain: continue
      case .panic:
        let (all, tokens) = (contents.value.slots, contents.value.tokens)
        window.update(
          tokens: all.map { tokens[$0] }, statuses: all.map { EndpointStatus(endpoints.states[$0]) })
      }
    }
  }

  @inline(__always)
  private mutating func load(_ endpoints: EndpointView, _ slot: Int32, at now: Timestamp) -> Double {
    if knowsLatencies, let cost = contents.value.latencies?.cost(endpoints, slot: slot, at: now) { return cost }
    return Double(endpoints.states[slot].inFlight)
  }

  public mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) { adjust(by: 1, at: now) }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) {
    if knowsLatencies { contents.value.latencies?.ended(endpoints, slot: slot, outcome, at: now) }
    adjust(by: -1, at: now)
  }

  private mutating func adjust(by change: Int64, at now: Timestamp) {
    if !isRandom { return }
    let window = contents.value.window
    let widened = contents.value.band.adjust(
      by: change, aperture: window.logicalAperture, minimum: window.minimum, maximum: window.maximum, at: now)
    if widened != 0 { contents.value.window.adjust(by: widened) }
  }
}
