// One run of a variant over loopback: real servers, a real proxy with one event loop, real load, each on a thread, or in a process, of its
// own.

import DataPlane
import Experiments
import Foundation
import MeshConfiguration
import MeshCore
import Simulation

/// What a run over sockets has measured.
public struct RealRun: Sendable {
  /// The load's figures.
  public var load: LoadResult
  /// What came to each replica.
  public var counts: [BackendCount]
  /// How many attempts of those were retries, and hedges.
  public var retries = 0
  /// How many were hedges.
  public var hedges = 0
  /// From the first fault's beginning to when the proxy first put an endpoint out, nanoseconds.
  public var detection: Double?
  /// The share of all processors' time for which its threads wanted a processor and had none, or the host had taken it; nil where the system
  /// does not say.
  public var starved: Double?

  /// A run's figures.
  init(load: LoadResult, counts: [BackendCount], starved: Double?) {
    self.load = load
    self.counts = counts
    self.starved = starved
  }

  /// Why it does not count, if it does not.
  public var fault: String? {
    if load.hasLagged {
      return "the generator lagged \(Self.text(load.lagP99 / 1e6)) ms at p99, expected at most 1 ms"
    }
    if let starved, starved > Self.starvedLimit {
      return "others had \(Self.text(starved * 100)) % of the processors' time, expected at most 1 %"
    }
    return nil
  }

  /// The share of the time for which a run may be kept from processors.
  public static let starvedLimit = 0.01

  private static func text(_ value: Double) -> String { DecimalNumber.fixed(value, places: 2) }

  /// A figure of the run of `variant`; nil where there was nothing to measure, or nothing of the kind is measured for real.
  public func value(of metric: Metric, in variant: Variant) -> Double? {
    switch metric {
    case .summary(.latencyMean): return load.latency.mean
    case .summary(.latencyP50): return load.latency.quantile(0.5)
    case .summary(.latencyP90): return load.latency.quantile(0.9)
    case .summary(.latencyP95): return load.latency.quantile(0.95)
    case .summary(.latencyP99): return load.latency.quantile(0.99)
    case .summary(.latencyP999): return load.latency.quantile(0.999)
    case .summary(.latencyMaximum): return load.latency.count == 0 ? nil : Double(load.latency.maximum)
    case .summary(.successRate): return load.successRate
    case .share(let endpoint):
      guard let own = counts.first(where: { $0.replica == endpoint }) else { return nil }
      let all = counts.reduce(0) { $0 + ($1.service == own.service ? $1.requests : 0) }
      return all == 0 ? nil : Double(own.requests) / Double(all)
    case .traffic(let cluster):
      guard let service = variant.mesh.clusters.first(where: { $0.name == cluster })?.service else { return nil }
      let all = counts.reduce(0) { $0 + $1.requests }
      let own = counts.reduce(0) { $0 + ($1.service == service ? $1.requests : 0) }
      return all == 0 ? nil : Double(own) / Double(all)
    case .retryRatio: return load.requests == 0 ? nil : Double(retries) / Double(load.requests)
    case .hedgeRatio: return load.requests == 0 ? nil : Double(hedges) / Double(load.requests)
    case .detectionTime: return detection
    default: return nil
    }
  }

  /// Whether `value(of:in:)` can have a value.
  public static func measures(_ metric: Metric, _ proxy: ProxyKind = .weir) -> Bool {
    switch metric {
    case .summary(let column):
      [.latencyMean, .latencyP50, .latencyP90, .latencyP95, .latencyP99, .latencyP999, .latencyMaximum, .successRate]
        .contains(column)
    case .share, .traffic: true
    // Others do not say which of their tries is what, or do not tell when they put somebody out.
    case .retryRatio, .detectionTime: proxy == .weir || proxy == .envoy
    case .hedgeRatio: proxy == .weir
    default: false
    }
  }

