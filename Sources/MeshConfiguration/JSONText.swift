// JSON as text, keys in the order given: enough for the schema, and the same bytes everywhere.

/// A JSON value.
indirect enum JSONText {
  case null
  case bool(Bool)
  /// A number, as written.
  case number(String)
  case string(String)
  case list([JSONText])
  case object([(String, JSONText)])

  /// A list of strings.
  static func strings(_ texts: [String]) -> JSONText { .list(texts.map { .string($0) }) }

  /// The value as text, indented by two spaces a level; what fits on a line stands on one.
  func text(indent: Int) -> String {
    let line = flat
    if line.utf8.count + indent <= 110 { return line }
    let margin = String(repeating: " ", count: indent + 2)
    let end = String(repeating: " ", count: indent)
    switch self {
    case .list(let items):
      return "[\n" + items.map { margin + $0.text(indent: indent + 2) }.joined(separator: ",\n") + "\n\(end)]"
    case .object(let members):
      let lines = members.map { "\(margin)\(Self.quoted($0.0)): \($0.1.text(indent: indent + 2))" }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(end)}"
    default: return line
    }
  }

  private var flat: String {
    switch self {
    case .null: return "null"
    case .bool(let flag): return String(flag)
    case .number(let text): return text
    case .string(let text): return Self.quoted(text)
    case .list(let items): return "[\(items.map(\.flat).joined(separator: ", "))]"
    case .object(let members):
      return "{\(members.map { "\(Self.quoted($0.0)): \($0.1.flat)" }.joined(separator: ", "))}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var shown = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": shown += "\\\""
      case "\\": shown += "\\\\"
      default:
        if scalar.value < 0x20 {
          let digits = String(scalar.value, radix: 16)
          shown += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          shown.unicodeScalars.append(scalar)
        }
      }
    }
    return shown + "\""
  }
}
