// Goal: what a scenario says arrives in the descriptions, name by name and unit by unit.

import MeshConfiguration
import MeshCore
import Simulation
import Testing

@testable import Experiments

@Suite struct ScenarioValueTests {
  private func service(_ fields: String, files: [String: String] = [:]) throws -> ServiceDescription {
    let text = ScenarioFaultTests.scenario("S: \(fields)")
    return try #require(try ScenarioFile(text, besides: files).scenario().variants.first?.world.services.first)
  }

  private func arrivals(_ fields: String, files: [String: String] = [:]) throws -> ArrivalDescription {
    let text = ScenarioFaultTests.scenario("C: arrivals: {\(fields)}")
    return try #require(try ScenarioFile(text, besides: files).scenario().variants.first?.world.clients.first?.arrivals)
  }

  @Test("Distributions, in nanoseconds")
  func distributions() throws {
    let cases: [(String, DistributionDescription)] = [
      ("5ms", .constant(5e6)), ("{constant: 5ms}", .constant(5e6)),
      ("{uniform: {min: 1ms, max: 2ms, step: 500us}}", .uniform(minimum: 1e6, maximum: 2e6, step: 5e5)),
      ("{exponential: {mean: 2ms}}", .exponential(mean: 2e6)), ("{exponential: 2ms}", .exponential(mean: 2e6)),
      ("{erlang: {mean: 2ms, stages: 4}}", .erlang(mean: 2e6, stages: 4)),
      (
        "{hyperexponential: [{p: 25%, mean: 1ms}, {p: 0.75, mean: 2ms}]}",
        .hyperexponential([.init(probability: 0.25, mean: 1e6), .init(probability: 0.75, mean: 2e6)])
      ),
      ("{normal: {mean: 2ms, sd: 1ms}}", .normal(mean: 2e6, standardDeviation: 1e6)),
      ("{gamma: {mean: 2ms, shape: 2}}", .gamma(mean: 2e6, shape: 2)),
      ("{weibull: {scale: 2ms, shape: 0.5}}", .weibull(scale: 2e6, shape: 0.5)),
      ("{pareto: {min: 2ms, alpha: 1.5}}", .pareto(minimum: 2e6, alpha: 1.5, maximum: nil)),
      (
        "{quantiles: {p100: 4ms, p0: 1ms, p99.9: 3ms}}",
        .quantiles([
          .init(probability: 0, value: 1e6), .init(probability: 0.999, value: 3e6), .init(probability: 1, value: 4e6),
        ])
      ),
      (
        "{mixture: [{weight: 1, of: 1ms}, {weight: 3, of: {exponential: 2ms}}]}",
        .mixture([
          .init(weight: 0.25, distribution: .constant(1e6)), .init(weight: 0.75, distribution: .exponential(mean: 2e6)),
        ])
      ),
      ("{shifted: {by: 1ms, of: {exponential: 2ms}}}", .shifted(by: 1e6, of: .exponential(mean: 2e6))),
      ("{lognormal: {median: 5ms, sigma: 0.5}}", .lognormal(location: 15.4249484703, scale: 0.5)),
    ]
    for (text, expected) in cases {
      let found = try service("time: \(text)").time
      if case (.lognormal(let location, let scale), .lognormal(let wantedLocation, let wantedScale)) = (found, expected)
      {
        #expect(abs(location - wantedLocation) < 1e-9 && scale == wantedScale)
      } else {
        #expect(found == expected, "\(text)")
      }
    }
  }

  @Test("A lognormal from median and p99 has that p99")
  func lognormal() throws {
    let time = try service("time: {lognormal: {median: 5ms, p99: 40ms}}").time
    guard case .lognormal(let location, let scale) = time else {
      Issue.record("\(time)")
      return
    }
    // ln 5e6 and ln 8 / z(0.99).
    #expect(abs(location - 15.4249484703984) < 1e-9)
    #expect(abs(scale - 0.893865257593) < 1e-9)
  }

