// Finagle's choice of two: of two different endpoints of all there are, the healthier, then the one with less load; panic.
//
// Finagle's balancers see endpoints that are marked dead too. A pick that finds a dead one (both of a pair were dead) is made
// again, `maxEffort` times at most; then the next one is taken whatever its state (`MaxEffort`), so that nobody has to say in
// advance how few survivors are too few, and requests find out who is back when all are marked dead. Weights do not count
// (finagle-core loadbalancer/p2c/P2CPick.scala, Balancer.scala, PanicMode.scala).
//
// What an endpoint's load is, is for the policy inside to say (`rank`): requests in flight of least request, cost of peak
// EWMA. It hears of everything as if it chose itself.

import MeshCore

/// Finagle's way around a policy that compares endpoints by a figure. Complexity: O(`maxEffort`) and that of two figures.
public struct FinagleChoice: LoadBalancer, ~Copyable {
  /// What least request and peak EWMA let be said.
  static let parameter = ParameterDescriptor(
    "maxEffort", .integer(minimum: 0, maximum: 100), default: .integer(0),
    "Finagle: picks of a pair that may find both marked dead before any endpoint is taken; 0 never picks the dead")

  private final class Contents {
    var inner: any LoadBalancer & ~Copyable

    init(_ inner: consuming any LoadBalancer & ~Copyable) { self.inner = inner }
  }

  private let contents: Contents
  private let maxEffort: Int32

  public var offer: EndpointOffer { .all }
  public var observesAttempts: Bool { contents.inner.observesAttempts }
  public var hasWishes: Bool { contents.inner.hasWishes }
  public var sharesDraws: Bool { contents.inner.sharesDraws }
  public var wantsLoadReports: Bool { contents.inner.wantsLoadReports }

  /// Around `inner`, which compares endpoints by its `rank`; one that has none is taken to go by requests in flight.
  public init(_ inner: consuming any LoadBalancer & ~Copyable, maxEffort: Int) {
    contents = Contents(inner)
    self.maxEffort = Int32(clamping: maxEffort)
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) { contents.inner.endpointsChanged(roster, &random, at: now) }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count < 2 { return count == 0 ? -1 : endpoints.available[0] }
    var effort = MaxEffort(maximum: maxEffort)
    while true {
      let pair = random.distinctPair(below: count)
      let first = endpoints.available[pair.first]
      let second = endpoints.available[pair.second]
      let status = EndpointStatus(endpoints.states[first])
      let other = EndpointStatus(endpoints.states[second])
      let isFirst =
        status != other ? status < other : load(endpoints, first, at: now) <= load(endpoints, second, at: now)
      if effort.judge(isOpen: min(status, other) == .open) == .take { return isFirst ? first : second }
    }
  }

  public mutating func candidates(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> [Int32] {
    let count = endpoints.availableCount
    if count < 2 { return [] }
    var effort = MaxEffort(maximum: maxEffort)
    while true {
      let pair = random.distinctPair(below: count)
      let drawn = [endpoints.available[pair.first], endpoints.available[pair.second]]
      // Pairs of dead ones before it were not compared.
      let isOpen = drawn.contains { EndpointStatus(endpoints.states[$0]) == .open }
      if effort.judge(isOpen: isOpen) == .take { return drawn }
    }
  }

  private func load(_ endpoints: EndpointView, _ slot: Int32, at now: Timestamp) -> Double {
    contents.inner.rank(endpoints, slot: slot, at: now) ?? Double(endpoints.states[slot].inFlight)
  }

  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    load(endpoints, slot, at: now)
  }

  public mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) {
    contents.inner.began(endpoints, slot: slot, at: now)
  }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) { contents.inner.ended(endpoints, slot: slot, outcome, at: now) }

  public mutating func observed(_ endpoints: EndpointView, slot: Int32, _ work: ObservedWork) {
    contents.inner.observed(endpoints, slot: slot, work)
  }

  public mutating func reported(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport, at now: Timestamp) {
    contents.inner.reported(endpoints, slot: slot, report, at: now)
  }

  public mutating func probed(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport?, at now: Timestamp) {
    contents.inner.probed(endpoints, slot: slot, report, at: now)
  }

  public mutating func woken(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) {
    contents.inner.woken(endpoints, &random, at: now)
  }

  public mutating func nextWish(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> BalancerWish? { contents.inner.nextWish(endpoints, &random, at: now) }
}

extension EndpointStatus {
  /// An endpoint's state in Finagle's words.
  init(_ state: EndpointState) {
    self = !state.isListed ? .closed : state.mayBeChosen ? .open : .busy
  }
}
