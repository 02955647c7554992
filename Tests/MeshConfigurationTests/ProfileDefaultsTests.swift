// Goal: each profile sets what its system does when nothing is said, each value held here a second time.

import LoadBalancing
import MeshConfiguration
import MeshCore
import Testing

@Suite struct ProfileDefaultsTests {
  /// Every value of every profile, so that none changes by a slip.
  static let expected: [(MeshProfile, [String])] = [
    (.weir, []),
    (
      .envoy,
      [
        "balancer roundRobin", "balancer.random.form envoy", "balancer.leastRequest.sampling withReplacement",
        "balancer.peakEwma.form envoy", "balancer.peakEwma.defaultRtt 10ms",
        "balancer.clientSideWeightedRoundRobin.form envoy",
        "balancer.clientSideWeightedRoundRobin.errorUtilizationPenalty 0", "protocol http1", "connectTimeout 5s",
        "updateMergeWindow 1s", "panicThreshold 50%", "overprovisioningFactor 140",
        "zoneAwareLbConfig.minClusterSize 6", "ignoreHealthOnHostRemoval false", "healthCheck.noTrafficInterval 60s",
        "healthCheck.reuseConnection true", "circuitBreaker.maxConnections 1024",
        "circuitBreaker.maxPendingRequests 1024", "circuitBreaker.maxRequests 1024", "circuitBreaker.maxRetries 3",
        "route timeout 15s", "route retry.attempts 1", "route retry.backoff.base 25ms",
      ]
    ),
    (
      .istio,
      [
        "balancer leastRequest", "balancer.random.form envoy", "balancer.leastRequest.sampling withReplacement",
        "balancer.peakEwma.form envoy", "balancer.peakEwma.defaultRtt 10ms",
        "balancer.clientSideWeightedRoundRobin.form envoy",
        "balancer.clientSideWeightedRoundRobin.errorUtilizationPenalty 0", "protocol http1", "tls true",
        "connectTimeout 10s", "discovery.delay 100ms", "updateMergeWindow 1s", "panicThreshold 0%",
        "outlierDetection.enforcingSuccessRate 0",
        "overprovisioningFactor 140", "healthCheck.noTrafficInterval 60s", "zoneAwareLbConfig.minClusterSize 6",
        "route retry.on [connect-failure, refused-stream, unavailable, cancelled]", "route retry.attempts 2",
        "route retry.backoff.base 25ms", "route retry.retryHostPredicate [previousHosts]",
        "route retry.hostSelectionRetryMaxAttempts 5",
      ]
    ),
    (
      .linkerd,
      [
        "balancer peakEwma", "balancer.peakEwma.form tower", "balancer.peakEwma.defaultRtt 30ms",
        "balancer.peakEwma.decay 10s", "protocol http2", "tls true", "connectTimeout 1s", "queue.capacity 100",
        "queue.failfastTimeout 3s", "route splitMode linkerd",
      ]
    ),
    (
      .grpc,
      [
        "balancer roundRobin", "balancer.roundRobin.schedule ignore",
        "balancer.leastRequest.sampling withReplacement", "balancer.leastRequest.choices 2",
        "balancer.ringHash.form grpc", "balancer.leastRequest.weighting ignore",
        "balancer.ringHash.maximumRingSize 4096",
        "balancer.clientSideWeightedRoundRobin.errorUtilizationPenalty 1", "outlierDetection.form grpc",
        "failover firstUsable", "protocol http2",
        "connectTimeout 20s",
      ]
    ),
    (
      .finagle,
      [
        "balancer leastRequest", "balancer.leastRequest.sampling distinct", "balancer.leastRequest.maxEffort 4",
        "balancer.peakEwma.maxEffort 4", "balancer.roundRobin.schedule ignore", "balancer.roundRobin.maxEffort 5",
        "balancer.peakEwma.form finagle",
        "balancer.peakEwma.decay 10s", "protocol http2", "connectTimeout 1s",
        "failureAccrual.hybrid.failures 5", "failureAccrual.hybrid.successRate 80%", "failureAccrual.hybrid.window 30s",
        "failureAccrual.hybrid.minRequestThreshold 5", "failureAccrual.hybrid.backoff.min 5s",
        "failureAccrual.hybrid.backoff.max 300s", "failFast true",
        "route retry.on [connect-failure, reset-before-request, refused-stream]", "route retry.attempts 20",
        "route retry.backoff.base 0s", "route retry.budget.ratio 20%", "route retry.budget.minPerSecond 10",
        "route retry.budget.ttl 10s",
      ]
    ),
    (
      .haproxy,
      [
        "balancer roundRobin", "balancer.random.form haproxy", "balancer.random.draws 2",
        "aggregate failover firstUsable", "failover firstBackup", "protocol http1",
        "connectTimeout 5s", "healthCheck.form haproxy", "healthCheck.interval 2s",
        "healthCheck.unhealthyThreshold 3", "healthCheck.healthyThreshold 2", "route timeout 50s",
        "route retry.on [connect-failure]", "route retry.attempts 3",
        "route retry.backoff.base 1s", "route retry.backoff.max 1s", "route retry.backoff.jitter 0%",
      ]
    ),
  ]

