// Goal: discovery is a process: each data plane hears of each change at the instant that the delays, probes and resolutions on the
// way add up to. The time line's windows of 1 ms tell when what a data plane may choose from has changed; changes lie half a
// millisecond off their borders.

import MeshCore
import Testing

@testable import Simulation

@Suite struct DiscoveryTests {
  /// One replica at first; its readiness is asked for every 200 ms, from 500 ms after its start; 3 passes or failures count.
  private func scene(replicas: Int = 1, name: String = "users") -> Scene {
    var scene = Scene(
      service("web", replicas: replicas) {
        $0.discipline = .infinite
        $0.readinessProbe = ReadinessProbeDescription(
          initialDelay: span(500), period: span(200), timeout: span(50), successThreshold: 3, failureThreshold: 3)
      })
    scene.client(name, .constant(rate: 10))
    scene.run = RunDescription(duration: .seconds(8), window: span(1))
    return scene
  }

  /// The milliseconds at which the number of endpoints that may be chosen changes, with what it changes to.
  private func changes(_ result: ReplicationResult) -> [[Int]] {
    var changes: [[Int]] = []
    for (millisecond, row) in result.timeline.enumerated() {
      let count = Int(row.healthyEndpoints)
      if changes.last?[1] != count { changes.append([millisecond, count]) }
    }
    return changes
  }

  private let second = [FaultTarget(service: 0, replicas: [1])]

  /// Goal: a new replica is ready after initialDelay and the periods between as many passes as it takes, and known when
  /// publication and discovery have added theirs.
  @Test func newReplica() throws {
    var scene = scene()
    scene.world.services[0].endpointSlice.delay = span(100)
    scene.mesh.clusters[0].discovery.delay = span(50)
    scene.fault(.scale(service: 0, count: 2), at: 1_000.5)
    let result = try scene.result()
    #expect(result.instants(of: "ready") == [1_900.5])
    #expect(changes(result) == [[0, 1], [2_050, 2]])
  }

  /// Goal: without a probe a replica is ready as soon as it is there.
  @Test func withoutProbe() throws {
    var scene = scene()
    scene.world.services[0].readinessProbe = nil
    scene.fault(.scale(service: 0, count: 2), at: 1_000.5, for: 500)
    let result = try scene.result()
    #expect(changes(result) == [[0, 1], [1_000, 2], [1_500, 1]])
    #expect(result.instants(of: "ready").isEmpty)
  }

  /// Goal: a crashed replica is unready when as many probes as it takes have been refused; when it is back it is a new container.
  @Test func crash() throws {
    var scene = scene()
    scene.fault(.scale(service: 0, count: 2), at: 1_000.5)
    scene.fault(.crash(second), at: 3_010, for: 1_990.5)
    let result = try scene.result()
    // Probes at 3100.5, 3300.5 and 3500.5; after 5000.5 at 5500.5, 5700.5 and 5900.5.
    #expect(result.instants(of: "unready") == [3_500.5])
    #expect(result.instants(of: "ready") == [1_900.5, 5_900.5])
    #expect(changes(result) == [[0, 1], [1_900, 2], [3_500, 1], [5_900, 2]])
  }

  /// Goal: a probe of a hung replica has failed when its timeout is over; afterwards the same container passes.
  @Test func hang() throws {
    var scene = scene()
    scene.fault(.scale(service: 0, count: 2), at: 1_000)
    scene.fault(.hang(second), at: 3_010, for: 2_000)
    scene.mesh.routes[0].timeout = span(100)
    let result = try scene.result()
    #expect(result.instants(of: "unready") == [3_550])
    #expect(result.instants(of: "ready") == [1_900, 5_500])
  }

  /// Goal: a hang that ends before enough probes have failed changes nothing, and two such do not add up.
  @Test func shortHang() throws {
    var scene = scene()
    scene.fault(.scale(service: 0, count: 2), at: 1_000)
    scene.fault(.hang(second), at: 3_010, for: 400)
    scene.fault(.hang(second), at: 3_610, for: 400)
    scene.mesh.routes[0].timeout = span(100)
    #expect(try scene.result().instants(of: "unready").isEmpty)
  }

  /// Goal: what comes back from a restart is unready at once, until its own probes have passed.
  @Test func restart() throws {
    var scene = scene()
    scene.fault(.scale(service: 0, count: 2), at: 1_000)
    scene.fault(.restart(second, down: span(90)), at: 3_010)
    let result = try scene.result()
    #expect(result.instants(of: "unready") == [3_100])
    #expect(result.instants(of: "ready") == [1_900, 4_000])
  }

  /// Goal: those that are there at first are ready, and are found unready within the last of the periods it takes.
  @Test func initialReplicas() throws {
    var scene = scene(replicas: 20)
    scene.fault(.crash([FaultTarget(service: 0)]), at: 1_000)
    let result = try scene.result()
    let instants = result.instants(of: "unready")
    #expect(instants.count == 20 && Set(instants).count > 15)
    #expect(instants.allSatisfy { $0 >= 1_400 && $0 <= 1_600 })
    #expect(changes(result).first == [0, 20] && changes(result).last?[1] == 0)
  }

