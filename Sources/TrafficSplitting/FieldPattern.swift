// Conditions on what a request carries by name: headers, cookies, parameters of the query.

import MeshCore

/// A condition on a named value.
struct FieldPattern {
  private let name: String
  private let value: TextPattern
  private let isInverted: Bool

  /// The condition that `match` describes.
  init(_ match: FieldMatch) {
    name = match.name
    value = TextPattern(match.value)
    isInverted = match.isInverted
  }

  /// Whether it holds for a request's headers: one line of several is enough. Names compare without regard to case.
  func holds(for headers: [HeaderField]) -> Bool {
    headers.contains { RequestFields.namesAreEqual($0.name, name) && value.holds(for: $0.value[...]) } != isInverted
  }

  /// Whether it holds for the cookies among a request's headers: one of several of a name is enough.
  func holds(forCookiesOf headers: [HeaderField]) -> Bool {
    let found = RequestFields.containsCookie(in: headers) { own, text in
      own.utf8.elementsEqual(name.utf8) && value.holds(for: text)
    }
    return found != isInverted
  }

  /// Whether it holds for the query of `path`: of several values the first counts.
  func holds(forQueryOf path: String) -> Bool {
    guard let text = RequestFields.parameter(name, of: path) else { return isInverted }
    return value.holds(for: text) != isInverted
  }
}
