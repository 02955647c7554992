// Small worlds for tests: services, one cluster and one route each, and requests at exact instants. Every request may have a
// client of its own, so that its latency can be read exactly.

import LoadBalancing
import MeshCore

@testable import Simulation

/// Always this many milliseconds.
func ms(_ milliseconds: Double) -> DistributionDescription { .constant(milliseconds * 1e6) }

/// The instant `milliseconds` after the start.
func instant(_ milliseconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64((milliseconds * 1e6).rounded())) }

/// A length of time.
func span(_ milliseconds: Double) -> TimeSpan { TimeSpan(nanoseconds: Int64((milliseconds * 1e6).rounded())) }

/// A policy by name, with its defaults.
func policy(_ name: String) -> PolicyChoice {
  PolicyChoice(
    name: name, parameters: PolicyParameters(PolicyRegistry.policy(named: name)?.parameters ?? []))
}

/// A service with one worker that takes 10 ms.
func service(
  _ name: String, replicas: Int = 1, time: DistributionDescription = ms(10),
  _ change: (inout ServiceDescription) -> Void = { _ in }
) -> ServiceDescription {
  var service = ServiceDescription(
    name: name, replicas: (0..<replicas).map { ReplicaDescription(name: "\(name)-\($0)") }, time: time)
  change(&service)
  return service
}

/// A world that is small enough to be known by heart.
struct Scene {
  var world: WorldDescription
  var mesh: MeshDescription
  var run = RunDescription(duration: .seconds(10), drain: .seconds(60))
  var seed: UInt64 = 1

  init(_ services: ServiceDescription..., balancer: String = "roundRobin") {
    world = WorldDescription(services: services, clients: [])
    mesh = MeshDescription(
      clusters: services.map {
        ClusterDescription(name: $0.name, service: $0.name, balancer: policy(balancer))
      },
      routes: services.indices.map {
        RouteDescription(match: RouteMatch(host: services[$0].name), split: [WeightedCluster(cluster: $0)])
      })
  }

  /// The first service's name.
  var front: String { world.services[0].name }

  /// One request by a client of its own, called `c0`, `c1`, …
  mutating func request(at milliseconds: Double, demand: Double? = nil, to target: String? = nil) {
    world.clients.append(
      ClientDescription(
        name: "c\(world.clients.count)", target: target ?? front,
        arrivals: .trace([TraceRow(time: instant(milliseconds), demand: demand.map(span))], period: nil)))
  }

  /// Requests of clients of their own.
  mutating func requests(at instants: Double...) {
    for instant in instants { request(at: instant) }
  }

  /// A client with the given arrivals.
  mutating func client(
    _ name: String, _ arrivals: ArrivalDescription, _ change: (inout ClientDescription) -> Void = { _ in }
  ) {
    var client = ClientDescription(name: name, target: front, arrivals: arrivals)
    change(&client)
    world.clients.append(client)
  }

  /// A client called `users`.
  mutating func client(
    _ arrivals: ArrivalDescription, _ change: (inout ClientDescription) -> Void = { _ in }
  ) {
    client("users", arrivals, change)
  }

  /// A client with requests at the given milliseconds.
  mutating func client(_ name: String = "users", at instants: [Double]) {
    client(name, .trace(instants.map { TraceRow(time: instant($0)) }, period: nil))
  }

  mutating func fault(
    _ kind: FaultKind, at start: Double, for length: Double? = nil, repeating period: Double? = nil
  ) {
    world.faults.append(
      FaultDescription(
        at: instant(start), duration: length.map(span), period: period.map(span), kind: kind,
        summary: "fault \(world.faults.count)"))
  }

  /// A link from every client to the first service.
  mutating func link(
    delay: Double = 0, loss: Double = 0, bandwidth: Double? = nil, from: Place? = nil, to: Place = .service(0)
  ) {
    let ends = from.map { [$0] } ?? world.clients.indices.map { Place.client($0) }
    for end in ends {
      world.links.append(
        LinkDescription(from: end, to: to, delay: ms(delay), loss: loss, bandwidth: bandwidth))
    }
  }

  var replication: Replication { Replication(world: world, mesh: mesh, run: run, seed: seed, number: 0) }

  func result() throws -> ReplicationResult { try replication.simulate() }
}

extension ReplicationResult {
  /// Each client's mean latency in milliseconds: each request's, when clients have one.
  var milliseconds: [Double] { clients.map { ($0.statistics.latencyMean ?? -1) / 1e6 } }

  /// Each client's successes.
  var successes: [Int64] { clients.map(\.statistics.successes) }

  func service(_ name: String) -> ServiceStatistics {
    services.first { $0.name == name } ?? ServiceStatistics(name: "?")
  }

  func endpoint(_ name: String) -> EndpointStatistics {
    endpoints.first { $0.endpoint == name } ?? EndpointStatistics(cluster: "?", endpoint: "?")
  }

  func client(_ name: String) -> RequestStatistics {
    clients.first { $0.name == name }?.statistics ?? RequestStatistics()
  }

  /// The instants of an event, in milliseconds.
  func instants(of event: String) -> [Double] {
    events.filter { $0.event == event }.map { Double($0.time.nanoseconds) / 1e6 }
  }
}

/// Whether two lists of numbers are alike to `tolerance`.
func alike(_ left: [Double], _ right: [Double], within tolerance: Double = 1e-6) -> Bool {
  left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) <= tolerance }
}
