// The rules of the house that a machine can check, each a function from a file to the places that break it.
//
// The walls they guard are those of Documentation/Design.md: pure decisions, no order from hashing, named randomness, the
// same bytes everywhere. The manner is TigerBeetle's: a test called tidy that reads the tree.

/// A place that breaks a rule.
struct Breach: Hashable, CustomStringConvertible {
  var path: String
  var line: Int
  var what: String

  var description: String { "\(path):\(line): \(what)" }
}

enum HouseRules {
  /// What each pure module may import besides Swift.
  static let imports: [(module: String, allowed: [String])] = [
    ("MeshCore", []),
    ("LoadBalancing", ["MeshCore"]),
    ("TrafficSplitting", ["MeshCore"]),
    ("FaultDetection", ["MeshCore"]),
    ("DataPlane", ["MeshCore", "LoadBalancing", "TrafficSplitting", "FaultDetection"]),
    ("Simulation", ["MeshCore", "LoadBalancing", "TrafficSplitting", "DataPlane", "Synchronization"]),
  ]

  /// The modules without clocks, threads, hidden randomness and order from hashing.
  static let pureModules = imports.map(\.module)

  /// Pure modules import Swift and one another alone, downwards.
  static func strayImports(_ file: SourceFile, _ tokens: [SwiftToken]) -> [Breach] {
    guard let rule = imports.first(where: { $0.module == file.module }) else { return [] }
    let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    return tokens.indices.compactMap { place in
      if tokens[place].text != "import" || place + 1 >= tokens.count { return nil }
      var name = tokens[place + 1]
      if kinds.contains(name.text) && place + 2 < tokens.count { name = tokens[place + 2] }
      if name.text == "Swift" || rule.allowed.contains(name.text) { return nil }
      return Breach(path: file.path, line: name.line, what: "\(file.module) may not import \(name.text)")
    }
  }

  /// Clocks, threads and tasks, and randomness that nobody seeded.
  static let impurities: [(tokens: [String], what: String)] = [
    (["ContinuousClock"], "reads a clock"), (["SuspendingClock"], "reads a clock"), (["Date", "("], "reads a clock"),
    (["DispatchTime"], "reads a clock"), (["clock_gettime"], "reads a clock"), (["gettimeofday"], "reads a clock"),
    ([".", "random", "("], "unseeded randomness"), (["SystemRandomNumberGenerator"], "unseeded randomness"),
    ([".", "randomElement"], "unseeded randomness"), ([".", "shuffled"], "unseeded randomness"),
    ([".", "shuffle"], "unseeded randomness"), (["Hasher", "("], "hashes are seeded anew in each process"),
    ([".", "hashValue"], "hashes are seeded anew in each process"), (["Task", "{"], "starts a task"),
    (["Task", "("], "starts a task"), (["Task", "."], "starts a task"), (["TaskGroup"], "starts a task"),
    (["Thread"], "starts a thread"), (["DispatchQueue"], "starts a thread"), (["pthread_create"], "starts a thread"),
    (["async"], "is asynchronous"), (["await"], "is asynchronous"), (["actor"], "is asynchronous"),
  ]

  /// What no source of ours has.
  static let blunders: [(tokens: [String], what: String)] = [
    (["try", "!"], "try! ends the process"), (["as", "!"], "as! ends the process"),
    (["fatalError", "("], "fatalError ends the process"),
  ]

  /// Output belongs to executables.
  static let output: [(tokens: [String], what: String)] = [
    (["print", "("], "prints"), (["debugPrint", "("], "prints"), (["dump", "("], "prints"),
  ]

