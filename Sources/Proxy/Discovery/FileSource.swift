// A file that lists a cluster's endpoints. It is looked at by its number, size and time, so that a rename over it, the way to change
// a file at once, is seen as a change within is; a file that cannot be read or understood is told of once, and the former list stays.

import Foundation
import MeshConfiguration
import MeshCore

/// Follows a file.
struct FileSource: ServerSource {
  let path: String
  let refresh: TimeSpan

  /// What tells one state of a file from the next.
  private struct Mark: Hashable {
    var number: UInt64
    var size: UInt64
    var modified: Date
  }

  func follow(_ report: @escaping @Sendable (SourceReport) -> Void) async {
    var known: Mark?
    var isFirst = true
    while !Task.isCancelled {
      let mark = mark()
      // A file may be written twice within one tick of the file system's clock: what has just changed is read again.
      let isFresh = mark.map { abs($0.modified.timeIntervalSinceNow) < 1 } ?? false
      if isFirst || mark != known || isFresh {
        isFirst = false
        known = mark
        report(read())
      }
      try? await Task.sleep(nanoseconds: UInt64(clamping: refresh.nanoseconds))
    }
  }

  private func mark() -> Mark? {
    guard let entries = try? FileManager.default.attributesOfItem(atPath: resolved) else { return nil }
    return Mark(
      number: (entries[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0,
      size: (entries[.size] as? NSNumber)?.uint64Value ?? 0,
      modified: entries[.modificationDate] as? Date ?? .distantPast)
  }

  /// Behind links: Kubernetes changes a mounted file by changing a link on the way to it.
  private var resolved: String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }

  private func read() -> SourceReport {
    guard let data = FileManager.default.contents(atPath: path) else {
      return .fault("\(path):1:1: error: cannot be read; expected a list of endpoints")
    }
    switch EndpointFile.read([UInt8](data), path: path) {
    case .success(let servers): return .servers(servers)
    case .failure(let diagnostics): return .fault(diagnostics.lines.joined(separator: "\n"))
    }
  }
}
