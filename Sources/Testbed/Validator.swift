// Both worlds, one after the other: the simulation foretells, sockets answer.
//
// What a hop costs is measured first, with servers that do nothing but wait for a known time and without faults: latency less that time
// is everything that the lab knows nothing of, the proxy, the sockets and timers that ring late. Its distribution is laid on the
// simulated side, at each attempt. Then replication k runs for real as it runs in the lab, with the same arrivals and demands;
// variants take turns, so that a machine that changes its mind strikes them alike.

import Experiments
import MeshConfiguration
import MeshCore
import Simulation
import Statistics

/// Compares the two worlds.
public struct Validator: Sendable {
  /// How far a comparison is.
  public typealias Report = @Sendable (String) -> Void

  private let scenario: Scenario
  private let runs: Int
  private let attempts: Int
  private let proxy: ProxyKind
  private let stopping: StopSignal
  private let report: Report

  /// A comparison by `runs` real runs of each variant, at least 1, with `proxy` in the middle. A run that is void is made up to `attempts`
  /// times in all, at least once.
  ///
  /// - Throws: `TestbedError` with what of the scenario cannot be run for real.
  public init(
    _ scenario: Scenario, runs: Int = 5, attempts: Int = 3, proxy: ProxyKind = .weir,
    stopping: StopSignal = StopSignal(), report: @escaping Report = { _ in }
  ) throws {
    self.scenario = scenario
    self.runs = max(1, runs)
    self.attempts = max(1, attempts)
    self.proxy = proxy
    self.stopping = stopping
    self.report = report
    var faults: [String] = []
    for variant in scenario.variants {
      faults += TestbedLimits.validationFaults(variant.world, variant.mesh).filter { !faults.contains($0) }
      for (metric, _) in scenario.validated(variant) where !RealRun.measures(metric) {
        let line =
          "validate.tolerance.\(metric.name): not measured for real; expected a latency, successRate, share, traffic, "
          + "retryRatio, hedgeRatio or detectionTime"
        if !faults.contains(line) { faults.append(line) }
      }
      // What the other proxy cannot be told is found before anything runs.
      if proxy != .weir {
        do {
          _ = try proxy.configuration(Self.setup(variant))
        } catch let error as TestbedError {
          faults += error.lines.filter { !faults.contains($0) }
        }
      }
    }
    if !faults.isEmpty { throw TestbedError(faults) }
    if proxy != .weir { _ = try proxy.requireProgram() }
  }

  /// What another proxy would be told of a variant whose servers listen at ports that stand for those to come.
  public static func setup(_ variant: Variant) throws -> PeerSetup {
    var port = 9000
    var addresses: [BackendAddress] = []
    for service in variant.world.services {
      for replica in service.replicas {
        port += 1
        let own = SocketName(replica.name) ?? SocketName(host: "127.0.0.1", port: port)
        addresses.append(BackendAddress(service: service.name, replica: replica.name, address: own))
      }
    }
    return PeerSetup(
      proxy: RealRun.description(variant, addresses: addresses, seed: 1),
      listener: SocketName(host: "127.0.0.1", port: 8080), admin: SocketName(host: "127.0.0.1", port: 9901), folder: "."
    )
  }

  /// Runs everything.
  ///
  /// - Throws: `TestbedError`, `SimulationError`, `ExperimentError.interrupted`, or what the system says of sockets.
  public func run() async throws -> Validation {
    guard let first = scenario.variants.first else { throw TestbedError(["variants: none"]) }
    report("measuring the cost of a hop")
    var notes: [String] = []
    let hop = try await HopCost.measure(
      first, seed: scenario.seed, attempts: attempts, proxy: proxy, stopping: stopping,
      onVoid: { notes.append("a measurement of the hop's cost was void: \($0)") })
    let variants = scenario.variants.map { variant in
      var variant = variant
      variant.world.hop.outbound = hop.distribution
      return variant
    }
    report("simulating")
    let simulated = try variants.map { variant in
      VariantResult(
        variant: variant,
        replications: try (0..<runs).map { number in
          try Replication(
            world: variant.world, mesh: variant.mesh, run: variant.run, seed: scenario.seed, number: number
          ).simulate()
        })
    }
    var all: [[RealRun]] = variants.map { _ in [] }
    var fit: [[RealRun]] = all
    for number in 0..<runs {
      for (place, variant) in scenario.variants.enumerated() {
        report("run \(number + 1) of \(runs), \(variant.name)")
        let run = try await Self.undisturbed(atMost: attempts) {
          try await RealRun.whole(variant, seed: scenario.seed, replication: number, proxy: proxy, stopping: stopping)
        } onVoid: {
          notes.append("run \(number + 1) of \(variant.name) was void: \($0)")
        }
        all[place].append(run)
        if run.fault == nil { fit[place].append(run) }
      }
    }
    var rows: [ValidationRow] = []
    var overlays: [LatencyOverlay] = []
    for (place, variant) in scenario.variants.enumerated() {
      // Figures of void runs are shown where there are no others, and judged by nobody.
      let shown = fit[place].isEmpty ? all[place] : fit[place]
      overlays.append(
        LatencyOverlay(
          variant: variant.name, simulated: simulated[place].pooledLatency,
          measured: shown.reduce(into: LatencyHistogram()) { $0.add($1.load.latency) }))
      for (metric, tolerance) in scenario.validated(variant, isForeign: proxy != .weir)
      where RealRun.measures(metric, proxy) {
        let values = simulated[place].values(of: metric).compactMap { $0 }
        rows.append(
          ValidationRow(
            variant: variant.name, metric: metric, simulated: Estimate(of: values, confidence: scenario.confidence),
            measured: Self.median(shown.compactMap { $0.value(of: metric, in: variant) }), tolerance: tolerance,
            runs: fit[place].count))
      }
    }
    return Validation(
      scenario: scenario.name, proxy: proxy.rawValue, rows: rows, overlays: overlays, hopCost: hop.median, notes: notes)
  }

