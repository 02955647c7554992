// The tree of this repository, held against the rules of the house.

import Foundation
import Testing

@Suite struct TreeTests {
  private static func swiftFiles(below path: String) throws -> [SourceFile] {
    try SourceTree.files(below: path).filter(\.isSwift)
  }

  private func expectNone(_ breaches: [Breach]) {
    for breach in breaches { Issue.record("\(breach)") }
  }

  // Goal: the tests look at the real tree, so that an empty list of breaches means something.
  @Test func theTreeIsFound() throws {
    let paths = try Self.swiftFiles(below: "Sources").map(\.path)
    #expect(paths.count > 90 && paths.contains("Sources/LoadBalancing/RandomChoice.swift"))
    for module in HouseRules.pureModules { #expect(paths.contains { $0.hasPrefix("Sources/\(module)/") }) }
  }

  // Goal: decisions and the simulation are pure: nothing but Swift, no clock, no hidden randomness, no task, no hash order.
  @Test func pureModulesArePure() throws {
    for file in try Self.swiftFiles(below: "Sources") where HouseRules.pureModules.contains(file.module) {
      let tokens = SwiftTokens.split(file.text)
      expectNone(HouseRules.strayImports(file, tokens))
      expectNone(HouseRules.occurrences(of: HouseRules.impurities, in: file, tokens))
      expectNone(HashOrder.walks(file, tokens))
    }
  }

  /// Walks that meet one element at most.
  private static let singles = ["Sources/Experiments/ScenarioTree.swift": "walks over hosts, which is in hash order"]

  // Goal: nobody's output is in hash order either.
  @Test func outputIsInOrder() throws {
    for file in try Self.swiftFiles(below: "Sources") where !HouseRules.pureModules.contains(file.module) {
      let walks = HashOrder.walks(file, SwiftTokens.split(file.text))
      expectNone(walks.filter { $0.what != Self.singles[file.path] })
    }
  }

  // Goal: sources end no process, print nowhere but in executables, leave no reminders, are short and say what they are.
  @Test func sourcesAreClean() throws {
    for file in try Self.swiftFiles(below: "Sources") {
      let tokens = SwiftTokens.split(file.text)
      expectNone(HouseRules.occurrences(of: HouseRules.blunders, in: file, tokens))
      if !file.module.hasPrefix("weir") {
        expectNone(HouseRules.occurrences(of: HouseRules.output, in: file, tokens))
      }
      expectNone(HouseRules.reminders(file))
      expectNone(HouseRules.overlong(file))
      expectNone(HouseRules.headerless(file))
    }
  }

  // Goal: tests are short, mirror the sources and say their goals.
  @Test func testsAreClean() throws {
    let sources = try Self.swiftFiles(below: "Sources")
    for file in try Self.swiftFiles(below: "Tests") {
      expectNone(HouseRules.overlong(file))
      expectNone(HouseRules.strayTests(file, sources: sources))
      if file.module != "TidyTests" || file.name == "TreeTests" { expectNone(HouseRules.aimless(file)) }
    }
  }

  // Goal: Sources holds Swift alone, the map to GSL's headers apart.
  @Test func sourcesAreSwift() throws {
    for file in try SourceTree.files(below: "Sources") where !file.isSwift && file.module != "CGSL" {
      Issue.record("\(file.path): only Swift belongs in Sources")
    }
  }

  // Goal: nothing refers to a place on somebody's machine.
  @Test func nothingNamesAMachine() throws {
    let tops = [
      "Sources", "Tests", "Documentation", "Benchmarks", "Scenarios", "Scripts", ".ci", "Makefile", "Package.swift",
      "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "NOTICE",
    ]
    for top in tops {
      for file in try SourceTree.files(below: top) { expectNone(HouseRules.machinePaths(file)) }
    }
  }

  // Goal: dependencies are resolved anew in each clone.
  @Test func resolvedDependenciesAreIgnored() throws {
    let ignored = try #require(try SourceTree.files(below: ".gitignore").first)
    #expect(ignored.lines.contains("Package.resolved"))
  }
}