  @Test("A column of a CSV file, in the unit of its name, sorted")
  func empirical() throws {
    let csv = "id,latency_us\r\n1,2.5\r\n2,\"1\"\r\n"
    let time = try service("time: {empirical: {file: d.csv, column: latency_us}}", files: ["d.csv": csv]).time
    #expect(time == .empirical([1000, 2500]))
  }

  @Test(
    "What is wrong with a CSV file is told with its line",
    arguments: [
      ("a_ms\n1\nx\n", "a_ms", "line 3: a_ms is 'x'; expected a number from 0"),
      ("a\n1\n", "a", "column 'a' has no unit; expected a name that ends in _ns, _us, _ms or _s"),
      ("a_ms\n1\n", "b_ms", "no column 'b_ms'; expected one of a_ms; did you mean 'a_ms'?"),
      ("a_ms\n", "a_ms", "no row; expected at least one value"),
      ("a_ms\n-1\n", "a_ms", "line 2: a_ms is '-1'; expected a number from 0"),
    ])
  func badEmpirical(_ csv: String, _ column: String, _ reason: String) throws {
    let text = ScenarioFaultTests.scenario("S: time: {empirical: {file: d.csv, column: \(column)}}")
    let faults = try ScenarioFile(text, besides: ["d.csv": csv]).faults()
    #expect(faults.count == 1)
    #expect(faults.first?.hasSuffix("'d.csv': \(reason)") == true, "\(faults)")
  }

