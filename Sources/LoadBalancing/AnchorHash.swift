// Anchor hash: whichever endpoint goes, only its keys move, and they come back when an endpoint does.
//
// Mendelson et al. 2021; the buckets are `AnchorTable`'s. Each endpoint that may be chosen has a bucket; one that goes or is shut out
// gives its bucket up, one that comes gets the bucket that was given up last. So what was placed where depends on the past
// of this data plane, and two data planes agree only while their pasts do. When there are no buckets left, twice as many
// are made and all keys are placed anew. Weights do not count. Without a key the place is random.

import MeshCore

/// Chooses by a bucket of an anchor. Complexity: O(1 + log(buckets / endpoints)) expected; a change of endpoints O(n).
public struct AnchorHash: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "capacity", .integer(minimum: 0, maximum: 1_000_000), default: .integer(0),
      "how many endpoints there can be before keys are placed anew; 0 is twice as many as there are at first")
  ]

  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "anchorHash",
    summary:
      "a key keeps its endpoint: buckets that are handed on, so that only a lost endpoint's keys move; ignores weight",
    origin: "Mendelson et al. 2021", parameters: parameters, placesKeys: true
  ) { parameters, _ in AnchorHash(parameters) }

  private struct State: Sendable {
    let capacity: Int
    var table = AnchorTable(capacity: 1, working: 0)
    /// The slot of each working bucket, -1 elsewhere.
    var slots: ContiguousArray<Int32> = []
    /// Whose bucket it is, when the slot is used again.
    var incarnations: ContiguousArray<UInt32> = []
    var hasBegun = false
  }

  private var state: Indirect<State>

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters) {
    state = Indirect(State(capacity: Int(max(0, parameters.integer("capacity")))))
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let view = roster.view
    let count = view.availableCount
    if count > state.value.table.capacity || (!state.value.hasBegun && count > 0) {
      begin(view)
      return
    }
    var isNew = ContiguousArray(repeating: false, count: view.states.count)
    for place in 0..<count { isNew[Int(view.available[place])] = true }
    for bucket in 0..<state.value.slots.count {
      let slot = state.value.slots[bucket]
      if slot < 0 { continue }
      if isNew[Int(slot)] && view.states[slot].incarnation == state.value.incarnations[bucket] {
        isNew[Int(slot)] = false
      } else {
        state.value.slots[bucket] = -1
        state.value.table.remove(Int32(truncatingIfNeeded: bucket))
      }
    }
    for place in 0..<count where isNew[Int(view.available[place])] {
      give(view.available[place], view, bucket: Int(state.value.table.add()))
    }
  }

  /// Places all keys anew: endpoint i of the list has bucket i.
  private mutating func begin(_ view: EndpointView) {
    let count = view.availableCount
    let capacity = max(state.value.capacity, 2 * count)
    state.value.hasBegun = true
    state.value.table = AnchorTable(capacity: capacity, working: count)
    state.value.slots = ContiguousArray(repeating: -1, count: capacity)
    state.value.incarnations = ContiguousArray(repeating: 0, count: capacity)
    for place in 0..<count { give(view.available[place], view, bucket: place) }
  }

  private mutating func give(_ slot: Int32, _ view: EndpointView, bucket: Int) {
    state.value.slots[bucket] = slot
    state.value.incarnations[bucket] = view.states[slot].incarnation
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if endpoints.availableCount == 0 { return -1 }
    let key = context.hasKey ? context.key : random.next()
    let bucket = state.value.table.bucket(of: key)
    return bucket < 0 ? -1 : state.value.slots[Int(bucket)]
  }
}
