// How long an ejection lasts, and how that grows and shrinks.
//
// The i-th ejection in a row lasts i times the first one, up to the longest, and a jitter more. The multiplier grows while multiplier ·
// first < longest + first, so it may reach one step beyond what the longest allows (Envoy), and shrinks by one for each
// sweep that finds the endpoint in use and its last return an interval ago or more. gRPC's grows without bound and
// shrinks at every sweep that finds the endpoint in use. Nobody returns but at a sweep.

import MeshCore

extension OutlierDetectionDescription {
  /// How long an ejection lasts at the least, by its multiplier. Complexity: O(1).
  public func ejectionTime(backoff: UInt32, jitter: TimeSpan) -> TimeSpan {
    let longest = form == .grpc ? max(baseEjectionTime, maxEjectionTime) : maxEjectionTime
    let (grown, overflows) = baseEjectionTime.nanoseconds.multipliedReportingOverflow(by: Int64(backoff))
    return (overflows ? longest : min(TimeSpan(nanoseconds: grown), longest)) + jitter
  }

  /// Whether one more ejection makes the next one longer.
  func mayGrow(backoff: UInt32) -> Bool {
    if form == .grpc { return backoff < .max }
    let (grown, overflows) = baseEjectionTime.nanoseconds.multipliedReportingOverflow(by: Int64(backoff))
    return !overflows && grown < maxEjectionTime.nanoseconds &+ baseEjectionTime.nanoseconds
  }

  /// The first sweep after `now`: sweeps are at the multiples of the interval.
  public func nextSweep(after now: Timestamp) -> Timestamp {
    let interval = max(1, interval.nanoseconds)
    return Timestamp(
      nanoseconds: (now.nanoseconds / interval &+ 1).multipliedReportingOverflow(by: interval).partialValue)
  }

  /// The sweep at which somebody returns who is ejected at `now` for `span`.
  func sweepOfReturn(ejectedAt now: Timestamp, for span: TimeSpan) -> Timestamp {
    let interval = max(1, interval.nanoseconds)
    // gRPC asks for more than the time, Envoy for no less.
    let earliest = now.nanoseconds.addingReportingOverflow(span.nanoseconds &+ (form == .grpc ? 1 : 0))
    if earliest.overflow || earliest.partialValue > .max - interval { return Timestamp(nanoseconds: .max) }
    let sweep = (earliest.partialValue &+ interval &- 1) / interval &* interval
    return max(Timestamp(nanoseconds: sweep), nextSweep(after: now))
  }
}
