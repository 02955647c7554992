import Foundation
import Testing

/// Goal: a scenario gives the same bytes wherever and however it runs. Method: short runs of three scenarios that draw from
/// logarithms and exponentials, break connections, eject endpoints and call other services; every result file is compared.
@Suite(.serialized) struct SameBytesTests {
  private static let scenarios = ["quickstart", "crash-and-recover", "retry-storm-free-fanout"]
  /// What keeps a debug build's runs to seconds; the faults lie within.
  private static let brief = ["--replications", "2", "--set", "run.duration=25s"]

  /// Two processes, one thread and two, the optimised program and the one for tests, a C library that may not use this
  /// machine's vector instructions: one result.
  @Test(arguments: scenarios)
  func sameBytesEverywhere(_ scenario: String) throws {
    let release = try Program.release.get()
    let debug = try #require(Program.debug, "no weir beside the tests")
    let first = try run(release, scenario, ["--jobs", "1"])
    #expect(first.count >= 10)
    let plain = ["GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-AVX2_Usable"]
    let others = [
      ("again", try run(release, scenario, ["--jobs", "1"])),
      ("two jobs", try run(release, scenario, ["--jobs", "2"])),
      ("without vector instructions", try run(release, scenario, ["--jobs", "2"], environment: plain)),
      ("without optimisation", try run(debug, scenario, ["--jobs", "2"])),
    ]
    for (how, files) in others {
      #expect(files.keys.sorted() == first.keys.sorted(), "\(how)")
      for (name, bytes) in first.sorted(by: { $0.key < $1.key }) { #expect(files[name] == bytes, "\(how): \(name)") }
    }
  }

  /// The digest of a run's events tells variants apart that differ in one decision, replications too, and is the same for
  /// the same variant under another name.
  @Test func digestTellsDecisionsApart() throws {
    let release = try Program.release.get()
    let folder = try Folder()
    let scenario = """
      scenario: digests
      run: {duration: 2s, replications: 2}
      world:
        services: {web: {replicas: 3, time: {exponential: {mean: 5ms}}}}
        clients: {users: {target: web, arrivals: {poisson: 200/s}}}
      mesh:
        clusters: {web: {service: web, balancer: {peakEwma: {defaultRtt: 30ms}}}}
      variants:
        - name: base
        - name: same
        - {name: otherStart, set: {mesh.clusters.web.balancer: {peakEwma: {defaultRtt: 300ms}}}}
        - {name: otherPolicy, set: {mesh.clusters.web.balancer: leastRequest}}
      """
    let file = folder.url.appendingPathComponent("digests.yaml")
    try scenario.write(to: file, atomically: false, encoding: .utf8)
    let outcome = try release(["run", file.path, "--quiet", "--out", folder.url.path])
    try #require(outcome.status == 0, "\(outcome.output)")
    let record = try JSONSerialization.jsonObject(with: try folder.bytes("digests/run.json")) as? [String: Any]
    let runs = try #require(record?["runs"] as? [[String: Any]])
    let digests = runs.compactMap { $0["traceDigest"] as? String }
    #expect(digests.count == 8)
    #expect(digests.prefix(2).elementsEqual(digests[2..<4]), "base and same")
    #expect(Set(digests).count == 6, "\(digests)")
  }

  /// The result files of a run, by name.
  private func run(
    _ program: Program, _ scenario: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> [String: Data] {
    let folder = try Folder()
    let command = ["run", "Scenarios/\(scenario).yaml", "--quiet", "--out", folder.url.path] + Self.brief + arguments
    let outcome = try program(command, environment: environment)
    try #require(outcome.status == 0, "\(outcome.output)")
    var files: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path + "/\(scenario)") {
      files[name] = try folder.bytes("\(scenario)/\(name)")
    }
    return files
  }
}
