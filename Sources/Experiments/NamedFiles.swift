// The files that a scenario is made of: its own and those it names, each read once, with limits.

import Foundation
import MeshConfiguration
import Simulation

/// Why a file could not be read, in words that follow its name.
struct FileFault: Error {
  var reason: String
}

/// Reads files relative to a scenario and remembers what came of it.
final class NamedFiles {
  /// The largest CSV file, in bytes.
  static let sizeLimit = 256 << 20

  /// The most rows of a CSV file that are kept.
  static let rowLimit = 5_000_000

  /// A file has more rows than that.
  static var tooManyRows: FileFault { FileFault(reason: "more than \(rowLimit) rows; expected fewer") }

  private let directory: String
  private var traces: [String: Result<[TraceRow], FileFault>] = [:]
  private var samples: [String: Result<[Double], FileFault>] = [:]
  private var contents: [String: UInt64] = [:]
  /// The names of the files read and the digests of their bytes, in the order of their first use.
  private(set) var digests: [(name: String, digest: UInt64)] = []

  /// Files named relative to the folder of the scenario at `path`.
  init(besides path: String) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    directory = parts.isEmpty ? "." : (parts == [""] ? "/" : parts.joined(separator: "/"))
  }

  /// The bytes of the file at `path`, at most `limit`; `large` says what to do about a larger one.
  static func bytes(at path: String, limit: Int, large: String) throws(FileFault) -> [UInt8] {
    var isDirectory: ObjCBool = false
    if !FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
      throw FileFault(reason: "there is no such file")
    }
    if isDirectory.boolValue { throw FileFault(reason: "it is a folder") }
    guard let handle = FileHandle(forReadingAtPath: path) else { throw FileFault(reason: "it cannot be opened") }
    defer { try? handle.close() }
    var bytes: [UInt8] = []
    do {
      while bytes.count <= limit {
        guard let data = try handle.read(upToCount: min(1 << 20, limit + 1 - bytes.count)), !data.isEmpty else { break }
        bytes.append(contentsOf: data)
      }
    } catch { throw FileFault(reason: "it cannot be read") }
    if bytes.count > limit { throw FileFault(reason: "it is larger than \(limit >> 20) MiB; \(large)") }
    return bytes
  }

  /// The rows of the trace `name`.
  func trace(_ name: String) throws(FileFault) -> [TraceRow] {
    if let known = traces[name] { return try known.get() }
    let result = Result { () throws(FileFault) in try TraceFile.rows(try table(name)) }
    traces[name] = result
    return try result.get()
  }

  /// The values in `column` of the CSV file `name`, in nanoseconds, sorted upwards.
  func samples(_ name: String, column: String) throws(FileFault) -> [Double] {
    let key = "\(name)\n\(column)"
    if let known = samples[key] { return try known.get() }
    let result = Result { () throws(FileFault) in try SampleFile.values(try table(name), column: column) }
    samples[key] = result
    return try result.get()
  }

  private func table(_ name: String) throws(FileFault) -> CommaSeparatedTable {
    let path = name.hasPrefix("/") ? name : "\(directory)/\(name)"
    let bytes: [UInt8]
    do throws(FileFault) {
      bytes = try Self.bytes(at: path, limit: Self.sizeLimit, large: "expected a smaller one")
    } catch {
      throw error.reason.contains("expected") ? error : FileFault(reason: "\(error.reason); expected a CSV file")
    }
    if contents[name] == nil {
      var digest = ContentDigest()
      digest.add(bytes)
      contents[name] = digest.value
      digests.append((name, digest.value))
    }
    return CommaSeparatedTable(bytes)
  }
}
