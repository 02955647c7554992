// The share of successes over the recent past, kept in ten buckets of a tenth of the window each.
//
// Buckets lie on a grid that begins with the first answer; a bucket that has left the window is emptied as time passes, so what counts is
// the present bucket and the nine before it: between 0.9 and 1 windows. A bucket is at least a millisecond long. Follows linkerd2-proxy,
// outbound/src/http/breaker/success_rate.rs.

import MeshCore

/// Answers of the recent past. Complexity: every operation O(1), without allocation.
@frozen
public struct SuccessRateWindow: BitwiseCopyable, Hashable, Sendable {
  /// How many buckets a window has.
  public static var bucketCount: Int { 10 }

  private let bucketLength: Int64
  /// By bucket; of sixteen places the first ten are used.
  private var successCounts = SIMD16<UInt32>.zero
  private var totalCounts = SIMD16<UInt32>.zero
  private var current = 0
  /// When the present bucket began.
  private var bucketStart = Timestamp.zero
  private var isEmpty = true

  /// An empty window over `window`.
  public init(window: TimeSpan) {
    bucketLength = max(window.nanoseconds / Int64(Self.bucketCount), 1_000_000)
  }

  /// Takes in an answer. Times must not go back.
  public mutating func record(isSuccess: Bool, at now: Timestamp) {
    if isEmpty {
      bucketStart = now
      isEmpty = false
    }
    roll(to: now)
    totalCounts[current] &+= 1
    if isSuccess { successCounts[current] &+= 1 }
  }

  /// Answers in the window, as of the last one.
  public var total: UInt32 { totalCounts.wrappedSum() }

  /// Successes among them.
  public var successes: UInt32 { successCounts.wrappedSum() }

  /// The share of successes; nil without any answer.
  public var ratio: Double? { total == 0 ? nil : Double(successes) / Double(total) }

  /// Whether at least `minimumRequests` answers, and one at the least, have a share of successes below `threshold`.
  public func shouldTrip(minimumRequests: UInt32, threshold: Double) -> Bool {
    let total = total
    if total == 0 || total < minimumRequests { return false }
    return Double(successes) / Double(total) < threshold
  }

  /// Forgets all answers.
  public mutating func clear() {
    successCounts = .zero
    totalCounts = .zero
    current = 0
    isEmpty = true
  }

  @inline(__always)
  private mutating func roll(to now: Timestamp) {
    if (now - bucketStart).nanoseconds >= bucketLength { rollOn(to: now) }
  }

  @inline(never)
  private mutating func rollOn(to now: Timestamp) {
    let passed = (now - bucketStart).nanoseconds / bucketLength
    if passed <= 0 { return }
    bucketStart = Timestamp(nanoseconds: bucketStart.nanoseconds + passed * bucketLength)
    for _ in 0..<min(passed, Int64(Self.bucketCount)) {
      current = current + 1 == Self.bucketCount ? 0 : current + 1
      successCounts[current] = 0
      totalCounts[current] = 0
    }
  }
}
