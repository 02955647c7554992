// Static stride: weighted round robin without a queue, as gRPC schedules it.
//
// A counter walks the members pass by pass. In each pass a member is passed over unless its weight, added up once a pass,
// has just run over a full 65,535: so the heaviest is taken in every pass, the others in proportion. Each member starts half
// a cycle after the one before it, so that equals do not come in bursts. One counter lives through all changes of weights, so
// a new schedule goes on where the old one was (grpc-go balancer/weightedroundrobin/scheduler.go; gRFC A58).
//
// Members without a weight get the mean of the others. With fewer than two weights, or with equal ones, it is plain round robin.

/// Whose turn it is among members known by their place, 0 ..< count.
///
/// Complexity: a turn passes over heaviest weight / mean weight members on average, at most `count`; a rebuild O(n).
public struct StaticStride: Sendable {
  /// The weight of the heaviest.
  private static let full: UInt64 = 65_535
  /// By how much each member starts after the one before.
  private static let offset: UInt64 = 32_767

  /// The next number of the walk. gRPC starts it at random, so that data planes do not walk in step.
  public var counter: UInt32
  private var count = 0
  /// Weights, the largest `full`; empty for plain round robin.
  public private(set) var scaled: ContiguousArray<UInt16> = []

  /// A walk without members.
  public init(counter: UInt32 = 0) { self.counter = counter }

  /// Whether all have the same share.
  public var isPlain: Bool { scaled.isEmpty }

  /// Takes new weights, finite and at least 0, one a member; 0 stands for an unknown one.
  public mutating func rebuild(weights: ContiguousArray<Double>) {
    count = weights.count
    scaled.removeAll(keepingCapacity: true)
    var total: Double = 0
    var largest: Double = 0
    var known = 0
    for weight in weights where weight > 0 {
      total += weight
      largest = max(largest, weight)
      known += 1
    }
    if known < 2 { return }
    let factor = Double(Self.full) / largest
    let mean = Self.whole(factor * (total / Double(known)))
    var areEqual = true
    for weight in weights {
      scaled.append(weight > 0 ? Self.whole(factor * weight) : mean)
      areEqual = areEqual && scaled[scaled.count - 1] == scaled[0]
    }
    if areEqual { scaled.removeAll(keepingCapacity: true) }
  }

  /// The place of the member whose turn it is; -1 without members.
  public mutating func next() -> Int32 {
    if count == 0 { return -1 }
    while true {
      let (pass, place) = UInt64(counter).quotientAndRemainder(dividingBy: UInt64(count))
      counter &+= 1
      if scaled.isEmpty { return Int32(truncatingIfNeeded: place) }
      let weight = UInt64(scaled[Int(place)])
      if (weight &* pass &+ place &* Self.offset) % Self.full >= Self.full - weight {
        return Int32(truncatingIfNeeded: place)
      }
    }
  }

  /// To the nearest, halves away from zero; products that rounding lifted over `full` are `full`.
  private static func whole(_ value: Double) -> UInt16 { UInt16(min(value.rounded(), Double(full))) }
}
