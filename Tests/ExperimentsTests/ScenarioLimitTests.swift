// Goal: files that are no scenarios (huge, deep, exploding, binary, missing) cost little and get one line.

import Foundation
import Testing

@testable import Experiments

@Suite struct ScenarioLimitTests {
  private func line(_ bytes: Data) throws -> [String] {
    let clock = ContinuousClock()
    let file = try ScenarioFile(bytes: bytes)
    var lines: [String] = []
    let elapsed = clock.measure { lines = file.faults() }
    // Tests run beside one another, in debug builds: a limit against explosion, not a benchmark.
    #expect(elapsed < .seconds(20))
    return lines
  }

  @Test("A file of 100 MB is refused by its size")
  func huge() throws {
    let lines = try line(Data(repeating: UInt8(ascii: "a"), count: 100_000_000))
    #expect(
      lines == [
        "s.yaml:1:1: error: file: it is larger than 1 MiB; expected a scenario; samples and traces belong in CSV files"
      ])
  }

  @Test("Deep nesting ends at its limit, in every style")
  func deep() throws {
    for text in [
      String(repeating: "[", count: 200_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 100_000) + "x", String(repeating: "? ", count: 100_000),
    ] {
      let lines = try line(Data(text.utf8))
      #expect(lines.count == 1)
      #expect(
        lines.first?.contains("nested deeper than 100 levels") == true || lines.first?.contains("no scalar") == true)
    }
    var chain = "scenario: s\n"
    for number in 1..<500 { chain += "a\(number): &a\(number) [\(number == 1 ? "x" : "*a\(number - 1)")]\n" }
    let lines = try line(Data(chain.utf8))
    #expect(lines.count == 1 && lines[0].contains("nested deeper than 100 levels"))
  }

  @Test("Aliases that explode end at their limit")
  func explosion() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for number in 1..<12 {
      let alias = "*a\(number - 1)"
      text += "a\(number): &a\(number) [\(Array(repeating: alias, count: 10).joined(separator: ", "))]\n"
    }
    let lines = try line(Data(text.utf8))
    #expect(lines == ["s.yaml:5:45: error: file: aliases stand for more than 100000 values"])
  }

  @Test("What is no text gets one line")
  func binary() throws {
    #expect(
      try line(Data([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a])) == [
        "s.yaml:1:1: error: file: not text (byte 0); expected YAML in UTF-8"
      ])
    #expect(
      try line(Data([0x61, 0x3a, 0x20, 0x00])) == ["s.yaml:1:1: error: file: not text (byte 3); expected YAML in UTF-8"]
    )
    #expect(
      try line(Data([0xff, 0xfe, 0x61, 0x00])) == ["s.yaml:1:1: error: file: not text (byte 3); expected YAML in UTF-8"]
    )
    #expect(try line(Data("a: \u{1b}[31m".utf8)).count == 1)
    #expect(try line(Data()) == ["s.yaml:1:1: error: file: empty; expected a scenario"])
    #expect(try line(Data("# only a comment\n".utf8)) == ["s.yaml:1:1: error: file: empty; expected a scenario"])
  }

  @Test("A missing file and a folder get one line")
  func missing() throws {
    let file = try ScenarioFile("scenario: s")
    defer { file.remove() }
    for (path, reason) in [("\(file.folder)/none.yaml", "there is no such file"), (file.folder, "it is a folder")] {
      guard case .failure(let diagnostics) = ScenarioReader.read(path: path) else {
        Issue.record("\(path) was read")
        continue
      }
      #expect(diagnostics.lines == ["\(path):1:1: error: file: \(reason); expected a scenario file"])
    }
  }

  @Test("Thousands of wrong entries are read in time, and not every line is printed")
  func manyFaults() throws {
    var text = "scenario: s\nworld:\n  services:\n"
    for number in 0..<3_000 { text += "    s\(number): {tiem: 5ms, workers: 0}\n" }
    let lines = try line(Data(text.utf8))
    #expect(lines.count == 500)
  }
}
