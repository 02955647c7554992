// Events and actions as a code and a few numbers each: what a decision log keeps, what a replay compares, and what people are shown of a
// difference. Numbers are written in 7-bit groups, small ones short (LEB128).

import DataPlane
import MeshCore

/// One event or action: what kind, and its fields in order.
public struct DecisionRecord: Equatable, Sendable {
  /// What it is called, and its fields.
  public var name: String
  public var fields: [(name: String, value: UInt64)]
  /// What a notice says, in words.
  public var words = ""

  public static func == (left: DecisionRecord, right: DecisionRecord) -> Bool { left.description == right.description }
}

extension DecisionRecord: CustomStringConvertible {
  public var description: String {
    let list = fields.map { "\($0.name)=\(Int64(bitPattern: $0.value))" } + (words.isEmpty ? [] : [words])
    return list.isEmpty ? name : "\(name) \(list.joined(separator: " "))"
  }
}

/// Bytes that grow, and what is read out of them.
public struct DecisionBytes: Sendable {
  /// What has been written, or is to be read.
  public private(set) var bytes: [UInt8]
  private var place = 0

  /// These bytes.
  public init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// Whether all has been read.
  public var isAtEnd: Bool { place >= bytes.count }

  mutating func put(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// A number that may be below 0: small ones of either sign are short.
  mutating func put(signed number: Int64) { put(UInt64(bitPattern: (number << 1) ^ (number >> 63))) }

  mutating func put(_ part: [UInt8]) {
    put(UInt64(part.count))
    bytes += part
  }

  mutating func put(_ text: String) { put(Array(text.utf8)) }

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  mutating func number() throws(DecisionLogFault) -> UInt64 {
    var (result, shift) = (UInt64(0), UInt64(0))
    while place < bytes.count && shift < 64 {
      let byte = bytes[place]
      place += 1
      // Of the last group only one bit belongs to the number: others would be damage that no value shows.
      if shift == 63 && byte > 1 { break }
      result |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return result }
      shift += 7
    }
    throw DecisionLogFault(reason: "has a number that is cut off or too large")
  }

  mutating func signed() throws(DecisionLogFault) -> Int64 {
    let number = try number()
    return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
  }

  mutating func part() throws(DecisionLogFault) -> [UInt8] {
    let count = Int(clamping: try number())
    if count > bytes.count - place { throw DecisionLogFault(reason: "ends in the middle of a text") }
    defer { place += count }
    return Array(bytes[place..<place + count])
  }

  /// Reads on when `wanted` stands next. Returns whether it does.
  mutating func take(_ wanted: [UInt8]) -> Bool {
    if !bytes[place...].starts(with: wanted) { return false }
    place += wanted.count
    return true
  }

  mutating func byte() throws(DecisionLogFault) -> UInt8 {
    guard place < bytes.count else { throw DecisionLogFault(reason: "ends too early") }
    defer { place += 1 }
    return bytes[place]
  }

  mutating func text() throws(DecisionLogFault) -> String { String(decoding: try part(), as: UTF8.self) }
}

/// What is wrong with a log.
public struct DecisionLogFault: Error, Sendable {
  /// In words that go on after the file's name.
  public var reason: String
}
