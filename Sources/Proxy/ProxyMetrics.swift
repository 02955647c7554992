// What a proxy counts, in the text form of Prometheus, under the names and buckets of Linkerd's proxy
// (linkerd2-proxy, linkerd/app/core/src/metrics.rs): request_total, response_total, response_latency_ms, and beside them the balancers'.

import DataPlane
import MeshCore

/// One event loop's counts. Confined to it; what leaves it is a copy.
final class ProxyMetrics {
  /// The upper ends of Linkerd's latency buckets, milliseconds.
  static let buckets: [Int64] = [
    1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1000, 2000, 3000, 4000, 5000, 10_000, 20_000, 30_000,
    40_000,
    50_000,
  ]

  /// One route's answers.
  struct Answers: Sendable {
    /// By status, 0 for those that nobody waited for.
    var statuses = [UInt64](repeating: 0, count: 600)
    /// By bucket, the last one without an end; not summed up.
    var latencies = [UInt64](repeating: 0, count: buckets.count + 1)
    var latencySum = 0.0
  }

  /// Everything, to be summed up over loops.
  struct Counts: Sendable {
    var routes: [Answers]
    /// Requests that no route takes.
    var astray = Answers()
    /// By cluster and kind of attempt.
    var attempts: [[UInt64]]
    /// By what the proxy answered itself for.
    var refusals: [String: UInt64] = [:]
    /// By verdict and policy.
    var verdicts: [String: [String: UInt64]] = [:]
    /// By cluster and kind of notice.
    var notices: [Int: [String: UInt64]] = [:]

    mutating func add(_ other: Counts) {
      for route in routes.indices where route < other.routes.count { routes[route].add(other.routes[route]) }
      astray.add(other.astray)
      for cluster in attempts.indices where cluster < other.attempts.count {
        for kind in attempts[cluster].indices { attempts[cluster][kind] += other.attempts[cluster][kind] }
      }
      for (cause, count) in other.refusals { refusals[cause, default: 0] += count }
      for (verdict, policies) in other.verdicts {
        for (policy, count) in policies { verdicts[verdict, default: [:]][policy, default: 0] += count }
      }
      for (cluster, kinds) in other.notices {
        for (kind, count) in kinds { notices[cluster, default: [:]][kind, default: 0] += count }
      }
    }
  }

  private(set) var counts: Counts
  /// Whom notices are told besides, if anybody wants to know.
  var listener: (@Sendable (DetectionNotice) -> Void)?

  init(_ mesh: MeshDescription) {
    counts = Counts(
      routes: mesh.routes.map { _ in Answers() },
      attempts: mesh.clusters.map { _ in [UInt64](repeating: 0, count: 4) })
  }

  /// Goes on from where a former configuration's counts ended, route by route and cluster by cluster as far as they agree.
  func inherit(_ former: ProxyMetrics) { counts.add(former.counts) }

  func answered(route: Int32, status: Int, latency: TimeSpan, cause: ResponseCause) {
    let milliseconds = latency.nanoseconds / 1_000_000
    var bucket = 0
    while bucket < Self.buckets.count && milliseconds >= Self.buckets[bucket] { bucket += 1 }
    if route < 0 {
      counts.astray.insert(status, bucket, latency)
    } else {
      counts.routes[Int(route)].insert(status, bucket, latency)
    }
    if cause != .endpoint { counts.refusals["\(cause)", default: 0] += 1 }
  }

  func attempted(cluster: Int, _ kind: AttemptKind) { counts.attempts[cluster][Int(kind.rawValue)] += 1 }

  /// A policy has judged a request.
  func judged(_ verdict: String, policy: String) { counts.verdicts[verdict, default: [:]][policy, default: 0] += 1 }

  func noticed(_ notice: DetectionNotice) {
    counts.notices[Int(notice.cluster), default: [:]]["\(notice.kind)", default: 0] += 1
    listener?(notice)
  }
}

extension ProxyMetrics.Answers {
  fileprivate mutating func insert(_ status: Int, _ bucket: Int, _ latency: TimeSpan) {
    statuses[min(max(status, 0), 599)] += 1
    latencies[bucket] += 1
    latencySum += latency.milliseconds
  }

  fileprivate mutating func add(_ other: Self) {
    for status in statuses.indices { statuses[status] += other.statuses[status] }
    for bucket in latencies.indices { latencies[bucket] += other.latencies[bucket] }
    latencySum += other.latencySum
  }

  var total: UInt64 { statuses.reduce(0, +) }
}
