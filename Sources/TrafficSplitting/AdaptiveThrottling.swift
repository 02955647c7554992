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
  private var slots = Array(repeating: Slot(), count: slotCount)
  /// The number of the slot that is under way, from the beginning of time.
  private var current: Int64 = 0
  /// All slots together.
  public private(set) var requests: UInt64 = 0
  /// All slots together.
  public private(set) var accepts: UInt64 = 0

  /// Nothing counted yet.
  public init(_ description: AdaptiveThrottlingDescription) {
    multiplier = max(1, description.multiplier)
    slotLength = max(1, description.window.nanoseconds / Int64(Self.slotCount))
  }

  /// The chance that the next request is refused, 0…1.
  public var probability: Double {
    max(0, (Double(requests) - multiplier * Double(accepts)) / (Double(requests) + 1))
  }

  /// Counts a request in, and says whether it is refused. One number is drawn where the chance is not 0.
  public mutating func refuses(_ random: inout RandomStream, at now: Timestamp) -> Bool {
    forget(at: now)
    let probability = probability
    requests += 1
    slots[Int(current) % Self.slotCount].requests += 1
    return probability > 0 && random.unit() < probability
  }

  /// Counts a request that the backend has accepted.
  public mutating func accepted(at now: Timestamp) {
    forget(at: now)
    accepts += 1
    slots[Int(current) % Self.slotCount].accepts += 1
  }

  private mutating func forget(at now: Timestamp) {
    let number = now.nanoseconds / slotLength
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
