// Goal: whatever stands in a scenario file, the reader answers with a scenario or with at least one line, and never fails
// otherwise. Method: thousands of small damages to real scenarios, drawn with a fixed seed.

import Foundation
import MeshConfiguration
import MeshCore
import Testing

@testable import Experiments

@Suite struct ScenarioMutationTests {
  private static let sources = [ScenarioReaderTests.example, ScenarioTemplate.text(name: "demo"), everything]

  /// A scenario with at least one of everything.
  static let everything = """
    scenario: everything
    run: {requests: 1000, attemptDemand: same}
    world:
      services:
        web:
          replicas: [{name: big, count: 2, zone: a, weight: 3, speed: 2}, {zone: b, time: {constant: 3ms}}]
          time: {mixture: [{weight: 1, of: {erlang: {mean: 5ms, stages: 3}}}, {weight: 2, of: {shifted: {by: 1ms, of: 2ms}}}]}
          calls: [db, [{to: cache, count: 2, parallel: true, onError: ignore}, {to: db}]]
          fluctuate: {every: 500ms, factors: [1, 3]}
          coldStart: {factor: 5, over: 10s}
          antagonist: {share: 30%, period: 1s}
          perConcurrent: 10ms
          proxies: shared
        db: {time: {quantiles: {p0: 1ms, p50: 2ms, p99.9: 8ms, p100: 9ms}}, queue: 4, discipline: lifo, zone: b}
        cache: {time: {hyperexponential: [{p: 0.5, mean: 1ms}, {p: 50%, mean: 2ms}]}, onCancel: stop}
      clients:
        users: {target: web, arrivals: {ramp: [{at: 0s, rate: 0/s}, {at: 5s, rate: 9/s}], spacing: even}, proxies: [{zone: a, count: 2}]}
        bots: {target: api, arrivals: {closed: {users: 5, think: {exponential: 1s}}}, request: {key: {uniform: 5}}}
        waves: {target: web, arrivals: {bursts: {low: 1/s, high: 5/s, meanLow: 1s, meanHigh: 1s}}, zone: a}
      links:
        - {from: zone:a, to: zone:b, delay: {normal: {mean: 1ms, sd: 100us}}, rto: 100ms}
        - {from: big-0, to: db, loss: 0.1%}
      faults:
        - {at: 1s, for: 1s, repeat: 5s, service: web, zone: a, pause: {every: 100ms, for: 10ms}}
        - {at: 1s, partition: {from: users, to: zone:b}}
        - {at: 1s, service: db, errors: 5%, status: 503, time: 0s, retryAfter: 2s}
        - {at: 1s, service: db, scale: 3}
        - {at: 1s, service: db, replicas: [2, db-1], restart: 5s}
        - {at: 1s, loss: 5%, from: users, to: web}
        - {at: 1s, discoveryFrozen: {}}
        - {at: 1s, service: db, healthCheckFail: {}}
    mesh:
      profile: linkerd
      hop: {outbound: 100us, inbound: {weibull: {scale: 1ms, shape: 2}}}
      clusters:
        api: {service: web, protocol: http1, tls: true, failureAccrual: consecutive}
      routes:
        - {match: {host: web}, split: [{to: api}]}
        - {match: {host: api, path: {exact: /x}}, split: [{to: api, weight: 1}, {to: db, weight: 0}]}
    variants:
      - {name: one}
      - {name: two, set: {mesh.routes.0.timeout: 1s, world.services.db.replicas.db-0.speed: 2, mesh.profile: envoy}}
    expect:
      - {metric: share.big-1, variant: two, equals: 50%, within: 10%}
      - {metric: queue.mean, variant: two, ratioTo: one, min: 0.1}
    """

  private static let interesting: [String] = [
    "{", "}", "[", "]", ":", ": ", ",", "-", "- ", "&a ", "*a", "!!x ", "'", "\"", "#", "|", ">", "%", "\n", "\n  ",
    "\t", "0",
    "-1", "1e999", "99999999999999999999", "null", "~", "true", "\u{0}", "é", "\u{feff}", "?", "<<: ", ".", "zone:",
    "NaN",
  ]

  private static func mutant(_ number: UInt64) -> [UInt8] {
    func draw(_ purpose: UInt64, below bound: Int) -> Int {
      Int(mix64(number &* goldenGamma &+ purpose) % UInt64(max(1, bound)))
    }
    let source = sources[draw(1, below: sources.count)]
    var text = Array(source.utf8)
    var tokens = source.split(whereSeparator: { " ,:{}[]\n".contains($0) }).map(String.init)
    tokens.sort()
    for damage in 0..<UInt64(1 + draw(2, below: 3)) {
      let purpose = 10 + damage * 10
      let place = draw(purpose, below: text.count)
      switch draw(purpose + 1, below: 6) {
      case 0: text.remove(at: place)
      case 1: text.insert(text[place], at: place)
      case 2: text[place] = UInt8(draw(purpose + 2, below: 256))
      case 3:
        let end = min(text.count, place + draw(purpose + 2, below: 30))
        text.removeSubrange(place..<end)
      case 4: text.insert(contentsOf: interesting[draw(purpose + 2, below: interesting.count)].utf8, at: place)
      default:
        let token = Array(tokens[draw(purpose + 2, below: tokens.count)].utf8)
        let isPart = { (byte: UInt8) in !" ,:{}[]\n".utf8.contains(byte) }
        var start = place
        while start > 0, isPart(text[start - 1]) { start -= 1 }
        var end = place
        while end < text.count, isPart(text[end]) { end += 1 }
        text.replaceSubrange(start..<end, with: token)
      }
      if text.isEmpty { text = [0x20] }
    }
    return text
  }

  @Test("The scenarios that are damaged are sound")
  func sound() {
    for source in Self.sources {
      let result = ScenarioReader.read(bytes: Array(source.utf8), path: "s.yaml", log: FaultLog(file: "s.yaml"))
      if case .failure(let diagnostics) = result { Issue.record("\(diagnostics)") }
    }
  }

  @Test("Thousands of damaged scenarios give a scenario or a line", arguments: 0..<8)
  func damaged(_ part: Int) {
    var read = 0
    for number in 0..<300 {
      let bytes = Self.mutant(UInt64(part * 300 + number))
      switch ScenarioReader.read(bytes: bytes, path: "s.yaml", log: FaultLog(file: "s.yaml")) {
      case .success: read += 1
      case .failure(let diagnostics):
        #expect(!diagnostics.faults.isEmpty)
        #expect(diagnostics.lines.allSatisfy { $0.contains(": error: ") && !$0.contains("\n") })
      }
    }
    // Most damage is found, and some is harmless: both ways were taken.
    #expect(read > 0 && read < 250)
  }
}
