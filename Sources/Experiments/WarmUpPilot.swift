// `run.warmUp: auto`: how long a scenario takes to settle, found in runs of its own before those that count.
//
// MSER-5 looks at the mean latencies of a thousand windows of the run, averaged over a few replications, which smooths what is chance and
// keeps what is common (Welch's idea). All variants leave out what the slowest to settle needs: they are compared over the same time.

import MeshCore
import Simulation
import Statistics

/// The runs that find a warm-up.
struct WarmUpPilot: Sendable {
  private let scenario: Scenario

  /// How many replications of each variant.
  private static let replications = 3
  /// How many windows a run is looked at in.
  private static let windows: Int64 = 1000

  init(_ scenario: Scenario) { self.scenario = scenario }

  /// What is to be run, variant by variant.
  var tasks: [ReplicationTask] {
    scenario.variants.flatMap { variant in
      var variant = variant
      variant.run.warmUp = .zero
      variant.run.window = Self.window(of: variant)
      return (0..<Self.replications).map { ReplicationTask(variant, seed: scenario.seed, number: $0) }
    }
  }

  private static func window(of variant: Variant) -> TimeSpan {
    TimeSpan(nanoseconds: max(1, variant.run.duration.nanoseconds / windows))
  }

  /// The mean latency of each window of a run; an empty one repeats the one before.
  func series(_ result: ReplicationResult) -> [Double] {
    var last = 0.0
    return result.timeline.prefix(Int(Self.windows)).map { row in
      last = row.latencyMean ?? last
      return last
    }
  }

  /// Sets the warm-up that the tasks' `series` show in all variants of `scenario`, and says so.
  func settle(_ scenario: inout Scenario, _ series: [[Double]]) {
    var warmUp = TimeSpan.zero
    var restless: [String] = []
    for (place, variant) in scenario.variants.enumerated() {
      let own = series[(place * Self.replications)..<((place + 1) * Self.replications)]
      let length = own.map(\.count).min() ?? 0
      let means = (0..<length).map { window in own.reduce(0) { $0 + $1[window] } / Double(Self.replications) }
      if let truncation = MarginalStandardErrorRule.truncation(of: means) {
        warmUp = max(warmUp, TimeSpan(nanoseconds: Int64(truncation) * Self.window(of: variant).nanoseconds))
      } else {
        warmUp = max(warmUp, TimeSpan(nanoseconds: variant.run.duration.nanoseconds / 2))
        restless.append(variant.name)
      }
    }
    for place in scenario.variants.indices { scenario.variants[place].run.warmUp = warmUp }
    let length = DecimalNumber(warmUp.seconds, significantDigits: 4).text
    scenario.notes.append("warm-up: \(length) s, found by MSER-5 in \(Self.replications) runs of each variant")
    if !restless.isEmpty {
      scenario.notes.append(
        "warm-up: \(restless.joined(separator: ", ")) never settled in the first half of the run, which is left out; a longer run would tell more"
      )
    }
  }
}