  /// Goal: a replica that goes before it was ready is never heard of; one that drains is unlisted at once, ready or not.
  @Test func goneBeforeReady() throws {
    var scene = scene()
    scene.fault(.scale(service: 0, count: 3), at: 1_000, for: 700)
    let result = try scene.result()
    #expect(changes(result) == [[0, 1]])
    #expect(result.instants(of: "ready").isEmpty)
  }

  /// Goal: with names, a data plane hears at its next resolution: once a TTL, at a phase of its own, with all changes since.
  @Test func resolutions() throws {
    var phases: [Int] = []
    for name in ["users", "others"] {
      var scene = scene(name: name)
      scene.world.services[0].readinessProbe = nil
      scene.mesh.clusters[0].discovery.dns = DNSDescription(ttl: .seconds(1))
      scene.fault(.scale(service: 0, count: 2), at: 1_500)
      scene.fault(.scale(service: 0, count: 3), at: 3_500)
      scene.fault(.scale(service: 0, count: 7), at: 5_500, for: 1)
      let changes = changes(try scene.result())
      #expect(changes.map { $0[1] } == [1, 2, 3])
      let first = changes[1][0]
      #expect(first >= 1_500 && first < 2_500)
      #expect(changes[2][0] == first + 2_000)
      phases.append(first)
    }
    #expect(phases[0] != phases[1])
  }

  /// Goal: without the control plane nobody is told, and names go on; afterwards each hears the latest.
  @Test func frozen() throws {
    var scene = scene()
    scene.mesh.clusters[0].discovery.delay = span(50)
    scene.fault(.scale(service: 0, count: 2), at: 1_000)
    scene.fault(.discoveryFrozen(service: nil), at: 1_500, for: 2_000)
    #expect(changes(try scene.result()) == [[0, 1], [3_550, 2]])
    scene.mesh.clusters[0].discovery = DiscoveryDescription(dns: DNSDescription(ttl: span(100)))
    let heard = changes(try scene.result())
    #expect(heard.count == 2 && heard[1][0] >= 1_900 && heard[1][0] < 2_000)
  }

  /// Goal: publication with jitter is drawn once for all data planes, discovery's per data plane.
  @Test func publicationJitter() throws {
    var scene = scene()
    scene.world.services[0].readinessProbe = nil
    scene.world.services[0].endpointSlice = EndpointSliceDescription(delay: span(100), jitter: span(1_000))
    scene.fault(.scale(service: 0, count: 2), at: 1_000)
    let alone = changes(try scene.result())
    scene.world.clients[0].dataPlanes = [DataPlaneGroup(count: 5)]
    let together = changes(try scene.result())
    #expect(alone.count == 2 && together.count == 2 && alone[1][0] == together[1][0])
    #expect(alone[1][0] >= 1_100 && alone[1][0] <= 2_100)
  }

  /// Goal: those that are not ready are listed as unhealthy where discovery says so; what they become then waits for the merge
  /// window, and who comes or goes does not.
  @Test func mergeWindow() throws {
    var scene = scene(replicas: 2)
    scene.mesh.clusters[0].discovery.sendUnhealthyEndpoints = true
    scene.mesh.clusters[0].updateMergeWindow = .seconds(1)
    scene.fault(.scale(service: 0, count: 3), at: 1_000.5)
    scene.fault(.crash([FaultTarget(service: 0, replicas: [2])]), at: 3_010)
    scene.fault(.scale(service: 0, count: 1), at: 6_000.5)
    let result = try scene.result()
    // Ready 900 ms after the listing of 1000.5; unready 600 ms after the delivery of 2900.5.
    #expect(result.instants(of: "ready") == [1_900.5] && result.instants(of: "unready") == [3_500.5])
    #expect(changes(result) == [[0, 2], [2_900, 3], [4_500, 2], [6_000, 1]])
    scene.mesh.clusters[0].updateMergeWindow = .zero
    #expect(changes(try scene.result()) == [[0, 2], [1_900, 3], [3_500, 2], [6_000, 1]])
  }

  /// Goal: what the file says of a replica is what discovery tells.
  @Test func handsOn() throws {
    var scene = scene()
    scene.world.services[0].replicas = [
      ReplicaDescription(name: "web-0", zone: 1, weight: 3, priority: 2, metadata: ["version": "v2"])
    ]
    scene.world.zones = ["a", "b"]
    let world = World(scene.replication)
    let listing = world.endpoints(ofCluster: 0, version: 0)
    #expect(
      listing == [
        EndpointDescription(
          identity: EndpointIdentity(0), weight: 3, zone: 1, address: "web-0", priority: 2,
          metadata: ["version": "v2"])
      ])
    scene.world.services[0].replicas[0].status = .degraded
    #expect(World(scene.replication).endpoints(ofCluster: 0, version: 0).map(\.status) == [.degraded])
    // A name server tells of nobody how it is.
    scene.mesh.clusters[0].discovery.dns = DNSDescription(ttl: .seconds(1))
    #expect(World(scene.replication).endpoints(ofCluster: 0, version: 0).map(\.status) == [.unknown])
  }
}
