// A resolved configuration as YAML again, each value with where it comes from: what `weir show` prints.

/// Writes resolved values.
public enum ResolvedListing {
  /// `value` as YAML. Behind each scalar stands its origin: a line of the file, `--set`, a variant, a profile, or default.
  public static func text(of value: ResolvedValue) -> String {
    var lines: [(text: String, origin: String)] = []
    write(value, indent: 0, into: &lines)
    let width = min(60, lines.map(\.text.count).max() ?? 0)
    return lines.map { line in
      if line.origin.isEmpty { return line.text }
      let padding = String(repeating: " ", count: max(0, width - line.text.count))
      return "\(line.text)\(padding)  # \(line.origin)"
    }.joined(separator: "\n") + "\n"
  }

  private static func write(_ value: ResolvedValue, indent: Int, into lines: inout [(text: String, origin: String)]) {
    let margin = String(repeating: " ", count: indent)
    for entry in value.entries {
      let key = FlowText.scalar(entry.key, quoted: false)
      if let text = leaf(entry.value) {
        lines.append(("\(margin)\(key): \(text)", origin(entry.value.origin)))
      } else {
        lines.append(("\(margin)\(key):", choiceOrigin(entry.value)))
        write(entry.value, indent: indent + 2, into: &lines)
      }
    }
    for item in value.items {
      if let text = leaf(item) {
        lines.append(("\(margin)- \(text)", origin(item.origin)))
        continue
      }
      let start = lines.count
      write(item, indent: indent + 2, into: &lines)
      if start < lines.count {
        // The item's first line carries the dash in its margin.
        lines[start].text = "\(margin)- \(lines[start].text.dropFirst(indent + 2))"
      }
    }
  }

  /// Where an alternative that nobody wrote comes from.
  private static func choiceOrigin(_ value: ResolvedValue) -> String {
    if case .choice = value.content, value.origin.isImplied { return origin(value.origin) }
    return ""
  }

  /// What stands on one line; nil for a list or map with something in it.
  private static func leaf(_ value: ResolvedValue) -> String? {
    switch value.content {
    case .list(let items): return items.isEmpty ? "[]" : nil
    case .map(let entries): return entries.isEmpty ? "{}" : nil
    case .choice: return nil
    case .mark: return "{}"
    case .raw(let node): return FlowText.text(of: node)
    case .text(let text): return FlowText.scalar(text, quoted: needsQuotes(text))
    case .invalid: return "?"
    case .flag, .integer, .number, .span: return value.written
    }
  }

  /// Text that would be read as something else without quotes.
  private static func needsQuotes(_ text: String) -> Bool { text.isEmpty }

  /// Where a value comes from, in a word.
  public static func origin(_ origin: Origin) -> String {
    switch origin.source {
    case .file: return "line \(origin.line)"
    case .flag(let name): return name
    case .variant(let name): return "variant \(name), line \(origin.line)"
    case .sweep: return "sweep, line \(origin.line)"
    case .profile(let name): return "profile \(name)"
    case .standard: return "default"
    }
  }
}
