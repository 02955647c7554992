// One run of a variant over loopback: real servers, a real proxy with one event loop, real load, each on a thread of its own.

import Experiments
import Foundation
import Logging
import MeshConfiguration
import MeshCore
import Proxy
import Simulation

/// What a run over sockets has measured.
public struct RealRun: Sendable {
  /// The load's figures.
  public var load: LoadResult
  /// What came to each replica.
  public var counts: [BackendCount]
  /// The share of the time for which its threads wanted a processor and had none; nil where the system does not say.
  public var starved: Double?

  /// Why it does not count, if it does not.
  public var fault: String? {
    if load.hasLagged {
      return "the generator lagged \(Self.text(load.lagP99 / 1e6)) ms at p99, expected at most 1 ms"
    }
    if let starved, starved > Self.starvedLimit {
      return "it waited for a processor for \(Self.text(starved * 100)) % of the time, expected at most 1 %"
    }
    return nil
  }

  /// The share of the time for which a run may be kept from processors.
  public static let starvedLimit = 0.01

  private static func text(_ value: Double) -> String { DecimalNumber.fixed(value, places: 2) }

  /// A figure of the run; nil where there was nothing to measure, or nothing of the kind is measured for real.
  public func value(of metric: Metric) -> Double? {
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
    default: return nil
    }
  }

  /// Whether `value(of:)` can have a value.
  public static func measures(_ metric: Metric) -> Bool {
    switch metric {
    case .summary(let column):
      [.latencyMean, .latencyP50, .latencyP90, .latencyP95, .latencyP99, .latencyP999, .latencyMaximum, .successRate]
        .contains(column)
    case .share: true
    default: false
    }
  }

  /// Runs one replication of a variant.
  ///
  /// - Throws: `TestbedError` when it cannot be run for real; what the system says when sockets cannot be had.
  public static func run(
    _ variant: Variant, seed: UInt64, replication: Int, stopping: StopSignal = StopSignal()
  ) async throws -> RealRun {
    let clock = RunClock()
    let backend = try Backend(variant, seed: seed, clock: clock)
    let addresses = try await backend.start()
    let server: ProxyServer
    let target: SocketName
    do {
      server = try ProxyServer(
        description(variant, addresses: addresses, seed: seed &+ UInt64(replication)), loops: 1,
        logger: Logger(label: "testbed") { _ in SwiftLogNoOpLogHandler() })
      guard let first = try await server.start().listeners.first else { throw TestbedError(["nowhere to listen"]) }
      target = first
    } catch {
      await backend.stop()
      throw error
    }
    let generator = LoadGenerator(variant, seed: seed, replication: replication, to: target, clock: clock)
    stopping.whenStopped { generator.stop() }
    let before = ThreadDelays.now
    let result: Result<LoadResult, any Error>
    do { result = .success(try await generator.send()) } catch { result = .failure(error) }
    let starved = before.flatMap { before in ThreadDelays.now.map { $0.share(since: before) } }
    let counts = await backend.counts()
    await server.close()
    await backend.stop()
    return RealRun(load: try result.get(), counts: counts, starved: starved)
  }

  /// What the proxy is told: the variant's mesh, before the servers that listen.
  static func description(_ variant: Variant, addresses: [BackendAddress], seed: UInt64) -> ProxyDescription {
    let clusters = variant.mesh.clusters.map { cluster in
      var proxied = ProxiedCluster()
      guard let service = variant.world.services.first(where: { $0.name == cluster.service }) else { return proxied }
      for replica in service.replicas {
        guard let known = addresses.first(where: { $0.service == service.name && $0.replica == replica.name }) else {
          continue
        }
        let zone = variant.world.zones.indices.contains(replica.zone) ? variant.world.zones[replica.zone] : nil
        proxied.servers.append(ServerDescription(address: known.address, weight: replica.weight, zone: zone))
      }
      return proxied
    }
    var proxy = ProxyDescription(mesh: variant.mesh, clusters: clusters)
    proxy.listeners = [ListenerDescription(address: SocketName(host: "127.0.0.1", port: 0), transport: .auto)]
    proxy.seed = seed
    return proxy
  }
}