  @Test("Arrival processes")
  func arrivalProcesses() throws {
    #expect(try arrivals("poisson: 10/m") == .poisson(rate: 10.0 / 60))
    #expect(try arrivals("constant: 5/s") == .constant(rate: 5))
    let points = [RatePoint(at: .zero, rate: 1), RatePoint(at: Timestamp(nanoseconds: 5_000_000_000), rate: 3)]
    #expect(try arrivals("steps: [{at: 0s, rate: 1/s}, {at: 5s, rate: 3/s}]") == .steps(points, even: false))
    #expect(
      try arrivals("ramp: [{at: 0s, rate: 1/s}, {at: 5s, rate: 3/s}], spacing: even") == .ramp(points, even: true))
    #expect(
      try arrivals("bursts: {low: 1/s, high: 3/s, meanLow: 1s, meanHigh: 2s}")
        == .bursts(low: 1, high: 3, meanLow: .seconds(1), meanHigh: .seconds(2), even: false))
    #expect(
      try arrivals("closed: {users: 5, think: 1s, requests: 9}")
        == .closed(users: 5, think: .constant(1e9), requests: 9))
  }

  @Test("A trace's columns, in any order")
  func trace() throws {
    let csv = "size_bytes,time_s,target,demand_ms,key\n5,0.5,web,1.5,k\n,1.25,,,\n"
    let found = try arrivals("trace: {file: t.csv, repeat: 10s}", files: ["t.csv": csv])
    let rows = [
      TraceRow(
        time: Timestamp(nanoseconds: 500_000_000), target: "web", key: "k", demand: .microseconds(1500), size: 5),
      TraceRow(time: Timestamp(nanoseconds: 1_250_000_000)),
    ]
    #expect(found == .trace(rows, period: .seconds(10)))
  }

  @Test(
    "What is wrong with a trace is told with its line",
    arguments: [
      ("time_s\n1\n0.5\n", "line 3: time_s 0.5 is before the line above; expected times in order"),
      (
        "time_s,tarfet\n1,x\n",
        "line 1: unknown column 'tarfet' (number 2); expected time_s, target, method, path, key, demand_ms, size_bytes; did you mean 'target'?"
      ),
      ("target\nweb\n", "line 1: no column time_s; expected one"),
      ("time_s,key\n1,a,b\n", "line 2: 3 cells; expected 2"),
      ("time_s,target\n1,wbe\n", "no route for the target 'wbe'; did you mean 'web'?"),
      ("time_s\n", "no row; expected at least one request"),
    ])
  func badTrace(_ csv: String, _ reason: String) throws {
    let text = ScenarioFaultTests.scenario("C: target: web, arrivals: {trace: {file: t.csv}}")
    let faults = try ScenarioFile(text, besides: ["t.csv": csv]).faults()
    #expect(faults == ["s.yaml:6:51: error: world.clients.users.arrivals.trace.file: 't.csv': \(reason)"])
  }

  @Test("A scenario with everything: replicas, zones, calls, links, faults, routes")
  func everything() throws {
    let scenario = try ScenarioFile(ScenarioMutationTests.everything).scenario()
    let (one, two) = (scenario.variants[0], scenario.variants[1])
    let world = one.world
    #expect(one.run.requests == 1000 && one.run.repeatsDemand && one.run.duration > .seconds(86_400 * 365))
    #expect(world.zones == ["a", "b"])
    #expect(world.services[0].replicas.map(\.name) == ["big-0", "big-1", "web-2"])
    #expect(world.services[0].replicas.map(\.zone) == [0, 0, 1])
    #expect(world.services[0].replicas.map(\.weight) == [3, 3, 1])
    #expect(world.services[0].replicas[2].time == .constant(3e6))
    #expect(world.services[0].sharesDataPlane)
    #expect(
      world.services[0].calls == [
        [CallDescription(target: "db")],
        [
          CallDescription(target: "cache", count: 2, isParallel: true, onError: .ignore), CallDescription(target: "db"),
        ],
      ])
    #expect(world.services[1].queueLimit == 4 && world.services[1].discipline == .lifo)
    #expect(world.services[1].replicas[0].zone == 1)
    #expect(world.clients[0].dataPlanes == [DataPlaneGroup(zone: 0, count: 2)])
    #expect(world.clients[1].key == .uniform(keys: 5))
    #expect(world.links.map(\.from) == [.zone(0), .replica(service: 0, number: 0)])
    #expect(world.links.map(\.to) == [.zone(1), .service(1)])
    #expect(world.links[0].retransmission == .milliseconds(100))
    let kinds = world.faults.map(\.kind)
    let webInA = FaultTarget(service: 0, replicas: [0, 1])
    #expect(kinds[0] == .pause([webInA], every: .milliseconds(100), length: .milliseconds(10)))
    #expect(kinds[1] == .partition(from: .client(0), to: .zone(1)))
    #expect(
      kinds[2]
        == .errors([FaultTarget(service: 1)], rate: 0.05, status: 503, time: .constant(0), retryAfter: .seconds(2)))
    #expect(kinds[3] == .scale(service: 1, count: 3))
    #expect(kinds[4] == .restart([FaultTarget(service: 1, replicas: [2, 1])], down: .seconds(5)))
    #expect(kinds[5] == .loss(from: .client(0), to: .service(0), rate: 0.05))
    #expect(kinds[6] == .discoveryFrozen(service: nil))
    #expect(kinds[7] == .healthCheckFail([FaultTarget(service: 1)]))
    #expect(
      world.faults.map(\.summary).prefix(3) == [
        "pause 10ms every 100ms on big-0, big-1", "partition between users and zone:b", "errors 5% on db",
      ])
    #expect(world.hop == HopDescription(outbound: .constant(1e5), inbound: .weibull(scale: 1e6, shape: 2)))

    let mesh = one.mesh
    #expect(mesh.profile == .linkerd)
    #expect(mesh.clusters.map(\.name) == ["api", "db", "cache"])
    #expect(mesh.clusters.map(\.balancer.name) == ["peakEwma", "peakEwma", "peakEwma"])
    #expect(mesh.clusters[0].connectTimeout == .seconds(1) && mesh.clusters[0].usesTLS)
    #expect(
      mesh.clusters[0].transport == .http1
        && mesh.clusters[0].failureAccrual == .consecutive(ConsecutiveAccrualDescription()))
    #expect(mesh.routes.map(\.match.host) == ["web", "api", "db", "cache"])
    #expect(mesh.routes[1].match.path == .exact("/x"))
    #expect(mesh.routes[0].timeout == nil)

    #expect(two.mesh.profile == .envoy)
    #expect(two.mesh.clusters.map(\.balancer.name) == ["roundRobin", "roundRobin", "roundRobin"])
    #expect(two.mesh.routes.map(\.timeout) == [.seconds(1), .seconds(15), .seconds(15), .seconds(15)])
    #expect(
      two.world.services[1].replicas == [ReplicaDescription(name: "db-0", speed: 2)]
        || two.world.services[1].replicas[0].speed == 2)
    #expect(scenario.notes.count == 2)
    #expect(scenario.expectations[0].bound == .equals(target: 0.5, within: 0.1))
    #expect(scenario.expectations[0].text == "equals 50% within 10%")
    #expect(scenario.expectations[1].text == "min 0.1 × one")
  }

  @Test("Least request draws with replacement where the system does, unless it is said otherwise")
  func sampling() throws {
    func sampling(_ mesh: String) throws -> String? {
      let scenario = try ScenarioFile(ScenarioFaultTests.scenario("X: mesh: \(mesh)")).scenario()
      return scenario.variants.first?.mesh.clusters.first?.balancer.parameters.word("sampling")
    }
    #expect(try sampling("{}") == "distinct")
    #expect(try sampling("{profile: istio}") == "withReplacement")
    #expect(try sampling("{profile: envoy, clusters: {web: {balancer: leastRequest}}}") == "withReplacement")
    #expect(
      try sampling("{profile: grpc, clusters: {web: {balancer: {leastRequest: {choices: 3}}}}}") == "withReplacement")
    #expect(
      try sampling("{profile: envoy, clusters: {web: {balancer: {leastRequest: {sampling: distinct}}}}}") == "distinct")
    #expect(try sampling("{profile: linkerd, clusters: {web: {balancer: leastRequest}}}") == "distinct")
  }

  @Test("What has no effect is told in a note: sweeps, validation, faults outside the run")
  func notes() throws {
    let text = """
      scenario: s
      run: {duration: 30s, warmUp: 10s}
      world:
        services: {web: {replicas: 2}}
        clients: {users: {arrivals: {poisson: 1/s}}}
        faults:
          - {at: 40s, service: web, slow: 2}
          - {at: 1s, for: 2s, service: web, replicas: [1], slow: 3}
          - {at: 1s, for: 10s, service: web, slow: 4}
          - {at: 20s, service: web, replicas: [0], healthCheckFail: {}}
      sweep: {run.duration: [20s, 30s]}
      validate: {tolerance: {latency.p99: 5%}}
      """
    #expect(
      try ScenarioFile(text).scenario().notes == [
        "sweep: its values are run by weir sweep, not here",
        "fault slow 2 on web begins at 40 s, when arrivals have stopped (30 s): it strikes no new request",
        "fault slow 3 on web-1 begins at 1 s and is over at 3 s, before anything is counted (10 s)",
        "fault healthCheckFail on web-0 is heard by nobody: no cluster of web has Envoy's health checks",
      ])
  }

  @Test("Slow start arrives with its defaults; around a policy that knows none a note says so")
  func slowStart() throws {
    let text = """
      scenario: s
      world: {services: {web: {replicas: 2}}, clients: {users: {arrivals: {poisson: 1/s}}}}
      mesh: {clusters: {web: {balancer: BALANCER, slowStart: {window: 30s, minWeightPercent: 0.35}}}}
      """
    func scenario(_ balancer: String) throws -> Scenario {
      try ScenarioFile(text.replacingOccurrences(of: "BALANCER", with: balancer)).scenario()
    }
    for balancer in ["roundRobin", "leastRequest", "{clientSideWeightedRoundRobin: {form: envoy}}"] {
      let heeding = try scenario(balancer)
      #expect(heeding.notes.isEmpty)
      #expect(
        heeding.variants[0].mesh.clusters[0].slowStart
          == SlowStartDescription(window: .seconds(30), aggression: 1, minWeightPercent: 0.35))
    }
    #expect(
      try scenario("peakEwma").notes == [
        "cluster web: slowStart does nothing, since peakEwma knows no slow start (roundRobin, leastRequest, clientSideWeightedRoundRobin do)"
      ])
    let tables = try scenario("maglev, zoneAwareLbConfig: {}, failTrafficOnPanic: true").notes
    #expect(
      tables.count == 3 && tables[1].contains("zoneAwareLbConfig does nothing, since maglev has tables")
        && tables[2].contains("failTrafficOnPanic does nothing"))
    let stride = try scenario("{roundRobin: {schedule: staticStride}}").notes
    #expect(stride.count == 1 && stride[0].contains("since roundRobin knows no slow start unless schedule is edf"))
    let effort = try scenario("{leastRequest: {maxEffort: 4, sampling: distinct}}").notes
    #expect(effort.count == 1 && effort[0].contains("since leastRequest knows no slow start with maxEffort"))
  }

  @Test("Sessions and the statuses that they accept arrive, with Envoy's defaults")
  func sessions() throws {
    let text = """
      scenario: s
      world: {services: {web: {}, api: {}}, clients: {users: {target: web, arrivals: {poisson: 1/s}, request: {key: k}}}}
      mesh:
        clusters: {web: {overrideHostStatus: [draining, healthy]}}
        routes:
          - {match: web, split: [web], statefulSession: {cookie: {ttl: 2m, name: basket}, strict: true}}
          - {match: api, split: [api], statefulSession: {}}
      """
    let scenario = try ScenarioFile(text).scenario()
    let mesh = scenario.variants[0].mesh
    #expect(mesh.clusters[0].overrideHostStatus == [.healthy, .draining])
    #expect(mesh.clusters[1].overrideHostStatus == [.unknown, .healthy, .degraded])
    #expect(
      mesh.routes[0].statefulSession == StatefulSessionDescription(ttl: .seconds(120), isStrict: true, cookie: "basket")
    )
    #expect(mesh.routes[1].statefulSession == StatefulSessionDescription())
    let wrong = try ScenarioFile(text.replacingOccurrences(of: "draining", with: "drained")).faults()
    #expect(wrong.count == 1 && wrong[0].contains("'drained'"))
    // Nobody drains here, nor is anybody of unknown status but where names are resolved.
    #expect(
      scenario.notes.count == 1 && scenario.notes[0].contains("cluster web: overrideHostStatus draining fits nobody"))
    func notes(_ change: (from: String, to: String)...) throws -> [String] {
      let text = change.reduce(text) { $0.replacingOccurrences(of: $1.from, with: $1.to) }
      return try ScenarioFile(text).scenario().notes
    }
    let scale = (from: "world: {services", to: "world: {faults: [{at: 1s, service: web, scale: 2}], services")
    #expect(try notes(scale).isEmpty)
    #expect(try notes((from: "draining, healthy", to: "timeout"))[0].contains("timeout fits nobody"))
    let told = (from: "web: {}, api", to: "web: {replicas: [{healthStatus: timeout}]}, api")
    #expect(try notes((from: "draining, healthy", to: "timeout"), told).isEmpty)
    let named = (from: "[draining, healthy]", to: "[unknown, healthy], discovery: {dns: 5s}")
    #expect(try notes(named)[0].contains("overrideHostStatus healthy fits nobody"))
    #expect(
      try notes((from: "clusters: {web: {override", to: "clusters: {api: {}, other: {service: api, override"))
        .contains { $0.contains("cluster other: overrideHostStatus does nothing, since no route to it") })
  }

  @Test("A route with a pattern that a default route stands before is told to take nothing")
  func shadowedRoutes() throws {
    func notes(_ match: String) throws -> [String] {
      try ScenarioFile(
        """
        scenario: s
        world: {services: {web: {}, db: {}}, clients: {users: {target: web, arrivals: {poisson: 1/s}}}}
        mesh: {routes: [{match: {host: \(match)}, split: [web], retry: {on: [5xx]}}]}
        """
      ).scenario().notes
    }
    // Nobody calls db.
    for pattern in ["\"*\"", "\"w*\"", "\"*b\""] {
      let told = try notes(pattern)
      #expect(
        told.count == 1 && told[0].contains("does not take requests for web, which has the default route"), "\(told)")
    }
    #expect(try notes("web").isEmpty && notes("\"*.example.com\"").isEmpty && notes("\"x*\"").isEmpty)
  }

  @Test("A session through an aggregate that spills over is told to be lost")
  func lostSessions() throws {
    let text = """
      scenario: s
      world: {services: {web: {}, spare: {}}, clients: {users: {target: all, arrivals: {poisson: 1/s}}}}
      mesh:
        clusters: {all: {aggregate: {clusters: [web, spare]}}}
        routes: [{match: all, split: [all], statefulSession: {}}]
      """
    let lost = try ScenarioFile(text).scenario().notes
    #expect(lost.count == 1 && lost[0].hasPrefix("route all: statefulSession keeps no session, since aggregate all"))
    let strict = text.replacingOccurrences(of: "statefulSession: {}", with: "statefulSession: {strict: true}")
    #expect(try ScenarioFile(strict).scenario().notes[0].contains("fails every request that carries a cookie"))
    let first = text.replacingOccurrences(of: "spare]}", with: "spare]}, failover: firstUsable")
    #expect(try ScenarioFile(first).scenario().notes.isEmpty)
  }

  @Test("An aggregate leads to its clusters, and says what is wrong with it")
  func aggregates() throws {
    let text = """
      scenario: s
      world: {services: {web: {}, spare: {}}, clients: {users: {target: all, arrivals: {poisson: 1/s}}}}
      mesh: {clusters: {all: {aggregate: {clusters: [spare, web]}, panicThreshold: 30%}}}
      """
    let variant = try ScenarioFile(text).scenario().variants[0]
    #expect(variant.mesh.clusters.map(\.name) == ["web", "spare"])
    #expect(variant.mesh.aggregates == [AggregateDescription(name: "all", clusters: [1, 0], panicThreshold: 30)])
    #expect(variant.mesh.clusters.allSatisfy { $0.layers != nil })
    #expect(variant.mesh.routes[0].match.host == "all" && variant.mesh.routes[0].split[0].cluster == 2)
    #expect(variant.targetCluster == 1)
    for (wrong, said) in [
      ("[spare, wbe]", "did you mean 'web'?"), ("[all]", "unknown cluster 'all'"), ("[]", "at least"),
      ("[web]}, balancer: random, x: {", "stands beside aggregate"),
      ("[web]}, overprovisioningFactor: 2, x: {", "overprovisioningFactor: stands beside aggregate"),
      ("[web]}, discovery: 1s, x: {", "discovery: stands beside aggregate"),
      ("[web]}, failover: firstBackup, x: {", "expected spillOver or firstUsable beside aggregate"),
    ] {
      let faults = try ScenarioFile(text.replacingOccurrences(of: "[spare, web]", with: wrong)).faults()
      #expect(faults.contains { $0.contains(said) }, "\(faults)")
    }
    for (profile, failover) in [
      (MeshProfile.weir, FailoverRule.spillOver), (.envoy, .spillOver), (.grpc, .firstUsable), (.haproxy, .firstUsable),
    ] {
      let mesh = try ScenarioFile(
        text.replacingOccurrences(of: "mesh: {", with: "mesh: {profile: \(profile.rawValue), ")
      )
      .scenario().variants[0].mesh
      #expect(mesh.aggregates[0].failover == failover)
    }
    let said = text.replacingOccurrences(of: "panicThreshold: 30%", with: "failover: firstUsable")
    #expect(try ScenarioFile(said).scenario().variants[0].mesh.aggregates[0].failover == .firstUsable)
  }

  @Test("Readiness, publication, names and the replicas' own words arrive, and priorities are gone by")
  func discovery() throws {
    let text = """
      scenario: s
      world:
        services:
          web:
            replicas: [{count: 2, metadata: {version: v1}}, {name: spare, priority: 1, zone: b}]
            readinessProbe: {initialDelay: 5s, period: 2s, timeout: 300ms, successThreshold: 2, failureThreshold: 4}
            endpointSlice: {delay: 1s, jitter: 200ms}
          db: {readinessProbe: {}, endpointSlice: 3s}
        clients: {users: {target: web, arrivals: {poisson: 1/s}}}
      mesh:
        clusters:
          web: {discovery: {dns: {ttl: 30s}, sendUnhealthyEndpoints: true}, updateMergeWindow: 1s}
      """
    let variant = try #require(try ScenarioFile(text).scenario().variants.first)
    let (web, db) = (variant.world.services[0], variant.world.services[1])
    #expect(web.replicas.map(\.priority) == [0, 0, 1] && web.replicas[1].metadata == ["version": "v1"])
    #expect(
      web.readinessProbe
        == ReadinessProbeDescription(
          initialDelay: .seconds(5), period: .seconds(2), timeout: .milliseconds(300), successThreshold: 2,
          failureThreshold: 4))
    #expect(web.endpointSlice == EndpointSliceDescription(delay: .seconds(1), jitter: .milliseconds(200)))
    #expect(db.readinessProbe == ReadinessProbeDescription() && db.endpointSlice.delay == .seconds(3))
    let clusters = variant.mesh.clusters
    #expect(
      clusters[0].discovery
        == DiscoveryDescription(dns: DNSDescription(ttl: .seconds(30)), sendUnhealthyEndpoints: true))
    #expect(clusters[0].updateMergeWindow == .seconds(1) && clusters[1].updateMergeWindow == .zero)
    #expect(clusters[0].layers != nil && clusters[1].layers == nil)
  }

  @Test(
    "Data on some endpoints, workers of a replica's own and an allocation are read; subsets do not go with the first")
  func placementAndAllocation() throws {
    func text(_ more: String) -> String {
      """
      scenario: s
      world:
        services: {web: {workers: 6, allocation: 2, replicas: [{count: 2}, {workers: 2}]}}
        clients: {users: {arrivals: {poisson: 1/s}}}
      mesh: {clusters: {web: {tokenAware: {replicationFactor: 2, readRepairChance: 10%}\(more)}}}
      """
    }
    let variant = try #require(try ScenarioFile(text("")).scenario().variants.first)
    let web = variant.world.services[0]
    #expect(web.workers == 6 && web.allocation == 2 && web.replicas.map(\.workers) == [nil, nil, 2])
    #expect(
      variant.mesh.clusters[0].layers?.tokenAware
        == TokenAwareDescription(replicationFactor: 2, readRepairChance: 0.1))
    for other in [
      "randomSubsetting: 2", "deterministicSubsetting: 2", "lbSubsetConfig: {subsetSelectors: [{keys: [a]}]}",
    ] {
      let faults = try ScenarioFile(text(", " + other)).faults()
      #expect(faults.contains { $0.contains("tokenAware: stands beside") }, "\(faults)")
    }
  }

  @Test("A balancer in words names what is not its default")
  func balancerText() throws {
    for (written, shown) in [
      ("roundRobin", "roundRobin"), ("{peakEwma: {form: finagle}}", "peakEwma (form finagle)"),
      ("{peakEwma: {decay: 5s, form: tower}}", "peakEwma (decay 5s)"),
    ] {
      let text = """
        scenario: s
        world: {services: {web: {}}, clients: {users: {arrivals: {poisson: 1/s}}}}
        mesh: {clusters: {web: {balancer: \(written)}}}
        """
      #expect(try ScenarioFile(text).scenario().variants[0].balancerText == shown)
    }
  }
}
