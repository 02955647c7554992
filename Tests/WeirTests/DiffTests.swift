import Foundation
import Testing

/// Goal: `weir diff` tells by its exit status whether two results differ. Method: the built program.
@Suite struct DiffTests {
  /// Goal: the same scenario twice is the same; another seed is no difference but chance; another service time is one.
  @Test func statuses() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario())
    for (folder, more) in [("a", ""), ("b", ""), ("c", "--set world.services.web.time=9ms")] {
      let run = try place.shell("\"$WEIR\" run tiny.yaml --quiet --replications 8 --out \(folder) \(more)")
      #expect(run.status == 0, "\(run.errors)")
    }
    let same = try place.weir("diff", "a/tiny", "b/tiny")
    #expect(same.status == 0 && same.output.contains("no figure of "), "\(same.errors)")
    let other = try place.weir("diff", "a/tiny", "c/tiny")
    #expect(other.status == 1 && other.errors.isEmpty && other.output.contains("latency.mean"), "\(other.output)")
    let json = try place.weir("diff", "a/tiny", "c/tiny", "--json", "--confidence", "99%")
    #expect(json.status == 1)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(object["confidence"] as? Double == 0.99)
  }

  /// Goal: slips are one line and exit status 2.
  @Test func badInput() throws {
    let place = try Workplace()
    try place.write("a/summary.csv", "nonsense\n")
    for arguments in [["diff", "a"], ["diff", "a", "b"], ["diff", "a", "a", "--confidence", "2"]] {
      let outcome = try place.shell("\"$WEIR\" \(arguments.joined(separator: " "))")
      #expect(outcome.status == 2 && outcome.faults.count == 1 && outcome.output.isEmpty, "\(outcome.errors)")
    }
    let table = try place.weir("diff", "a", "a")
    #expect(table.faults.first?.hasPrefix("a/summary.csv:1: error: no columns") == true, "\(table.errors)")
  }
}
