// The figures of `summary.csv`: their names, units, and which way is better.

import Simulation

/// Which of two values of a figure people want.
public enum Preference: Sendable, Hashable {
  /// The smaller one.
  case lower
  /// The larger one.
  case higher
  /// Neither.
  case none
}

/// A column of `summary.csv` that holds a figure. The raw value is the column's name; the order is the file's.
public enum SummaryColumn: String, CaseIterable, Sendable, Hashable {
  case requests
  case successes
  case failures
  case successRate = "success_rate"
  case throughput = "throughput_rps"
  case latencyMean = "latency_mean_ms"
  case latencyP50 = "latency_p50_ms"
  case latencyP90 = "latency_p90_ms"
  case latencyP95 = "latency_p95_ms"
  case latencyP99 = "latency_p99_ms"
  case latencyP999 = "latency_p999_ms"
  case latencyMaximum = "latency_max_ms"
  case successLatencyP50 = "success_latency_p50_ms"
  case successLatencyP99 = "success_latency_p99_ms"
  case retries
  case hedges
  case mirrors
  case timeouts
  case rejected
  case ejections
  case imbalance
  case unanswered
  case rateLimited = "rate_limited"
  case breakerOverflow = "breaker_overflow"
  case admissionRejected = "admission_rejected"
  case concurrencyLimited = "concurrency_limited"
  case throttled
  case faultDelayed = "fault_delayed"
  case faultAborted = "fault_aborted"
  case shed
  case unauthorized
  case noBackend = "no_backend"

  /// The figure in `statistics`; latencies are nanoseconds. Nil when there is nothing to measure.
  public func value(in statistics: RequestStatistics) -> Double? {
    switch self {
    case .successRate:
      statistics.requests == 0 ? nil : Double(statistics.successes) / Double(statistics.requests)
    case .throughput: statistics.throughput
    case .latencyMean: statistics.latencyMean
    case .latencyP50: statistics.latencyP50
    case .latencyP90: statistics.latencyP90
    case .latencyP95: statistics.latencyP95
    case .latencyP99: statistics.latencyP99
    case .latencyP999: statistics.latencyP999
    case .latencyMaximum: statistics.latencyMaximum
    case .successLatencyP50: statistics.successLatencyP50
    case .successLatencyP99: statistics.successLatencyP99
    case .imbalance: statistics.imbalance
    case .requests, .successes, .failures, .retries, .hedges, .mirrors, .timeouts, .rejected, .ejections, .unanswered,
      .rateLimited, .breakerOverflow, .admissionRejected, .concurrencyLimited, .throttled, .faultDelayed, .faultAborted,
      .shed, .unauthorized, .noBackend:
      count(in: statistics).map(Double.init)
    }
  }

  /// Whether it counts something.
  public var isCount: Bool { count(in: RequestStatistics()) != nil }

  /// The figure as a whole number, when it is one.
  public func count(in statistics: RequestStatistics) -> Int64? {
    switch self {
    case .requests: statistics.requests
    case .successes: statistics.successes
    case .failures: statistics.failures
    case .retries: statistics.retries
    case .hedges: statistics.hedges
    case .mirrors: statistics.mirrors
    case .timeouts: statistics.timeouts
    case .rejected: statistics.rejected
    case .ejections: statistics.ejections
    case .unanswered: statistics.unanswered
    case .rateLimited: statistics.refusals.rateLimited
    case .breakerOverflow: statistics.refusals.breakerOverflow
    case .admissionRejected: statistics.refusals.admissionRejected
    case .concurrencyLimited: statistics.refusals.concurrencyLimited
    case .throttled: statistics.refusals.throttled
    case .faultDelayed: statistics.refusals.faultDelayed
    case .faultAborted: statistics.refusals.faultAborted
    case .shed: statistics.refusals.shed
    case .unauthorized: statistics.refusals.unauthorized
    case .noBackend: statistics.refusals.noBackend
    default: nil
    }
  }

  /// What it is measured in.
  public var unit: MetricUnit {
    switch self {
    case .successRate: .fraction
    case .latencyMean, .latencyP50, .latencyP90, .latencyP95, .latencyP99, .latencyP999, .latencyMaximum,
      .successLatencyP50, .successLatencyP99:
      .time
    default: .number
    }
  }

  /// Which way is better.
  public var preference: Preference {
    switch self {
    case .successRate, .throughput: .higher
    // An uneven spread is often what makes a policy good.
    case .requests, .successes, .mirrors, .hedges, .retries, .ejections, .imbalance, .faultDelayed, .faultAborted: .none
    default: .lower
    }
  }
}
