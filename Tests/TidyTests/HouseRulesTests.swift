// The rules themselves, on texts that keep and break them: a rule that cannot fail guards nothing.

import Testing

private func file(_ text: String, _ path: String = "Sources/LoadBalancing/Sample.swift") -> SourceFile {
  SourceFile(path: path, text: text)
}

private func found(_ patterns: [(tokens: [String], what: String)], _ text: String) -> [Int] {
  HouseRules.occurrences(of: patterns, in: file(text), SwiftTokens.split(text)).map(\.line)
}

private func imports(_ text: String, _ module: String) -> Int {
  HouseRules.strayImports(file(text, "Sources/\(module)/Sample.swift"), SwiftTokens.split(text)).count
}

private func walks(_ text: String) -> [Int] { HashOrder.walks(file(text), SwiftTokens.split(text)).map(\.line) }

@Suite struct HouseRulesTests {
  // Goal: comments and texts are no code, the code inside an interpolation is, and lines are counted through all of it.
  @Test func tokensAreCodeAlone() {
    let text = """
      // try! in a comment
      /* and /* nested */ fatalError( */ let a = "print(1) \\(try! b(\")\")) x"
      let c = #"raw " \\(no) "#; let d = \"\"\"
        print("many") \\(e)
        \"\"\"
      last
      """
    let tokens = SwiftTokens.split(text)
    #expect(
      tokens.map(\.text) == [
        "let", "a", "=", "try", "!", "b", "(", ")", "let", "c", "=", ";", "let", "d", "=", "e", "last",
      ])
    #expect(tokens.last?.line == 6)
    #expect(SwiftTokens.split("\"unclosed").isEmpty && SwiftTokens.split("/* unclosed").isEmpty)
  }

  // Goal: the core imports Swift and what lies below it, nothing else, however the import is written.
  @Test func importsPointDown() {
    #expect(imports("import MeshCore\nimport Swift\n", "LoadBalancing") == 0)
    #expect(imports("import Foundation", "LoadBalancing") == 1)
    #expect(imports("import LoadBalancing", "MeshCore") == 1)
    #expect(imports("import struct Foundation.Date", "DataPlane") == 1)
    #expect(imports("@preconcurrency import Glibc", "Simulation") == 1)
    #expect(imports("import Synchronization", "Simulation") == 0)
    #expect(imports("import Foundation", "Reporting") == 0)
  }

  // Goal: clocks, hidden randomness, tasks and threads are seen; own things with like names are left alone.
  @Test func impuritiesAreSeen() {
    let impure = [
      "let now = ContinuousClock.now", "Date()", "Int.random(in: 0..<3)", "list.shuffled()", "list.randomElement()",
      "Task { work() }", "Task.detached {}", "Thread(block: f)", "DispatchQueue.main.async {}", "x.hashValue",
      "var g = SystemRandomNumberGenerator()", "func f() async {}", "var h = Hasher()",
    ]
    for text in impure { #expect(!found(HouseRules.impurities, text).isEmpty, "\(text)") }
    let pure = [
      "random.below(3)", "_ random: inout RandomStream", "case random", "TaskRecord()",
      "hash(into hasher: inout Hasher)",
      "// Date() in a comment", "\"Task {\"",
    ]
    for text in pure { #expect(found(HouseRules.impurities, text).isEmpty, "\(text)") }
  }

  // Goal: what ends a process is seen at its line, reminders also in comments.
  @Test func blundersAreSeen() {
    #expect(found(HouseRules.blunders, "let a = 1\nlet b = try! f()") == [2])
    #expect(found(HouseRules.blunders, "fatalError(\"x\")") == [1])
    #expect(found(HouseRules.blunders, "let a = b as! C") == [1])
    #expect(found(HouseRules.blunders, "let a = try? f(); let c = !d; preconditionFailure()").isEmpty)
    #expect(found(HouseRules.output, "print(1)") == [1])
    #expect(found(HouseRules.output, "canvas.print(1)\nfunc print(_ x: Int) {}").isEmpty)
    #expect(HouseRules.reminders(file("a\n// TO" + "DO later")).map(\.line) == [2])
    #expect(HouseRules.machinePaths(file("see /ho" + "me/me/x\nok /usr/include")).map(\.line) == [1])
  }

  // Goal: loops and walks over dictionaries and sets are seen, look-ups and sorted walks are not.
  @Test func hashOrderIsSeen() {
    let declared = "var known: [String: Int] = [:]\nvar seen = Set<Int>()\nlet list: [Int] = []\n"
    let bad = [
      "for (a, b) in known { f(a, b) }", "for key in known.keys { f(key) }", "for x in seen where x > 1 { f(x) }",
      "let c = known.map { $0.value }", "let d = seen.first", "let e = known.values.reduce(0, +)",
      "for (a, b) in self.known { f(a, b) }", "let g = seen.min()",
    ]
    for text in bad { #expect(walks(declared + text) == [4], "\(text)") }
    let good = [
      "for x in list { f(x) }", "let c = known[\"a\"]", "if seen.contains(3) { f() }",
      "let d = known.sorted { $0.key < $1.key }",
      "for key in known.keys.sorted() { f(key) }", "seen.insert(4)", "let e = list.map { known[$0] }", "f(known: 3)",
      "let n = known.count", "for x in list where seen.contains(x) { f(x) }",
      "let h = list.filter { seen.contains($0) }",
    ]
    for text in good { #expect(walks(declared + text).isEmpty, "\(text)") }
    #expect(walks("func f(_ table: Dictionary<Int, Int>) { table.forEach { g($0) } }") == [1])
    #expect(walks("func f(_ row: [Int]) { row.forEach { g($0) } }").isEmpty)
  }

  // Goal: 600 lines pass, 601 do not; a header is a sentence, not a sign.
  @Test func filesAreReadable() {
    #expect(HouseRules.overlong(file(String(repeating: "x\n", count: 600))).isEmpty)
    #expect(HouseRules.overlong(file(String(repeating: "x\n", count: 601))).count == 1)
    #expect(HouseRules.headerless(file("// What it is, and where it comes from.\n")).isEmpty)
    for text in ["import MeshCore\n", "//\n", "// short\n", ""] {
      #expect(HouseRules.headerless(file(text)).count == 1)
    }
  }

  // Goal: a test says its goal above itself or at its body's start.
  @Test func goalsAreAsked() {
    #expect(HouseRules.aimless(file("// Goal: x.\n@Test func a() {\n}")).isEmpty)
    #expect(HouseRules.aimless(file("@Test(arguments: [1])\nfunc a(_ n: Int) {\n  // Goal: x.\n}")).isEmpty)
    #expect(HouseRules.aimless(file("/// Goal: x.\n@Suite struct S {\n  @Test func a() {\n    f()\n")).isEmpty)
    #expect(HouseRules.aimless(file("@Test(\"what it shows\")\nfunc a() {\n  f()\n")).isEmpty)
    #expect(
      HouseRules.aimless(file("@Test(\n  \"what it shows\",\n  arguments: [1])\nfunc a(_ n: Int) {\n  f()\n")).isEmpty)
    #expect(HouseRules.aimless(file("@Suite struct S {\n  @Test func a() {\n    f()\n  }\n}")).map(\.line) == [2])
  }

  // Goal: a test file has its source or says what it is.
  @Test func testsMirrorSources() {
    let sources = [file("", "Sources/MeshCore/Time.swift")]
    let stray = { (path: String, text: String) in HouseRules.strayTests(file(text, path), sources: sources).count }
    #expect(stray("Tests/MeshCoreTests/TimeTests.swift", "import Testing") == 0)
    #expect(stray("Tests/DataPlaneTests/TimeTests.swift", "import Testing") == 1)
    #expect(stray("Tests/MeshCoreTests/TimerTests.swift", "import Testing") == 1)
    #expect(stray("Tests/MeshCoreTests/TimerTests.swift", "// Time and timers together, as a world uses them.") == 0)
  }
}
