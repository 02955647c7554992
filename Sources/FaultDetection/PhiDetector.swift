// The phi-accrual failure detector: how suspicious a silence is, as a number (Hayashibara, Défago, Yared, Katayama, SRDS 2004).
//
// Times between heartbeats are remembered, the last `maxSampleSize` of them. When t has passed since the last heartbeat, φ = −log₁₀ P(the
// next one comes later than t): at φ = 1 one suspicion in ten is wrong, at φ = 8 one in 10⁸. What P is depends on the law:
//
//   normal (Akka)            y = (t − mean − pause) / deviation; P by the logistic approximation e/(1+e), e = exp(−y (1.5976 + 0.070566 y²))
//   exponential (Cassandra)  P = exp(−t / mean), so φ = t / (mean · ln 10)
//
// The first heartbeat puts two times of mean `heartbeatInterval` and a quarter of it as deviation into the history, as in Akka; until then
// silence counts from the endpoint's listing by the same figures, where Akka and Cassandra suspect nobody whom they have never heard. Times
// are kept in whole microseconds, so that sums taken along are exact. A detector knows nothing of endpoints that fail requests: it finds those that are
// silent. Sources: akka.remote.PhiAccrualFailureDetector; org.apache.cassandra.gms.FailureDetector.

import MeshCore

/// The history of one endpoint's heartbeats; the times themselves lie with its keeper. Complexity: every operation O(1).
@frozen
public struct PhiDetector: BitwiseCopyable, Sendable {
  /// Times that are remembered.
  public private(set) var count: Int32 = 0
  /// The place that the next one takes.
  private var place: Int32 = 0
  private var sum: UInt64 = 0
  private var squares = UInt128.zero
  /// When the last heartbeat came.
  public private(set) var last: Timestamp

  /// A detector that begins to wait at `now`.
  public init(at now: Timestamp) { last = now }

  /// A heartbeat has come. The detector's own times, `maxSampleSize` of them in microseconds, lie in `samples` from `first` on.
  public mutating func heartbeat(
    at now: Timestamp, samples: inout Pool<UInt32>, from first: Int, _ settings: PhiAccrualDescription
  ) {
    let size = settings.maxSampleSize
    if count == 0 {
      // Two times whose mean is the interval, and whose deviation is a quarter of it.
      let mean = Self.microseconds(settings.heartbeatInterval)
      if size > 1 { remember(mean - mean / 4, &samples, first, size) }
      remember(size > 1 ? mean + mean / 4 : mean, &samples, first, size)
    } else {
      remember(Self.microseconds(now - last), &samples, first, size)
    }
    last = now
  }

  /// How suspicious the silence since the last heartbeat is: 0 for not at all. Infinite where the law leaves no chance.
  public func phi(at now: Timestamp, _ settings: PhiAccrualDescription) -> Double {
    let silence = Double((now - last).nanoseconds) / 1e3
    let first = Double(Self.microseconds(settings.heartbeatInterval))
    let mean = count == 0 ? first : Double(sum) / Double(count)
    switch settings.form {
    case .cassandra:
      return silence / max(mean, 1) / Self.naturalLogarithmOfTen
    case .akka:
      let least = max(Double(settings.minStdDeviation.nanoseconds) / 1e3, 1)
      let deviation = max(count == 0 ? first / 4 : variance.squareRoot(), least)
      let expected = mean + Double(settings.acceptableHeartbeatPause.nanoseconds) / 1e3
      let y = (silence - expected) / deviation
      let e = Elementary.exponential(-y * (1.5976 + 0.070566 * y * y))
      let later = silence > expected ? e / (1 + e) : 1 - 1 / (1 + e)
      // Far below the mean the other share is all there is, and its difference from one is rounded away.
      return later > 0 ? max(0, -Elementary.logarithm(min(later, 1)) / Self.naturalLogarithmOfTen) : .infinity
    }
  }

  private static var naturalLogarithmOfTen: Double { 2.302585092994046 }

  /// The mean of squares less the square of the mean, from exact sums.
  private var variance: Double {
    let n = UInt128(UInt32(bitPattern: count))
    let spread = n * squares - UInt128(sum) * UInt128(sum)
    return Double(spread) / Double(n * n)
  }

  private static func microseconds(_ span: TimeSpan) -> UInt32 {
    UInt32(clamping: max(span.nanoseconds, 0) / 1000)
  }

  private mutating func remember(_ time: UInt32, _ samples: inout Pool<UInt32>, _ first: Int, _ size: Int32) {
    let own = first + Int(place)
    if count == size {
      let former = samples[own]
      sum -= UInt64(former)
      squares -= UInt128(former) * UInt128(former)
    } else {
      count += 1
    }
    samples[own] = time
    sum += UInt64(time)
    squares += UInt128(time) * UInt128(time)
    place = place + 1 == size ? 0 : place + 1
  }
}
