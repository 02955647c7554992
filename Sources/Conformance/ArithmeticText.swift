// Arithmetic in one variable as vectors write rules down: `w_i = (100.5-0.01)/128*i + 0.01`.

import TestVectors

/// A formula in `i` with + − × ÷ and brackets.
struct ArithmeticText {
  private let text: [Character]

  /// The formula after the first equals sign, if there is one, up to the first comma.
  init(_ text: String) {
    let formula = text.prefix { $0 != "," }.split(separator: "=").last ?? ""
    self.text = formula.filter { !$0.isWhitespace }
  }

  /// Its value for one `i`.
  /// - Throws: `VectorError` when it is no such formula.
  func value(_ i: Double) throws -> Double {
    var place = 0
    let value = try sum(&place, i)
    if place < text.count { throw VectorError(description: "\(String(text)) is no formula in i") }
    return value
  }

  private func sum(_ place: inout Int, _ i: Double) throws -> Double {
    var value = try product(&place, i)
    while place < text.count, text[place] == "+" || text[place] == "-" {
      let sign: Double = text[place] == "+" ? 1 : -1
      place += 1
      value += sign * (try product(&place, i))
    }
    return value
  }

  private func product(_ place: inout Int, _ i: Double) throws -> Double {
    var value = try factor(&place, i)
    while place < text.count, text[place] == "*" || text[place] == "/" {
      let isProduct = text[place] == "*"
      place += 1
      let next = try factor(&place, i)
      value = isProduct ? value * next : value / next
    }
    return value
  }

  private func factor(_ place: inout Int, _ i: Double) throws -> Double {
    guard place < text.count else { throw VectorError(description: "\(String(text)) ends too early") }
    if text[place] == "i" {
      place += 1
      return i
    }
    if text[place] == "(" {
      place += 1
      let value = try sum(&place, i)
      guard place < text.count, text[place] == ")" else {
        throw VectorError(description: "\(String(text)) lacks a bracket")
      }
      place += 1
      return value
    }
    let digits = text[place...].prefix { $0.isNumber || $0 == "." }
    guard let value = Double(String(digits)) else {
      throw VectorError(description: "\(String(text)) is no formula in i")
    }
    place += digits.count
    return value
  }
}
