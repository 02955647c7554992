// Goal: every rule of the scenario file has its line, to the letter: place, path, what is wrong, what was expected, and the
// suggestion. The cases stand in Fixtures/faults.txt, whose head says how they are written.

import Foundation
import Testing

@Suite struct ScenarioFaultTests {
  struct Case: CustomTestStringConvertible {
    var text: String
    var overrides: [String]
    var expected: [String]
    var line: Int

    var testDescription: String { "line \(line): \(text.prefix(60))" }
  }

  static func cases() throws -> [Case] {
    let url = try #require(Bundle.module.url(forResource: "faults", withExtension: "txt", subdirectory: "Fixtures"))
    let text = try String(contentsOf: url, encoding: .utf8)
    var cases: [Case] = []
    var pending = Case(text: "", overrides: [], expected: [], line: 0)
    for (number, line) in text.components(separatedBy: "\n").enumerated() {
      let content = String(line.dropFirst(2))
      switch line.prefix(2) {
      case "# ": continue
      case "> ": pending.expected.append(content)
      case "$ ": pending.overrides.append(content)
      default:
        if line.isEmpty {
          if !pending.text.isEmpty || !pending.expected.isEmpty { cases.append(pending) }
          pending = Case(text: "", overrides: [], expected: [], line: number + 2)
        } else {
          pending.text += line + "\n"
        }
      }
    }
    return cases
  }

  /// The scenario of a case: lines with a mark go into a small scenario, others are the file itself.
  static func scenario(_ text: String) -> String {
    var service = "time: 5ms"
    var client = "target: web, arrivals: {poisson: 10/s}"
    var world = ""
    var rest = ""
    var whole = ""
    for line in text.components(separatedBy: "\n") where !line.isEmpty {
      let content = line.dropFirst(3)
      switch line.prefix(3) {
      case "S: ": service = String(content)
      case "C: ": client = String(content)
      case "W: ": world += "  \(content)\n"
      case "X: ": rest += "\(content)\n"
      default: whole += "\(line.dropFirst(2))\n"
      }
    }
    if !whole.isEmpty { return whole }
    return """
      scenario: s
      world:
        services:
          web: {\(service)}
        clients:
          users: {\(client)}
      \(world)\(rest)
      """
  }

  @Test("Each bad scenario gets exactly its lines, each good one none", arguments: try cases())
  func lines(_ example: Case) throws {
    let faults = try ScenarioFile(Self.scenario(example.text)).faults(example.overrides)
    #expect(faults == example.expected)
  }
}