  /// What `make` gives, made up to `most` times while it is void; where all are, the one whose generator lagged least. `onVoid` hears why
  /// each one was.
  static func undisturbed(
    atMost most: Int, _ make: () async throws -> RealRun, onVoid: (String) -> Void
  ) async rethrows -> RealRun {
    var best = try await make()
    var last = best
    var made = 1
    while let fault = last.fault {
      onVoid(fault)
      if made >= most { return best }
      made += 1
      last = try await make()
      if last.load.lagP99 < best.load.lagP99 { best = last }
    }
    return last
  }

  /// The middle of `values`, the mean of the two in the middle of an even number; nil of none.
  static func median(_ values: [Double]) -> Double? {
    if values.isEmpty { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// What a hop costs beside the service itself.
public struct HopCost: Sendable, Hashable {
  /// Quantiles at 0, 0.01, …, 1, nanoseconds.
  public var quantiles: [Double]

  /// The one in the middle, nanoseconds.
  public var median: Double { quantiles[quantiles.count / 2] }

  /// The cost as the lab draws it.
  var distribution: DistributionDescription {
    .quantiles(
      quantiles.enumerated().map {
        QuantilePoint(probability: Double($0) / Double(quantiles.count - 1), value: $1)
      })
  }

  /// How long servers take while it is measured.
  private static let service = TimeSpan.milliseconds(5)

  /// Measures it on a variant's mesh, without its faults and with servers that all take the same time.
  static func measure(
    _ variant: Variant, seed: UInt64, attempts: Int = 1, proxy: ProxyKind = .weir, stopping: StopSignal,
    onVoid: (String) -> Void = { _ in }
  ) async throws -> HopCost {
    var calm = variant
    calm.world.faults = []
    calm.world.links = []
    for service in calm.world.services.indices {
      calm.world.services[service].time = .constant(Double(Self.service.nanoseconds))
      calm.world.services[service].discipline = .infinite
      calm.world.services[service].errorRate = 0
      calm.world.services[service].perConcurrent = .zero
      for replica in calm.world.services[service].replicas.indices {
        calm.world.services[service].replicas[replica].time = nil
        calm.world.services[service].replicas[replica].speed = 1
      }
    }
    // An idle machine wakes more slowly than a busy one: the cost is that at the scenario's own rate.
    switch calm.world.clients[0].arrivals {
    case .poisson(let rate) where rate >= 20, .constant(let rate) where rate >= 20: break
    default: calm.world.clients[0].arrivals = .poisson(rate: 200)
    }
    calm.world.clients[0].successWithin = nil
    // Its tail is laid under the lab's: the last hundredth of a few thousand requests tells it, that of a few hundred does not.
    let duration = min(max(calm.run.duration, .seconds(4)), .seconds(20))
    calm.run = RunDescription(duration: duration, warmUp: .milliseconds(500), drain: .seconds(5))
    let variant = calm
    let run = try await Validator.undisturbed(atMost: attempts) {
      try await RealRun.whole(variant, seed: seed, replication: 0, proxy: proxy, stopping: stopping)
    } onVoid: {
      onVoid($0)
    }
    guard run.load.successes > 0 else {
      throw TestbedError(["the cost of a hop cannot be measured: no request succeeds without faults"])
    }
    let points = (0...100).compactMap { run.load.latency.quantile(Double($0) / 100) }
    var least = 0.0
    return HopCost(
      quantiles: points.map { point in
        least = max(least, point - Double(Self.service.nanoseconds))
        return least
      })
  }
}
