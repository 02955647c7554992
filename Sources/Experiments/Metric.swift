// A figure by the name it has in `expect`: where it is found in a result, and what it is measured in.

import MeshCore
import Simulation

/// A figure of one replication of one variant.
public enum Metric: Sendable, Hashable {
  /// A column of `summary.csv`.
  case summary(SummaryColumn)
  /// Retries per client request.
  case retryRatio
  /// Hedged attempts per client request.
  case hedgeRatio
  /// An endpoint's share of its cluster's attempts, 0…1.
  case share(endpoint: String)
  /// A cluster's share of all attempts, of whatever cluster, 0…1.
  case traffic(cluster: String)
  /// Held workers over workers of an endpoint, on average, 0…1.
  case utilization(endpoint: String)
  /// From the first fault's beginning to the first time after it that an endpoint is ejected or found unhealthy by its checks.
  case detectionTime
  /// Requests waiting at the service behind the first client's target, on average.
  case queueMean

  /// The metric called `name`: a name that `expect` knows, or a column of `summary.csv`.
  public init?(named name: String) {
    if let column = SummaryColumn(rawValue: name) ?? Self.columns.first(where: { $0.name == name })?.column {
      self = .summary(column)
      return
    }
    if let endpoint = name.suffix(after: "share.") {
      self = .share(endpoint: endpoint)
      return
    }
    if let cluster = name.suffix(after: "traffic.") {
      self = .traffic(cluster: cluster)
      return
    }
    if let endpoint = name.suffix(after: "utilization.") {
      self = .utilization(endpoint: endpoint)
      return
    }
    switch name {
    case "retryRatio": self = .retryRatio
    case "hedgeRatio": self = .hedgeRatio
    case "detectionTime": self = .detectionTime
    case "queue.mean": self = .queueMean
    default: return nil
    }
  }

  /// Every name without an endpoint's or a cluster's in it, for suggestions and the schema.
  public static let names: [String] =
    columns.map(\.name) + ["retryRatio", "hedgeRatio", "detectionTime", "queue.mean"]

  /// What names with an endpoint in them begin with.
  public static let prefixes: [String] = ["share.", "utilization."]

  /// What names with a cluster in them begin with.
  public static let clusterPrefixes: [String] = ["traffic."]

  /// The name in `expect`.
  public var name: String {
    switch self {
    case .summary(let column): Self.columns.first { $0.column == column }?.name ?? column.rawValue
    case .retryRatio: "retryRatio"
    case .hedgeRatio: "hedgeRatio"
    case .share(let endpoint): "share.\(endpoint)"
    case .traffic(let cluster): "traffic.\(cluster)"
    case .utilization(let endpoint): "utilization.\(endpoint)"
    case .detectionTime: "detectionTime"
    case .queueMean: "queue.mean"
    }
  }

  /// What it is measured in.
  public var unit: MetricUnit {
    switch self {
    case .summary(let column): column.unit
    case .retryRatio, .hedgeRatio, .share, .traffic, .utilization: .fraction
    case .detectionTime: .time
    case .queueMean: .number
    }
  }

  /// Whether more of it is better.
  public var isBetterHigh: Bool {
    if case .summary(let column) = self { return column.preference == .higher }
    return false
  }

  /// Its value in one replication of `variant`; times are nanoseconds. Nil when there was nothing to measure.
  public func value(in result: ReplicationResult, of variant: Variant) -> Double? {
    switch self {
    case .summary(let column): column.value(in: result.summary)
    case .retryRatio: result.summary.perRequest(result.summary.retries)
    case .hedgeRatio: result.summary.perRequest(result.summary.hedges)
    case .share(let name): result.endpoint(named: name, of: variant)?.share
    case .traffic(let name): result.traffic(cluster: name)
    case .utilization(let name): result.endpoint(named: name, of: variant)?.utilization
    case .detectionTime: result.detectionTime
    case .queueMean:
      variant.targetService.flatMap { name in result.services.first { $0.name == name } }?.queueMean
    }
  }

  /// Names of `expect` that are columns of `summary.csv` by another name.
  private static let columns: [(name: String, column: SummaryColumn)] = [
    ("latency.mean", .latencyMean), ("latency.p50", .latencyP50), ("latency.p90", .latencyP90),
    ("latency.p95", .latencyP95), ("latency.p99", .latencyP99), ("latency.p999", .latencyP999),
    ("latency.max", .latencyMaximum), ("successLatency.p50", .successLatencyP50),
    ("successLatency.p99", .successLatencyP99), ("successRate", .successRate), ("throughput", .throughput),
    ("imbalance", .imbalance), ("ejections", .ejections), ("requests", .requests), ("successes", .successes),
    ("failures", .failures), ("retries", .retries), ("hedges", .hedges), ("mirrors", .mirrors),
    ("timeouts", .timeouts), ("rejected", .rejected), ("unanswered", .unanswered),
    ("rateLimited", .rateLimited), ("breakerOverflow", .breakerOverflow), ("admissionRejected", .admissionRejected),
    ("concurrencyLimited", .concurrencyLimited), ("throttled", .throttled), ("faultDelayed", .faultDelayed),
    ("faultAborted", .faultAborted), ("shed", .shed), ("unauthorized", .unauthorized),
    ("noBackend", .noBackend),
  ]
}

extension Variant {
  /// The index of the cluster that the first client's requests go to: the first destination of their route.
  var targetCluster: Int? {
    world.firstTargetCluster(in: mesh)
  }

  /// The name of the service behind that cluster.
  var targetService: String? {
    guard let cluster = targetCluster, mesh.clusters.indices.contains(cluster) else { return nil }
    return mesh.clusters[cluster].service
  }
}

extension ReplicationResult {
  /// The endpoint called `name`: in the first client's cluster, else in the first cluster that has one.
  fileprivate func endpoint(named name: String, of variant: Variant) -> EndpointStatistics? {
    let matching = endpoints.filter { $0.endpoint == name }
    guard matching.count > 1, let cluster = variant.targetCluster, variant.mesh.clusters.indices.contains(cluster)
    else { return matching.first }
    return matching.first { $0.cluster == variant.mesh.clusters[cluster].name } ?? matching.first
  }

  /// The share of all attempts that the cluster called `name` had.
  fileprivate func traffic(cluster name: String) -> Double? {
    let all = endpoints.reduce(0) { $0 + $1.requests }
    let own = endpoints.reduce(0) { $0 + ($1.cluster == name ? $1.requests : 0) }
    return all == 0 ? nil : Double(own) / Double(all)
  }
}

extension RequestStatistics {
  fileprivate func perRequest(_ count: Int64) -> Double? { requests == 0 ? nil : Double(count) / Double(requests) }
}

extension String {
  /// What follows `prefix`, when the string begins with it and goes on.
  fileprivate func suffix(after prefix: String) -> String? {
    hasPrefix(prefix) && utf8.count > prefix.utf8.count ? String(dropFirst(prefix.count)) : nil
  }
}
