// Google's throttling at the client: who is refused more than every other time refuses itself.
//
// Over two minutes a client counts its requests, those that it has refused itself too, and the accepts among them. It refuses the next
// one with probability max(0, (requests − K · accepts) / (requests + 1)). With K = 2 as many refusals as accepts reach the backend;
// a smaller K refuses sooner. (Beyer et al., Site Reliability Engineering, 2016, chapter 21, "Client-Side Throttling")
//
// The two minutes are 60 slots of a sixtieth of the window each; the book does not say how its window moves.

import MeshCore

/// Requests and accepts of the recent past.
public struct AdaptiveThrottling: Sendable {
  private struct Slot: Sendable {
    var requests: UInt64 = 0
    var accepts: UInt64 = 0
  }

  private static let slotCount = 60
  private let multiplier: Double
  private let slotLength: Int64
  /// The slots that are over.
  private var slots = Array(repeating: Slot(), count: slotCount)
  /// The slot that is under way: its number from the beginning of time, when it ends, and what it has counted.
  private var current: Int64 = 0
  private var currentEnd: Int64
  private var counted = Slot()
  /// All slots together.
  public private(set) var requests: UInt64 = 0
  /// All slots together.
  public private(set) var accepts: UInt64 = 0

  /// Nothing counted yet.
  public init(_ description: AdaptiveThrottlingDescription) {
    multiplier = max(1, description.multiplier)
    slotLength = max(1, description.window.nanoseconds / Int64(Self.slotCount))
    currentEnd = slotLength
  }

  /// The chance that the next request is refused, 0…1.
  public var probability: Double {
    max(0, (Double(requests) - multiplier * Double(accepts)) / (Double(requests) + 1))
  }

  /// Counts a request in, and says whether it is refused. One number is drawn where the chance is not 0.
  public mutating func refuses(_ random: inout RandomStream, at now: Timestamp) -> Bool {
    let probability = count(at: now)
    return probability > 0 && random.unit() < probability
  }

  /// Counts a request in. Returns the chance that it is refused, 0…1.
  public mutating func count(at now: Timestamp) -> Double {
    forget(at: now)
    let probability = Double(requests) <= multiplier * Double(accepts) ? 0 : probability
    requests += 1
    counted.requests += 1
    return probability
  }

  /// Counts a request that the backend has accepted.
  public mutating func accepted(at now: Timestamp) {
    forget(at: now)
    accepts += 1
    counted.accepts += 1
  }

  @inline(__always)
  private mutating func forget(at now: Timestamp) {
    if now.nanoseconds >= currentEnd { turn(at: now) }
  }

  @inline(never)
  private mutating func turn(at now: Timestamp) {
    let number = now.nanoseconds / slotLength
    slots[Int(current) % Self.slotCount] = counted
    counted = Slot()
    currentEnd = (number + 1) * slotLength
    if number - current >= Int64(Self.slotCount) {
      (requests, accepts) = (0, 0)
      for slot in slots.indices { slots[slot] = Slot() }
      current = number
    }
    while current < number {
      current += 1
      let slot = Int(current) % Self.slotCount
      requests -= slots[slot].requests
      accepts -= slots[slot].accepts
      slots[slot] = Slot()
    }
  }
}
