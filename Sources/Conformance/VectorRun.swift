// Runs a folder of test vectors: reads every JSON file in it, hands each to its family and sums up.

import Foundation
import TestVectors

/// A folder or file that cannot be read.
public struct VectorRunError: Error, Sendable {
  /// One line a fault.
  public var lines: [String]
}

/// What came of all vectors of a folder.
public struct VectorRun: Sendable {
  /// The outcomes, by file and place in it.
  public private(set) var outcomes: [VectorOutcome] = []

  /// Runs every `*.json` below `folder`, in the order of their paths; `folder` may be a single file too.
  /// - Throws: `VectorRunError` with every fault when there is no such folder or a file is no JSON; nothing is run then.
  public init(folder: String) throws {
    for file in try Self.files(below: folder) {
      var report = VectorReport(file)
      if let family = VectorFamilies.family(of: file) {
        family.run(file, &report)
      } else if file.vectors.isEmpty {
        report.skip(file.name, "no family knows the file")
      } else {
        report.skipEach(file.vectors, "no family knows the file")
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

  private static func files(below folder: String) throws -> [VectorFile] {
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
    if !faults.isEmpty { throw VectorRunError(lines: faults) }
    return files
  }
}
