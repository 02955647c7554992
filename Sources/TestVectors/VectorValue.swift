// Test vectors as they stand in their JSON files: values that say what is missing when somebody asks for it.
//
// Whole numbers are read generously: 7, 7.0 and "7" are the same, since 64-bit numbers are written as text.

import Foundation

/// What is wrong with a vector, or with a test's idea of it.
public struct VectorError: Error, CustomStringConvertible {
  public var description: String

  /// A fault, in words.
  public init(description: String) { self.description = description }
}

/// A JSON value.
public enum VectorValue: Decodable, Sendable, Equatable {
  case null
  case flag(Bool)
  case integer(Int64)
  /// A whole number beyond 63 bits.
  case large(UInt64)
  case number(Double)
  case text(String)
  case list([VectorValue])
  case map([String: VectorValue])

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .large(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([VectorValue].self) {
      self = .list(value)
    } else {
      self = .map(try container.decode([String: VectorValue].self))
    }
  }

  /// The value that `data` holds as JSON.
  public static func read(_ data: Data) throws -> VectorValue { try JSONDecoder().decode(VectorValue.self, from: data) }

  /// The file `Fixtures/<name>.json` of a test target's bundle.
  public static func fixture(_ name: String, in bundle: Bundle) throws -> VectorValue {
    guard let file = bundle.url(forResource: name, withExtension: "json", subdirectory: "Fixtures") else {
      throw VectorError(description: "no fixture \(name).json")
    }
    return try read(Data(contentsOf: file))
  }

  /// The member called `key`, if there is one.
  public func member(_ key: String) -> VectorValue? {
    guard case .map(let members) = self, let value = members[key] else { return nil }
    VectorReading.current?.note(key, of: members)
    return value
  }

  /// The member called `key`.
  public func callAsFunction(_ key: String) throws -> VectorValue {
    guard let value = member(key) else { throw VectorError(description: "no member \(key) in \(self)") }
    return value
  }

  /// The items of a list.
  public var items: [VectorValue] {
    get throws {
      guard case .list(let items) = self else { throw VectorError(description: "\(self) is not a list") }
      return items
    }
  }

  /// A text.
  public var string: String {
    get throws {
      guard case .text(let text) = self else { throw VectorError(description: "\(self) is not a text") }
      return text
    }
  }

  /// A number, whole or not; "inf" is infinity.
  public var double: Double {
    get throws {
      switch self {
      case .integer(let value): return Double(value)
      case .large(let value): return Double(value)
      case .number(let value): return value
      case .text(let text):
        if let value = Double(text) { return value }
        fallthrough
      default: throw VectorError(description: "\(self) is not a number")
      }
    }
  }

  /// A whole number from 0, also as a decimal text, as 64-bit numbers are written.
  public var unsigned: UInt64 {
    get throws {
      switch self {
      case .integer(let value) where value >= 0: return UInt64(value)
      case .large(let value): return value
      case .number(let value):
        if let value = UInt64(exactly: value) { return value }
        fallthrough
      case .text:
        if case .text(let text) = self, let value = UInt64(text) { return value }
        fallthrough
      default: throw VectorError(description: "\(self) is not a whole number from 0")
      }
    }
  }

  /// A whole number of ordinary size.
  public var int: Int {
    get throws {
      switch self {
      case .integer(let value): return Int(value)
      case .number(let value):
        if let value = Int(exactly: value) { return value }
        fallthrough
      case .text:
        if case .text(let text) = self, let value = Int(text) { return value }
        fallthrough
      default: throw VectorError(description: "\(self) is not a whole number")
      }
    }
  }

  /// A whole number that fits into 32 bits.
  public var int32: Int32 {
    get throws {
      guard let value = Int32(exactly: try int) else { throw VectorError(description: "\(self) is beyond 32 bits") }
      return value
    }
  }

  /// An endpoint's or cluster's weight: 0 … 2^32 − 1.
  public var weight: UInt32 {
    get throws {
      guard let value = UInt32(exactly: try int) else { throw VectorError(description: "\(self) is no weight") }
      return value
    }
  }

  /// Yes or no.
  public var flag: Bool {
    get throws {
      guard case .flag(let value) = self else { throw VectorError(description: "\(self) is not true or false") }
      return value
    }
  }

  /// A list of whole numbers.
  public var ints: [Int] { get throws { try items.map { try $0.int } } }

  /// A list of whole numbers from 0.
  public var unsigneds: [UInt64] { get throws { try items.map { try $0.unsigned } } }

  /// A list of numbers.
  public var doubles: [Double] { get throws { try items.map { try $0.double } } }

  /// A list of texts.
  public var strings: [String] { get throws { try items.map { try $0.string } } }

  /// The members of a map, by name.
  public var members: [(key: String, value: VectorValue)] {
    get throws {
      guard case .map(let members) = self else { throw VectorError(description: "\(self) is not a map") }
      if let reading = VectorReading.current { for key in members.keys { reading.note(key, of: members) } }
      return members.sorted { $0.key < $1.key }
    }
  }
}
