// Maglev: a request with a key goes where a table of prime size says, so that keys keep their endpoints.
//
// Envoy's `MAGLEV`; the table itself is `MaglevTable`. It has the endpoints that may be chosen: one that is ejected gives its entries
// up, and a few more keys move. Shares are more even than a ring's of the same size. Without a key the place is random.
// With hashBalanceFactor an endpoint that has more than its bound passes the request on (`BoundedLoad`).

import MeshCore

/// Chooses by a key's entry in a table. Complexity: O(1); with bounded load plus one per overloaded endpoint asked. A change of
/// endpoints takes O(size · log size).
public struct Maglev: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "tableSize", .integer(minimum: 2, maximum: Int64(MaglevTable.largestSize)), default: .integer(65_537),
      "the table's number of entries, a prime number well above the number of endpoints"),
    .hashBalanceFactor,
  ]

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "maglev", summary: "a key keeps its endpoint: an entry of an evenly shared table",
    origin: "Envoy MAGLEV; Eisenbud et al. 2016", parameters: parameters, placesKeys: true, hasTables: true
  ) { parameters in
    if let fault = MaglevTable.fault(size: UInt64(clamping: parameters.integer("tableSize"))) {
      return ("tableSize", fault)
    }
    return ParameterDescriptor.balanceFactorFault(parameters)
  } make: { parameters, place in
    Maglev(parameters, place)
  }

  private struct State: Sendable {
    let size: UInt64
    var table = MaglevTable()
    var endpoints: HashedEndpoints
  }

  private var state: Indirect<State>
  public let observesAttempts: Bool

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters. A size that is no prime number counts as the next one that is.
  public init(_ parameters: PolicyParameters, _ place: BalancerContext = BalancerContext()) {
    let endpoints = HashedEndpoints(balanceFactor: parameters.integer("hashBalanceFactor"), place)
    state = Indirect(
      State(size: MaglevTable.validSize(atLeast: parameters.integer("tableSize")), endpoints: endpoints))
    observesAttempts = endpoints.isBounded
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    if !state.value.endpoints.update(roster) { return }
    state.value.table = MaglevTable(state.value.endpoints.members, size: state.value.size)
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if endpoints.availableCount == 0 { return -1 }
    let hash = context.hasKey ? context.key : random.next()
    return state.value.endpoints.slot(
      state.value.table.member(of: hash, attempt: Int(context.attempt)), hash: hash, endpoints)
  }

  public mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) {
    state.value.endpoints.began()
  }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) { state.value.endpoints.ended() }
}
