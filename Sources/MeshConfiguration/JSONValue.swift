// JSON as text: keys in the order they were given, numbers as their writer put them, so that equal values are equal bytes.

/// A JSON value whose objects keep their order.
public indirect enum JSONValue: Sendable, Hashable {
  /// `null`.
  case null
  /// `true` or `false`.
  case flag(Bool)
  /// A whole number.
  case integer(Int64)
  /// An unsigned whole number.
  case unsigned(UInt64)
  /// A number, as it is to be written.
  case literal(String)
  /// A string.
  case text(String)
  /// A list.
  case list([JSONValue])
  /// An object; keys are written in this order.
  case object([JSONMember])

  /// A list of strings.
  public static func texts(_ texts: [String]) -> JSONValue { .list(texts.map { .text($0) }) }

  /// An object of the given members, in this order.
  public static func members(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(members.map { JSONMember(key: $0.key, value: $0.value) })
  }

  /// An object of the given members, in this order.
  static func pairs(_ members: [(String, JSONValue)]) -> JSONValue {
    .object(members.map { JSONMember(key: $0.0, value: $0.1) })
  }

  /// The value as text, indented by two spaces a level; each value stands on a line of its own.
  public var text: String { text(width: 0) }

  /// The value as text, indented by two spaces a level; a list or object that fits within `width` columns stands on one line.
  public func text(width: Int) -> String {
    var text = ""
    write(to: &text, indentation: 0, width: width)
    return text
  }

  private func write(to text: inout String, indentation: Int, width: Int) {
    switch self {
    case .null: text += "null"
    case .flag(let flag): text += flag ? "true" : "false"
    case .integer(let number): text += String(number)
    case .unsigned(let number): text += String(number)
    case .literal(let number): text += number
    case .text(let string): Self.write(string, to: &text)
    case .list(let values):
      write(values, open: "[", close: "]", to: &text, indentation, width) { value, text, indentation in
        value.write(to: &text, indentation: indentation, width: width)
      }
    case .object(let members):
      write(members, open: "{", close: "}", to: &text, indentation, width) { member, text, indentation in
        Self.write(member.key, to: &text)
        text += ": "
        member.value.write(to: &text, indentation: indentation, width: width)
      }
    }
  }

  private func write<Element>(
    _ elements: [Element], open: String, close: String, to text: inout String, _ indentation: Int, _ width: Int,
    each: (Element, inout String, Int) -> Void
  ) {
    if elements.isEmpty {
      text += open + close
      return
    }
    if width > 0 {
      var line = open
      for (place, element) in elements.enumerated() {
        if place > 0 { line += ", " }
        each(element, &line, 0)
      }
      line += close
      if line.utf8.count + 2 * indentation <= width && !line.contains("\n") {
        text += line
        return
      }
    }
    text += open
    for (place, element) in elements.enumerated() {
      text += place == 0 ? "\n" : ",\n"
      text += String(repeating: "  ", count: indentation + 1)
      each(element, &text, indentation + 1)
    }
    text += "\n" + String(repeating: "  ", count: indentation) + close
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

/// A key and its value in a JSON object.
public struct JSONMember: Sendable, Hashable {
  /// The key.
  public var key: String
  /// The value.
  public var value: JSONValue

  /// A member.
  public init(key: String, value: JSONValue) {
    self.key = key
    self.value = value
  }
}
