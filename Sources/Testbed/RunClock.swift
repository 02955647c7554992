// The run's clock in the world of sockets: 0 is when the load's schedule begins, as in the lab. All parts of a testbed go by the same
// one, in one process by being told, in several by the first request, which says when it was wanted.

import MeshCore
import NIOConcurrencyHelpers
import NIOCore

/// The run's clock. Safe to use from anywhere.
public final class RunClock: Sendable {
  private let origin = NIOLockedValueBox<Int64?>(nil)

  /// A clock that does not run yet.
  public init() {}

  private static var machine: Int64 { Int64(clamping: NIODeadline.now().uptimeNanoseconds) }

  /// Begins, `delay` from now, unless it runs already.
  public func begin(in delay: TimeSpan = .zero) {
    let start = Self.machine + delay.nanoseconds
    origin.withLockedValue { if $0 == nil { $0 = start } }
  }

  /// Begins such that it is `instant` now, unless it runs already.
  func begin(at instant: Timestamp) {
    let start = Self.machine - instant.nanoseconds
    origin.withLockedValue { if $0 == nil { $0 = start } }
  }

  /// Whether it runs.
  public var isRunning: Bool { origin.withLockedValue { $0 != nil } }

  /// What it shows; 0 before it runs.
  public var now: Timestamp {
    origin.withLockedValue { origin in Timestamp(nanoseconds: origin.map { Self.machine - $0 } ?? 0) }
  }

  /// When it will show `instant`, by the clock of event loops.
  func deadline(_ instant: Timestamp) -> NIODeadline {
    let start = origin.withLockedValue { $0 } ?? Self.machine
    return .uptimeNanoseconds(UInt64(clamping: start.addingReportingOverflow(instant.nanoseconds).partialValue))
  }
}
