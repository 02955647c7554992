// Goal: scenario files become the descriptions that interfaces.md promises.

import Experiments
import MeshConfiguration
import MeshCore
import Simulation
import Testing

@Suite struct ScenarioReaderTests {
  /// The example of the file format, without what is not simulated yet.
  static let example = """
    scenario: slow-replica                 # name; letters, digits, '-'; names the result folder
    about: One of ten replicas becomes 20 times slower for 30 seconds.
    seed: 42
    run: {duration: 120s, warmUp: 20s, replications: 10, confidence: 95%, window: 1s}     # or requests: N in place of duration

    world:                                 # what is out there; the proxy never reads this part
      services:
        web:
          replicas: 10                     # a count, or a list of {name, count, zone, weight, speed, time}
          workers: 4                       # parallel servers in one replica
          queue: 128                       # waiting places (default unbounded); a full queue answers 503
          discipline: fifo                 # fifo | lifo (non-preemptive) | processorSharing | infinite
          time: {lognormal: {median: 5ms, p99: 40ms}}      # service demand of one request
          errors: 0.05%                    # answered with 500 after the service time
          calls: []                        # downstream calls: [{to: db, count: 2, parallel: true, onError: fail}]
          holdsWorker: true                # the worker is held until the last call has answered
          onCancel: finish                 # finish | dropQueued | stop: what the server does with work nobody waits for
          responseSize: 1KiB
        web-two: {time: 5ms}
      clients:
        users:
          target: web                      # host name that routes match; a service of that name by default
          arrivals: {poisson: 3000/s}
          success: {within: 1s}            # optional: later answers count as failures; nothing is cancelled by it
          proxies: 1                       # data planes the load is spread over: N, or [{zone: a, count: 2}]
          request: {path: /, method: GET, headers: {}, size: 1KiB, key: {zipf: {keys: 10000, exponent: 1.1}}}
      links:
        - {from: users, to: web, delay: 300us, loss: 0%, bandwidth: 10Gbps}
      faults:
        - {at: 50s, for: 30s, service: web, replicas: [3], slow: 20}     # one of the kinds below

    mesh:                                  # what you would deploy; weir-proxy runs this same part
      profile: envoy                       # whose defaults fill what is not said
      clusters:
        web:
          service: web
          protocol: http2                  # http1 | http2 | tcp
          connectTimeout: 5s
          balancer: {leastRequest: {choices: 2}}           # or just a name: roundRobin
          failureAccrual: {consecutive: {maxFailures: 7, minPenalty: 1s, maxPenalty: 60s, jitterRatio: 0.5}}
          discovery: {delay: 500ms, jitter: 200ms}         # how late a change of endpoints is seen, per proxy
      routes:                              # default: one route a cluster, host = cluster name
        - match: {host: web, path: {prefix: /api}, headers: {x-tenant: gold}, method: GET}
          split: [{to: web, weight: 90}, {to: web-two, weight: 10}]
          timeout: 1s
      proxy:                               # only weir-proxy reads this
        listen: [{address: "127.0.0.1:8080", protocol: auto}]

    variants:                              # what is compared; the first is the baseline
      - name: roundRobin
        set: {mesh.clusters.web.balancer: roundRobin}
      - name: peakEwma
        set: {mesh.clusters.web.balancer: peakEwma}

    sweep:                                 # grid for `weir sweep`
      world.clients.users.arrivals.poisson: [1000/s, 2000/s, 3000/s]

    expect:                                # judged by `weir check`, over all replications
      - {metric: latency.p99, variant: peakEwma, max: 60ms}
      - {metric: latency.p99, variant: peakEwma, ratioTo: roundRobin, max: 0.5}
      - {metric: successRate, variant: peakEwma, min: 99.9%}
      - {metric: latency.mean, variant: roundRobin, equals: 7.1ms, within: 2%}

    validate: {tolerance: {latency.p50: 5%, latency.p99: 10%}}
    """

  @Test("The example of the file format is read without fault, to the values it says")
  func example() throws {
    let faults = try ScenarioFile(Self.example).faults()
    #expect(faults == [])
    let scenario = try ScenarioFile(Self.example).scenario()
    #expect(scenario.name == "slow-replica")
    #expect(scenario.seed == 42)
    #expect(scenario.replications == 10)
    #expect(scenario.confidence == 0.95)
    #expect(scenario.variants.map(\.name) == ["roundRobin", "peakEwma"])
    #expect(scenario.variants.map { $0.mesh.clusters[0].balancer.name } == ["roundRobin", "peakEwma"])
  }

  @Test("Only scenario, services and clients are required")
  func least() throws {
    let text = """
      scenario: least
      world:
        services: {web: {}}
        clients: {users: {arrivals: {poisson: 10/s}}}
      """
    let faults = try ScenarioFile(text).faults()
    #expect(faults == [])
    let scenario = try ScenarioFile(text).scenario()
    let variant = try #require(scenario.variants.first)
    #expect(variant.name == "base")
    #expect(variant.run == RunDescription())
    #expect(variant.world.clients[0].target == "web")
    #expect(variant.mesh.clusters.map(\.name) == ["web"])
    #expect(variant.mesh.clusters[0].balancer.name == "leastRequest")
    #expect(
      variant.mesh.routes == [RouteDescription(match: RouteMatch(host: "web"), split: [WeightedCluster(cluster: 0)])])
  }
}
