// Links and connections: delays, losses, bandwidth and round trips, known by hand.

import MeshCore
import Testing

@testable import Simulation

@Suite("network")
struct NetworkTests {
  /// The latencies in milliseconds of one client's requests over a link of 3 ms, as (mean, maximum).
  private func overLink(
    _ transport: ClusterProtocol, tls: Bool = false, at instants: [Double]
  ) throws -> (mean: Double, maximum: Double) {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.client(at: instants)
    scene.link(delay: 3)
    scene.mesh.clusters[0].transport = transport
    scene.mesh.clusters[0].usesTLS = tls
    let summary = try scene.result().summary
    return ((summary.latencyMean ?? 0) / 1e6, (summary.latencyMaximum ?? 0) / 1e6)
  }

  /// Goal: the first request of an http2 connection pays one round trip (TLS: two), the others none.
  @Test("http2 opens one connection")
  func http2() throws {
    #expect(try overLink(.http2, at: [0]).mean == 22)
    #expect(try overLink(.http2, tls: true, at: [0]).mean == 28)
    // The second waits 4 ms for the connection that the first opens; the third finds it open.
    #expect(try overLink(.http2, at: [0, 2]).mean == 21)
    #expect(try overLink(.http2, at: [0, 100]).mean == 19)
  }

  /// Goal: http1 has one connection per request in flight and uses idle ones again; tcp opens one a request.
  @Test("http1 and tcp")
  func http1() throws {
    #expect(try overLink(.http1, at: [0, 2]).mean == 22)
    #expect(try overLink(.http1, at: [0, 2, 100, 101]).mean == 19)
    #expect(try overLink(.http1, at: [0, 100]).mean == 19)
    #expect(try overLink(.http1, tls: true, at: [0, 100]).maximum == 28)
    #expect(try overLink(.tcp, at: [0, 100]).mean == 22)
  }

  /// Goal: an answered request's http1 connection is free for one that waits while its own is still being opened.
  @Test("an http1 connection that comes free is taken at once")
  func http1Reuse() throws {
    // The first is answered at 22 ms; the second, which began to connect at 20 ms, takes over its connection: 2 + 16 ms.
    let latencies = try overLink(.http1, at: [0, 20])
    #expect(latencies.maximum == 22)
    #expect(latencies.mean == 20)
  }

  /// Goal: the narrower link wins, the first among equals; a pair without a link costs nothing.
  @Test("which link applies")
  func specificity() throws {
    var scene = Scene(service("web", replicas: 3) { $0.discipline = .infinite })
    scene.world.zones = ["a", "b"]
    scene.world.services[0].replicas[2].zone = 1
    scene.client(at: [0, 100, 200, 300, 400, 500])
    scene.world.clients[0].dataPlanes = [DataPlaneGroup(zone: 0, count: 1)]
    let links: [(Place, Place, Double)] = [
      (.zone(0), .zone(1), 50), (.client(0), .replica(service: 0, number: 1), 3), (.client(0), .service(0), 20),
      (.client(0), .service(0), 90),
    ]
    scene.world.links = links.map { LinkDescription(from: $0.0, to: $0.1, delay: ms($0.2)) }
    let result = try scene.result()
    // The first visit of each pays a round trip more, the second none.
    #expect(result.endpoint("web-0").latencyMean == 70e6)
    #expect(result.endpoint("web-1").latencyMean == 19e6)
    #expect(result.endpoint("web-2").latencyMean == 70e6)
    scene.world.links = Array(scene.world.links.prefix(2))
    let bare = try scene.result()
    #expect(bare.endpoint("web-0").latencyMean == 10e6)
    #expect(bare.endpoint("web-2").latencyMean == 160e6)
  }

  /// Goal: bandwidth is one queue per link and direction, by bytes. 8 Mbit/s is a byte a microsecond.
  @Test("bandwidth")
  func bandwidth() throws {
    var scene = Scene(
      service("web", time: ms(5)) {
        $0.discipline = .infinite
        $0.responseSize = 5_000
      })
    scene.world.zones = ["a"]
    scene.requests(at: 0, 1, 100)
    for index in 0..<3 {
      scene.world.clients[index].dataPlanes = [DataPlaneGroup(zone: 0, count: 1)]
      scene.world.clients[index].requestSize = 10_000
    }
    scene.link(bandwidth: 8e6, from: .zone(0))
    #expect(alike(try scene.result().milliseconds, [20, 29, 20]))
  }

  /// Goal: a message takes its place in a link's queue when it gets there, not when it is thought of: neither a TLS handshake
  /// nor a sidecar's delay may hold others up. Method: two requests that overlap fare alike.
  @Test("bandwidth holds nobody up before his time", arguments: [false, true])
  func bandwidthOrder(hasHop: Bool) throws {
    var scene = Scene(service("web", time: ms(5)) { $0.discipline = .infinite })
    scene.world.zones = ["a"]
    scene.requests(at: 0, 12)
    for index in 0..<2 { scene.world.clients[index].dataPlanes = [DataPlaneGroup(zone: 0, count: 1)] }
    scene.link(delay: 10, bandwidth: 8e6, from: .zone(0))
    if hasHop {
      // The first takes 40 ms in its sidecar, so that the second overtakes it.
      scene.world.hop.outbound = .empirical([1e6, 40e6])
      scene.world.clients[0].requestSize = 1
      scene.world.clients[1].requestSize = 1
      var seen: Set<Double> = []
      for seed in 1...12 as ClosedRange<UInt64> {
        scene.seed = seed
        for latency in try scene.result().milliseconds { seen.insert((latency * 1000).rounded() / 1000) }
      }
      #expect(seen == [46.001, 85.001])
    } else {
      scene.mesh.clusters[0].usesTLS = true
      #expect(alike(try scene.result().milliseconds, [65, 65]))
    }
  }

