import Foundation
import Testing

/// Goal: published results come out again, each within its own tolerance, else within its interval and 1 %. Method: the
/// committed results, which `ScenarioTests` shows to be what the program gives. The numbers name the rows of the project's
/// list of reproducible results.
@Suite struct ReproducedResultTests {
  /// A figure that somebody else has found.
  struct Published: CustomTestStringConvertible, Sendable {
    var row: Int
    var scenario: String
    var variant: String
    var metric: String
    var value: Double
    /// Its own tolerance, in its own unit; 0 when it has none.
    var tolerance: Double

    init(
      _ row: Int, _ scenario: String, _ variant: String, _ metric: String, _ value: Double, tolerance: Double = 0
    ) {
      (self.row, self.scenario, self.variant, self.metric) = (row, scenario, variant, metric)
      (self.value, self.tolerance) = (value, tolerance)
    }

    var testDescription: String { "row \(row): \(scenario), \(variant), \(metric)" }
  }

  static let published: [Published] = [
    // Buoyant 2016, "Beyond Round Robin", and an independent run of its simulator.
    Published(1, "beyond-round-robin", "roundRobin", "success_rate", 0.954545, tolerance: 0.0005),
    Published(1, "beyond-round-robin", "roundRobin", "latency_p99_ms", 1711, tolerance: 10),
    Published(1, "beyond-round-robin", "roundRobin", "latency_p999_ms", 1865, tolerance: 10),
    Published(2, "beyond-round-robin", "leastRequest", "success_rate", 0.9942, tolerance: 0.002),
    Published(2, "beyond-round-robin", "leastRequest", "latency_p99_ms", 197, tolerance: 10),
    Published(2, "beyond-round-robin", "leastRequest", "latency_p999_ms", 1731, tolerance: 10),
    Published(3, "beyond-round-robin", "peakEwma", "success_rate", 0.99906, tolerance: 0.0003),
    Published(3, "beyond-round-robin", "peakEwma", "latency_p999_ms", 200, tolerance: 10),
    Published(3, "beyond-round-robin", "peakEwmaFinagle", "success_rate", 0.99907, tolerance: 0.0003),
    Published(3, "beyond-round-robin", "peakEwmaFinagle", "latency_p999_ms", 200, tolerance: 10),
    // Linkerd's circuit-breaker demo. The tolerances are one request in a thousand.
    Published(5, "circuit-breaker", "noBreaker", "success_rate", 0.5, tolerance: 0.001),
    Published(5, "circuit-breaker", "firstMinute", "success_rate", 0.98, tolerance: 0.001),
    Published(5, "circuit-breaker", "firstFiveMinutes", "success_rate", 0.9947, tolerance: 0.001),
    Published(5, "circuit-breaker", "steady", "success_rate", 0.998333, tolerance: 0.00001),
    // The supermarket model: with infinitely many servers, and with 100 as simulated by others. The tails of row 12 are in
    // `SupermarketTests`.
    Published(11, "theory-supermarket", "load50", "latency_mean_ms", 12.657),
    Published(11, "theory-supermarket", "load70", "latency_mean_ms", 16.145),
    Published(11, "theory-supermarket", "load80", "latency_mean_ms", 19.474),
    Published(11, "theory-supermarket", "load90", "latency_mean_ms", 26.636),
    Published(11, "theory-supermarket", "load95", "latency_mean_ms", 34.836),
    Published(11, "theory-supermarket", "load99", "latency_mean_ms", 59.9),
    Published(11, "theory-supermarket", "load90of1000", "latency_mean_ms", 26.14057),
    Published(12, "theory-supermarket", "load90of1000choices3", "latency_mean_ms", 20.27856),
    Published(12, "theory-ladder-100-load90", "choices3", "latency_mean_ms", 20.758),
    // The ladder, ± 2 %.
    Published(13, "theory-ladder-10-load90", "random", "latency_mean_ms", 100, tolerance: 2),
    Published(13, "theory-ladder-10-load90", "random", "latency_p99_ms", 462.08, tolerance: 9.2),
    Published(13, "theory-ladder-10-load90", "roundRobin", "latency_mean_ms", 56.60276, tolerance: 1.13),
    Published(13, "theory-ladder-10-load90", "roundRobin", "latency_p99_ms", 262.67, tolerance: 5.25),
    Published(13, "theory-ladder-10-load90", "choices2", "latency_mean_ms", 29.906, tolerance: 0.6),
    Published(13, "theory-ladder-10-load90", "choices2", "latency_p99_ms", 105.15, tolerance: 2.1),
    Published(13, "theory-ladder-10-load90", "joinIdleQueue", "latency_mean_ms", 24.057, tolerance: 0.48),
    Published(13, "theory-ladder-10-load90", "joinIdleQueue", "latency_p99_ms", 127.77, tolerance: 2.55),
    Published(13, "theory-ladder-10-load90", "joinShortestQueue", "latency_mean_ms", 19.185, tolerance: 0.38),
    Published(13, "theory-ladder-10-load90", "joinShortestQueue", "latency_p99_ms", 79.4, tolerance: 1.59),
    Published(13, "theory-ladder-10-load90", "leastWorkLeft", "latency_mean_ms", 16.68732, tolerance: 0.33),
    Published(13, "theory-ladder-10-load90", "leastWorkLeft", "latency_p99_ms", 62.59, tolerance: 1.25),
    // Finagle's panic, ± 1 percentage point.
    Published(7, "paper-panic-effort", "half1", "success_rate", 1 - 0.061244, tolerance: 0.01),
    Published(7, "paper-panic-effort", "half4", "success_rate", 1 - 0.000928, tolerance: 0.01),
    Published(7, "paper-panic-effort", "seventy4", "success_rate", 1 - 0.027641, tolerance: 0.01),
    Published(7, "paper-panic-effort", "ninety1", "success_rate", 1 - 0.654628, tolerance: 0.01),
    Published(7, "paper-panic-effort", "ninety4", "success_rate", 1 - 0.346726, tolerance: 0.01),
    // Finagle's apertures: 200 over the number of servers used, for 9, 36 and 144 requests in flight.
    Published(10, "paper-aperture-load-band", "load9", "imbalance", 22.22, tolerance: 0.5),
    Published(10, "paper-aperture-load-band", "load36", "imbalance", 6.06, tolerance: 0.09),
    Published(10, "paper-aperture-load-band", "load144", "imbalance", 1.55, tolerance: 0.02),
    // C3's simulator: ± 15 % where a run has many draws of speeds, but for round robin (25 %); where it has few, a standard
    // deviation of single runs, from Reference/replica-selection.cpp.
    Published(15, "paper-c3-fluctuation-10ms", "roundRobin", "latency_p99_ms", 102.55, tolerance: 25.6),
    Published(15, "paper-c3-fluctuation-10ms", "leastOutstanding", "latency_p99_ms", 46.84, tolerance: 7.03),
    Published(15, "paper-c3-fluctuation-10ms", "c3", "latency_p99_ms", 40.13, tolerance: 6.02),
    Published(15, "paper-c3-fluctuation-10ms", "oracle", "latency_p99_ms", 19.11, tolerance: 2.87),
    Published(15, "paper-c3-fluctuation-500ms", "roundRobin", "latency_p99_ms", 1443, tolerance: 214),
    Published(15, "paper-c3-fluctuation-500ms", "leastOutstanding", "latency_p99_ms", 359, tolerance: 64),
    Published(15, "paper-c3-fluctuation-500ms", "c3", "latency_p99_ms", 248, tolerance: 52),
    Published(15, "paper-c3-fluctuation-500ms", "oracle", "latency_p99_ms", 158, tolerance: 52),
    // gRPC's static stride: each endpoint's share is its weight's.
    Published(24, "paper-static-stride", "oneToTen", "imbalance", 1, tolerance: 0.001),
    Published(24, "paper-static-stride", "oneTenTwoTwenty", "imbalance", 1, tolerance: 0.001),
    // tower's demo of its balancers.
    Published(31, "closed-loop", "peakEwma", "latency_p99_ms", 330),
    Published(31, "closed-loop", "leastRequest", "latency_p99_ms", 353),
    Published(31, "closed-loop", "roundRobin", "latency_p99_ms", 903),
  ]

