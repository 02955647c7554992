import Foundation
import Testing

/// Goal: `weir shrink` writes a small scenario that fails as the large one did. Method: the built program.
@Suite struct ShrinkTests {
  private let holding = "{metric: successRate, variant: random, min: 90%}"
  private let failing = "{metric: latency.mean, variant: leastRequest, max: 1us}"

  /// Goal: the small file stands beside the large one, smaller, and `weir check` fails on it; the numbers are told.
  @Test func smallAndFailing() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario(expect: [holding, failing]))
    let outcome = try place.weir("shrink", "tiny.yaml", "--expect", "2", "--set", "world.services.web.queue=9")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(outcome.output.contains("variants") && outcome.output.contains("fails: latency.mean of base, max 1us"))
    let text = String(decoding: try place.read("tiny-shrunk.yaml"), as: UTF8.self)
    #expect(text.hasPrefix("# What is left of tiny by weir shrink") && !text.contains("successRate"))
    #expect(try place.weir("check", "tiny-shrunk.yaml").status == 1)
    let elsewhere = try place.weir("shrink", "tiny.yaml", "--expect", "2", "--out", "other.yaml", "--quiet")
    #expect(elsewhere.status == 0 && elsewhere.output.isEmpty)
    #expect(FileManager.default.fileExists(atPath: place.path + "/other.yaml"))
  }

  /// Goal: what holds, is not there or cannot be read is one line and exit status 2, and nothing is written.
  @Test func badInput() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario(expect: [holding, failing]))
    try place.write("bad.yaml", "scenario: x\n")
    let before = try place.contents()
    for arguments in [
      "tiny.yaml --expect 1", "tiny.yaml --expect 3", "tiny.yaml", "tiny.yaml --expect 0",
      "tiny.yaml --expect 2 --verdict holds", "tiny.yaml --expect 2 --out tiny.yaml",
      "tiny.yaml --expect 2 --out no/where.yaml", "none.yaml --expect 1",
    ] {
      let outcome = try place.shell("\"$WEIR\" shrink \(arguments)")
      #expect(
        outcome.status == 2 && outcome.faults.count == 1 && outcome.output.isEmpty, "\(arguments): \(outcome.errors)")
    }
    #expect(try place.weir("shrink", "bad.yaml", "--expect", "1").status == 2)
    #expect(try place.contents() == before)
  }
}
