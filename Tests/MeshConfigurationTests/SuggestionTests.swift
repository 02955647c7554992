// Goal: a misspelt name finds the one that was meant, and a strange one finds none; paths come apart as they were joined.

import MeshConfiguration
import Testing

@Suite struct SuggestionTests {
  @Test("Distances between known pairs")
  func distances() {
    let pairs = [("", "", 0), ("a", "", 1), ("abc", "acb", 1), ("kitten", "sitting", 3), ("ca", "abc", 3)]
    for (left, right, distance) in pairs { #expect(Suggestion.distance(left, right) == distance) }
  }

  @Test("The closest name within a third of the length")
  func closest() {
    let names = ["leastRequest", "roundRobin", "peakEwma", "random"]
    #expect(Suggestion.closest(to: "leastRequests", among: names) == "leastRequest")
    #expect(Suggestion.closest(to: "round_robin", among: names) == "roundRobin")
    #expect(Suggestion.closest(to: "RANDOM", among: names) == "random")
    #expect(Suggestion.closest(to: "peakewam", among: names) == "peakEwma")
    #expect(Suggestion.closest(to: "maglev", among: names) == nil)
    #expect(Suggestion.closest(to: "a", among: ["b"]) == nil)
    #expect(Suggestion.closest(to: "", among: names) == nil)
  }

  @Test(
    "Paths: dots join, brackets keep a dot together",
    arguments: [["a", "b", "0"], ["a.b", "c"], ["quantiles", "p99.9"], ["x"]])
  func paths(_ parts: [String]) {
    let path = parts.reduce("") { ConfigurationPath.joined($0, $1) }
    #expect(ConfigurationPath.parts(path) == parts)
  }

  @Test("What is no path", arguments: ["", ".", "a..b", "a.", "[a", "a]", "[]", "a[b]c"])
  func noPaths(_ path: String) { #expect(ConfigurationPath.parts(path) == nil) }

  @Test("A bracket may follow without a dot")
  func brackets() { #expect(ConfigurationPath.parts("a[b.c].d") == ["a", "b.c", "d"]) }
}
