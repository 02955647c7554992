// Files of ours that are read again.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file to be read.
struct ExistingFile {
  private let path: String

  /// The file at `path`.
  init(_ path: String) { self.path = path }

  /// The largest that is read, in bytes.
  private static let sizeLimit = 2 << 30

  /// Its bytes; nil when there is none.
  /// - Throws: `SystemError`.
  func bytesIfAny() throws -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      if errno == ENOENT { return nil }
      throw SystemError.last(path)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while true {
      var piece = [UInt8](repeating: 0, count: 1 << 20)
      let count = retryingInterrupts { read(descriptor, &piece, piece.count) }
      if count < 0 { throw SystemError.last(path) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
      if bytes.count > Self.sizeLimit {
        throw SystemError(path: path, reason: "is larger than \(Self.sizeLimit >> 20) MiB; expected a smaller file")
      }
    }
  }
}
