// Single files that are written whole or not at all.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A single file to be written.
public struct NewFile: Sendable, Hashable {
  /// Its path.
  public let path: String

  /// The file at `path`.
  public init(_ path: String) { self.path = path }

  private var temporaryPath: String { "\(path).\(getpid()).partial" }

  /// Finds out whether `replace` can work, and leaves everything as it was.
  /// - Throws: `SystemError`.
  public func check() throws {
    var status = stat()
    if stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR {
      throw SystemError(path: path, reason: "is a folder; expected a file")
    }
    let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw SystemError.last(path) }
    close(descriptor)
    unlink(temporaryPath)
  }

  /// Writes `text` in place of what is there.
  /// - Throws: `SystemError`; what was there is then untouched.
  public func replace(with text: String) throws {
    try write(text, to: temporaryPath)
    if rename(temporaryPath, path) != 0 {
      let refusal = SystemError.last(path)
      unlink(temporaryPath)
      throw refusal
    }
  }

  /// Writes `text` to a file that must not be there yet.
  /// - Throws: `SystemError`.
  public func create(with text: String) throws {
    try write(text, to: temporaryPath)
    // A link, unlike a rename, never takes the place of another file.
    let linked = link(temporaryPath, path)
    let refusal = errno == EEXIST ? SystemError(path: path, reason: "exists already") : SystemError.last(path)
    unlink(temporaryPath)
    if linked != 0 { throw refusal }
  }

  private func write(_ text: String, to temporary: String) throws {
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw SystemError.last(path) }
    do {
      try writeAll(Array(text.utf8), to: descriptor, path: path)
      if close(descriptor) != 0 { throw SystemError.last(path) }
    } catch {
      unlink(temporary)
      throw error
    }
  }
}