  /// Goal: what is lost is sent again after 200 ms, doubling, in each direction. Method: with loss 0.2 the mean extra time of a
  /// direction is 200 ms × 0.2 / (1 − 2 × 0.2) = 66.7 ms.
  @Test("loss and retransmission")
  func loss() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.client(.constant(rate: 1_000))
    scene.link(loss: 0.2)
    scene.run = RunDescription(duration: .seconds(20), warmUp: .seconds(5), drain: .seconds(600))
    let result = try scene.result()
    #expect(result.summary.successes == 15_000)
    #expect(abs((result.summary.latencyMean ?? 0) / 1e6 - 143.3) < 15)
    // 0.8² go through at once: the 0.6 quantile has no extra time.
    #expect(abs((result.latency.quantile(0.6) ?? 0) / 1e6 - 10) < 0.1)
    #expect(abs((result.latency.quantile(0.8) ?? 0) / 1e6 - 210) < 1)
  }

  /// Goal: a partition holds streams up until their next retransmission after it, and lets no connection open: 503 after
  /// `connectTimeout`, unless a retransmission gets through before.
  @Test("partition")
  func partition() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.client("old", at: [0, 1_000, 1_450])
    scene.request(at: 1_000)
    scene.request(at: 1_400)
    scene.fault(.partition(from: .client(0), to: .service(0)), at: 1_000, for: 500)
    scene.fault(.partition(from: .service(0), to: .client(1)), at: 1_000, for: 500)
    scene.fault(.partition(from: .client(2), to: .replica(service: 0, number: 0)), at: 1_000, for: 500)
    scene.mesh.clusters[0].connectTimeout = span(300)
    let result = try scene.result()
    // Sent again at 1.2 s and 1.6 s: 610 ms; at 1.65 s: 210 ms.
    let old: Double = (10 + 610 + 210) / 3
    #expect(alike(result.milliseconds, [old, 300, 210], within: 1e-4))
    #expect(result.successes == [3, 0, 1])
    #expect(result.summary.rejected == 1)
  }

  /// Goal: a loss of 100 % is a partition, wherever it is said.
  @Test("loss of everything")
  func totalLoss() throws {
    var scene = Scene(service("web", replicas: 2))
    scene.client(.constant(rate: 10))
    scene.run = RunDescription(duration: .seconds(2), drain: .seconds(1))
    scene.fault(.loss(from: nil, to: .replica(service: 0, number: 1), rate: 1), at: 0)
    scene.mesh.clusters[0].connectTimeout = .seconds(100)
    let result = try scene.result()
    #expect(result.summary.unanswered == 10)
    #expect(result.endpoint("web-0").successes == 10)
    scene.world.faults = []
    scene.link(loss: 1, to: .replica(service: 0, number: 1))
    #expect(try scene.result().summary.unanswered == 10)
  }

  /// Goal: the sidecars' cost is added once at each end of an attempt.
  @Test("hop")
  func hop() throws {
    var scene = Scene(service("web"))
    scene.request(at: 0)
    scene.world.hop = HopDescription(outbound: ms(2), inbound: ms(3))
    #expect(alike(try scene.result().milliseconds, [15]))
  }

  /// Goal: a table of links is kept only where links are.
  @Test("no links, no table")
  func noLinks() throws {
    var scene = Scene(service("web", replicas: 5))
    scene.request(at: 0)
    scene.fault(.loss(from: nil, to: nil, rate: 0.1), at: 0)
    let bare = World(scene.replication)
    let (hasPaths, none) = (bare.hasPaths, bare.network.linkOf.count)
    #expect(hasPaths && none == 0)
    scene.link(delay: 1)
    let linked = World(scene.replication)
    let entries = linked.network.linkOf.count
    #expect(entries == 5)
  }

  /// Goal: an expired certificate stops new TLS connections and leaves those that are open, with and without a link.
  @Test("expired certificate", arguments: [false, true])
  func certificate(hasLink: Bool) throws {
    var scene = Scene(service("web"))
    scene.client("old", at: [0, 2_000])
    scene.request(at: 2_000)
    scene.request(at: 4_000)
    if hasLink { scene.link(delay: 3) }
    scene.mesh.clusters[0].usesTLS = true
    scene.fault(.certificateExpired(service: 0), at: 1_000, for: 2_000)
    let result = try scene.result()
    #expect(result.successes == [2, 0, 1])
    #expect(alike(result.milliseconds, hasLink ? [22, 12, 28] : [10, 0, 10]))
    scene.mesh.clusters[0].usesTLS = false
    #expect(try scene.result().successes == [2, 1, 1])
  }

  /// Goal: a call's copies that follow a failed one open connections of their own: each runs into its own timeout.
  @Test("sequential calls to nobody")
  func sequentialCallsIntoPartition() throws {
    var scene = Scene(
      service("front", time: ms(1)) {
        $0.calls = [[CallDescription(target: "back", count: 3, onError: .ignore)]]
      }, service("back"))
    scene.request(at: 0)
    scene.fault(.partition(from: .service(0), to: .service(1)), at: 0)
    scene.mesh.clusters[1].connectTimeout = span(100)
    #expect(alike(try scene.result().milliseconds, [301]))
  }
}
