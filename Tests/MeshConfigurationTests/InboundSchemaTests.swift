// Inbound sides as a mesh says them.

import MeshCore
import Testing

@testable import MeshConfiguration

@Suite("reading inbound sides")
struct InboundSchemaTests {
  private func read(_ inbound: String) -> ([InboundDescription], [String]) {
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let text = "{clusters: {web: {}}, inbound: \(inbound)}"
    let node = ConfigurationParser.parse(text, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let reader = MeshReader(services: NameIndex(["web"]), callers: NameIndex(["gold", "web"]), log: log)
    return (reader.mesh(value).inbound, log.diagnostics?.lines ?? [])
  }

  // Goal: every field arrives, long and short.
  @Test func everyField() {
    let (inbound, faults) = read(
      "{web: {rateLimit: {total: {requestsPerSecond: 100}, identity: 10, "
        + "overrides: [{requestsPerSecond: 50, clientRefs: [gold, {name: web}]}]}}}")
    #expect(faults == [])
    #expect(
      inbound == [
        InboundDescription(
          service: "web", total: 100, perIdentity: 10,
          overrides: [RateOverrideDescription(requestsPerSecond: 50, clientRefs: ["gold", "web"])])
      ])
    #expect(read("{}").0 == [] && read("{web: {}}").0 == [])
  }

  // Goal: who is named and does not exist is told.
  @Test(arguments: [
    ("{wep: {rateLimit: {total: 1}}}", "did you mean 'web'"),
    ("{web: {rateLimit: {overrides: [{requestsPerSecond: 1, clientRefs: [golt]}]}}}", "did you mean 'gold'"),
    ("{web: {rateLimit: {total: 0}}}", "expected"),
    ("{web: {rateLimit: {overrides: [{clientRefs: [gold]}]}}}", "missing"),
  ]) func faults(_ inbound: String, _ part: String) {
    let faults = read(inbound).1
    #expect(faults.count == 1 && faults.allSatisfy { $0.contains(part) }, "\(faults)")
  }
}