  /// Where one of `patterns` occurs.
  static func occurrences(
    of patterns: [(tokens: [String], what: String)], in file: SourceFile, _ tokens: [SwiftToken]
  ) -> [Breach] {
    var breaches: [Breach] = []
    for place in tokens.indices {
      for pattern in patterns where tokens[place].text == pattern.tokens.first {
        let end = place + pattern.tokens.count
        if end > tokens.count { continue }
        // A member or a declaration of that name is not the thing itself.
        let before = place > 0 ? tokens[place - 1].text : ""
        if pattern.tokens[0] != "." && (before == "." || before == "func" || before == "case") { continue }
        if tokens[place..<end].map(\.text) == pattern.tokens {
          let found = pattern.tokens.joined()
          breaches.append(Breach(path: file.path, line: tokens[place].line, what: "\(found): \(pattern.what)"))
        }
      }
    }
    return breaches
  }

  /// Notes to oneself, in comments and code alike.
  static func reminders(_ file: SourceFile) -> [Breach] {
    lines(of: file) { line in
      for word in ["TODO", "FIXME", "XXX"] where line.contains(word) { return "a \(word) is left" }
      return nil
    }
  }

  /// Places on somebody's machine.
  static func machinePaths(_ file: SourceFile) -> [Breach] {
    // Put together here, so that this file keeps its own rule.
    let paths = ["work", "home", "Users", "root"].map { "/" + $0 + "/" } + ["../" + "shared"]
    return lines(of: file) { line in
      for path in paths where line.contains(path) && !line.contains("#!") { return "\(path) is a place on one machine" }
      return nil
    }
  }

  static func lines(of file: SourceFile, _ judge: (Substring) -> String?) -> [Breach] {
    file.lines.enumerated().compactMap { number, line in
      judge(line).map { Breach(path: file.path, line: number + 1, what: $0) }
    }
  }

  /// Files that nobody reads to the end.
  static func overlong(_ file: SourceFile) -> [Breach] {
    let count = file.lines.count
    return count <= 600 ? [] : [Breach(path: file.path, line: count, what: "\(count) lines; at most 600")]
  }

  /// A source opens with what it is about, in a sentence.
  static func headerless(_ file: SourceFile) -> [Breach] {
    let first = file.lines.first ?? ""
    if first.hasPrefix("// ") && first.utf8.count >= 20 { return [] }
    return [Breach(path: file.path, line: 1, what: "opens without a comment that says what it is about")]
  }

  /// A test opens with its goal: its title, a comment above it or first in its body, or one above its suite for all of it.
  static func aimless(_ file: SourceFile) -> [Breach] {
    let lines = file.lines.map { $0.trimmingPrefix { $0 == " " } }
    let isComment = { (place: Int) in lines.indices.contains(place) && lines[place].hasPrefix("//") }
    var isSuiteExplained = false
    return lines.indices.compactMap { place in
      if lines[place].hasPrefix("@Suite") { isSuiteExplained = isComment(place - 1) }
      let isTitled =
        lines[place].hasPrefix("@Test(\"")
        || (lines[place] == "@Test(" && lines.indices.contains(place + 1) && lines[place + 1].hasPrefix("\""))
      if !lines[place].hasPrefix("@Test") || isTitled || isSuiteExplained
        || isComment(place - 1)
      {
        return nil
      }
      // The body opens at the first line that ends with a brace.
      if let open = lines[place...].firstIndex(where: { $0.hasSuffix("{") }), isComment(open + 1) { return nil }
      return Breach(path: file.path, line: place + 1, what: "a test without a comment that says its goal")
    }
  }

  /// A test file is called after a source of its module, `PeakEWMATests.swift` after `PeakEWMA.swift`; one that holds several
  /// together, or lends a hand, says in a comment near its top what it is.
  static func strayTests(_ file: SourceFile, sources: [SourceFile]) -> [Breach] {
    let module = file.module.hasSuffix("Tests") ? String(file.module.dropLast(5)) : file.module
    if file.name.hasSuffix("Tests") {
      let noun = file.name.dropLast(5)
      if sources.contains(where: { $0.module == module && $0.name == noun }) { return [] }
    }
    if file.lines.prefix(20).contains(where: { $0.hasPrefix("//") && $0.utf8.count >= 20 }) { return [] }
    return [
      Breach(
        path: file.path, line: 1, what: "mirrors no source of \(module), and no comment at its top says what it is")
    ]
  }
}
