// A count over the recent past: five slices, of which the present one grows and four wait to be forgotten.
//
// A slice ends when something is counted or asked a fifth of the range after it began, and the next one begins there and then, off any
// grid; slices in which nothing happened are passed over as empty. So the count covers between 0.8 and 1 ranges where events are frequent,
// and up to one slice more than that after a pause. Follows Twitter's util, WindowedAdder.

import MeshCore

/// Counts events of the last while. Complexity: every operation O(1), without allocation.
@frozen
public struct WindowedAdder: BitwiseCopyable, Hashable, Sendable {
  /// How many whole slices are remembered beside the present one.
  private static var remembered: Int64 { 4 }

  private let sliceLength: Int64
  private var slices = SIMD4<Int64>.zero
  private var place: Int64 = 0
  private var running: Int64 = 0
  private var sliceStart: Timestamp

  /// Nothing counted yet, over `range`, at least 5 ns.
  public init(range: TimeSpan, at now: Timestamp) {
    sliceLength = max(range.nanoseconds / (Self.remembered + 1), 1)
    sliceStart = now
  }

  /// Counts one.
  public mutating func increment(at now: Timestamp) {
    expire(at: now)
    running += 1
  }

  /// How many were counted of late.
  public mutating func sum(at now: Timestamp) -> Int64 {
    expire(at: now)
    return slices.wrappedSum() + running
  }

  /// Forgets everything.
  public mutating func reset(at now: Timestamp) {
    slices = .zero
    place = 0
    running = 0
    sliceStart = now
  }

  private mutating func expire(at now: Timestamp) {
    let elapsed = (now - sliceStart).nanoseconds
    if elapsed < sliceLength { return }
    slices[Int(place)] = running
    running = 0
    place = (place + 1) % Self.remembered
    let skipped = min(elapsed / sliceLength - 1, Self.remembered)
    for _ in 0..<skipped {
      slices[Int(place)] = 0
      place = (place + 1) % Self.remembered
    }
    sliceStart = now
  }
}
