// Scenarios made small: what is needed for the failure stays, and what is written fails as what was read did.

import Foundation
import MeshConfiguration
import Simulation
import Testing

@testable import Experiments

@Suite struct ShrinkRunTests {
  /// Three services, two clients, two links, three faults and two variants, of which the second expectation needs one of each
  /// and no link.
  private static let large = """
    scenario: large
    about: Much of this has nothing to do with it.
    seed: 3
    run: {duration: 20s, warmUp: 2s, replications: 3}
    world:
      services:
        web: {replicas: 4, workers: 2, queue: 64, time: {exponential: {mean: 5ms}}, calls: [{to: cache}, {to: cache}]}
        cache: {replicas: 3, time: 1ms}
        other: {replicas: 2, time: 2ms}
      clients:
        users: {target: web, arrivals: {poisson: 50/s}, success: {within: 2s}}
        batch: {target: other, arrivals: {constant: 20/s}}
      links:
        - {from: users, to: web, delay: 300us}
        - {from: batch, to: other, delay: 1ms}
      faults:
        - {at: 10s, for: 5s, service: other, slow: 3}
        - {at: 1s, service: web, replicas: [2, 3], errors: 50%}
        - {at: 12s, for: 1s, service: cache, replicas: [1], slow: 2}
    mesh:
      clusters:
        web: {balancer: roundRobin}
        other: {service: other, balancer: random}
    variants:
      - {name: first}
      - {name: second, set: {mesh.clusters.web.balancer: random}}
    sweep:
      run.duration: [1s, 2s]
    expect:
      - {metric: successRate, variant: first, min: 10%}
      - {metric: successRate, variant: second, min: 99%}
    """

  private func request(
    _ file: ScenarioFile, expectation: Int, output: String? = nil, budget: Int = 200
  ) -> ShrinkRequest {
    ShrinkRequest(
      path: file.path, output: output ?? "\(file.folder)/out.yaml", workingFolder: "/", expectation: expectation,
      budget: budget)
  }

  private func shrink(_ request: ShrinkRequest) throws -> ShrinkOutcome {
    let runner = ExperimentRunner(jobs: 2) { try $0.simulate(monitor: $1) }
    return try request.shrink(run: { try runner.run($0) })
  }

  /// Goal: what is needed stays alone, and what is written fails when it is read and run again.
  @Test func irrelevantThingsGo() throws {
    let file = try ScenarioFile(Self.large)
    defer { file.remove() }
    let outcome = try shrink(request(file, expectation: 2))
    let (was, now) = (outcome.before, outcome.after)
    #expect(was.services == 3 && was.replicas == 9 && was.clients == 2 && was.links == 2 && was.faults == 3)
    #expect(was.variants == 2 && was.replications == 3)
    #expect(now.services == 1 && now.clients == 1 && now.links == 0 && now.faults == 1 && now.variants == 1)
    #expect(now.replicas <= 2 && now.replications == 1 && now.seconds < was.seconds / 4 && now.events < was.events / 20)
    #expect(!outcome.isCutShort && outcome.runs <= 200 && outcome.verdict.kind == .fails)
    for word in ["cache", "other", "batch", "variants", "sweep", "queue", "mesh", "links"] {
      #expect(!outcome.text.contains(word), "\(word) is left in\n\(outcome.text)")
    }
    #expect(outcome.text.contains("errors: 50%") && outcome.text.contains("scenario: large-shrunk\n"))
    let small = try ScenarioFile(outcome.text).scenario()
    let again = try ExperimentRunner(jobs: 1) { try $0.simulate(monitor: $1) }.run(small)
    #expect(ExpectationJudge.verdicts(again).map(\.kind) == [.fails])
    #expect(try shrink(request(file, expectation: 2)).text == outcome.text)
  }

  /// Goal: a budget is kept, and what there is by then fails all the same.
  @Test func budget() throws {
    let file = try ScenarioFile(Self.large)
    defer { file.remove() }
    let outcome = try shrink(request(file, expectation: 2, budget: 4))
    #expect(outcome.isCutShort && outcome.runs == 4 && outcome.verdict.kind == .fails)
    #expect(outcome.after.values < outcome.before.values)
  }

