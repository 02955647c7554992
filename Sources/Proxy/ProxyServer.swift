// The whole proxy: event loops, each with a worker, and the sockets where clients and people connect.

import Foundation
import Logging
import MeshConfiguration
import MeshCore
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix

/// A proxy that runs. Safe to use from anywhere.
public final class ProxyServer: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let workers: [Worker]
  private let listeners: NIOLockedValue<[any Channel]>
  private let current: NIOLockedValue<ProxyDescription>
  private let accessLog: AccessLog?
  private let decisionLog: DecisionLog?
  private let logger: Logger
  private let isDraining = NIOLockedValue(false)

  /// A proxy that does not listen yet.
  ///
  /// - Parameter decisions: The file that every decision is kept in, if any; what is in it is replaced.
  /// - Throws: what the system says when a log cannot be opened.
  public init(_ description: ProxyDescription, loops: Int, decisions: String? = nil, logger: Logger) throws {
    group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, loops))
    let log = try description.accessLog.map { try AccessLog($0) }
    accessLog = log
    let kept = try decisions.map { try DecisionLog(path: $0) }
    decisionLog = kept
    self.logger = logger
    let salt = UInt64.random(in: .min ... .max)
    workers = group.makeIterator().enumerated().map { number, loop in
      Worker(description, number: number, loop: loop, accessLog: log, decisionLog: kept, salt: salt)
    }
    listeners = NIOLockedValue([])
    current = NIOLockedValue(description)
  }

  /// Begins to listen. Returns where: with the ports that were free where 0 was asked for.
  ///
  /// - Throws: what the system says when an address cannot be listened on; nothing listens then.
  public func start() async throws -> (listeners: [SocketName], admin: SocketName?) {
    for worker in workers { try await worker.loop.submit { worker.begin() }.get() }
    let description = current.value
    var names: [SocketName] = []
    var admin: SocketName?
    do {
      for listener in description.listeners { names.append(try await listen(listener)) }
      if let address = description.admin { admin = try await listenAdmin(address) }
    } catch {
      await close()
      throw error
    }
    return (names, admin)
  }

  /// What it runs.
  public var description: ProxyDescription { current.value }

  /// Takes another configuration: listeners stay as they are, requests under way end as they began.
  public func take(_ description: ProxyDescription) async {
    current.value = description
    for worker in workers { try? await worker.loop.submit { worker.take(description) }.get() }
    logger.info("configuration taken", metadata: ["clusters": "\(description.mesh.clusters.count)"])
  }

  /// Ends gracefully: no new connections, and each one that is open ends with its request, at the latest after `drainTime`.
  public func drain() async {
    isDraining.value = true
    for channel in listeners.value { try? await channel.close() }
    for worker in workers { try? await worker.loop.submit { worker.drain() }.get() }
    let deadline = NIODeadline.now() + .nanoseconds(description.drainTime.nanoseconds)
    while NIODeadline.now() < deadline {
      if await openConnections() == 0 { break }
      try? await Task.sleep(nanoseconds: 10_000_000)
    }
    await close()
  }

  /// Ends at once.
  public func close() async {
    for channel in listeners.value { try? await channel.close() }
    for worker in workers { try? await worker.loop.submit { worker.close() }.get() }
    try? await group.shutdownGracefully()
    accessLog?.flush()
    decisionLog?.flush()
  }

  private func openConnections() async -> Int {
    var sum = 0
    for worker in workers { sum += (try? await worker.loop.submit { worker.openConnections }.get()) ?? 0 }
    return sum
  }

  // MARK: - Clients

  private func worker(of loop: any EventLoop) -> Worker {
    workers.first { $0.loop === loop } ?? workers[0]
  }

  private func listen(_ listener: ListenerDescription) async throws -> SocketName {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          try ConnectionPipeline(worker: worker(of: channel.eventLoop), description: description)
            .install(on: channel, listener.transport)
        }
      }
    return try await bind(bootstrap, listener.address)
  }

  private func bind(_ bootstrap: ServerBootstrap, _ address: SocketName) async throws -> SocketName {
    let channel = try await bootstrap.bind(host: address.host, port: address.port).get()
    listeners.change { $0.append(channel) }
    return SocketName(host: address.host, port: channel.localAddress?.port ?? address.port)
  }

  // MARK: - People

  private func listenAdmin(_ address: SocketName) async throws -> SocketName {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
          try channel.pipeline.syncOperations.addHandler(AdminHandler(self))
        }
      }
    return try await bind(bootstrap, address)
  }

  /// Whether it takes requests.
  var isReady: Bool { !isDraining.value }

  /// Everything counted so far, for Prometheus.
  func metricsText() async -> String {
    let mesh = description.mesh
    var counts = ProxyMetrics(mesh).counts
    var open = 0
    for worker in workers {
      guard let part = try? await worker.loop.submit({ (worker.world.metrics.counts, worker.openExchanges) }).get()
      else {
        continue
      }
      counts.add(part.0)
      open += part.1
    }
    return MetricsText.text(counts, mesh, endpoints: await endpointRows(), open: open)
  }

  /// Each cluster's endpoints, loads summed up over event loops; an endpoint is ready when it is on every one.
  func endpointRows() async -> [MetricsText.EndpointRow] {
    var rows: [MetricsText.EndpointRow] = []
    for worker in workers {
      let part = try? await worker.loop.submit { () -> [MetricsText.EndpointRow] in
        let world = worker.world
        return zip(world.description.mesh.clusters, world.standings()).flatMap { cluster, standings in
          standings.map { standing in
            MetricsText.EndpointRow(
              cluster: cluster.name, address: world.endpoints.address(of: standing.identity)?.description ?? "",
              inFlight: Int(standing.inFlight), isReady: standing.exclusions.isEmpty, exclusions: standing.exclusions)
          }
        }
      }.get()
      for row in part ?? [] {
        if let place = rows.firstIndex(where: { $0.cluster == row.cluster && $0.address == row.address }) {
          rows[place].inFlight += row.inFlight
          if !row.isReady {
            rows[place].isReady = false
            for exclusion in row.exclusions where !rows[place].exclusions.contains(exclusion) {
              rows[place].exclusions.append(exclusion)
            }
          }
        } else {
          rows.append(row)
        }
      }
    }
    return rows
  }
}

/// A value behind a lock.
final class NIOLockedValue<Value: Sendable>: Sendable {
  private let box: NIOLockedValueBox<Value>

  init(_ value: Value) { box = NIOLockedValueBox(value) }

  var value: Value {
    get { box.withLockedValue { $0 } }
    set { box.withLockedValue { $0 = newValue } }
  }

  func change(_ body: (inout Value) -> Void) { box.withLockedValue { body(&$0) } }
}
