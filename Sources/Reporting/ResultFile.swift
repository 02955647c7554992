// The result files: which there are, their columns, and how a result becomes their rows. The columns and their order are a
// contract with scripts.

import Experiments
import Simulation
import Statistics

/// One of the files that a run leaves behind.
public enum ResultFile: String, CaseIterable, Sendable {
  /// Variant × replication.
  case summary = "summary.csv"
  /// Variant × figure, with intervals and differences to the baseline.
  case comparison = "comparison.csv"
  /// Variant × replication × endpoint.
  case endpoints = "endpoints.csv"
  /// Variant × replication × window.
  case timeline = "timeline.csv"
  /// Variant × quantile, replications pooled.
  case latency = "latency.csv"
  /// Faults, ejections and the like.
  case events = "events.csv"
  /// Variant × replication × client.
  case clients = "clients.csv"
  /// Variant × replication × service.
  case services = "services.csv"
  /// A row an expectation.
  case expectations = "expectations.csv"
  /// What was run, and the digests that prove it.
  case record = "run.json"

  /// Writes the file's bytes for `result` to `emit`, piece by piece.
  public func write(_ result: ExperimentResult, emit: @escaping ([UInt8]) throws -> Void) throws {
    if self == .record {
      try emit(Array((RunRecord.document(result).text + "\n").utf8))
      return
    }
    var table = try CSVWriter(columns: columns, emit: emit)
    let scenario = CSVCell.text(result.scenario.name)
    switch self {
    case .summary: try result.eachReplication { try table.row([scenario] + Self.summaryRow($0, $1)) }
    case .comparison:
      let comparison = Comparison(result)
      for row in comparison.rows { try table.row([scenario] + Self.row(row, baseline: comparison.baseline)) }
    case .endpoints:
      try result.eachReplication { variant, replication in
        for endpoint in replication.endpoints {
          try table.row([scenario, variant, .count(Int64(replication.replication))] + Self.row(endpoint))
        }
      }
    case .timeline:
      try result.eachReplication { variant, replication in
        for window in replication.timeline {
          try table.row([scenario, variant, .count(Int64(replication.replication))] + Self.row(window))
        }
      }
    case .latency:
      for variant in result.variants {
        let pooled = variant.pooledLatency
        for quantile in Self.quantiles {
          let own = variant.replications.compactMap { $0.latency.quantile(quantile) }
          let interval = Estimate(of: own, confidence: result.scenario.confidence)?.interval
          try table.row([
            scenario, .text(variant.variant.name), .figure(quantile), .milliseconds(pooled.quantile(quantile)),
            .milliseconds(interval?.low), .milliseconds(interval?.high),
          ])
        }
      }
    case .events:
      try result.eachReplication { variant, replication in
        for event in replication.events {
          try table.row([scenario, variant, .count(Int64(replication.replication))] + Self.row(event))
        }
      }
    case .clients:
      try result.eachReplication { variant, replication in
        for client in replication.clients {
          try table.row(
            [
              scenario, variant, .count(Int64(replication.replication)), .text(client.name),
              .unsigned(replication.seed),
            ]
              + Self.figures(client.statistics))
        }
      }
    case .services:
      try result.eachReplication { variant, replication in
        for service in replication.services {
          try table.row([scenario, variant, .count(Int64(replication.replication))] + Self.row(service))
        }
      }
    case .expectations:
      for verdict in ExpectationJudge.verdicts(result) { try table.row([scenario] + Self.row(verdict)) }
    case .record: break
    }
    try table.flush()
  }

  /// The file's columns; none for what is no table.
  public var columns: [String] {
    let replication = ["scenario", "variant", "replication"]
    let figures = SummaryColumn.allCases.map(\.rawValue)
    return switch self {
    case .summary: replication + ["seed"] + figures
    case .comparison:
      [
        "scenario", "variant", "metric", "mean", "ci_low", "ci_high", "baseline", "ratio", "difference",
        "difference_ci_low", "difference_ci_high", "p_value", "replications", "p_adjusted",
      ]
    case .endpoints:
      replication + [
        "cluster", "endpoint", "requests", "share", "successes", "failures", "latency_mean_ms", "latency_p99_ms",
        "utilization", "ejected_ms",
      ]
    case .timeline:
      replication + [
        "time_s", "requests", "successes", "failures", "latency_p50_ms", "latency_p99_ms", "in_flight",
        "healthy_endpoints",
      ]
    case .latency: ["scenario", "variant", "quantile", "latency_ms", "ci_low_ms", "ci_high_ms"]
    case .events: replication + ["time_s", "event", "cluster", "endpoint", "detail", "proxy"]
    case .clients: replication + ["client", "seed"] + figures
    case .services:
      replication + [
        "service", "requests", "successes", "failures", "abandoned", "wasted_work_s", "utilization", "queue_mean",
      ]
    case .expectations:
      ["scenario", "metric", "variant", "expected", "measured", "ci_low", "ci_high", "verdict"]
    case .record: []
    }
  }

