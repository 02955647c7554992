// A wish to end early, from the thread that hears interrupts to whatever runs.

import NIOConcurrencyHelpers

/// A wish to end early. Safe to use from anywhere.
public final class StopSignal: Sendable {
  private struct State {
    var isStopped = false
    var action: (@Sendable () -> Void)?
  }

  private let state = NIOLockedValueBox(State())

  /// Nobody wishes anything yet.
  public init() {}

  /// Whether somebody does.
  public var isStopped: Bool { state.withLockedValue { $0.isStopped } }

  /// Wishes to end.
  public func stop() {
    let action = state.withLockedValue { state in
      state.isStopped = true
      return state.action
    }
    action?()
  }

  /// Calls `action` in place of what was to be called before, at once when the wish is there.
  func whenStopped(_ action: @escaping @Sendable () -> Void) {
    let isStopped = state.withLockedValue { state in
      state.action = action
      return state.isStopped
    }
    if isStopped { action() }
  }
}
