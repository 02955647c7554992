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
    /// By cluster and kind of notice.
    var notices: [Int: [String: UInt64]] = [:]

    mutating func add(_ other: Counts) {
      for route in routes.indices where route < other.routes.count { routes[route].add(other.routes[route]) }
      astray.add(other.astray)
      for cluster in attempts.indices where cluster < other.attempts.count {
        for kind in attempts[cluster].indices { attempts[cluster][kind] += other.attempts[cluster][kind] }
      }
      for (cause, count) in other.refusals { refusals[cause, default: 0] += count }
      for (cluster, kinds) in other.notices {
        for (kind, count) in kinds { notices[cluster, default: [:]][kind, default: 0] += count }
      }
    }
  }

  private(set) var counts: Counts

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

  func noticed(_ notice: DetectionNotice) {
    counts.notices[Int(notice.cluster), default: [:]]["\(notice.kind)", default: 0] += 1
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

  fileprivate var total: UInt64 { statuses.reduce(0, +) }
}

/// Writes counts for Prometheus.
enum MetricsText {
  /// One endpoint as a gauge's row.
  struct EndpointRow: Sendable {
    var cluster: String
    var address: String
    var inFlight: Int
    var isReady: Bool
    var exclusions: [String]
  }

  static func text(_ counts: ProxyMetrics.Counts, _ mesh: MeshDescription, endpoints: [EndpointRow], open: Int)
    -> String
  {
    var text = ""
    func family(_ name: String, _ type: String, _ help: String, _ rows: [String]) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
      for row in rows { text += "\(row)\n" }
    }
    let all = zip(mesh.routes.map(\.match.host), counts.routes) + [("", counts.astray)]
    let hosts = all.enumerated().map { place, entry in
      (
        "direction=\"outbound\",authority=\"\(escaped(entry.0))\",route=\"\(place < mesh.routes.count ? String(place) : "none")\"",
        entry.1
      )
    }
    family(
      "request_total", "counter", "Total count of HTTP requests.",
      hosts.map { "request_total{\($0.0)} \($0.1.total)" })
    family(
      "response_total", "counter", "Total count of HTTP responses.",
      hosts.flatMap { labels, answers in
        answers.statuses.enumerated().filter { $0.element > 0 }.map { status, count in
          let isSuccess = status > 0 && status < 500
          return
            "response_total{\(labels),status_code=\"\(status)\",classification=\"\(isSuccess ? "success" : "failure")\"} \(count)"
        }
      })
    family(
      "response_latency_ms", "histogram",
      "Elapsed times between a request's headers being received and its response stream completing.",
      hosts.flatMap { labels, answers in
        var sum: UInt64 = 0
        var rows: [String] = []
        for (bucket, count) in answers.latencies.enumerated() {
          sum += count
          let end = bucket < ProxyMetrics.buckets.count ? String(ProxyMetrics.buckets[bucket]) : "+Inf"
          rows.append("response_latency_ms_bucket{\(labels),le=\"\(end)\"} \(sum)")
        }
        return rows + [
          "response_latency_ms_sum{\(labels)} \(answers.latencySum)", "response_latency_ms_count{\(labels)} \(sum)",
        ]
      })
    let kinds = ["first", "retry", "hedge", "mirror"]
    family(
      "weir_attempts_total", "counter", "Attempts sent to endpoints, by what they were made for.",
      mesh.clusters.enumerated().flatMap { place, cluster in
        kinds.enumerated().map { kind, name in
          "weir_attempts_total{cluster=\"\(escaped(cluster.name))\",kind=\"\(name)\"} \(counts.attempts[place][kind])"
        }
      })
    family(
      "weir_local_responses_total", "counter", "Responses that the proxy gave in an endpoint's place, by cause.",
      counts.refusals.sorted { $0.key < $1.key }.map { "weir_local_responses_total{cause=\"\($0.key)\"} \($0.value)" })
    family(
      "weir_endpoint_events_total", "counter", "What fault detection decided, by kind.",
      counts.notices.sorted { $0.key < $1.key }.flatMap { cluster, kinds in
        kinds.sorted { $0.key < $1.key }.map {
          "weir_endpoint_events_total{cluster=\"\(escaped(mesh.clusters[cluster].name))\",event=\"\($0.key)\"} \($0.value)"
        }
      })
    family(
      "weir_endpoint_in_flight", "gauge", "Attempts that an endpoint has not answered.",
      endpoints.map {
        "weir_endpoint_in_flight{cluster=\"\(escaped($0.cluster))\",endpoint=\"\(escaped($0.address))\"} \($0.inFlight)"
      })
    family(
      "weir_endpoint_ready", "gauge", "Whether an endpoint may be chosen: 1 or 0.",
      endpoints.map {
        "weir_endpoint_ready{cluster=\"\(escaped($0.cluster))\",endpoint=\"\(escaped($0.address))\"} \($0.isReady ? 1 : 0)"
      })
    family("weir_open_requests", "gauge", "Requests under way.", ["weir_open_requests \(open)"])
    return text
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
    return result
  }
}
