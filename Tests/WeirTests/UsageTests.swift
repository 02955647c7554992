import Foundation
import LoadBalancing
import Reporting
import Testing

/// Goal: the command line answers every slip with one line on standard error and exit status 2. Method: the built program.
@Suite struct UsageTests {
  /// Flags, values and commands that do not exist; those of later versions are among them.
  @Test(arguments: [
    ["run"], ["run", "--nope", "x.yaml"], ["run", "x.yaml", "--seed", "abc"], ["run", "x.yaml", "--seed", "-1"],
    ["run", "x.yaml", "--replications", "0"], ["run", "x.yaml", "--jobs", "0"], ["run", "x.yaml", "--jobs", "many"],
    ["run", "x.yaml", "--out"], ["check"], ["show"], ["show", "a.yaml", "b.yaml"], ["sweep", "x.yaml"],
    ["validate", "x.yaml"], ["frobnicate"], ["--frobnicate"], ["init", "a/b"], ["init", ""], ["policies", "extra"],
    ["report"], ["report", "nowhere"], ["diff", "nowhere"], ["shrink"], ["capacity", "x.yaml"], ["tune", "x.yaml"],
    ["vectors"], ["vectors", "nowhere"], ["place"], ["place", "--balancer", "maglev"],
  ])
  func slipsAreOneLine(arguments: [String]) throws {
    let place = try Workplace()
    let line = arguments.map { "'\($0)'" }.joined(separator: " ")
    let outcome = try place.shell("\"$WEIR\" \(line)")
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.faults.count == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains("error: "))
    let contents = try place.contents()
    #expect(contents.isEmpty)
  }

  /// A misspelt command is answered with the one that was meant.
  @Test func suggestsCommands() throws {
    #expect(try Workplace().weir("chekc").errors.contains("did you mean 'check'?"))
  }

  /// Help and version are no slips: standard output, exit status 0.
  @Test func helpAndVersion() throws {
    let place = try Workplace()
    for arguments in ["--help", "help", "run --help", "help check", ""] {
      let outcome = try place.shell("\"$WEIR\" \(arguments)")
      #expect(outcome.status == 0)
      #expect(outcome.output.contains("USAGE"))
      #expect(outcome.errors.isEmpty)
    }
    let version = try place.weir("--version")
    #expect(version.status == 0)
    #expect(version.output == weirVersion + "\n")
  }

  /// Every registered policy is listed, for people and for programs; without colours into a file.
  @Test func policies() throws {
    let place = try Workplace()
    let text = try place.weir("policies")
    #expect(text.status == 0)
    #expect(!text.output.contains("\u{1B}"))
    let json = try place.weir("policies", "--json")
    let list = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    #expect(list.compactMap { $0["name"] as? String } == PolicyRegistry.policies.map(\.name))
    let words = text.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for policy in PolicyRegistry.policies {
      #expect(words.contains(policy.summary))
      for parameter in policy.parameters { #expect(words.contains(parameter.summary)) }
    }
    #expect(text.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  /// With a profile the list shows what that profile sets, each value with where it comes from; an unknown one is a slip.
  @Test func policiesOfProfile() throws {
    let place = try Workplace()
    let text = try place.weir("policies", "--profile", "envoy")
    #expect(text.status == 0)
    let words = text.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("profile envoy"))
    #expect(words.contains("balancer roundRobin [cluster.lb_policy: ROUND_ROBIN]"))
    #expect(words.contains("route timeout 15s [route.timeout]"))
    #expect(words.contains("(distinct | withReplacement; default withReplacement)"))
    #expect(text.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
    let json = try place.weir("policies", "--profile", "finagle", "--json")
    let document = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    let defaults = try #require(document["defaults"] as? [[String: Any]])
    #expect(defaults.contains { $0["path"] as? String == "failureAccrual.hybrid.failures" })
    #expect((document["policies"] as? [Any])?.count == PolicyRegistry.policies.count)
    #expect(try place.weir("policies", "--profile", "nginx").status == 2)
  }

  /// The schema is JSON that describes the scenario's parts.
  @Test func schema() throws {
    let outcome = try Workplace().weir("schema")
    #expect(outcome.status == 0)
    let schema = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let properties = try #require(schema["properties"] as? [String: Any])
    for key in ["scenario", "seed", "run", "world", "mesh", "variants", "expect"] { #expect(properties[key] != nil) }
  }

  /// A reader who goes early is no crash and no fault.
  @Test(arguments: ["schema", "policies --json", "help", "run tiny.yaml --json"])
  func brokenPipe(arguments: String) throws {
    let place = try Workplace()
    try place.write("tiny.yaml", tinyScenario())
    let outcome = try place.shell("\"$WEIR\" \(arguments) | true; echo ${PIPESTATUS[0]}")
    #expect(outcome.output == "0\n")
    #expect(outcome.errors.isEmpty)
  }

  /// `init` writes a scenario that runs as it is, and never overwrites.
  @Test func initialScenario() throws {
    let place = try Workplace()
    let first = try place.weir("init", "first-try")
    #expect(first.status == 0)
    #expect(first.output == "wrote first-try.yaml; try: \(weirPath) run first-try.yaml\n")
    let text = try place.read("first-try.yaml")
    #expect(String(decoding: text, as: UTF8.self).contains("scenario: first-try"))
    let again = try place.weir("init", "first-try")
    #expect(again.status == 2)
    #expect(again.faults.count == 1)
    #expect(try place.read("first-try.yaml") == text)
    let run = try place.weir("run", "first-try.yaml", "--set", "run.duration=1s", "--set", "run.warmUp=0s")
    #expect(run.status == 0, "\(run.errors)")
    #expect(FileManager.default.fileExists(atPath: place.path + "/Results/first-try/summary.csv"))
  }
}
