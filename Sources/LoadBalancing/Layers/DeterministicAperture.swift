// Finagle's deterministic aperture: a client balances over the few servers on its arc, by their part of it.
//
// With weights, a server's length on the circle is its share of all weight, and a client's draws go by what of it lies
// on the client's arc. Two candidates are drawn; the one with less load for its part is taken. Weights within 1e-4 of
// each other count as equal, so that rounding prefers nobody. Weighted draws are by an alias table, the second
// candidate drawn again up to five times while it is the first (finagle-core
// loadbalancer/aperture/{WeightedAperture,WeightedP2CPick,Alias}.scala).
//
// Needs per change: the servers' weights in an order that all clients share, and the client's coordinate. Per request:
// random numbers for two candidates, and the load (requests in flight, or a latency cost) and status of both, which the
// caller looks up by the places in that order. Comes before the policy's own choice of two, in place of it.

import MeshCore

/// What stands by for a request: two places in the order of servers and the part of each on the arc.
@frozen
public struct AperturePair: BitwiseCopyable, Hashable, Sendable {
  /// The candidate drawn first.
  public var first: Int32
  /// The candidate drawn second; the same as the first when there is no other.
  public var second: Int32
  /// The part of the first, above 0.
  public var firstWeight: Double
  /// The part of the second, above 0.
  public var secondWeight: Double

  /// Two candidates. A part of 0, which only rounding can make, counts as 1.
  public init(first: Int32, second: Int32, firstWeight: Double = 1, secondWeight: Double = 1) {
    self.first = first
    self.second = second
    self.firstWeight = firstWeight == 0 ? 1 : firstWeight
    self.secondWeight = secondWeight == 0 ? 1 : secondWeight
  }

  /// The candidate to take: the healthier one, at the same health the one with less load for its part, at the same load
  /// the first.
  public func choose(
    firstStatus: EndpointStatus, firstLoad: Double, secondStatus: EndpointStatus, secondLoad: Double
  ) -> Int32 {
    if firstStatus != secondStatus { return firstStatus < secondStatus ? first : second }
    if (firstWeight - secondWeight).magnitude < 1e-4 { return firstLoad <= secondLoad ? first : second }
    return firstLoad / firstWeight <= secondLoad / secondWeight ? first : second
  }
}

/// Finagle's view of an endpoint, the best first.
@frozen
public enum EndpointStatus: UInt8, BitwiseCopyable, Hashable, Comparable, Sendable {
  /// It takes requests.
  case open
  /// It is marked dead and may come back.
  case busy
  /// It is gone.
  case closed

  public static func < (left: EndpointStatus, right: EndpointStatus) -> Bool { left.rawValue < right.rawValue }
}

/// One client's arc over weighted servers. Complexity: a pair O(1), without allocation; an update O(servers).
public struct DeterministicAperture: Sendable {
  /// How many servers an aperture holds at least (Finagle's `minDeterminsticAperture`).
  public static let minimumAperture = 12
  private static let secondTries = 5

  private enum Draw: Sendable {
    case none
    case ring(ApertureRing)
    case table(AliasTable)
  }

  /// The servers on the arc, by place in the order given, ascending.
  public private(set) var indices: ContiguousArray<Int32> = []
  /// The part of each of `indices` on the arc: of the circle when servers are weighted, of the server itself when not.
  public private(set) var weights: ContiguousArray<Double> = []
  private var draw = Draw.none

  /// An arc over no servers.
  public init() {}

  /// The weights that servers have for a client whose arc is [offset, offset + width): the length of each on it, 0 off
  /// it.
  /// - Parameter weights: by server, above 0.
  public static func adjusted(weights: [Double], offset: Double, width: Double) -> [Double] {
    var adjusted = [Double](repeating: 0, count: weights.count)
    let total = weights.reduce(0, +)
    if weights.isEmpty || !(total > 0) { return adjusted }
    let end = offset + width
    var position = 0.0
    var place = 0
    // At most twice around: the arc begins within the first turn and is no longer than one.
    while position < end {
      let length = weights[place] / total
      if position < offset {
        if position + length >= offset { adjusted[place] += min(width, length + position - offset) }
      } else if position + length > end {
        adjusted[place] += end - position
      } else {
        adjusted[place] += length
      }
      position += length
      place = place + 1 == weights.count ? 0 : place + 1
    }
    return adjusted
  }

  /// Servers of equal weight came or went, or the client's coordinate changed.
  /// - Parameter logicalAperture: how many servers the client wants; 12, or all if there are fewer, unless said.
  public mutating func update(servers: Int, at coordinate: ApertureCoordinate, logicalAperture: Int? = nil) {
    clear()
    if servers <= 0 { return }
    let wanted = logicalAperture ?? min(Self.minimumAperture, servers)
    let width = coordinate.width(logicalAperture: wanted, servers: servers)
    let ring = ApertureRing(servers: servers, offset: coordinate.offset, width: width)
    let touched = (0..<ring.coveredCount).map { ring.covered($0) }.filter { ring.covers($0) }
    indices = ContiguousArray(touched.sorted().map { Int32(truncatingIfNeeded: $0) })
    weights = ContiguousArray(indices.map { ring.weight(of: Int($0)) })
    draw = .ring(ring)
  }

  /// Servers or their weights changed, or the client's coordinate.
  public mutating func update(weights given: [Double], at coordinate: ApertureCoordinate, logicalAperture: Int? = nil) {
    clear()
    if given.isEmpty { return }
    let wanted = logicalAperture ?? min(Self.minimumAperture, given.count)
    let width = coordinate.width(logicalAperture: wanted, servers: given.count)
    for (place, weight) in Self.adjusted(weights: given, offset: coordinate.offset, width: width).enumerated()
    where weight > 0 {
      indices.append(Int32(truncatingIfNeeded: place))
      weights.append(weight)
    }
    draw = .table(AliasTable(weights: weights))
  }

  private mutating func clear() {
    indices.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    draw = .none
  }

  /// Two candidates for a request, or `nil` when there are no servers.
  public func pair(_ random: inout RandomStream) -> AperturePair? {
    switch draw {
    case .none: return nil
    case .ring(let ring):
      let first = ring.pick(&random)
      let second = ring.pickSecond(after: first, &random)
      return AperturePair(
        first: Int32(truncatingIfNeeded: first), second: Int32(truncatingIfNeeded: second),
        firstWeight: ring.weight(of: first), secondWeight: ring.weight(of: second))
    case .table(let table):
      if table.count == 0 { return nil }
      let first = table.draw(&random)
      var second = first
      var tries = 0
      while second == first && tries < Self.secondTries {
        second = table.draw(&random)
        tries += 1
      }
      return AperturePair(
        first: indices[first], second: indices[second], firstWeight: weights[first], secondWeight: weights[second])
    }
  }
}
