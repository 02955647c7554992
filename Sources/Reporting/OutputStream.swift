// Writing bytes to a file descriptor, all of them or with a reason why not.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Writes all of `bytes` to `descriptor`.
/// - Throws: `SystemError`, naming `path`.
func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
  var written = 0
  while written < bytes.count {
    let count = retryingInterrupts {
      bytes.withUnsafeBytes { bytes in
        write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      }
    }
    if count <= 0 { throw SystemError.last(path) }
    written += count
  }
}

/// Standard output or standard error of the process.
public struct OutputStream: Sendable {
  private let descriptor: Int32
  private let name: String

  /// Standard output.
  public static let standardOutput = OutputStream(descriptor: 1, name: "standard output")
  /// Standard error.
  public static let standardError = OutputStream(descriptor: 2, name: "standard error")

  /// Writes `text`. A reader who has gone (`weir … | head`) is no fault: the rest is dropped.
  ///
  /// The process has to ignore SIGPIPE; see `ignoreBrokenPipes()`.
  /// - Throws: `SystemError` when there is no place left, and the like.
  public func write(_ text: String) throws {
    do {
      try writeAll(Array(text.utf8), to: descriptor, path: name)
    } catch {
      if errno == EPIPE { return }
      throw error
    }
  }

  /// Whether people read it: it is a terminal.
  public var isTerminal: Bool { isatty(descriptor) == 1 }

  /// How many columns the terminal has, when it is one and says so.
  public var terminalWidth: Int? {
    guard isTerminal else { return nil }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Makes writing to a reader who has gone an error of the call in place of the end of the process.
  public static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}

/// The value of the environment variable `name`; nil when it is not set.
public func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
