// What the operating system answered when it refused something.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A refused operation on a file or stream.
public struct SystemError: Error, Hashable, CustomStringConvertible {
  /// The path or stream concerned.
  public var path: String
  /// Why, in words.
  public var reason: String

  /// A refusal for a reason of our own.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// The last system call's refusal.
  static func last(_ path: String) -> SystemError {
    SystemError(path: path, reason: String(cString: strerror(errno)))
  }

  public var description: String { "\(path): error: \(reason)" }
}

/// Calls `body` again as long as a signal interrupts it.
func retryingInterrupts(_ body: () -> Int) -> Int {
  while true {
    let result = body()
    if result != -1 || errno != EINTR { return result }
  }
}
