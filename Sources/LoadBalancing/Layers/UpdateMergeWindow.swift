// Envoy's update merge window: policies hear of changed health, ejections and weights late and in bundles.
//
// A change without endpoints added or removed is delivered at once only if more than a window has passed since the last
// delivery. Otherwise the first one that has to wait starts a timer of one full window, and later ones ride on it.
// Endpoints added or removed are always delivered at once, together with what waits, whose timer is cancelled. The
// window is 1 s unless said, per cluster and priority; 0 is off. The age of the last delivery is truncated to whole
// milliseconds (upstream/cluster_manager_impl.cc).
//
// Needs per change: whether it is mergeable, and a timer from its world. It delays what the balancers see, not what
// detection does.

import MeshCore

/// When one priority's changes are delivered.
@frozen
public struct UpdateMergeWindow: BitwiseCopyable, Sendable {
  /// What is done with a change.
  @frozen
  public enum Action: BitwiseCopyable, Hashable, Sendable {
    /// Deliver everything now; a timer that runs is void.
    case deliver
    /// Wait; set a timer for this moment.
    case wait(until: Timestamp)
    /// Wait for the timer that runs.
    case ride
  }

  /// The window, in whole milliseconds; 0 is off.
  public let windowMilliseconds: Int64
  private var delivered = Timestamp.distantPast
  /// When the timer that runs goes off; `distantPast` when none runs.
  private var due = Timestamp.distantPast

  /// A window, truncated to whole milliseconds; Envoy's unless said.
  public init(_ window: TimeSpan = .seconds(1)) { windowMilliseconds = max(0, window.nanoseconds / 1_000_000) }

  /// Whether changes wait.
  public var isWaiting: Bool { due != .distantPast }

  /// Something changed. `isMergeable`: nobody was added or removed.
  public mutating func changed(isMergeable: Bool, at now: Timestamp) -> Action {
    if windowMilliseconds == 0 { return .deliver }
    let age = delivered == .distantPast ? Int64.max : (now - delivered).nanoseconds / 1_000_000
    if age > windowMilliseconds || !isMergeable {
      delivered = now
      due = .distantPast
      return .deliver
    }
    if isWaiting { return .ride }
    due = now + .milliseconds(windowMilliseconds)
    return .wait(until: due)
  }

  /// A timer set for `moment` has gone off. Returns whether to deliver: not if it has become void since.
  public mutating func timerFired(for moment: Timestamp, at now: Timestamp) -> Bool {
    if !isWaiting || due != moment { return false }
    due = .distantPast
    delivered = now
    return true
  }
}
