// A file that several event loops append to, without waiting for it.

import Dispatch
import Foundation

/// Appends bytes in the order in which they are given.
final class AppendedFile: Sendable {
  private let handle: FileHandle
  private let queue = DispatchQueue(label: "appended-file")

  /// The file at `path`, or standard output where that is `-`.
  ///
  /// - Throws: what the system says when it cannot be opened.
  init(path: String, replacing: Bool = false) throws {
    if path == "-" {
      handle = .standardOutput
      return
    }
    // Each write goes to the end as it is then: at a reload two of us may have the same file open for a moment.
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (replacing ? O_TRUNC : 0), 0o644)
    if descriptor < 0 {
      throw NSError(
        domain: NSPOSIXErrorDomain, code: Int(errno),
        userInfo: [NSLocalizedDescriptionKey: "\(path): \(String(cString: strerror(errno)))"])
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// Appends bytes, some time soon. What the disk has no room for is lost: a log must not end what it tells of.
  func append(_ bytes: [UInt8]) {
    let handle = handle
    queue.async { try? handle.write(contentsOf: Data(bytes)) }
  }

  /// Waits until everything is written.
  func flush() { queue.sync {} }
}
