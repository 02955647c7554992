// Runs a folder of test vectors: reads every JSON file in it, hands each to its family and sums up.

import Foundation
import TestVectors

/// A folder that cannot be read.
public struct VectorRunError: Error, Sendable {
  /// One line a fault.
  public var lines: [String]
}

/// What came of all vectors of a folder.
public struct VectorRun: Sendable {
  /// The outcomes, by file and place in it.
  public private(set) var outcomes: [VectorOutcome] = []
  /// Files that are no JSON, a line each.
  public private(set) var unreadable: [String] = []
  /// What is wrong with the folder itself, in one line; nil where nothing is.
  public private(set) var remark: String?

  /// Runs every `*.json` below `folder`, in the order of their paths; `folder` may be a single file too. See `VectorReport` for
  /// `simulation`.
  /// - Throws: `VectorRunError` when there is no such folder.
  public init(folder: String, simulation: Double = 1) throws {
    let (files, unreadable) = try Self.files(below: folder)
    self.unreadable = unreadable
    if files.isEmpty && unreadable.isEmpty { remark = "\(folder): error: no *.json below it; expected at least one" }
    for file in files {
      var report = VectorReport(file, simulation: simulation)
      if let family = VectorFamilies.family(of: file) {
        family.run(file, &report)
      } else if file.vectors.isEmpty {
        report.skip(file.name, Self.later[file.name] ?? "no family knows the file")
      } else {
        report.skipEach(file.vectors, Self.later[file.name] ?? "no family knows the file")
      }
      outcomes += report.outcomes
    }
  }

  /// How many vectors held.
  public var passed: Int { outcomes.count { $0.verdict == .passed } }
  /// How many vectors did not hold.
  public var failed: Int { outcomes.count { if case .failed = $0.verdict { true } else { false } } }
  /// How many vectors were left out.
  public var skipped: Int { outcomes.count - passed - failed }

  /// Each failure, the reasons for leaving vectors out with their numbers, and the sum as the last line.
  public var text: String {
    var lines: [String] = []
    var skips: [(what: String, count: Int)] = []
    for outcome in outcomes {
      switch outcome.verdict {
      case .passed: break
      case .failed(let expected, let actual):
        lines += ["failed: \(outcome.file): \(outcome.vector)", "  expected: \(expected)", "  actual:   \(actual)"]
      case .skipped(let reason):
        let what = "\(outcome.file): \(reason)"
        if let place = skips.firstIndex(where: { $0.what == what }) {
          skips[place].count += 1
        } else {
          skips.append((what, 1))
        }
      }
    }
    lines += skips.map { "skipped: \($0.count) of \($0.what)" }
    lines.append("\(passed) passed, \(failed) failed, \(skipped) skipped")
    return lines.map { $0 + "\n" }.joined()
  }

  /// Files about what there is no module for yet.
  private static let later = [
    "failure_accrual_finagle": "no accrual of Finagle's yet"
  ]

  private static func files(below folder: String) throws -> (files: [VectorFile], unreadable: [String]) {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    guard manager.fileExists(atPath: folder, isDirectory: &isFolder) else {
      throw VectorRunError(lines: ["\(folder): error: no such folder; expected one with *.json files"])
    }
    let root = URL(fileURLWithPath: folder)
    var paths = [""]
    if isFolder.boolValue {
      guard let names = manager.enumerator(atPath: folder) else {
        throw VectorRunError(lines: ["\(folder): error: cannot be read"])
      }
      paths = names.compactMap { $0 as? String }.filter { $0.hasSuffix(".json") }.sorted()
    }
    var files: [VectorFile] = []
    var faults: [String] = []
    for path in paths {
      let url = path.isEmpty ? root : root.appendingPathComponent(path)
      do {
        let content = try VectorValue.read(Data(contentsOf: url))
        files.append(VectorFile(path: path.isEmpty ? folder : path, content: content))
      } catch {
        faults.append("\(url.path): error: no JSON: \(VectorReport.shortened("\(error)"))")
      }
    }
    return (files, faults)
  }
}
