// Finds walks over dictionaries and sets. Swift seeds their order anew in each process, so a walk that reaches a decision or an
// output makes two runs differ.
//
// A heuristic: it knows the names that a file declares with a dictionary's or a set's type or literal, and looks for loops over
// those names and for calls that go through all elements. Sorting first is the way out.

enum HashOrder {
  /// Calls that meet elements in hash order.
  private static let walks: Set = [
    "map", "flatMap", "compactMap", "filter", "reduce", "forEach", "first", "min", "max", "popFirst", "enumerated",
    "prefix",
    "dropFirst", "joined", "makeIterator", "keys", "values", "removeFirst",
  ]

  /// Where `file` walks over a dictionary or a set.
  static func walks(_ file: SourceFile, _ tokens: [SwiftToken]) -> [Breach] {
    let names = hashedNames(tokens.map(\.text))
    return tokens.indices.compactMap { place in
      if !names.contains(tokens[place].text) { return nil }
      let name = tokens[place].text
      guard isOwn(place, tokens) else { return nil }
      var next = place + 1
      var member = text(next, tokens) == "." ? text(next + 1, tokens) : ""
      if member == "keys" || member == "values" {
        next += 2
        member = text(next, tokens) == "." ? text(next + 1, tokens) : member
      }
      if member == "sorted" || member == "contains" || member == "count" || member == "isEmpty" { return nil }
      let isLooped = loops(over: place, tokens) && (text(next, tokens) == "{" || text(next, tokens) == "where")
      if !isLooped && !walks.contains(member) { return nil }
      let how = isLooped ? "loops over" : "walks over"
      return Breach(path: file.path, line: tokens[place].line, what: "\(how) \(name), which is in hash order")
    }
  }

  /// Names that a file declares with a dictionary or a set.
  static func hashedNames(_ tokens: [String]) -> Set<String> {
    var names: Set<String> = []
    for place in tokens.indices where place >= 1 {
      if tokens[place] == ":" && isHashedType(place + 1, tokens) { names.insert(tokens[place - 1]) }
      if tokens[place] == "=" && place >= 2 && ["let", "var"].contains(tokens[place - 2])
        && isHashedValue(place + 1, tokens)
      {
        names.insert(tokens[place - 1])
      }
    }
    return names
  }

  private static func isHashedType(_ place: Int, _ tokens: [String]) -> Bool {
    guard place < tokens.count else { return false }
    if tokens[place] == "Set" || tokens[place] == "Dictionary" { return true }
    if tokens[place] != "[" { return false }
    var depth = 0
    for next in place..<tokens.count {
      switch tokens[next] {
      case "[", "(", "<", "{": depth += 1
      case "]", ")", ">", "}":
        depth -= 1
        if depth == 0 { return false }
      case ":" where depth == 1: return isTypeName(place + 1, tokens)
      case ",", "=", "\"": if depth <= 1 { return false }
      default: break
      }
    }
    return false
  }

  /// `[String: Int]` is a type; `[first: 1]` a value.
  private static func isTypeName(_ place: Int, _ tokens: [String]) -> Bool {
    tokens[place].first.map { $0.isUppercase || $0 == "[" || $0 == "(" } ?? false
  }

  private static func isHashedValue(_ place: Int, _ tokens: [String]) -> Bool {
    guard place + 1 < tokens.count else { return false }
    switch tokens[place] {
    case "Set", "Dictionary": return ["(", "<"].contains(tokens[place + 1])
    case "[": return isHashedType(place, tokens) || tokens[place + 1] == ":"
    default: return false
    }
  }

  /// A use of the name itself, not a label or another thing's member.
  private static func isOwn(_ place: Int, _ tokens: [SwiftToken]) -> Bool {
    let before = place > 0 ? tokens[place - 1].text : ""
    if before == "." { return place > 1 && tokens[place - 2].text == "self" }
    return text(place + 1, tokens) != ":" && before != "let" && before != "var" && before != "func"
  }

  private static func loops(over place: Int, _ tokens: [SwiftToken]) -> Bool {
    let before = place > 1 && tokens[place - 1].text == "." ? place - 3 : place - 1
    guard before >= 0, tokens[before].text == "in" else { return false }
    // `in` of a closure has a brace before it, that of a loop a `for`.
    for back in stride(from: before - 1, through: max(0, before - 12), by: -1) {
      if tokens[back].text == "for" { return true }
      if tokens[back].text == "{" { return false }
    }
    return false
  }

  private static func text(_ place: Int, _ tokens: [SwiftToken]) -> String {
    place < tokens.count ? tokens[place].text : ""
  }
}
