// A Swift file as the rules of the house see it: its words and signs with their lines, comments and texts left out.
//
// No parser: a rule of the tree looks for a few tokens in a row, and what a heuristic misses the reviewer sees.

/// A word, a number or one sign of a Swift file.
struct SwiftToken: Hashable {
  var text: String
  /// From 1.
  var line: Int
}

/// Splits Swift text.
struct SwiftTokens {
  private let bytes: [UInt8]
  private var place = 0
  private var line = 1
  private var tokens: [SwiftToken] = []

  private init(_ text: String) { bytes = Array(text.utf8) }

  /// The tokens of `text`. Code inside an interpolation counts as code.
  static func split(_ text: String) -> [SwiftToken] {
    var reader = SwiftTokens(text)
    reader.readCode(untilParenthesis: false)
    return reader.tokens
  }

  private func byte(_ offset: Int = 0) -> UInt8 { place + offset < bytes.count ? bytes[place + offset] : 0 }

  private func starts(with text: StaticString) -> Bool {
    for offset in 0..<text.utf8CodeUnitCount where byte(offset) != text.utf8Start[offset] { return false }
    return true
  }

  private mutating func step() {
    if byte() == UInt8(ascii: "\n") { line += 1 }
    place += 1
  }

  private mutating func readCode(untilParenthesis: Bool) {
    var depth = 0
    while place < bytes.count {
      if starts(with: "//") {
        while place < bytes.count && byte() != UInt8(ascii: "\n") { step() }
      } else if starts(with: "/*") {
        skipBlockComment()
      } else if byte() == UInt8(ascii: "\"") || startsRawText {
        readText()
      } else if Self.isWord(byte()) {
        let start = place
        while Self.isWord(byte()) { place += 1 }
        append(start)
      } else if byte() > 32 {
        if untilParenthesis && byte() == UInt8(ascii: "(") { depth += 1 }
        if untilParenthesis && byte() == UInt8(ascii: ")") {
          if depth == 0 { return }
          depth -= 1
        }
        place += 1
        append(place - 1)
      } else {
        step()
      }
    }
  }

  private mutating func append(_ start: Int) {
    tokens.append(SwiftToken(text: String(decoding: bytes[start..<place], as: UTF8.self), line: line))
  }

  private mutating func skipBlockComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        place += 2
      } else if starts(with: "*/") {
        depth -= 1
        place += 2
      } else {
        step()
      }
    } while depth > 0 && place < bytes.count
  }

  /// Whether `#"` or `##"` and so on begins here.
  private var startsRawText: Bool {
    var offset = 0
    while byte(offset) == UInt8(ascii: "#") { offset += 1 }
    return offset > 0 && byte(offset) == UInt8(ascii: "\"")
  }

  /// Leaves a text out, and reads the code of its interpolations.
  private mutating func readText() {
    var hashes = 0
    while byte() == UInt8(ascii: "#") {
      hashes += 1
      place += 1
    }
    let quotes = starts(with: "\"\"\"") ? 3 : 1
    place += quotes
    while place < bytes.count {
      if closes(quotes: quotes, hashes: hashes) {
        place += quotes + hashes
        return
      }
      if byte() == UInt8(ascii: "\\") && hashesFollow(hashes, after: 1) {
        place += 1 + hashes
        if byte() == UInt8(ascii: "(") {
          place += 1
          readCode(untilParenthesis: true)
        }
      }
      step()
    }
  }

  private func closes(quotes: Int, hashes: Int) -> Bool {
    for offset in 0..<quotes where byte(offset) != UInt8(ascii: "\"") { return false }
    return hashesFollow(hashes, after: quotes)
  }

  private func hashesFollow(_ hashes: Int, after offset: Int) -> Bool {
    for number in 0..<hashes where byte(offset + number) != UInt8(ascii: "#") { return false }
    return true
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 128...255:
      true
    default: false
    }
  }
}
