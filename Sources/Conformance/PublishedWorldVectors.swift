// Published experiments with balancers and breakers, in the real simulator: Buoyant's "Beyond Round Robin", Linkerd's
// circuit-breaker demo, its issue 5017, tower's demo, and fan-out as in Dean and Barroso, The Tail at Scale. What others' programs
// gave for the same set-ups is what ours has to give, to the tolerance that the files name or that chance asks for.

import MeshCore
import Simulation
import TestVectors

struct PublishedWorldVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "beyond_round_robin" || file.name == "scenario_reference"
      || file.has("config", "latency_ms", "independent_sim") || file.has("linkerd_circuit_breaker_demo")
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    if let latency = file.content.member("latency_ms"), let found = file.content.member("independent_sim") {
      runBeyondRoundRobin(file, latency, found, &report)
    }
    if let demo = file.content.member("linkerd_circuit_breaker_demo") { runBreaker(demo, &report) }
    if let issue = file.content.member("linkerd_issue_5017") { runFastAndSlow(issue, &report) }
    if let demo = file.content.member("tower_balance_example") { runTower(demo, &report) }
    for (name, share) in (try? file.content.member("tail_at_scale")?.members) ?? [] {
      report.run("tail_at_scale \(name)") { try runFanOut(name, try share.double, &$0) }
    }
    for key in ["brooker_retries", "brooker_collapse"] where file.has(key) {
      report.skip(key, "whole worlds, which are run as scenarios")
    }
    if file.has("c3_simulation") {
      report.skip("c3_simulation", "90 million requests: the scenarios of C3 are held against it")
    }
  }

  /// A policy by the name that these files have for it.
  private static func policy(_ name: String) throws -> (
    name: String, parameters: [(name: String, value: ParameterValue)]
  ) {
    switch name {
    case "round_robin": return ("roundRobin", [])
    case "random": return ("random", [])
    case "p2c", "p2c_least_loaded", "least_loaded": return ("leastRequest", [])
    case "heap", "heap_least_loaded": return ("joinShortestQueue", [])
    case "p2c_peak_ewma_finagle": return ("peakEwma", [("form", .word("finagle"))])
    default:
      if name.contains("ewma") { return ("peakEwma", []) }
      throw VectorError(description: "no policy \(name)")
    }
  }

  // MARK: Beyond Round Robin

  private func runBeyondRoundRobin(
    _ file: VectorFile, _ latency: VectorValue, _ found: VectorValue, _ report: inout VectorReport
  ) {
    let successes = found.member("success_at_1s")
    for (name, expected) in (try? successes?.members) ?? [] {
      report.run("success_at_1s \(name)") { check in
        let gate = name.contains("ewma") ? 0.0005 : name == "round_robin" || name == "random" ? 0.005 : 0.003
        let results = try backends(file, latency, name, &check)
        let share =
          results.reduce(0) { $0 + Double($1.summary.successes) }
          / results.reduce(0) { $0 + Double($1.summary.requests) }
        check.near(share, try expected.double, absolute: gate * width(results.count))
        // By the file's formula, a slow server fails all that it gets for half of the time.
        if name == "round_robin" { check.near(share, 1 - 0.5 / 11, absolute: gate, "by formula") }
      }
    }
    for (name, expected) in (try? found.members) ?? [] {
      guard let percentiles = try? found("percentiles").doubles, name != "percentiles",
        let expected = try? expected.doubles
      else { continue }
      report.run("percentiles \(name)") { check in
        var all = LatencyHistogram()
        for result in try backends(file, latency, name, &check) { all.add(result.latency) }
        for (percentile, value) in zip(percentiles, expected) where percentile <= 99.9 {
          guard let found = all.quantile(percentile / 100) else { throw VectorError(description: "no requests") }
          check.close(Double(found) / 1e6, value, relative: 0.05, "\(percentile) %")
        }
      }
    }
    for (name, expected) in (try? found.member("share_of_requests_to_slow_server")?.members) ?? [] {
      report.run("share_of_requests_to_slow_server \(name)") { check in
        let results = try backends(file, latency, name, &check)
        let share = results.reduce(0) { $0 + ($1.endpoints.last?.share ?? 0) } / Double(results.count)
        check.close(share, try expected.double, relative: 0.03 * width(results.count))
      }
    }
  }

  /// How much wider a tolerance for five runs is for so many.
  private func width(_ runs: Int) -> Double { (5 / Double(max(1, runs))).squareRoot() }

  /// One slow server among some, as the configuration says; several runs.
  private func backends(
    _ file: VectorFile, _ latency: VectorValue, _ name: String, _ check: inout VectorCheck
  ) throws -> [ReplicationResult] {
    let config = try file.content("config")
    let quantiles = try latency("quantiles_0_to_1_by_0_001").doubles
    let (count, rate, duration) = (
      try config("backends").count, try config("qps").double, try config("duration_s").time
    )
    let window = try config("slow_window_s").doubles
    guard quantiles.count > 1, quantiles.allSatisfy({ (1e-6...1e6).contains($0) }), (2...1000).contains(count),
      (1...1e5).contains(rate), (1...600).contains(duration), window.count == 2, 0 <= window[0], window[0] < window[1],
      window[1] <= 600
    else { throw VectorError(description: "a set-up beyond what is run") }
    let points = quantiles.enumerated().map { place, value in
      QuantilePoint(probability: Double(place) / Double(quantiles.count - 1), value: value * 1e6)
    }
    let policy = try Self.policy(name)
    var world = try ReferenceWorld(
      replicas: count, time: .quantiles(points), arrivals: .constant(rate: rate), balancer: policy.name,
      policy.parameters)
    world.service.discipline = .infinite
    world.client.successWithin = .seconds(of: try config("timeout_s").time)
    let target = FaultTarget(service: 0, replicas: [count - 1])
    let factor = try config("slow_factor").double
    guard (1...1000).contains(factor) else { throw VectorError(description: "a factor of \(factor)") }
    world.faults = [
      FaultDescription(
        at: .zero + .seconds(of: window[0]), duration: .seconds(of: window[1] - window[0]), period: nil,
        kind: .slow([target], factor: factor, affectsRunning: false), summary: "slow")
    ]
    // Fewer requests are fewer runs, and where that is not about what comes out, shorter ones.
    let requests = check.rounds(Int(rate * duration))
    world.run.duration = .seconds(of: Double(requests) / rate)
    return try (1...UInt64(check.noise > 1 ? 1 : 5)).map { try world.simulate(seed: $0) }
  }

  // MARK: Linkerd's demos

  private func runBreaker(_ demo: VectorValue, _ report: inout VectorReport) {
    let cases: [(name: String, breaks: Bool, from: Double, to: Double, runs: Int, tolerance: Double)] = [
      ("no_breaker", false, 0, 600, 5, 0.01), ("first_60s", true, 0, 60, 20, 0.002),
      ("first_300s", true, 0, 300, 20, 0.001), ("first_3600s", true, 0, 3600, 5, 0.0003),
      ("after_600s", true, 600, 3600, 5, 0.0002),
    ]
    for (name, expected) in (try? demo("sim").members) ?? [] {
      report.run("linkerd_circuit_breaker_demo \(name)") { check in
        guard let row = cases.first(where: { $0.name == name }) else { throw VectorSkip("no such window") }
        let config = try demo("config")
        let rate = try config("rps").double
        guard (1...1000).contains(rate) else { throw VectorError(description: "\(rate) requests a second") }
        var world = try ReferenceWorld(
          replicas: 2, time: .constant(1e6), arrivals: .constant(rate: rate), balancer: "peakEwma")
        world.service.discipline = .infinite
        let share = try config("bad_failure").double
        guard (0...1).contains(share) else { throw VectorError(description: "a share of \(share)") }
        world.faults = [
          FaultDescription(
            at: .zero, duration: nil, period: nil,
            kind: .errors([FaultTarget(service: 0, replicas: [1])], rate: share, status: 500, time: nil),
            summary: "errors")
        ]
        if row.breaks {
          world.cluster.failureAccrual = .consecutive(
            ConsecutiveAccrualDescription(
              maxFailures: UInt32(try config("max_failures").count), minPenalty: .seconds(of: try config("min_s").time),
              maxPenalty: .seconds(of: try config("max_s").time), jitterRatio: try config("jitter").double))
        }
        let length = Double(check.rounds(1000)) / 1000
        world.run.duration = .seconds(of: row.to * length)
        world.run.warmUp = .seconds(of: row.from * length)
        let runs = max(1, check.noise > 1 ? row.runs / 5 : row.runs)
        let tolerance = row.tolerance * (Double(row.runs) / Double(runs)).squareRoot()
        let rates = try (1...UInt64(runs)).map { seed in
          let summary = try world.simulate(seed: seed).summary
          return Double(summary.successes) / Double(max(1, summary.requests))
        }
        check.near(rates.reduce(0, +) / Double(runs), try expected.double, absolute: tolerance)
      }
    }
  }

  private func runFastAndSlow(_ issue: VectorValue, _ report: inout VectorReport) {
    for (name, expected) in (try? issue("sim_rps").members) ?? [] {
      report.run("linkerd_issue_5017 \(name)") { check in
        let config = try issue("config")
        let rate = try config("rps").double
        let times = [try config("fast_ms").time, try config("slow_ms").time]
        guard (1...1e5).contains(rate), times.allSatisfy({ (1e-3...1e5).contains($0) }) else {
          throw VectorError(description: "a set-up beyond what is run")
        }
        let policy = try Self.policy(name)
        var world = try ReferenceWorld(
          replicas: 2, time: .constant(1e6), arrivals: .constant(rate: rate), balancer: policy.name, policy.parameters)
        world.service.discipline = .infinite
        for (place, time) in times.enumerated() { world.service.replicas[place].time = .constant(time * 1e6) }
        world.run.duration = .seconds(
          of: Double(check.rounds(Int(min(1e6, rate * (check.noise > 1 ? 60 : 600))))) / rate)
        let endpoints = try world.simulate().endpoints
        for (endpoint, expected) in zip(endpoints, try expected.doubles) {
          let found = (endpoint.share ?? 0) * rate
          check.near(found, expected, absolute: max(0.1, 0.03 * min(expected, rate - expected)), endpoint.endpoint)
        }
      }
    }
  }

  // MARK: tower's demo

  private func runTower(_ demo: VectorValue, _ report: inout VectorReport) {
    for (name, expected) in (try? demo("sim").members) ?? [] {
      report.run("tower_balance_example \(name)") { check in
        let config = try demo("config")
        let limits = try config("endpoint_max_ms").doubles
        let users = try config("concurrency").count
        guard (1...100).contains(limits.count), limits.allSatisfy({ (1...1e5).contains($0) }),
          (1...10_000).contains(users)
        else { throw VectorError(description: "a set-up beyond what is run") }
        let requests = check.rounds(min(1_000_000, try config("requests").count))
        let policy = try Self.policy(name)
        var world = try ReferenceWorld(
          replicas: limits.count, time: .constant(1e6),
          arrivals: .closed(users: users, think: .constant(0), requests: requests), balancer: policy.name,
          policy.parameters)
        world.service.discipline = .infinite
        for (place, limit) in limits.enumerated() {
          world.service.replicas[place].time = .uniform(minimum: 0, maximum: limit * 1e6, step: 1e6)
        }
        world.run.duration = .seconds(3600)
        world.run.requests = requests
        let result = try world.simulate()
        for (percentile, value) in try expected("pctl_ms").members {
          guard let rank = Double(percentile), (1...99.99).contains(rank),
            let found = result.latency.quantile(rank / 100)
          else { throw VectorError(description: "no percentile \(percentile)") }
          let value = try value.double
          check.near(Double(found) / 1e6, value, absolute: max(1, 0.08 * value), "\(percentile) %")
        }
        for (endpoint, share) in zip(result.endpoints, try expected.member("share_pct")?.doubles ?? []) {
          check.near((endpoint.share ?? 0) * 100, share, absolute: max(0.15, 0.05 * share), endpoint.endpoint)
        }
      }
    }
  }

  // MARK: fan-out

  /// `fanout_100_p_1pct`: the share of requests that wait for a slow answer, when so many are asked at once and each is slow with that
  /// probability. A failed call stands for the slow one.
  private func runFanOut(_ name: String, _ expected: Double, _ check: inout VectorCheck) throws {
    let words = name.split(separator: "_").map(String.init)
    guard words.count >= 4, words[0] == "fanout", let count = Int(words[1]), (1...5000).contains(count), words[2] == "p"
    else { throw VectorSkip("no fan-out in its name") }
    let text = words[3...].joined(separator: "-")
    let probability = text.hasSuffix("pct") ? Double(text.dropLast(3)).map { $0 / 100 } : Double(text)
    guard let probability, (0...1).contains(probability) else { throw VectorSkip("no probability in its name") }
    let requests = max(1, check.requests(max(2000, 40_000_000 / count)) / 10)
    var world = try ReferenceWorld(
      replicas: 1, time: .constant(1e3), arrivals: .constant(rate: 1000), balancer: "random")
    world.service.discipline = .infinite
    world.service.calls = [[CallDescription(target: "leaf", count: count, isParallel: true)]]
    world.leaf = ServiceDescription(name: "leaf", replicas: [ReplicaDescription(name: "leaf-0")], time: .constant(1e3))
    world.leaf?.discipline = .infinite
    world.leaf?.errorRate = probability
    world.run.duration = .seconds(of: Double(requests) / 1000)
    let summary = try world.simulate().summary
    let share = Double(summary.failures) / Double(max(1, summary.requests))
    check.near(share, expected, absolute: 4 * (expected * (1 - expected) / Double(requests)).squareRoot() + 1e-9)
  }
}
