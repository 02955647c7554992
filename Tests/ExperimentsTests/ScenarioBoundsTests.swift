// Goal: numbers whose product no machine holds, or no run ever ends, get one line each where they stand; what is merely large
// does not.

import Foundation
import Testing

@testable import Experiments

@Suite struct ScenarioBoundsTests {
  /// A scenario whose parts can be replaced.
  private func text(
    service: String = "time: 5ms", client: String = "target: web, arrivals: {poisson: 100/s}", world: String = "",
    run: String = "{duration: 60s, replications: 1}", rest: String = ""
  ) -> String {
    """
    scenario: s
    run: \(run)
    world:
      services:
        web: {\(service)}
      clients:
        users: {\(client)}
    \(world)
    \(rest)
    """
  }

  private func faults(_ text: String, besides files: [String: String] = [:]) throws -> [String] {
    try ScenarioFile(text, besides: files).faults()
  }

  @Test("Data planes times endpoints, clusters and links")
  func pairs() throws {
    #expect(
      try faults(text(service: "replicas: 20000", client: "arrivals: {poisson: 1/s}, proxies: 20000")) == [
        "s.yaml:7:48: error: world.clients.users.proxies: 20000 data planes with 20000 endpoints each make 400000000 pairs; expected at most 2000000"
      ])
    #expect(
      try faults(text(service: "replicas: 100000")) == [
        "s.yaml:5:21: error: world.services.web.replicas: 100000 endpoints of all clusters together; expected at most 20000"
      ])
    // Scaled up, and through data planes of callers.
    let scaled = "  faults: [{at: 1s, service: web, scale: 90000}]"
    #expect(try faults(text(world: scaled)).first?.contains("90000 endpoints") == true)
    var chain = "scenario: s\nworld:\n  clients: {u: {target: s0, arrivals: {poisson: 1/s}}}\n  services:\n"
    for number in 0..<600 { chain += "    s\(number): {\(number < 599 ? "calls: [s\(number + 1)]" : "")}\n" }
    #expect(
      try faults(chain).first?.contains("600 data planes with 600 clusters each make 360000 pairs") == true)
    let links = String(repeating: "    - {from: users, to: web}\n", count: 1001)
    let linked = text(
      service: "replicas: 1000", client: "arrivals: {poisson: 1/s}, proxies: 1000", world: "  links:\n" + links)
    #expect(try faults(linked).first?.contains("world.links: 1001 links between") == true)
    #expect(try faults(text(service: "replicas: 1000", client: "arrivals: {poisson: 1/s}, proxies: 1000")) == [])
  }

  @Test("Clients and users")
  func clients() throws {
    var many = "scenario: s\nworld:\n  services: {web: {}}\n  clients:\n"
    for number in 0..<1001 { many += "    u\(number): {arrivals: {poisson: 1/s}}\n" }
    #expect(try faults(many).first?.contains("world.clients: 1001 clients; expected at most 1000") == true)
    let closed = "users: {arrivals: {closed: {users: 6000000}}}}"
    #expect(
      try faults(
        "scenario: s\nworld:\n  services: {web: {}}\n  clients:\n    {a: {arrivals: {closed: {users: 7000000}}}, \(closed)"
      )
      .first?.contains("13000000 users in all; expected at most 10000000") == true)
  }

  @Test("Windows of the time line")
  func windows() throws {
    #expect(
      try faults(text(run: "{duration: 60s, window: 1us, replications: 1}")) == [
        "s.yaml:2:30: error: run.window: 120000000 windows of 1us in each of 1 run; expected at most 20000000 rows of results in all"
      ])
    #expect(
      try faults(text(run: "{duration: 780000h, replications: 1}")).first?.hasPrefix(
        "s.yaml:2:17: error: run.duration: 2808000060 windows of 1s") == true)
    #expect(
      try faults(text(run: "{duration: 1s, drain: 780000h, replications: 1}")).first?.hasPrefix("s.yaml:2:17: ") == true
    )
    #expect(
      try faults(text(client: "arrivals: {poisson: 1e-9/s}", run: "{requests: 1000, replications: 1}")).first?
        .contains("run.requests: 1000000000060 windows of 1s") == true)
    // Long, in windows to suit.
    #expect(try faults(text(run: "{duration: 700000h, window: 24h, replications: 1}")) == [])
  }

  @Test("Rounds of faults, pauses, speeds and bursts")
  func rounds() throws {
    let repeated = "  faults: [{at: 0s, for: 1ns, repeat: 1ns, service: web, slow: 2}]"
    #expect(
      try faults(text(world: repeated)) == [
        "s.yaml:8:39: error: world.faults.0.repeat: 1ns makes 240000000002 changes in a run; expected at most 1000000000"
      ])
    let events = "  faults: [{at: 0s, for: 1us, repeat: 10us, service: web, slow: 2}]"
    #expect(
      try faults(text(world: events)) == [
        "s.yaml:8:39: error: world.faults.0.repeat: 10us makes 12000001 rounds in each of 1 run; expected at most 20000000 rows of results in all"
      ])
    let pause = "  faults: [{at: 0s, service: web, pause: {every: 2ns, for: 1ns}}]"
    #expect(try faults(text(world: pause)).first?.hasPrefix("s.yaml:8:50: error: world.faults.0.pause.every: ") == true)
    let short = "  faults: [{at: 0s, for: 1s, service: web, pause: {every: 2us, for: 1us}}]"
    #expect(try faults(text(world: short)) == [])
    for service in ["fluctuate: {every: 1ns, factors: [1]}", "antagonist: {share: 1%, period: 1ns}"] {
      #expect(try faults(text(service: service)).first?.contains(" changes in a run") == true)
    }
    let bursts = "arrivals: {bursts: {low: 0/s, high: 1/s, meanLow: 1ns, meanHigh: 1ns}}"
    #expect(try faults(text(client: bursts)).first?.contains("arrivals.bursts: ") == true)
    let many = "  faults:\n" + String(repeating: "    - {at: 0s, service: web, slow: 2}\n", count: 10_000)
    #expect(try faults(text(service: "replicas: 100", world: many)).first?.contains("world.faults: ") == true)
  }

  @Test("Requests and what they lead to")
  func requests() throws {
    #expect(
      try faults(text(client: "arrivals: {poisson: 1e9/s}", run: "{duration: 700000h, window: 700000h}")).first?
        .contains("arrivals: about 2.52e+18 requests in a run") == true)
    let fan = """
      scenario: s
      world:
        services:
          web: {calls: [{to: mid, count: 1001}]}
          mid: {calls: [{to: db, count: 500}, {to: db, count: 500}]}
          db: {}
        clients: {users: {target: web, arrivals: {poisson: 1/s}}}
      """
    #expect(
      try faults(fan) == [
        "s.yaml:4:18: error: world.services.web.calls: a request leads to 1002002 calls in all; expected at most 1000000"
      ])
    #expect(try faults(fan.replacingOccurrences(of: "1001", with: "900")) == [])
  }

  @Test("Replications, variants and sweeps")
  func runs() throws {
    #expect(
      try faults(text(run: "{duration: 1s, replications: 100000}")) == [
        "s.yaml:2:35: error: run.replications: 100000 runs of all variants together; expected at most 20000"
      ])
    let variants = (0..<20_000).map { "  - {name: v\($0)}\n" }.joined()
    let lines = try faults(text(rest: "variants:\n" + variants))
    #expect(lines.count == 1 && lines[0].contains("variants: 20000 variants and 0 values of a sweep"))
    let values = Array(repeating: "1/s", count: 50_000).joined(separator: ", ")
    let swept = try faults(text(rest: "sweep: {world.clients.users.arrivals.poisson: [\(values)]}"))
    #expect(swept.count == 1 && swept[0].contains("sweep: 0 variants and 50000 values of a sweep"))
  }

  @Test("A message that a link takes longer than any run to send")
  func messages() throws {
    let link = "  links: [{from: users, to: web, bandwidth: 1e-300bps}]"
    #expect(
      try faults(text(client: "arrivals: {poisson: 1/s}, request: {size: 1KiB}", world: link)) == [
        "s.yaml:8:45: error: world.links.0.bandwidth: 1e-300bps keeps a message of 1024 bytes on its way longer than 100 years; expected more"
      ])
    #expect(try faults(text(world: link)) == [])
  }

  @Test("A trace with a column twice")
  func traces() throws {
    let scenario = text(client: "arrivals: {trace: {file: t.csv}}")
    #expect(
      try faults(scenario, besides: ["t.csv": "time_s,time_s\n0,1\n"]) == [
        "s.yaml:7:38: error: world.clients.users.arrivals.trace.file: 't.csv': line 1: column 'time_s' a second time (number 2); expected it once"
      ])
  }
}
