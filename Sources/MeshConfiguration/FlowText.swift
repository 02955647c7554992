// Trees back to YAML on one line.

/// Writes nodes in flow style.
public enum FlowText {
  /// `node` as YAML on one line.
  public static func text(of node: ConfigurationNode) -> String {
    switch node.content {
    case .null: return "null"
    case .scalar(let text, let isQuoted): return scalar(text, quoted: isQuoted)
    case .list(let items): return "[\(items.map(text).joined(separator: ", "))]"
    case .map(let entries):
      return "{\(entries.map { "\(scalar($0.key, quoted: false)): \(text(of: $0.value))" }.joined(separator: ", "))}"
    }
  }

  /// A scalar as YAML, in quotes when it needs them.
  public static func scalar(_ text: String, quoted: Bool) -> String {
    let isPlain =
      !quoted && !text.isEmpty && !["~", "null", "Null", "NULL", "<<"].contains(text)
      && text.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "/", "%", "+", "(", ")": return true
        default: return scalar.value >= 0xa0 && scalar.properties.isAlphabetic
        }
      } && !text.hasPrefix("-") && !text.hasPrefix("%")
    if isPlain || isNegativeNumber(text, quoted) { return text }
    var shown = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": shown += "\\\""
      case "\\": shown += "\\\\"
      case "\n": shown += "\\n"
      case "\t": shown += "\\t"
      case "\r": shown += "\\r"
      default:
        if scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) {
          let digits = String(scalar.value, radix: 16)
          shown += "\\x\(digits.count < 2 ? "0" : "")\(digits)"
        } else {
          shown.unicodeScalars.append(scalar)
        }
      }
    }
    return shown + "\""
  }

  private static func isNegativeNumber(_ text: String, _ quoted: Bool) -> Bool {
    !quoted && text.hasPrefix("-") && (try? Quantity.number(text)) != nil
  }
}
