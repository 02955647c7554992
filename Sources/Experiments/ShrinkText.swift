// A tree back to YAML that people read: block style, one value a line, what is short and plain on one line.

import MeshConfiguration

/// Writes trees in block style.
enum BlockText {
  /// Lists and maps of plain values that fit within so many columns stand on one line.
  private static let width = 100

  /// `node`, which is a map, as YAML, ending in a line feed.
  static func text(of node: ConfigurationNode) -> String {
    var lines: [String] = []
    write(node, indent: 0, into: &lines)
    return lines.map { $0 + "\n" }.joined()
  }

  private static func write(_ node: ConfigurationNode, indent: Int, into lines: inout [String]) {
    let margin = String(repeating: " ", count: indent)
    for entry in node.entries ?? [] {
      let key = "\(margin)\(FlowText.scalar(entry.key, quoted: false)):"
      if let text = line(entry.value, indent: key.count) {
        lines.append("\(key) \(text)")
      } else {
        lines.append(key)
        write(entry.value, indent: indent + 2, into: &lines)
      }
    }
    for item in node.items ?? [] {
      if let text = line(item, indent: indent + 2) {
        lines.append("\(margin)- \(text)")
        continue
      }
      let start = lines.count
      write(item, indent: indent + 2, into: &lines)
      // The item's first line carries the dash in its margin.
      lines[start] = "\(margin)- \(lines[start].dropFirst(indent + 2))"
    }
  }

  /// What stands on one line; nil for what needs several.
  private static func line(_ node: ConfigurationNode, indent: Int) -> String? {
    let text = FlowText.text(of: node)
    switch node.content {
    case .null, .scalar: return text
    case .list(let items): return items.isEmpty || isShort(text, indent, items) ? text : nil
    case .map(let entries): return entries.isEmpty || isShort(text, indent, entries.map(\.value)) ? text : nil
    }
  }

  private static func isShort(_ text: String, _ indent: Int, _ parts: [ConfigurationNode]) -> Bool {
    parts.allSatisfy { $0.items == nil && $0.entries == nil } && indent + text.count < width
  }
}

/// Names of files, seen from another folder.
struct MovedFiles {
  private let prefix: String

  /// What is named beside the file at `old` is to be named beside the one at `new`; both, if not absolute, as seen from
  /// `workingFolder`.
  init(from old: String, to new: String, workingFolder: String) {
    let own = Self.folder(of: old, workingFolder)
    let other = Self.folder(of: new, workingFolder)
    let common = zip(own, other).prefix { $0 == $1 }.count
    let parts = Array(repeating: "..", count: other.count - common) + own[common...].map(String.init)
    prefix = parts.map { $0 + "/" }.joined()
  }

  /// `root` with the names of its files changed.
  func applied(to root: ConfigurationNode) -> ConfigurationNode { prefix.isEmpty ? root : moved(root, key: "") }

  private func moved(_ node: ConfigurationNode, key: String) -> ConfigurationNode {
    var copy = node
    switch node.content {
    case .null: break
    case .scalar(let text, let isQuoted):
      let last = ConfigurationPath.parts(key)?.last ?? key
      // A trace by its name alone is one with that file.
      if (last == "file" || last == "trace") && !text.hasPrefix("/") && text != "-" {
        copy.content = .scalar(prefix + text, isQuoted: isQuoted)
      }
    case .list(let items): copy.content = .list(items.map { moved($0, key: "") })
    case .map(let entries):
      copy.content = .map(
        entries.map { entry in
          ConfigurationEntry(
            key: entry.key, keyOrigin: entry.keyOrigin, value: moved(entry.value, key: entry.key))
        })
    }
    return copy
  }

  /// The parts of a file's folder, from the root.
  private static func folder(of path: String, _ workingFolder: String) -> [Substring] {
    var parts: [Substring] = []
    let whole = path.hasPrefix("/") ? path : "\(workingFolder)/\(path)"
    for part in whole.split(separator: "/").dropLast() where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return parts
  }
}
