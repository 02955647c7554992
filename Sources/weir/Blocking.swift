// Waiting for what runs on event loops, on the thread of the command line, which stays free to hear an interrupt.

import Dispatch
import Synchronization

enum Blocking {
  private final class Place<Value: Sendable>: Sendable {
    let value = Mutex<Result<Value, any Error>?>(nil)
    let isThere = DispatchSemaphore(value: 0)
  }

  /// What `body` comes to; `onInterrupt` is called once when an interrupt comes meanwhile.
  static func wait<Value: Sendable>(
    onInterrupt: () -> Void = {}, _ body: @escaping @Sendable () async throws -> Value
  ) throws -> Value {
    let place = Place<Value>()
    Task.detached {
      let result: Result<Value, any Error>
      do { result = .success(try await body()) } catch { result = .failure(error) }
      place.value.withLock { $0 = result }
      place.isThere.signal()
    }
    var wasTold = false
    while place.isThere.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
      if Interrupt.hasCome && !wasTold {
        wasTold = true
        onInterrupt()
      }
    }
    guard let result = place.value.withLock({ $0 }) else { throw CommandFailure(status: .interrupted) }
    return try result.get()
  }

  /// The same for what cannot fail and has nothing to say.
  static func wait(_ body: @escaping @Sendable () async -> Void) {
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      await body()
      done.signal()
    }
    done.wait()
  }
}
