// What `weir load` prints and writes: a row a client.

import Experiments
import Simulation

/// The figures of a run of real load.
public struct LoadReport {
  /// One client's.
  public struct Row: Sendable {
    var name: String
    var requests: Int
    var successes: Int
    var unanswered: Int
    var latency: LatencyHistogram

    /// A client's figures; latencies are nanoseconds.
    public init(name: String, requests: Int, successes: Int, unanswered: Int, latency: LatencyHistogram) {
      self.name = name
      self.requests = requests
      self.successes = successes
      self.unanswered = unanswered
      self.latency = latency
    }

    var successRate: Double? { requests == 0 ? nil : Double(successes) / Double(requests) }
  }

  private let clients: [Row]
  private let lagP99: Double

  /// The figures of some clients, and the 0.99 quantile of the generator's own lag, nanoseconds.
  public init(clients: [Row], lagP99: Double) {
    self.clients = clients
    self.lagP99 = lagP99
  }

  /// The generator's lag, in words.
  public var lagText: String { FigureFormat(.time, for: [lagP99]).textWithUnit(lagP99) }

  /// `load.csv`.
  public func csv(_ scenario: String, variant: String) throws -> String {
    var bytes: [UInt8] = []
    var writer = try CSVWriter(columns: [
      "scenario", "variant", "client", "requests", "successes", "unanswered", "success_rate", "latency_mean_ms",
      "latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "latency_p999_ms", "latency_max_ms", "lag_p99_ms",
    ]) { bytes += $0 }
    for row in clients {
      let quantiles = [0.5, 0.9, 0.99, 0.999].map { CSVCell.milliseconds(row.latency.quantile($0)) }
      try writer.row(
        [
          .text(scenario), .text(variant), .text(row.name), .count(Int64(row.requests)), .count(Int64(row.successes)),
          .count(Int64(row.unanswered)), .figure(row.successRate), .milliseconds(row.latency.mean),
        ] + quantiles + [
          .milliseconds(row.latency.count == 0 ? nil : Double(row.latency.maximum)), .milliseconds(lagP99),
        ])
    }
    try writer.flush()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The table for people, ending in a line feed.
  public func table(on canvas: Canvas) -> String {
    var table = TextTable(alignments: [.left, .right, .right, .right, .right, .right])
    table.rows.append(
      ["client", "requests", "success rate", "latency p50", "latency p99", "unanswered"].map {
        TextCell(text: $0, style: .faint)
      })
    for row in clients {
      func time(_ quantile: Double) -> String {
        row.latency.quantile(quantile).map { FigureFormat(.time, for: [$0]).textWithUnit($0) } ?? "–"
      }
      let success = row.successRate.map { FigureFormat(.fraction, for: [$0]).textWithUnit($0) } ?? "–"
      table.rows.append(
        [row.name, String(row.requests), success, time(0.5), time(0.99), String(row.unanswered)].map {
          TextCell(text: $0)
        })
    }
    return table.lines(on: canvas).joined(separator: "\n") + "\nlag of the generator itself: p99 \(lagText)\n"
  }
}
