import MeshConfiguration
import Testing

@testable import Experiments

/// Goal: a tree is written so that it reads as it was, and its files are found from elsewhere.
@Suite struct ShrinkTextTests {
  private func tree(_ text: String) throws -> ConfigurationNode {
    let log = FaultLog(file: "t.yaml")
    return try #require(ConfigurationParser.parse(text, log: log))
  }

  /// Lists in lists, maps in lists, empty ones, quotes, names with dots and colons.
  @Test func roundTrip() throws {
    let text = """
      scenario: a
      about: "colon: and 'quotes' # and a mark"
      empty: {}
      none: []
      nothing:
      "10.0.0.1:80": {x: 1}
      numbers: [1, -2, "3"]
      mesh.[a.b]: {deep: {deeper: {deepest: [{to: x, weight: 1}, [y, {z: 2}]]}}}
      list:
        - {at: 1s, crash: {}}
        - [[1, 2], [3]]
        - word
      """
    let once = try tree(text)
    let written = BlockText.text(of: once)
    #expect(FlowText.text(of: try tree(written)) == FlowText.text(of: once))
    #expect(BlockText.text(of: try tree(written)) == written)
    #expect(written.contains("  - at: 1s\n    crash: {}\n") || written.contains("  - {at: 1s, crash: {}}\n"))
    #expect(written.hasPrefix("scenario: a\n"))
  }

  @Test func movedFiles() throws {
    func moved(_ old: String, _ new: String, _ text: String) throws -> String {
      FlowText.text(of: MovedFiles(from: old, to: new, workingFolder: "/w/x").applied(to: try tree(text)))
    }
    let text = "{trace: t.csv, empirical: {file: d/s.csv, column: a_ms}, set: {a.trace.file: t.csv, b: c}}"
    #expect(try moved("s.yaml", "out.yaml", text) == text)
    #expect(
      try moved("s.yaml", "sub/./out.yaml", text)
        == "{trace: ../t.csv, empirical: {file: ../d/s.csv, column: a_ms}, set: {a.trace.file: ../t.csv, b: c}}")
    #expect(try moved("in/s.yaml", "out.yaml", "{file: t.csv}") == "{file: in/t.csv}")
    #expect(try moved("/q/s.yaml", "../out.yaml", "{file: t.csv}") == "{file: ../q/t.csv}")
    #expect(try moved("in/s.yaml", "out.yaml", "{file: /abs/t.csv}") == "{file: /abs/t.csv}")
  }
}
