// What the admin port shows of a proxy: its event loops' counts and endpoints put together.

import DataPlane
import MeshConfiguration
import MeshCore
import NIOCore

/// One endpoint, over all event loops.
struct EndpointRow: Sendable {
  var cluster: String
  var address: String
  var zone: String?
  var weight: UInt32
  var inFlight: Int
  var picks: UInt64
  var failures: UInt64
  var ejections: UInt64
  /// Whether it may be chosen, on every loop.
  var isReady: Bool
  var exclusions: [String]
  /// What a detector decided last, in words, and how long ago.
  var notice: (kind: String, words: String, age: TimeSpan)?

  /// `ready`, `out`, or `partly` where loops disagree.
  var state: String { isReady ? "ready" : readyLoops == 0 ? "out" : "partly" }
  var readyLoops: Int

  fileprivate mutating func add(_ other: EndpointRow) {
    inFlight += other.inFlight
    picks += other.picks
    failures += other.failures
    ejections += other.ejections
    // Who keeps it out says why, whatever has happened elsewhere since.
    if let theirs = other.notice,
      isReady == other.isReady ? notice.map({ theirs.age < $0.age }) ?? true : !other.isReady
    {
      notice = theirs
    }
    isReady = isReady && other.isReady
    readyLoops += other.readyLoops
    for exclusion in other.exclusions where !exclusions.contains(exclusion) { exclusions.append(exclusion) }
  }
}

/// A cluster's connections, over all event loops.
struct PoolRow: Sendable {
  var cluster: String
  var connections = 0
  var pending = 0
  var active = 0
}

/// Everything that a proxy shows of itself.
struct ProxyReport: Sendable {
  var mesh: MeshDescription
  var counts: ProxyMetrics.Counts
  var endpoints: [EndpointRow] = []
  var pools: [PoolRow]
  /// Requests under way, and clients' connections and streams.
  var open = 0
  var connections = 0
  var sources: [SourceStanding]
  var releases: [ReleaseStanding] = []
  var spans: SpanExporter.Counts?
}

extension ProxyServer {
  /// How the proxy stands now.
  func report() async -> ProxyReport {
    let mesh = description.mesh
    var report = ProxyReport(
      mesh: mesh, counts: ProxyMetrics(mesh).counts, pools: mesh.clusters.map { PoolRow(cluster: $0.name) },
      sources: sources, releases: releaseStandings, spans: spanCounts)
    var places: [String: Int] = [:]
    for worker in workers {
      guard let part = try? await worker.loop.submit({ Self.part(of: worker) }).get() else { continue }
      report.counts.add(part.counts)
      report.open += part.open
      report.connections += part.connections
      for row in part.endpoints {
        let key = "\(row.cluster)\n\(row.address)"
        if let place = places[key] {
          report.endpoints[place].add(row)
        } else {
          places[key] = report.endpoints.count
          report.endpoints.append(row)
        }
      }
      for row in part.pools {
        guard let place = report.pools.firstIndex(where: { $0.cluster == row.cluster }) else { continue }
        report.pools[place].connections += row.connections
        report.pools[place].pending += row.pending
        report.pools[place].active += row.active
      }
    }
    return report
  }

  /// Each cluster's endpoints, over all event loops.
  func endpointRows() async -> [EndpointRow] { await report().endpoints }

  /// Everything counted so far, for Prometheus.
  func metricsText() async -> String { MetricsText.text(await report()) }

  /// One event loop's part; to be called there.
  private static func part(of worker: Worker) -> ProxyReport {
    let world = worker.world
    let clusters = world.description.mesh.clusters
    var part = ProxyReport(
      mesh: world.description.mesh, counts: world.metrics.counts,
      pools: zip(clusters, world.pools).map { cluster, pools in
        PoolRow(
          cluster: cluster.name, connections: pools.connections, pending: pools.pending, active: pools.active)
      }, open: worker.openExchanges, connections: worker.openConnections, sources: [])
    let now = world.now
    for (place, cluster) in clusters.enumerated() {
      let servers = world.description.clusters[place].servers
      for standing in world.standings(inCluster: place) {
        let address = world.endpoints.address(of: standing.identity)
        let count = world.endpointCounts[place][standing.identity]
        let isReady = standing.exclusions.isEmpty
        part.endpoints.append(
          EndpointRow(
            cluster: cluster.name, address: address?.description ?? "",
            zone: servers.first { $0.address == address }?.zone, weight: standing.weight,
            inFlight: Int(standing.inFlight), picks: count.picks, failures: count.failures, ejections: count.ejections,
            isReady: isReady, exclusions: standing.exclusions,
            notice: count.notice.map { ("\($0.kind)", $0.reason.words, now - count.noticed) },
            readyLoops: isReady ? 1 : 0))
      }
      for server in servers where world.leavesOut(server, cluster: place) {
        part.endpoints.append(
          EndpointRow(
            cluster: cluster.name, address: server.address.description, zone: server.zone, weight: server.weight,
            inFlight: 0, picks: 0, failures: 0, ejections: 0, isReady: false, exclusions: [server.status.word],
            notice: nil, readyLoops: 0))
      }
    }
    return part
  }

  /// The last decisions of all event loops, oldest first.
  func explain(last count: Int) async -> [DecisionNote] {
    var notes: [DecisionNote] = []
    for worker in workers { notes += (try? await worker.loop.submit { worker.explain(last: count) }.get()) ?? [] }
    return Array(notes.sorted { $0.time < $1.time }.suffix(count))
  }
}
