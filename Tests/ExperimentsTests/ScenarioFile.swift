// Scenario texts in files of their own, for tests of the reader.

import Experiments
import Foundation
import MeshConfiguration

/// A folder with a scenario in it, taken away again.
struct ScenarioFile {
  let folder: String
  let path: String

  /// A folder with `text` as `s.yaml` and other files beside it.
  init(_ text: String, besides files: [String: String] = [:]) throws {
    try self.init(bytes: Data(text.utf8), besides: files)
  }

  /// A folder with `bytes` as `s.yaml` and other files beside it.
  init(bytes: Data, besides files: [String: String] = [:]) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-\(UUID().uuidString)").path
    path = "\(folder)/s.yaml"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try bytes.write(to: URL(fileURLWithPath: path))
    for (name, content) in files {
      try Data(content.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
  }

  /// Takes the folder away.
  func remove() { try? FileManager.default.removeItem(atPath: folder) }

  /// The scenario in it; the folder is taken away.
  func scenario(_ overrides: [String] = []) throws -> Scenario {
    defer { remove() }
    return try ScenarioReader.read(path: path, overrides: overrides).get()
  }

  /// The lines of faults, without the folder's name; none when there is nothing wrong. The folder is taken away.
  func faults(_ overrides: [String] = []) -> [String] {
    defer { remove() }
    switch ScenarioReader.read(path: path, overrides: overrides) {
    case .success: return []
    case .failure(let diagnostics): return diagnostics.lines.map { $0.replacingOccurrences(of: "\(folder)/", with: "") }
    }
  }
}
