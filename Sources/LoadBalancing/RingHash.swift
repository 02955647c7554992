// Ring hash: a request with a key goes to the next point on a ring of endpoints, so that keys keep their endpoints.
//
// Envoy's `RING_HASH` and gRPC's ring_hash (proposals A42, A76); the ring itself is `RingTable`. Envoy's ring has the endpoints
// that may be chosen: one that is ejected takes its points along, and since the number of points depends on all, a few
// more keys move. gRPC's ring has all listed endpoints, sorted by address, and a choice that may not be taken goes on along
// the ring to the next one that may. Without a key the place is random. With hashBalanceFactor an endpoint that has more
// than its bound passes the request on (`BoundedLoad`).

import MeshCore

/// Chooses by a key's place on a ring. Complexity: O(1) expected; with bounded load plus one per overloaded endpoint asked. A
/// change of endpoints takes O(points).
public struct RingHash: LoadBalancer {
  private static let largest = Int64(RingTable.largestSize)

  private static let parameters = [
    ParameterDescriptor(
      "minimumRingSize", .integer(minimum: 1, maximum: largest), default: .integer(1024),
      "the ring's least number of points; more are finer shares"),
    ParameterDescriptor(
      "maximumRingSize", .integer(minimum: 1, maximum: largest), default: .integer(largest),
      "the ring's largest number of points, not below minimumRingSize; gRPC's default is 4096"),
    ParameterDescriptor(
      "hashFunction", .choice(HashFunction.allCases.map(\.rawValue)), default: .word(HashFunction.xxHash.rawValue),
      "what places endpoints on the ring: xxHash64 with seed 0, MurmurHash2 as C++'s std::hash, or djb2, which spreads badly (neither Envoy nor gRPC)"
    ),
    .hashBalanceFactor,
    ParameterDescriptor(
      "form", .choice(["envoy", "grpc"]), default: .word("envoy"),
      "envoy: a ring of the endpoints that may be chosen; grpc: of all, passing over those that may not"),
  ]

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "ringHash", summary: "a key keeps its endpoint: the next point on a ring of weighted endpoints",
    origin: "Envoy RING_HASH; gRPC ring_hash (A42)", parameters: parameters, placesKeys: true, hasTables: true
  ) { parameters in
    let (least, most) = (parameters.integer("minimumRingSize"), parameters.integer("maximumRingSize"))
    if let fault = RingTable.fault(minimumSize: UInt64(clamping: least), maximumSize: UInt64(clamping: most)) {
      return ("minimumRingSize", fault)
    }
    return ParameterDescriptor.balanceFactorFault(parameters)
  } make: { parameters, place in
    RingHash(parameters, place)
  }

  private struct State: Sendable {
    let minimumSize: UInt64
    let maximumSize: UInt64
    let function: HashFunction
    let passesOver: Bool
    var ring = RingTable()
    var endpoints: HashedEndpoints
    /// gRPC's form: who is on the ring, by number, and whether each may be chosen.
    var members: [WeightedMember] = []
    var slots: ContiguousArray<Int32> = []
    var isAvailable: ContiguousArray<Bool> = []
  }

  private var state: Indirect<State>
  public let observesAttempts: Bool

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters, _ place: BalancerContext = BalancerContext()) {
    let most = min(max(parameters.integer("maximumRingSize"), 1), Self.largest)
    let least = min(max(parameters.integer("minimumRingSize"), 1), most)
    let endpoints = HashedEndpoints(balanceFactor: parameters.integer("hashBalanceFactor"), place)
    state = Indirect(
      State(
        minimumSize: UInt64(least), maximumSize: UInt64(most),
        function: HashFunction(rawValue: parameters.word("hashFunction")) ?? .xxHash,
        passesOver: parameters.word("form") == "grpc", endpoints: endpoints))
    observesAttempts = endpoints.isBounded
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let isNew = state.value.endpoints.update(roster)
    if state.value.passesOver {
      updateAll(roster)
    } else if isNew {
      build(state.value.endpoints.members)
    }
  }

  private mutating func build(_ members: [WeightedMember]) {
    state.value.ring = RingTable(
      members, minimumSize: state.value.minimumSize, maximumSize: state.value.maximumSize,
      function: state.value.function)
  }

  /// gRPC's form: a ring of all listed endpoints in the order of their addresses.
  private mutating func updateAll(_ roster: EndpointRoster) {
    let view = roster.view
    let listed = (0..<roster.listed.count).map { place in
      (key: roster.address(slot: roster.listed[place]), slot: roster.listed[place])
    }.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) || ($0.key == $1.key && $0.slot < $1.slot) }
    var mayBeChosen = ContiguousArray(repeating: false, count: view.states.count)
    for place in 0..<view.availableCount { mayBeChosen[Int(view.available[place])] = true }
    state.value.slots = ContiguousArray(listed.map(\.slot))
    state.value.isAvailable = ContiguousArray(listed.map { mayBeChosen[Int($0.slot)] })
    let members = WeightedMember.normalised(listed.map { ($0.key, view.states[$0.slot].weight) })
    if members == state.value.members { return }
    state.value.members = members
    build(members)
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if endpoints.availableCount == 0 { return -1 }
    let hash = context.hasKey ? context.key : random.next()
    if state.value.passesOver { return nextAvailable(from: state.value.ring.place(of: hash)) }
    return state.value.endpoints.slot(
      state.value.ring.member(of: hash, attempt: Int(context.attempt)), hash: hash, endpoints)
  }

  /// The slot of the first point from `place` on whose endpoint may be chosen.
  private func nextAvailable(from place: Int) -> Int32 {
    let count = state.value.ring.count
    var place = place
    for _ in 0..<count {
      let member = Int(state.value.ring.members[place])
      if state.value.isAvailable[member] { return state.value.slots[member] }
      place = place + 1 == count ? 0 : place + 1
    }
    // An endpoint so light that it has no point on a small ring is better than none.
    return state.value.isAvailable.firstIndex(of: true).map { state.value.slots[$0] } ?? -1
  }

  public mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) {
    state.value.endpoints.began()
  }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) { state.value.endpoints.ended() }
}

extension ParameterDescriptor {
  /// The bound of bounded load, as Envoy calls it.
  static let hashBalanceFactor = ParameterDescriptor(
    "hashBalanceFactor", .integer(minimum: 0, maximum: 1_000_000), default: .integer(0),
    "how many per cent of its share of requests in flight an endpoint may have, at least 100; 0 is no bound")

  /// What is wrong with a bound, as Envoy judges it.
  static func balanceFactorFault(_ parameters: PolicyParameters) -> (parameter: String, what: String)? {
    let factor = parameters.integer("hashBalanceFactor")
    if factor == 0 || factor >= 100 { return nil }
    return ("hashBalanceFactor", "hashBalanceFactor \(factor) is below 100; expected 0 for no bound, or at least 100")
  }
}
