// The tree of the repository, as files with their text.

import Foundation

/// One file of the tree.
struct SourceFile: Sendable {
  /// Its path from the root, such as `Sources/MeshCore/Time.swift`.
  var path: String
  var text: String

  /// The folders and the name.
  var parts: [String] { path.split(separator: "/").map(String.init) }

  /// The module whose source or test it is: `MeshCore`, or `MeshCoreTests`.
  var module: String { parts.count > 2 ? parts[1] : "" }

  /// The name without folders and `.swift`.
  var name: String {
    let last = parts.last ?? ""
    return last.hasSuffix(".swift") ? String(last.dropLast(6)) : last
  }

  var isSwift: Bool { path.hasSuffix(".swift") }

  /// The lines, the last line's end apart.
  var lines: [Substring] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.last == "" ? lines.dropLast() : lines
  }
}

/// The repository this test was built from.
enum SourceTree {
  /// Its root.
  static let root: URL = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url
  }()

  /// All text files at or below `path`, in the order of their paths. What is not text is left out, and so are fixtures, which
  /// are data.
  static func files(below path: String) throws -> [SourceFile] {
    var paths: [String] = []
    let top = root.appendingPathComponent(path)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: top.path, isDirectory: &isFolder) else { return [] }
    if isFolder.boolValue {
      let found = FileManager.default.enumerator(atPath: top.path)
      while let below = found?.nextObject() as? String { paths.append("\(path)/\(below)") }
    } else {
      paths = [path]
    }
    return paths.sorted().compactMap { path in
      if path.contains("/Fixtures/") || path.contains("/__pycache__") { return nil }
      guard let data = FileManager.default.contents(atPath: root.appendingPathComponent(path).path),
        let text = String(data: data, encoding: .utf8)
      else { return nil }
      return SourceFile(path: path, text: text)
    }
  }
}