  /// The quantiles of `latency.csv`.
  static let quantiles: [Double] = (0..<100).map { Double($0) / 100 } + [0.995, 0.999, 0.9999, 1]
}

// Rows, behind the columns that all rows of a file begin with.
extension ResultFile {
  static func summaryRow(_ variant: CSVCell, _ replication: ReplicationResult) -> [CSVCell] {
    [variant, .count(Int64(replication.replication)), .unsigned(replication.seed)] + figures(replication.summary)
  }

  private static func figures(_ statistics: RequestStatistics) -> [CSVCell] {
    SummaryColumn.allCases.map { column in
      if let count = column.count(in: statistics) { return .count(count) }
      return cell(column.value(in: statistics), column.unit)
    }
  }

  /// A figure in its file unit.
  private static func cell(_ value: Double?, _ unit: MetricUnit) -> CSVCell {
    unit == .time ? .milliseconds(value) : .figure(value)
  }

  private static func row(_ row: ComparisonRow, baseline: String) -> [CSVCell] {
    let unit = row.column.unit
    let difference = row.difference?.difference
    return [
      .text(row.variant), .text(row.column.rawValue), cell(row.estimate?.mean, unit),
      cell(row.estimate?.interval?.low, unit),
      cell(row.estimate?.interval?.high, unit), row.variant == baseline ? .empty : .text(baseline),
      .figure(row.difference?.ratio), cell(difference?.mean, unit), cell(difference?.interval?.low, unit),
      cell(difference?.interval?.high, unit), .probability(difference?.pValue),
      .count(Int64(row.estimate?.replications ?? 0)), .probability(row.adjustedPValue),
    ]
  }

  private static func row(_ endpoint: EndpointStatistics) -> [CSVCell] {
    [
      .text(endpoint.cluster), .text(endpoint.endpoint), .count(endpoint.requests), .figure(endpoint.share),
      .count(endpoint.successes), .count(endpoint.failures), .milliseconds(endpoint.latencyMean),
      .milliseconds(endpoint.latencyP99), .figure(endpoint.utilization), .milliseconds(endpoint.ejected),
    ]
  }

  private static func row(_ window: TimelineRow) -> [CSVCell] {
    [
      .seconds(Double(window.time.nanoseconds)), .count(window.requests), .count(window.successes),
      .count(window.failures), .milliseconds(window.latencyP50), .milliseconds(window.latencyP99),
      .count(window.inFlight), .count(window.healthyEndpoints),
    ]
  }

  private static func row(_ event: EventRow) -> [CSVCell] {
    [
      .seconds(Double(event.time.nanoseconds)), .text(event.event), .text(event.cluster), .text(event.endpoint),
      .text(event.detail), .text(event.proxy),
    ]
  }

  private static func row(_ service: ServiceStatistics) -> [CSVCell] {
    [
      .text(service.name), .count(service.requests), .count(service.successes), .count(service.failures),
      .count(service.abandoned), .seconds(service.wastedWork), .figure(service.utilization),
      .figure(service.queueMean),
    ]
  }

  private static func row(_ verdict: Verdict) -> [CSVCell] {
    [
      .text(verdict.expectation.metric), .text(verdict.expectation.variant), .text(verdict.expectation.text),
      cell(verdict.measured?.mean, verdict.unit), cell(verdict.measured?.interval?.low, verdict.unit),
      cell(verdict.measured?.interval?.high, verdict.unit), .text(verdict.kind.rawValue),
    ]
  }
}

extension ExperimentResult {
  /// Calls `body` with each variant's name as a cell and each of its replications.
  fileprivate func eachReplication(_ body: (CSVCell, ReplicationResult) throws -> Void) rethrows {
    for variant in variants {
      for replication in variant.replications { try body(.text(variant.variant.name), replication) }
    }
  }
}