  /// Goal: an expectation that holds, or that is not there, is told.
  @Test func nothingToShrink() throws {
    let file = try ScenarioFile(Self.large)
    defer { file.remove() }
    func reason(_ number: Int) throws -> String {
      do {
        _ = try shrink(request(file, expectation: number))
        return ""
      } catch let error as ShrinkError {
        return error.description
      }
    }
    #expect(
      try reason(1)
        == "expect: successRate of first, min 10%: it holds; expected one whose verdict is fails")
    #expect(try reason(3) == "expect: there is no number 3; expected one from 1 to 2, as weir check lists them")
    let bad = try ScenarioFile(Self.large + "\nworl: {}\n")
    defer { bad.remove() }
    #expect(throws: Diagnostics.self) { try shrink(request(bad, expectation: 1)) }
  }

  /// Goal: what cannot be told for want of data is made small too, when that is asked for.
  @Test func notEnoughData() throws {
    let text = """
      scenario: undetected
      run: {duration: 5s, replications: 2}
      world:
        services: {web: {replicas: 3, time: 1ms}}
        clients: {users: {arrivals: {poisson: 20/s}}}
        faults: [{at: 1s, service: web, replicas: [0], slow: 2}]
      expect: [{metric: detectionTime, max: 1s}]
      """
    let file = try ScenarioFile(text)
    defer { file.remove() }
    #expect(throws: ShrinkError.self) { try shrink(request(file, expectation: 1)) }
    var undecided = request(file, expectation: 1)
    undecided.verdict = .notEnoughData
    let outcome = try shrink(undecided)
    #expect(outcome.verdict.kind == .notEnoughData && outcome.after.faults == 0 && outcome.after.replicas == 1)
  }

  /// Goal: files that the scenario names are found from where the small one stands.
  @Test func namedFiles() throws {
    let text = """
      scenario: replayed
      run: {duration: 2s, replications: 1}
      world:
        services: {web: {replicas: 2, time: {empirical: {file: s.csv, column: t_ms}}}}
        clients: {users: {arrivals: {trace: t.csv}}}
      expect: [{metric: latency.mean, max: 1ms}]
      """
    let file = try ScenarioFile(text, besides: ["t.csv": "time_s\n0.1\n0.2\n", "s.csv": "t_ms\n20\n30\n"])
    defer { file.remove() }
    let folder = "\(file.folder)/sub"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let outcome = try shrink(request(file, expectation: 1, output: "\(folder)/out.yaml"))
    #expect(outcome.text.contains("../t.csv") && outcome.text.contains("../s.csv"))
    try Data(outcome.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/out.yaml"))
    #expect(throws: Never.self) { try ScenarioReader.read(path: "\(folder)/out.yaml").get() }
  }

  /// Goal: a service goes with all that names it, and nothing else does.
  @Test func servicesGoWithTheirNames() throws {
    let text = """
      world:
        services: {web: {calls: [db, {to: web2}, [db, {to: db, count: 2}]]}, db: {replicas: [{name: a}, {}]}, web2: {}}
        clients: {users: {target: web}, direct: {target: db-read}}
        links: [{from: users, to: web}, {from: web, to: a}, {from: web, to: "zone:x"}]
        faults: [{at: 1s, service: db, slow: 2}, {at: 1s, partition: {from: web, to: db-1}}, {at: 1s, service: web2, crash: {}}]
      mesh:
        clusters: {db-read: {service: db, balancer: random}, web: {balancer: random}}
        routes:
          - {match: {host: db-read}, split: [{to: db-read}]}
          - {match: {host: web}, split: [{to: web}, {to: db-read}], mirror: [{to: db-read}]}
      variants:
        - {name: v, set: {mesh.clusters.db-read.balancer: random, run.duration: 1s}}
      """
    let log = FaultLog(file: "t.yaml")
    let root = try #require(ConfigurationParser.parse(text, log: log))
    #expect(ScenarioThing.all(in: root).count == 3 + 3 + 2 + 3)
    let rest = ScenarioThing.removing([.service("db"), .link(0)], from: root)
    #expect(
      FlowText.text(of: rest) == """
        {world: {services: {web: {calls: [{to: web2}]}, web2: {}}, clients: {users: {target: web}}, \
        links: [{from: web, to: "zone:x"}], faults: [{at: 1s, service: web2, crash: {}}]}, \
        mesh: {clusters: {web: {balancer: random}}, routes: [{match: {host: web}, split: [{to: web}]}]}, \
        variants: [{name: v, set: {run.duration: 1s}}]}
        """)
  }

  /// Goal: times keep their order and stay readable when they are halved.
  @Test func times() throws {
    let text = """
      run: {duration: 100s, warmUp: 5s}
      world:
        faults: [{at: 50s, for: 300ms, crash: {}}]
        clients: {users: {arrivals: {steps: [{at: 0s, rate: 1/s}, {at: 7s, rate: 2/s}]}}}
      """
    let log = FaultLog(file: "t.yaml")
    let root = try #require(ConfigurationParser.parse(text, log: log))
    let half = FlowText.text(of: ScenarioNumbers.scalingTimes(1, 2, in: root))
    #expect(half.contains("duration: 50s, warmUp: 2500ms") && half.contains("at: 25s, for: 150ms"))
    #expect(half.contains("at: 0s") && half.contains("at: 3500ms"))
    let implied = ScenarioNumbers.scalingDuration(1, 4, in: ConfigurationNode.emptyMap(root.origin))
    #expect(FlowText.text(of: implied) == "{run: {duration: 15s}}")
  }
}
