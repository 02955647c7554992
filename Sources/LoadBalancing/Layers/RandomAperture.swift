// Finagle's random aperture: a client balances over the first few servers of an order of its own.
//
// Each client gives each server a random token and sorts by it: the order is its own and stays as servers come and go.
// Servers that are not open go to the end, each kind in the same order, when the order is made anew: on a change of the
// list, when the pickers have given up on finding an open one, and as soon as one that was busy is open again. Each
// time the aperture starts from its first width. Two of the first `logicalAperture` servers are compared. How many
// clients a server has is binomial: 1,000 servers under 5,000 edges have 5 ± 2.2 each, which is what the deterministic
// aperture mends (finagle-core loadbalancer/aperture/RandomAperture.scala).
//
// Needs per change: tokens and status of the servers. Per request: two random numbers. `LoadBand` says how wide it is.

import MeshCore

/// One client's window onto the servers. Complexity: a pair O(1); an update O(servers · log servers).
public struct RandomAperture: Sendable {
  /// The user's least number of servers, at least 1.
  public let minimumAperture: Int
  /// The servers by place in the order given, the client's first.
  public private(set) var order: ContiguousArray<Int32> = []
  /// How many of the first servers are compared; 0 without any.
  public private(set) var logicalAperture = 0
  private let initial: Int
  /// Servers that were busy when the order was made.
  private var busy: ContiguousArray<Int32> = []

  /// An aperture over no servers that opens at `initial`.
  public init(minimumAperture: Int = 1, initial: Int = 1) {
    self.minimumAperture = max(1, minimumAperture)
    self.initial = max(1, initial)
  }

  /// The least it can be now.
  public var minimum: Int { min(minimumAperture, order.count) }
  /// The most it can be now.
  public var maximum: Int { order.count }

  /// Makes the order anew, and the aperture as wide as it was at first. A server's token stays the same as long as the
  /// server does.
  public mutating func update(tokens: [UInt32], statuses: [EndpointStatus]) {
    // By token, and by place where tokens are equal: one number each sorts fastest.
    let keys = tokens.indices.map { UInt64(tokens[$0]) << 32 | UInt64(truncatingIfNeeded: $0) }.sorted()
    let places = keys.map { Int(truncatingIfNeeded: $0 & 0xffff_ffff) }
    order.removeAll(keepingCapacity: true)
    busy.removeAll(keepingCapacity: true)
    for status in [EndpointStatus.open, .busy, .closed] {
      for place in places where statuses[place] == status {
        order.append(Int32(truncatingIfNeeded: place))
        if status == .busy { busy.append(Int32(truncatingIfNeeded: place)) }
      }
    }
    logicalAperture = initial
    adjust(by: 0)
  }

  /// Whether the order is to be made anew because `place`, now open, was busy when it was made.
  public func needsUpdate(opened place: Int32) -> Bool { busy.contains(place) }

  /// Widens or narrows it, within what can be.
  public mutating func adjust(by change: Int) {
    logicalAperture = max(minimum, min(maximum, logicalAperture + change))
  }

  /// Two candidates for a request, or `nil` when there are no servers. Draws two numbers unless there is one server
  /// only.
  public func pair(_ random: inout RandomStream) -> AperturePair? {
    if order.isEmpty { return nil }
    if logicalAperture < 2 { return AperturePair(first: order[0], second: order[0]) }
    let pair = random.distinctPair(below: logicalAperture)
    return AperturePair(first: order[pair.first], second: order[pair.second])
  }
}
