// Envoy's adaptive concurrency: as many requests in flight as keep latency near its least.
//
// Every `concurrencyUpdateInterval` a percentile of the latencies since the last one becomes sampleRTT, and
//   gradient = clamp(minRTT · (1 + buffer) / sampleRTT, 0.5, 2),  L = limit · gradient,  limit ← ⌊L + √L⌋ between the smallest and largest.
// minRTT is measured from time to time, and at the start: the limit goes down to the smallest until `request_count` requests that
// began since then have ended; then it comes back to where it was. Five intervals in a row at the smallest limit measure it at once.
// (source/extensions/filters/http/adaptive_concurrency/controller/gradient_controller.cc)
//
// Timers are worked out when somebody looks: between requests nobody sees the limit.

import MeshCore

/// The limit of requests in flight before a route.
public struct AdaptiveConcurrency: Sendable {
  private let description: AdaptiveConcurrencyDescription
  private var latencies = LogLinearHistogram()
  /// Requests that have been let through and not ended.
  public private(set) var inFlight: UInt32 = 0
  /// How many there may be.
  public private(set) var limit: UInt32
  /// The limit to come back to after a measurement; nil when none is under way.
  private var suspendedLimit: UInt32?
  private var minimumsInARow = 0
  /// The least latency, microseconds; nil before the first measurement.
  public private(set) var minRTT: Int64?
  /// When the last measurement began: requests from before do not count.
  private var epoch: Timestamp
  private var sampleDue: Timestamp
  private var measureDue: Timestamp

  /// A limit that has seen nothing. It begins with a measurement, unless the least latency is given.
  public init(_ description: AdaptiveConcurrencyDescription, at now: Timestamp) {
    self.description = description
    limit = description.minConcurrency
    epoch = now
    sampleDue = now + description.concurrencyUpdateInterval
    measureDue = Timestamp(nanoseconds: .max)
    if let span = description.fixedMinRTT {
      minRTT = span.nanoseconds / 1000
    } else {
      beginMeasurement(at: now)
    }
  }

  /// Whether the least latency is being measured.
  public var isMeasuring: Bool { suspendedLimit != nil }

  /// The ratio that moves the limit. Latencies in one unit, `sampleRTT` above 0.
  public static func gradient(minRTT: Int64, sampleRTT: Int64, buffer: Double) -> Double {
    let buffered = Double(minRTT) + Double(minRTT) * buffer
    return max(0.5, min(2, buffered / Double(sampleRTT)))
  }

  /// The next limit, from 1 on, before it is held within its bounds.
  public static func nextLimit(_ limit: UInt32, gradient: Double) -> UInt32 {
    let scaled = Double(limit) * gradient
    return UInt32(min(scaled + scaled.squareRoot(), 4_294_967_295))
  }

  /// Up to `jitter` of `interval` more, in whole milliseconds (Envoy's `applyJitter`).
  public static func jittered(_ interval: TimeSpan, jitter: Double, draw: UInt64) -> TimeSpan {
    let range = (interval.milliseconds.rounded(.down) * jitter).rounded(.up)
    return range < 1 ? interval : interval + .milliseconds(Int64(draw % UInt64(range)))
  }

  /// Whether a request may pass; it is in flight then, until `ended` or `forgotten`.
  public mutating func passes(at now: Timestamp) -> Bool {
    catchUp(to: now)
    if inFlight >= limit { return false }
    inFlight += 1
    return true
  }

  /// A request that was let through at `began` has its answer. A number is drawn where that ends a measurement.
  public mutating func ended(began: Timestamp, _ random: inout RandomStream, at now: Timestamp) {
    catchUp(to: now)
    precondition(inFlight > 0)
    inFlight -= 1
    if began < epoch { return }
    latencies.insert((now - began).nanoseconds / 1000)
    if !isMeasuring || latencies.count < UInt64(description.minRTTRequestCount) { return }
    endMeasurement(&random, at: now)
  }

  /// A request that was let through will have no answer.
  public mutating func forgotten() {
    precondition(inFlight > 0)
    inFlight -= 1
  }

  /// What timers would have done by now, in their order.
  @inline(__always)
  private mutating func catchUp(to now: Timestamp) {
    if sampleDue <= now || measureDue <= now { catchUpLate(to: now) }
  }

  @inline(never)
  private mutating func catchUpLate(to now: Timestamp) {
    // While it is measured nothing is due: the interval begins anew when it is over.
    while !isMeasuring && min(sampleDue, measureDue) <= now {
      if measureDue <= sampleDue {
        beginMeasurement(at: measureDue)
      } else if latencies.count == 0 {
        // Intervals without a request change nothing: the next one that may.
        let idle = (min(now, measureDue) - sampleDue).nanoseconds / description.concurrencyUpdateInterval.nanoseconds
        sampleDue =
          sampleDue
          + TimeSpan(nanoseconds: (idle + 1) * description.concurrencyUpdateInterval.nanoseconds)
      } else {
        takeSample()
      }
    }
  }

  private mutating func takeSample() {
    let at = sampleDue
    sampleDue = sampleDue + description.concurrencyUpdateInterval
    guard let sampleRTT = takeLatency(), let minRTT else { return }
    let gradient = Self.gradient(minRTT: minRTT, sampleRTT: max(sampleRTT, 1), buffer: description.buffer)
    let next = Self.nextLimit(limit, gradient: gradient)
    setLimit(max(description.minConcurrency, min(description.maxConcurrencyLimit, next)), at: at)
  }

  private mutating func beginMeasurement(at now: Timestamp) {
    setLimit(description.minConcurrency, at: now, suspending: limit)
    latencies.clear()
    epoch = now
    measureDue = Timestamp(nanoseconds: .max)
  }

  private mutating func endMeasurement(_ random: inout RandomStream, at now: Timestamp) {
    minRTT = takeLatency()
    let former = suspendedLimit ?? limit
    // Set while the measurement still counts as one, as in Envoy: it is no interval at the smallest limit.
    setLimit(former, at: now, suspending: former)
    suspendedLimit = nil
    measureDue =
      now + Self.jittered(description.minRTTInterval, jitter: description.minRTTJitter, draw: random.next())
    sampleDue = now + description.concurrencyUpdateInterval
  }

  private mutating func takeLatency() -> Int64? {
    let latency = latencies.quantile(description.sampleAggregatePercentile).map { Int64($0) }
    latencies.clear()
    return latency
  }

  private mutating func setLimit(_ new: UInt32, at now: Timestamp, suspending former: UInt32? = nil) {
    if let former { suspendedLimit = former }
    let isMinimum = limit == description.minConcurrency && new == description.minConcurrency
    minimumsInARow = !isMeasuring && isMinimum ? minimumsInARow + 1 : 0
    limit = new
    if minimumsInARow >= 5 && description.fixedMinRTT == nil { measureDue = now }
  }
}