  /// What others have found is found again.
  @Test(arguments: published)
  func isFoundAgain(_ published: Published) throws {
    let figure = try Self.figure(published.scenario, published.variant, published.metric)
    #expect(
      figure.agrees(with: published.value, tolerance: published.tolerance),
      "\(published.value) ± \(published.tolerance) expected, \(figure.value) [\(figure.low), \(figure.high)] found")
  }

  /// Row 14: join-idle-queue beats two choices in the mean at ten servers, and loses at p99.
  @Test func joinIdleQueueCrosses() throws {
    func figure(_ variant: String, _ metric: String) throws -> Figure {
      try Self.figure("theory-ladder-10-load90", variant, metric)
    }
    #expect(try figure("joinIdleQueue", "latency_mean_ms").high < figure("choices2", "latency_mean_ms").low)
    #expect(try figure("joinIdleQueue", "latency_p99_ms").low > figure("choices2", "latency_p99_ms").high)
  }

  /// Row 15: an oracle is ahead of C3, C3 of least outstanding requests, these of round robin, in every single run.
  @Test(arguments: ["paper-c3-fluctuation-10ms", "paper-c3-fluctuation-500ms"])
  func replicaSelectionHasAnOrder(_ scenario: String) throws {
    let rows = ResultTable(try ResultTable.committed("summary.csv", of: scenario)).rows
    let runs = Set(rows.compactMap { $0["replication"] })
    #expect(runs.count >= 4)
    for run in runs {
      let figures = try ["oracle", "c3", "leastOutstanding", "roundRobin"].map { variant in
        let row = try #require(rows.first { $0["variant"] == variant && $0["replication"] == run })
        return try #require(Double(row["latency_p99_ms"] ?? ""))
      }
      #expect(figures == figures.sorted() && Set(figures).count == 4, "run \(run): \(figures)")
    }
  }

  private static func figure(_ scenario: String, _ variant: String, _ metric: String) throws -> Figure {
    let rows = ResultTable(try ResultTable.committed("comparison.csv", of: scenario)).rows
    let row = try #require(rows.first { $0["variant"] == variant && $0["metric"] == metric })
    return try #require(Figure(row, value: "mean"))
  }
}
