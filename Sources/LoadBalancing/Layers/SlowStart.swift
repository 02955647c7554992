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
// A weight acts when it is put into the schedule: without a least weight a newcomer's first turn is as many turns away as the
// window has milliseconds.
//
// The start of the data plane counts as an arrival, so that schedules also rule the first window of a run, and until
// endpoints change after it; as all weights grow alike then, each gets its share.
//
// Needs per change: when somebody came last. Per turn: the endpoint's age.

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

  /// As a cluster asks for it, or off.
  public init(_ description: SlowStartDescription?) {
    if let description {
      self.init(
        window: description.window, aggression: description.aggression,
        minimumWeightPercent: description.minWeightPercent)
    } else {
      self.init()
    }
  }

  /// Whether anything starts slowly.
  public var isEnabled: Bool { windowMilliseconds > 0 }

  /// Whether anybody starts slowly when the endpoint that came last did so at `newest`: then turns go by a schedule. To be
  /// asked when endpoints change, as Envoy does; the answer stays until they change again. The window's end still counts.
  public func isAnyoneStarting(newest: Timestamp, at now: Timestamp) -> Bool {
    isEnabled && (now - newest).nanoseconds / 1_000_000 <= windowMilliseconds
  }

  /// `weight` as the endpoint's age has it.
  @inline(__always)
  public func weight(_ weight: Double, of state: EndpointState, at now: Timestamp) -> Double {
    if !isEnabled || state.health != .healthy || !state.isAdmitted { return weight }
    return weight * factor(age: now - state.since)
  }

  /// What the weight of a healthy endpoint is multiplied by, `age` after it appeared.
  public func factor(age: TimeSpan) -> Double {
    let elapsed = age.nanoseconds / 1_000_000
    if !isEnabled || elapsed >= windowMilliseconds { return 1 }
    let linear = Double(max(1, elapsed)) / Double(windowMilliseconds)
    let grown = aggression == 1 || linear == 1 ? linear : Elementary.power(linear, 1 / aggression)
    return max(grown, minimumFactor)
  }
}