  /// Runs one replication of a variant.
  ///
  /// - Throws: `TestbedError` when it cannot be run for real; what the system says when sockets cannot be had.
  public static func run(
    _ variant: Variant, seed: UInt64, replication: Int, proxy kind: ProxyKind = .weir,
    stopping: StopSignal = StopSignal()
  ) async throws -> RealRun {
    let clock = RunClock()
    let backend = try Backend(variant, seed: seed, clock: clock)
    let addresses = try await backend.start()
    let watch = FaultWatch(variant.world.faults, clock: clock)
    let proxy: any RealProxy
    do {
      var description = description(variant, addresses: addresses, seed: seed &+ UInt64(replication))
      description.randomness = randomness(variant, seed: seed, replication: replication)
      proxy =
        kind == .weir
        ? try await OwnProxy(description, watch: watch)
        : try await OtherProxy(kind, description, watch: watch)
    } catch {
      await backend.stop()
      throw error
    }
    let generator = LoadGenerator(variant, seed: seed, replication: replication, to: proxy.listener, clock: clock)
    stopping.whenStopped { generator.stop() }
    let before = ThreadDelays.now(alsoOf: proxy.process)
    let result: Result<LoadResult, any Error>
    do { result = .success(try await generator.send()) } catch { result = .failure(error) }
    let starved = before.flatMap { before in
      ThreadDelays.now(alsoOf: proxy.process).map { $0.share(since: before) }
    }
    let counts = await backend.counts()
    let (retries, hedges) = (await backend.count(of: .retry), await backend.count(of: .hedge))
    await proxy.stop()
    await backend.stop()
    var run = RealRun(load: try result.get(), counts: counts, starved: starved)
    (run.retries, run.hedges, run.detection) = (retries, hedges, watch.detection.map { Double($0.nanoseconds) })
    return run
  }

  /// One replication to its end.
  ///
  /// - Throws: what `run` throws, and `ExperimentError.interrupted` when it was stopped.
  static func whole(
    _ variant: Variant, seed: UInt64, replication: Int, proxy: ProxyKind, stopping: StopSignal
  ) async throws -> RealRun {
    let run = try await run(variant, seed: seed, replication: replication, proxy: proxy, stopping: stopping)
    if stopping.isStopped { throw ExperimentError.interrupted }
    return run
  }

  /// The lab's random numbers for the first client's data plane: where a policy's chance decides, it decides alike in both worlds. Users of a
  /// closed loop have numbers of their own, which a proxy cannot tell from the order of requests.
  static func randomness(_ variant: Variant, seed: UInt64, replication: Int) -> ProxyRandomness? {
    guard let client = variant.world.clients.first else { return nil }
    if case .closed = client.arrivals { return nil }
    let streams = TrafficStreams(seed: seed, replication: replication)
    return ProxyRandomness(
      dataPlane: streams.dataPlane(client: client.name, number: 0),
      requests: streams.key(.demand, client: client.name))
  }

  /// What the proxy is told: the variant's mesh, before the servers that listen.
  public static func description(_ variant: Variant, addresses: [BackendAddress], seed: UInt64) -> ProxyDescription {
    let clusters = variant.mesh.clusters.map { cluster in
      var proxied = ProxiedCluster()
      if let check = cluster.healthCheck {
        (proxied.healthPath, proxied.healthMethod, proxied.healthHost) = (check.path, check.method, check.host)
      }
      guard let service = variant.world.services.first(where: { $0.name == cluster.service }) else { return proxied }
      for replica in service.replicas {
        guard let known = addresses.first(where: { $0.service == service.name && $0.replica == replica.name }) else {
          continue
        }
        let zone = variant.world.zones.indices.contains(replica.zone) ? variant.world.zones[replica.zone] : nil
        var server = ServerDescription(address: known.address, weight: replica.weight, zone: zone)
        server.priority = Int32(clamping: replica.priority)
        server.status = replica.status
        server.metadata = replica.metadata
        proxied.servers.append(server)
      }
      return proxied
    }
    var proxy = ProxyDescription(mesh: variant.mesh, clusters: clusters)
    proxy.listeners = [ListenerDescription(address: SocketName(host: "127.0.0.1", port: 0), transport: .auto)]
    proxy.includesAttemptCount = true
    proxy.seed = seed
    proxy.zones = variant.world.zones
    if let group = variant.world.clients.first?.dataPlanes.first, variant.world.zones.indices.contains(group.zone) {
      proxy.locality.zone = variant.world.zones[group.zone]
      proxy.locality.fleet = [FleetGroup(zone: variant.world.zones[group.zone], count: 1)]
    }
    return proxy
  }
}
