// Goal: YAML becomes a tree with the place of every key and value, aliases and merges included.

import MeshConfiguration
import Testing

@Suite struct ConfigurationParserTests {
  private func tree(_ text: String) -> (node: ConfigurationNode?, lines: [String]) {
    let log = FaultLog(file: "f")
    let node = ConfigurationParser.parse(text, log: log)
    return (node, log.diagnostics?.lines ?? [])
  }

  @Test("Keys and values know their line and column, counted in characters from 1")
  func places() throws {
    let node = try #require(tree("a: 1\nü: {b: [x, \"y\"]}\n").node)
    let entries = try #require(node.entries)
    #expect(entries.map(\.key) == ["a", "ü"])
    #expect(entries[1].keyOrigin == Origin(.file, line: 2, column: 1))
    let items = try #require(entries[1].value["b"]?.items)
    #expect(items.map(\.origin) == [Origin(.file, line: 2, column: 9), Origin(.file, line: 2, column: 12)])
    #expect(items[1].content == .scalar("y", isQuoted: true))
  }

  @Test("Nothing, a tilde and null are nothing; in quotes they are text")
  func nulls() throws {
    let node = try #require(tree("[~, null, \"null\", '']").node)
    #expect(try #require(node.items).map(\.isNull) == [true, true, false, false])
  }

  @Test("A byte order mark is no part of the text, and columns count from after it")
  func byteOrderMark() throws {
    let bytes: [UInt8] = [0xef, 0xbb, 0xbf] + Array("a: 1\na: 2".utf8)
    let log = FaultLog(file: "f")
    #expect(
      ConfigurationParser.parse(Array(bytes.prefix(7)), log: log)?["a"]?.origin == Origin(.file, line: 1, column: 4))
    _ = ConfigurationParser.parse(bytes, log: log)
    #expect(log.diagnostics?.lines == ["f:2:1: error: a: the same key a second time; the first is on line 1"])
  }

  @Test("JSON is read as it is")
  func json() throws {
    let node = try #require(tree(#"{"a": [1, 2.5, true, null], "b": {"c": "d"}}"#).node)
    #expect(node["a"]?.items?.count == 4)
    #expect(node["b"]?["c"]?.text == "d")
  }

  @Test("An alias is what its anchor is, and a merge adds what is not there")
  func aliases() throws {
    let node = try #require(tree("base: &b {x: 1, y: 2}\ncopy: *b\nmore: {<<: *b, y: 3}").node)
    #expect(node["copy"]?["x"]?.text == "1")
    #expect(node["more"]?["x"]?.text == "1")
    #expect(node["more"]?["y"]?.text == "3")
  }

  @Test("Every duplicate key is told with its path, and reading goes on")
  func duplicates() {
    let lines = tree("a: {b: 1, b: 2}\nc: [{d: 1, d: 1}]\na: 3").lines
    #expect(
      lines == [
        "f:1:11: error: a.b: the same key a second time; the first is on line 1",
        "f:2:12: error: c.0.d: the same key a second time; the first is on line 2",
        "f:3:1: error: a: the same key a second time; the first is on line 1",
      ])
  }

  @Test("A value of a flag is placed behind its path")
  func flags() throws {
    let log = FaultLog(file: "f")
    let assignment = try #require(Assignment.parse("a.b={x: y}", flag: "--set", number: 2, log: log))
    #expect(assignment.value["x"]?.origin == Origin(.flag("--set"), line: 2, column: 9))
  }

  @Test(
    "What stands on one line can be read again",
    arguments: ["{a: [1, -2, \"x: y\", null, \"\", \"#\", 5ms, 0.1%]}", "\"\\x1b\\n\\\"\"", "~"])
  func flow(_ text: String) throws {
    func plain(_ node: ConfigurationNode) -> String { FlowText.text(of: node) }
    let node = try #require(tree(text).node)
    let again = try #require(tree(plain(node)).node)
    #expect(plain(again) == plain(node))
    #expect(again.text == node.text)
  }
}
