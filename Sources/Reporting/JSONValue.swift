// JSON as text: keys in the order they were given, numbers as in the CSV files, so that equal results are equal bytes.

import Experiments

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
  /// A number; `null` when it is not finite.
  case number(Double)
  /// A string.
  case text(String)
  /// A list.
  case list([JSONValue])
  /// An object; keys are written in this order.
  case object([JSONMember])

  /// A number, or `null` for none.
  public static func figure(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

  /// A p-value, or `null` for none.
  public static func probability(_ value: Double?) -> JSONValue {
    .figure(value.map { DecimalNumber.rounded($0, significantDigits: DecimalNumber.probabilityDigits) })
  }

  /// An object of the given members, in this order.
  public static func members(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(members.map { JSONMember(key: $0.key, value: $0.value) })
  }

  /// The value as text, indented by two spaces a level.
  public var text: String {
    var text = ""
    write(to: &text, indentation: 0)
    return text
  }

  private func write(to text: inout String, indentation: Int) {
    switch self {
    case .null: text += "null"
    case .flag(let flag): text += flag ? "true" : "false"
    case .integer(let number): text += String(number)
    case .unsigned(let number): text += String(number)
    case .number(let number): text += number.isFinite ? DecimalNumber(number).text : "null"
    case .text(let string): Self.write(string, to: &text)
    case .list(let values):
      Self.write(values, open: "[", close: "]", to: &text, indentation) { value, text in
        value.write(to: &text, indentation: indentation + 1)
      }
    case .object(let members):
      Self.write(members, open: "{", close: "}", to: &text, indentation) { member, text in
        Self.write(member.key, to: &text)
        text += ": "
        member.value.write(to: &text, indentation: indentation + 1)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], open: String, close: String, to text: inout String, _ indentation: Int,
    each: (Element, inout String) -> Void
  ) {
    text += open
    for (place, element) in elements.enumerated() {
      text += place == 0 ? "\n" : ",\n"
      text += String(repeating: "  ", count: indentation + 1)
      each(element, &text)
    }
    if !elements.isEmpty { text += "\n" + String(repeating: "  ", count: indentation) }
    text += close
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