  /// Goal: the table is what is held here, and says of each value where it comes from.
  @Test(arguments: expected)
  func values(_ profile: MeshProfile, _ rows: [String]) {
    #expect(profile.defaults.map { "\($0.part == .cluster ? "" : "\($0.part) ")\($0.path) \($0.value)" } == rows)
    for row in profile.defaults { #expect(!row.origin.isEmpty) }
  }

  /// Goal: a row names something there is: a field that the schema knows, or a parameter of a policy, and its value reads.
  @Test(arguments: MeshProfile.allCases)
  func namesWhatThereIs(_ profile: MeshProfile) {
    for row in profile.defaults {
      let names = row.path.split(separator: ".").map(String.init)
      if names.count == 3 && names[0] == "balancer" {
        // A policy that is not registered has no parameters to set.
        guard let policy = PolicyRegistry.policy(named: names[1]) else { continue }
        #expect(policy.parameters.contains { $0.name == names[2] }, "\(row.path)")
      }
      #expect(row.condition != .always || !row.path.hasPrefix("balancer."))
    }
    // What is put in is read without a fault, in a mesh of nothing else.
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let mesh = MeshDefaults.filled(
      .map([("profile", .word(profile.rawValue, origin))], origin), services: [(name: "web", origin: origin)],
      at: origin)
    let value = ShapeReader(log: log).read(mesh, MeshSchema.mesh, path: "mesh")
    let description = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    #expect(log.isEmpty)
    #expect(description.profile == profile)
  }

  /// Goal: what is listed as the same here is so: a mesh that says it is the mesh that does not.
  @Test(arguments: [MeshProfile.envoy, .istio])
  func whatIsTheSame(_ profile: MeshProfile) throws {
    let same = profile.defaults.filter { $0.condition == .asOurs }
    #expect(same.count >= 2)
    let zones = "zoneAwareLbConfig: {minClusterSize: 6}, overprovisioningFactor: 140"
    let retry = "retry: {on: [5xx], attempts: 1, backoff: {base: 25ms}}"
    func mesh(_ cluster: String, _ retry: String) -> MeshDescription {
      description(
        "{profile: weir, clusters: {web: {\(cluster)}}, routes: [{name: web, match: {host: web}, split: [{to: web}], \(retry)}]}"
      )
    }
    let told = mesh(zones, retry)
    let plain = mesh("zoneAwareLbConfig: {}", "retry: {on: [5xx]}")
    #expect(told.clusters[0].layers?.zoneAware == plain.clusters[0].layers?.zoneAware)
    #expect(told.clusters[0].layers?.overprovisioningFactor == plain.clusters[0].layers?.overprovisioningFactor)
    #expect(told.routes[0].retry == plain.routes[0].retry)
    // Nothing is put in: Envoy's mesh that says nothing tries nothing again, and no zones count.
    let silent = description("{profile: \(profile.rawValue)}")
    #expect((silent.routes[0].retry == nil) == (profile == .envoy) && silent.clusters[0].layers?.zoneAware == nil)
  }

  /// Goal: each system's policies are its own, as it has them: weights, first estimates, draws, and gRPC's bounds of choices.
  @Test func policies() throws {
    func parameters(_ profile: MeshProfile, _ balancer: String) throws -> PolicyParameters {
      let mesh = description("{profile: \(profile.rawValue), clusters: {web: {balancer: \(balancer)}}}")
      return try #require(mesh.clusters.first).balancer.parameters
    }
    for profile in [MeshProfile.envoy, .istio] {
      for balancer in ["peakEwma", "{peakEwma: {form: envoy}}"] {
        let estimate = try parameters(profile, balancer)
        #expect(estimate.word("form") == "envoy" && estimate.span("defaultRtt") == .milliseconds(10))
      }
      #expect(try parameters(profile, "roundRobin").word("schedule") == "edf")
    }
    for profile in [MeshProfile.grpc, .finagle] {
      #expect(try parameters(profile, "roundRobin").word("schedule") == "ignore")
    }
    let draws = try parameters(.haproxy, "random")
    #expect(draws.word("form") == "haproxy" && draws.integer("draws") == 2)
    #expect(try parameters(.grpc, "{leastRequest: {choices: 50}}").integer("choices") == 10)
    #expect(try parameters(.grpc, "leastRequest").integer("choices") == 2)
    #expect(try parameters(.envoy, "{leastRequest: {choices: 50}}").integer("choices") == 50)
  }

  /// Goal: gRPC refuses a least request of one choice, and says where.
  @Test func refusesOneChoice() throws {
    let log = FaultLog(file: "s.yaml")
    let node = try #require(
      ConfigurationParser.parse("{leastRequest: {choices: 1}}", source: .file, path: "balancer", log: log))
    let value = ShapeReader(log: log).read(node, PolicyShapes.balancer, path: "balancer")
    #expect(PolicyShapes.choice(value, log: log) != nil && log.isEmpty)
    _ = PolicyShapes.choice(value, profile: .grpc, log: log)
    #expect(log.diagnostics?.lines.first?.contains("balancer.leastRequest.choices: '1' is out of range") == true)
  }

