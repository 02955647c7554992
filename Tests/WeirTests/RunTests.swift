import Foundation
import Reporting
import Testing

/// Goal: `weir run` writes all or nothing, the same bytes each time, and says what it did. Method: the built program.
@Suite struct RunTests {
  private let files = ResultFile.allCases.map(\.rawValue).sorted()

  /// One run leaves all files of the contract, prints a table without colours and keeps standard error clean.
  @Test func writesEverything() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario())
    let outcome = try place.weir("run", "tiny.yaml")
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output.contains("latency.p99"))
    #expect(outcome.output.contains("leastRequest"))
    #expect(!outcome.output.contains("\u{1B}"))
    let written = try FileManager.default.contentsOfDirectory(atPath: place.path + "/Results/tiny").sorted()
    #expect(written == files)
    let summary = String(decoding: try place.read("Results/tiny/summary.csv"), as: UTF8.self).split(separator: "\n")
    #expect(summary.count == 1 + 2 * 3)
    #expect(summary[1].hasPrefix("tiny,random,0,7,"))
  }

  /// The number of threads, and running again over old results, change no byte; another seed does.
  @Test func sameBytes() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario())
    #expect(try place.weir("run", "tiny.yaml", "--jobs", "1", "--out", "a", "--quiet").status == 0)
    #expect(try place.weir("run", "tiny.yaml", "--jobs", "2", "--out", "b", "--quiet").status == 0)
    #expect(try place.weir("run", "tiny.yaml", "--seed", "8", "--out", "c", "--quiet").status == 0)
    #expect(try place.weir("run", "tiny.yaml", "--jobs", "5", "--out", "a", "--quiet").status == 0)
    for file in files { #expect(try place.read("a/tiny/\(file)") == place.read("b/tiny/\(file)"), "\(file)") }
    #expect(try place.read("a/tiny/summary.csv") != place.read("c/tiny/summary.csv"))
    #expect(try Set(FileManager.default.contentsOfDirectory(atPath: place.path + "/a")) == ["tiny"])
  }

  /// `--quiet` prints nothing; `--json` prints JSON alone, one object a scenario.
  @Test func quietAndJSON() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario())
    let quiet = try place.weir("run", "tiny.yaml", "--quiet")
    #expect(quiet.output.isEmpty && quiet.errors.isEmpty && quiet.status == 0)
    let json = try place.weir("run", "tiny.yaml", "--json", "--replications", "2")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(object["scenario"] as? String == "tiny")
    #expect(object["replications"] as? Int == 2)
    #expect((object["variants"] as? [Any])?.count == 2)
  }

  /// Faults of all files come at once with their places, before anything runs, and results stay as they were.
  @Test func badFilesTouchNothing() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario())
    #expect(try place.weir("run", "tiny.yaml").status == 0)
    try place.write("bad.yaml", tinyScenario().replacingOccurrences(of: "replicas: 3", with: "replicsa: 3, workers: 0"))
    try place.write("worse.yaml", "scenario: [\n")
    let before = try place.contents()
    let outcome = try place.weir("run", "tiny.yaml", "bad.yaml", "worse.yaml", "missing.yaml", "--seed", "99")
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    for (file, place) in [("bad.yaml", "7:"), ("worse.yaml", ""), ("missing.yaml", "")] {
      #expect(
        outcome.faults.contains { $0.hasPrefix("\(file):\(place)") && $0.contains(" error: ") }, "\(outcome.errors)")
    }
    #expect(outcome.faults.filter { $0.hasPrefix("bad.yaml:") }.count >= 2)
    #expect(outcome.errors.contains("did you mean 'replicas'?"))
    #expect(try place.contents() == before)
  }

  /// A bad `--set` is told as a flag's fault.
  @Test func badOverride() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario())
    let outcome = try place.weir("run", "tiny.yaml", "--set", "world.services.web.workers=0")
    #expect(outcome.status == 2)
    #expect(outcome.faults.count == 1)
    #expect(outcome.errors.contains("workers"))
  }

  /// Two files of one name would overwrite each other: told before anything runs.
  @Test func equalNames() throws {
    let place = try Workplace()
    try place.write("a.yaml", tinyScenario())
    try place.write("b.yaml", tinyScenario())
    let outcome = try place.weir("run", "a.yaml", "b.yaml")
    #expect(outcome.status == 2)
    #expect(outcome.faults.count == 1)
    #expect(outcome.errors.hasPrefix("b.yaml: error: scenario: 'tiny'"))
    #expect(!FileManager.default.fileExists(atPath: place.path + "/Results"))
  }

  /// Places where results cannot go are told before anything runs.
  @Test(arguments: ["tiny.yaml", "tiny.yaml/x", "/proc/none"])
  func unwritable(out: String) throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario(duration: "1000000s"))
    let outcome = try place.weir("run", "tiny.yaml", "--out", out)
    #expect(outcome.status == 2)
    #expect(outcome.faults.count == 1)
    #expect(outcome.output.isEmpty)
  }

  /// Ctrl-C in the middle of a long run: status 130, old results as they were, nothing half-written.
  @Test func interrupt() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario())
    #expect(try place.weir("run", "tiny.yaml").status == 0)
    try place.write("tiny.yaml", tinyScenario(duration: "1000000s"))
    let before = try place.contents()
    let outcome = try place.weir("run", "tiny.yaml", interruptAfter: 1)
    #expect(outcome.status == 130)
    #expect(outcome.output.isEmpty && outcome.errors.isEmpty)
    #expect(try place.contents() == before)
    let elsewhere = try place.weir("run", "tiny.yaml", "--out", "new/place", interruptAfter: 1)
    #expect(elsewhere.status == 130)
    #expect(try place.contents() == before)
  }

  /// A second Ctrl-C ends the program at once, also where nobody looks for the first one: here it waits for a pipe's writer.
  @Test func secondInterrupt() throws {
    let place = try Workplace()
    let outcome = try place.shell(
      """
      mkfifo pipe.yaml
      "$WEIR" run pipe.yaml & program=$!
      ( sleep 20; kill -KILL $program ) 2>/dev/null & watch=$!
      sleep 0.5; kill -INT $program
      sleep 0.2; kill -0 $program && echo waits
      kill -INT $program; wait $program; echo $?
      kill $watch
      """)
    #expect(outcome.output == "waits\n130\n")
  }
}
