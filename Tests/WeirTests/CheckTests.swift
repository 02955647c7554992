import Foundation
import Testing

/// Goal: `weir check` judges scenarios and says so by its exit status. Method: the built program.
@Suite struct CheckTests {
  private let holding = "{metric: successRate, variant: random, min: 90%}"
  private let failing = "{metric: latency.mean, variant: leastRequest, max: 1us}"

  /// All hold: status 0. Some do not: status 1, and both the table and the XML say which.
  @Test func verdictsAndStatus() throws {
    let place = try Workplace()
    try place.write("good.yaml", tinyScenario(name: "good", expect: [holding]))
    try place.write("bad.yaml", tinyScenario(name: "bad", expect: [holding, failing]))
    let good = try place.weir("check", "good.yaml", "--junit", "good.xml")
    #expect(good.status == 0, "\(good.errors)")
    #expect(good.output.contains("✓ holds"))
    #expect(good.output.hasSuffix("1 hold, 0 fail, 0 without enough data\n"))
    #expect(String(decoding: try place.read("good.xml"), as: UTF8.self).contains("tests=\"1\" failures=\"0\""))
    let bad = try place.weir("check", "good.yaml", "bad.yaml", "--junit", "bad.xml")
    #expect(bad.status == 1)
    #expect(bad.output.contains("✗ fails"))
    #expect(bad.errors.isEmpty)
    #expect(String(decoding: try place.read("bad.xml"), as: UTF8.self).contains("tests=\"3\" failures=\"1\""))
    #expect(!FileManager.default.fileExists(atPath: place.path + "/Results"))
  }

  /// A folder stands for all scenarios below it, in the order of their paths.
  @Test func folders() throws {
    let place = try Workplace()
    try place.write("all/b.yaml", tinyScenario(name: "second", expect: [holding]))
    try place.write("all/a/z.yml", tinyScenario(name: "first", expect: [holding]))
    try place.write("all/.hidden.yaml", "nonsense: true\n")
    try place.write("all/notes.txt", "nonsense\n")
    let outcome = try place.weir("check", "all")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let heads = outcome.output.split(separator: "\n").filter { $0 == "first" || $0 == "second" }
    #expect(heads == ["first", "second"])
    try place.write("none/notes.txt", "")
    let none = try place.weir("check", "none")
    #expect(none.status == 2)
    #expect(none.faults.count == 1)
  }

  /// A file that expects nothing is no success; in a folder it may stand beside others.
  @Test func nothingExpected() throws {
    let place = try Workplace()
    try place.write("all/silent.yaml", tinyScenario(name: "silent"))
    let silent = try place.weir("check", "all/silent.yaml")
    #expect(silent.status == 2)
    #expect(silent.faults == ["all/silent.yaml: error: expect: missing; expected at least one expectation to judge"])
    #expect(try place.weir("check", "all").status == 2)
    try place.write("all/good.yaml", tinyScenario(name: "good", expect: [holding]))
    let folder = try place.weir("check", "all")
    #expect(folder.status == 0)
    #expect(folder.output.contains("silent: no expectations"))
  }

  /// After a deliberate change `--update` records the results anew and tells what moved; a second time nothing does.
  @Test func update() throws {
    let place = try Workplace()
    try place.write("good.yaml", tinyScenario(name: "good", expect: [holding]))
    let first = try place.weir("check", "good.yaml", "--update")
    #expect(first.status == 0 && first.output.contains("moved: recorded for the first time"), "\(first.output)")
    let recorded = try place.read("Results/good/comparison.csv")
    let second = try place.weir("check", "good.yaml", "--update")
    #expect(second.output.contains("nothing moved in Results/good"), "\(second.output)")
    let third = try place.weir("check", "good.yaml", "--update", "--set", "world.services.web.workers=2")
    #expect(third.output.contains("moved: random latency_mean_ms:"), "\(third.output)")
    #expect(!third.output.contains("random requests:"))
    #expect(try place.read("Results/good/comparison.csv") != recorded)
  }

  /// A bad file, or a report that cannot be written, ends it before anything runs.
  @Test func badInput() throws {
    let place = try Workplace()
    try place.write("good.yaml", tinyScenario(duration: "1000000s", expect: [holding]))
    try place.write("bad.yaml", "scenario: x\n")
    let bad = try place.weir("check", "good.yaml", "bad.yaml", "--junit", "report.xml")
    #expect(bad.status == 2)
    #expect(!FileManager.default.fileExists(atPath: place.path + "/report.xml"))
    let unwritable = try place.weir("check", "good.yaml", "--junit", "none/report.xml")
    #expect(unwritable.status == 2)
    #expect(unwritable.faults.count == 1)
  }

  /// An unknown metric or variant in `expect` is a fault of the file.
  @Test(arguments: [
    "{metric: latency.p42, variant: random, max: 1ms}", "{metric: successRate, variant: rnadom, min: 1%}",
  ])
  func unknownNames(row: String) throws {
    let place = try Workplace()
    try place.write("bad.yaml", tinyScenario(expect: [row]))
    let outcome = try place.weir("check", "bad.yaml")
    #expect(outcome.status == 2)
    #expect(outcome.faults.count == 1, "\(outcome.errors)")
  }

  /// `show` prints the scenario as resolved, and tells a variant that is not there.
  @Test func show() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario())
    let first = try place.weir("show", "tiny.yaml")
    #expect(first.status == 0)
    #expect(first.output.contains("random"))
    let other = try place.weir("show", "tiny.yaml", "--variant", "leastRequest")
    #expect(other.output != first.output)
    let none = try place.weir("show", "tiny.yaml", "--variant", "leastRequets")
    #expect(none.status == 2)
    #expect(none.faults.count == 1)
  }
}
