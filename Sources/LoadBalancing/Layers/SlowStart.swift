// Slow start: an endpoint that has just appeared gets less than its weight, growing over a window, while its caches are
// cold.
//
// factor = max((age / window)^(1 / aggression), least weight) while age < window. Age counts whole milliseconds, at
// least one, from the moment the endpoint passed its first health check, or from when the data plane first saw it.
// Envoy applies the factor to weights in its earliest-deadline schedules (round robin, least request, client-side
// weighted round robin), with these quirks: nobody's weight moves but when the endpoint's turn comes or endpoints
// change; while anybody is in slow start all picks go by the schedule, so least request compares no more; endpoints
// that are not healthy keep their full weight. gRPC and Linkerd have no slow start.
//
// Needs per change: who is new and healthy, since when. Per turn: the endpoint's age.

import MeshCore

/// How an endpoint's weight grows.
@frozen
public struct SlowStart: BitwiseCopyable, Sendable {
  /// How long it grows, in whole milliseconds; 0 is off.
  public let windowMilliseconds: Int64
  /// 1 grows linearly, more faster at first, less slower.
  public let aggression: Double
  /// The least factor, 0 ... 1.
  public let minimumFactor: Double

  /// - Parameters:
  ///   - window: truncated to whole milliseconds; 0 is off, Envoy's default.
  ///   - aggression: what is not above 0 counts as 1.
  ///   - minimumWeightPercent: per cent: 0.35 means 0.35 %.
  public init(window: TimeSpan = .zero, aggression: Double = 1, minimumWeightPercent: Double = 10) {
    windowMilliseconds = max(0, window.nanoseconds / 1_000_000)
    self.aggression = aggression > 0 ? aggression : 1
    minimumFactor = minimumWeightPercent / 100
  }

  /// Whether anything starts slowly.
  public var isEnabled: Bool { windowMilliseconds > 0 }

  /// What the weight of a healthy endpoint is multiplied by, `age` after it appeared.
  public func factor(age: TimeSpan) -> Double {
    let elapsed = age.nanoseconds / 1_000_000
    if !isEnabled || elapsed >= windowMilliseconds { return 1 }
    let linear = Double(max(1, elapsed)) / Double(windowMilliseconds)
    let grown = aggression == 1 || linear == 1 ? linear : Elementary.power(linear, 1 / aggression)
    return max(grown, minimumFactor)
  }
}

/// Whether anybody starts slowly, which decides between the schedule and a policy's own choice. To be asked when
/// endpoints change, as Envoy does: the answer stays until they change again.
public struct SlowStartWatch: Sendable {
  private let slowStart: SlowStart
  private var latest: Timestamp

  /// A watch that begins at `now`. Like Envoy's it takes its own beginning for an arrival.
  public init(_ slowStart: SlowStart, at now: Timestamp) {
    self.slowStart = slowStart
    latest = now
  }

  /// A healthy endpoint is there since `since`.
  public mutating func see(healthySince since: Timestamp, at now: Timestamp) {
    let age = (now - since).nanoseconds / 1_000_000
    if since > latest && age <= slowStart.windowMilliseconds { latest = since }
  }

  /// Whether the window of the endpoint that came last is still open.
  public func isAnyoneStarting(at now: Timestamp) -> Bool {
    slowStart.isEnabled && (now - latest).nanoseconds / 1_000_000 <= slowStart.windowMilliseconds
  }
}
