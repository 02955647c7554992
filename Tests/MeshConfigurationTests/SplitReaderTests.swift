// Where requests go, as a route says it.

import MeshCore
import Testing

@testable import MeshConfiguration

@Suite("reading splits")
struct SplitReaderTests {
  private func read(_ route: String, profile: String = "weir") -> (route: RouteDescription?, faults: [String]) {
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let text = "{profile: \(profile), clusters: {web: {}, new: {service: web}}, routes: [{match: web, \(route)}]}"
    let node = ConfigurationParser.parse(text, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let mesh = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    return (mesh.routes.first, log.diagnostics?.lines ?? [])
  }

  // Goal: nothing said is Envoy's mode and chance, or Linkerd's mode with its profile.
  @Test func defaults() throws {
    let plain = try #require(read("split: [web, new]").route)
    #expect(plain.splitMode == .envoy && plain.splitSource == .random && plain.slices.isEmpty && plain.canary == nil)
    #expect(read("split: [web, new]", profile: "linkerd").route?.splitMode == .linkerd)
  }

  // Goal: every field of modes, sources and slices arrives.
  @Test func splitsAndSlices() throws {
    let (route, faults) = read(
      "split: [{to: web, weight: 9}, {to: gone, invalid: true}], splitMode: gatewayApi, splitBy: {header: X-Slot}, slices: ["
        + "{name: beta, to: new, headers: {X-Group: beta}, cookies: {Id: {prefix: '7'}}}, "
        + "{to: new, keys: {from: 10%, to: 12.5%}, percentage: 0.5%, sticky: true}]")
    #expect(faults == [])
    let read = try #require(route)
    #expect(read.split == [WeightedCluster(cluster: 0, weight: 9), WeightedCluster(cluster: WeightedCluster.nowhere)])
    #expect(read.splitMode == .gatewayApi && read.splitSource == .header("x-slot"))
    var beta = SliceDescription(name: "beta", cluster: 1)
    beta.headers = [FieldMatch(name: "x-group", value: .exact("beta"))]
    beta.cookies = [FieldMatch(name: "Id", value: .prefix("7"))]
    var part = SliceDescription(name: "1", cluster: 1)
    part.keys = 100_000..<125_000
    part.fraction = RuntimeFraction(5000, of: 1_000_000)
    part.isSticky = true
    #expect(read.slices == [beta, part])
    #expect(self.read("splitBy: key").route?.splitSource == .key)
  }

  // Goal: a canary's steps are Flagger's: by a weight up to where the maximum is reached or passed, or as listed.
  @Test func canaries() throws {
    func canary(_ text: String) -> CanaryDescription? {
      read("split: [web, new], canary: {to: new, \(text)}").route?.canary
    }
    #expect(canary("stepWeight: 20, maxWeight: 50")?.stepWeights == [20, 40, 60])
    #expect(canary("stepWeight: 30")?.stepWeights == [30, 60, 90, 100])
    #expect(canary("stepWeight: 100")?.stepWeights == [100])
    let whole = try #require(
      canary(
        "stepWeights: [1, 5, 20], start: 20s, interval: 5s, threshold: 3, requestSuccessRate: 99%, "
          + "requestDuration: {max: 500ms, quantile: 99.9%}"))
    var expected = CanaryDescription(
      destination: 1, start: .seconds(20), interval: .seconds(5), stepWeights: [1, 5, 20])
    expected.threshold = 3
    expected.minSuccessRate = 0.99
    expected.maxDuration = .milliseconds(500)
    expected.durationQuantile = 0.999
    #expect(whole == expected)
  }

  // Goal: an idle timeout bounds the span that the route's and the try's timeouts bound; 0s is none of either.
  @Test func idleTimeouts() {
    #expect(read("timeout: 2s, idleTimeout: 1s").route?.timeout == .seconds(1))
    #expect(read("timeout: 1s, idleTimeout: 2s").route?.timeout == .seconds(1))
    #expect(read("timeout: 0s, idleTimeout: 2s").route?.timeout == .seconds(2))
    #expect(read("timeout: 1s, idleTimeout: 0s").route?.timeout == .seconds(1))
    #expect(read("retry: {perTryIdleTimeout: 2s}").route?.retry?.perTryTimeout == .seconds(2))
    #expect(read("retry: {perTryIdleTimeout: 2s, perTryTimeout: 1s}").route?.retry?.perTryTimeout == .seconds(1))
  }

  // Goal: what cannot be is told, one line each.
  @Test(
    arguments: [
      ("split: [web, nwe]", "unknown cluster 'nwe'; did you mean 'new'?"),
      ("split: [web, {to: new, invalid: true}]", "'new' is a cluster; expected none beside invalid: true"),
      ("slices: [{to: web, keys: {from: 30%, to: 20%}}]", "from 30.0 % is above to 20.0 %; expected them in order"),
      ("slices: [{to: web, sticky: true}]", "has no effect without a percentage; expected one"),
      ("canary: {to: new, stepWeight: 5}", "'new' is no destination of the split; expected one of them"),
      ("split: [new], canary: {to: new, stepWeight: 5}", "nothing else has a weight"),
      ("split: [web, new], canary: {to: new}", "missing; expected what each step adds, or stepWeights"),
      (
        "split: [web, new], canary: {to: new, stepWeights: [5, 5]}",
        "not rising; expected each step above the one before"
      ),
      (
        "split: [web, new], canary: {to: new, stepWeights: [5], stepWeight: 5}",
        "stands beside stepWeights; expected one of them"
      ),
    ]) func faults(_ route: String, _ line: String)
  {
    let faults = read(route).faults
    #expect(faults.count == 1 && faults[0].contains(line), "\(faults)")
  }
}