  /// Goal: what a profile sets arrives in the description that a data plane runs.
  @Test func descriptions() throws {
    func cluster(_ profile: MeshProfile) throws -> (ClusterDescription, RouteDescription) {
      let mesh = description("{profile: \(profile.rawValue)}")
      return (try #require(mesh.clusters.first), try #require(mesh.routes.first))
    }
    let (weir, weirRoute) = try cluster(.weir)
    #expect(weir.balancer.name == "leastRequest" && weir.balancer.parameters.word("sampling") == "distinct")
    #expect(weir.transport == .http2 && !weir.usesTLS && weir.connectTimeout == .seconds(5))
    #expect(weir.failureAccrual == nil && weirRoute.timeout == nil && weir.discovery == DiscoveryDescription())
    let (envoy, envoyRoute) = try cluster(.envoy)
    #expect(envoy.balancer.name == "roundRobin" && envoy.transport == .http1 && envoy.connectTimeout == .seconds(5))
    #expect(envoyRoute.timeout == .seconds(15) && envoy.failureAccrual == nil)
    let (istio, istioRoute) = try cluster(.istio)
    #expect(istio.balancer.name == "leastRequest" && istio.balancer.parameters.word("sampling") == "withReplacement")
    #expect(istio.connectTimeout == .seconds(10) && istio.usesTLS && istioRoute.timeout == nil)
    #expect(istio.discovery.delay == .milliseconds(100))
    let (linkerd, linkerdRoute) = try cluster(.linkerd)
    #expect(linkerd.balancer.name == "peakEwma" && linkerd.balancer.parameters.word("form") == "tower")
    #expect(linkerd.transport == .http2 && linkerd.usesTLS && linkerd.connectTimeout == .seconds(1))
    #expect(linkerd.failureAccrual == nil && linkerdRoute.timeout == nil && linkerd.queue == QueueDescription())
    let (grpc, _) = try cluster(.grpc)
    #expect(grpc.balancer.name == "roundRobin" && grpc.transport == .http2 && grpc.connectTimeout == .seconds(20))
    let (finagle, finagleRoute) = try cluster(.finagle)
    #expect(finagle.failureAccrual == .finagle(FinagleAccrualDescription()))
    #expect(finagle.failsFast && !linkerd.failsFast && !weir.failsFast)
    #expect(finagle.connectTimeout == .seconds(1) && finagle.transport == .http2 && finagleRoute.timeout == nil)
    let (haproxy, haproxyRoute) = try cluster(.haproxy)
    #expect(haproxy.balancer.name == "roundRobin" && haproxyRoute.timeout == .seconds(50))
    #expect(haproxy.failover == .firstBackup && grpc.failover == .firstUsable && finagle.failover == .spillOver)
    #expect(haproxy.layers == nil && grpc.layers == nil)
  }

  /// Goal: what is said stands; a profile fills the rest of it, and never adds an alternative beside the one chosen.
  @Test func whatIsSaidStands() throws {
    func web(_ fields: String) throws -> ClusterDescription {
      try #require(description("{profile: finagle, clusters: {web: \(fields)}}").clusters.first)
    }
    let accrual = try web("{failureAccrual: {consecutive: {maxFailures: 3}}}").failureAccrual
    #expect(accrual == .consecutive(ConsecutiveAccrualDescription(maxFailures: 3)))
    let rate = RequiredSuccessRate(span: .duration(.seconds(60), minimumRequests: 5))
    let hybrid = try web("{failureAccrual: {hybrid: {window: 60s}}}").failureAccrual
    #expect(hybrid == .finagle(FinagleAccrualDescription(successRate: rate)))
    #expect(try web("{failureAccrual: hybrid}").failureAccrual == .finagle(FinagleAccrualDescription()))
    #expect(try web("{failureAccrual: none}").failureAccrual == nil)
    #expect(try web("{balancer: peakEwma}").balancer.parameters.word("form") == "finagle")
    #expect(try web("{balancer: {peakEwma: {form: tower}}}").balancer.parameters.word("form") == "tower")
    #expect(try web("{connectTimeout: 7s}").connectTimeout == .seconds(7))
    let random = try web("{balancer: random}").balancer
    #expect(random.name == "random" && random.parameters.word("form") == "scaled")
    let envoy = try #require(description("{profile: envoy, clusters: {web: {balancer: random}}}").clusters.first)
    #expect(envoy.balancer.parameters.word("form") == "envoy")
  }

  /// Goal: what waits for its feature is told, with what no field says.
  @Test func whatWaits() {
    #expect(MeshProfile.weir.unsimulatedDefaults.isEmpty)
    for row in MeshProfile.envoy.defaults where row.condition == .always {
      let line = "\(row.path) \(row.value)"
      #expect(MeshProfile.envoy.unsimulatedDefaults.contains(line) == !row.isSimulated)
    }
    #expect(MeshProfile.linkerd.unsimulatedDefaults.contains("splits that leave out backends without a ready endpoint"))
  }

  private func description(_ mesh: String) -> MeshDescription {
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let node = ConfigurationParser.parse(mesh, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let description = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    #expect(log.isEmpty, "\(mesh)")
    return description
  }
}
