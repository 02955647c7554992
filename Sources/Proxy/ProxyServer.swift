// The whole proxy: event loops, each with a worker, and the sockets where clients and people connect.

import DataPlane
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
  let workers: [Worker]
  private let listeners: Listeners
  private let current: NIOLockedValueBox<ProxyDescription>
  private let certificates: Certificates
  private let discovery: Discovery
  private let releases: Releases
  private let gates: InboundGates
  private let exporter = NIOLockedValueBox<SpanExporter?>(nil)
  private let accessLog: NIOLockedValueBox<AccessLog?>
  private let decisionLog: DecisionLog?
  private let logger: Logger
  private let isDraining = NIOLockedValueBox(false)
  /// The last change of configuration: they come one after the other.
  private let changes = NIOLockedValueBox<Task<Void, any Error>?>(nil)

  /// A proxy that does not listen yet.
  ///
  /// - Parameter decisions: The file that every decision is kept in, if any; what is in it is replaced.
  /// - Throws: ``CertificateFault``, and what the system says when a log cannot be opened.
  public init(_ description: ProxyDescription, loops: Int, decisions: String? = nil, logger: Logger) throws {
    let certificates = try Certificates(description)
    self.certificates = certificates
    group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, loops))
    let log = try description.accessLog.map { try AccessLog($0) }
    accessLog = NIOLockedValueBox(log)
    let kept = try decisions.map { try DecisionLog(path: $0) }
    decisionLog = kept
    self.logger = logger
    let salt = UInt64.random(in: .min ... .max)
    workers = group.makeIterator().enumerated().map { number, loop in
      Worker(
        description, number: number, of: max(1, loops), loop: loop, certificates: certificates, accessLog: log,
        decisionLog: kept, salt: salt)
    }
    releases = Releases(workers, logger: logger)
    gates = InboundGates(description.mesh)
    listeners = Listeners(on: group)
    let (current, loops) = (NIOLockedValueBox(description), workers)
    self.current = current
    discovery = Discovery(logger: logger) { cluster, source, servers in
      Self.list(servers, of: cluster, named: source, current, loops)
    }
  }

  /// Gives a cluster other servers. Event loops are told in the order in which the description has changed: all hear of the last one last.
  private static func list(
    _ servers: [ServerDescription], of cluster: String, named source: ServerDiscovery,
    _ current: NIOLockedValueBox<ProxyDescription>, _ workers: [Worker]
  ) {
    current.withLockedValue { description in
      guard let place = description.mesh.clusters.firstIndex(where: { $0.name == cluster }),
        description.clusters[place].discovery == source
      else { return }
      description.clusters[place].servers = servers
      let whole = description
      for worker in workers { worker.loop.execute { worker.take(whole) } }
    }
  }

  /// Reads what a proxy would read beside its configuration.
  ///
  /// - Throws: ``CertificateFault``.
  public static func check(_ description: ProxyDescription) throws { _ = try Certificates(description) }

  /// Begins to listen. Returns where: with the ports that were free where 0 was asked for.
  ///
  /// - Throws: ``ListenFailure``; nothing listens then.
  public func start() async throws -> (listeners: [SocketName], admin: SocketName?) {
    for worker in workers { try await worker.loop.submit { worker.begin() }.get() }
    await trace(description.tracing)
    _ = discovery.follow(current.withLockedValue { $0 })
    // Who comes first should find servers; who names none for so long holds nobody up.
    for cluster in await discovery.settle(atMost: .seconds(5)) {
      logger.warning("no servers named yet", metadata: ["cluster": "\(cluster)"])
    }
    do {
      let change = try await open(description)
      await listeners.begin(change)
      await listeners.end(change)
    } catch {
      await close()
      throw error
    }
    releases.follow(description.mesh)
    return listeners.names
  }

  private func open(_ description: ProxyDescription) async throws -> Listeners.Change {
    try await listeners.open(description) { [self] channel, key in try install(key, on: channel) }
  }

  /// Tells `listener` from now on what fault detection has to say, on the event loop where it happens.
  public func listen(to listener: @escaping @Sendable (DetectionNotice) -> Void) async {
    for worker in workers { try? await worker.loop.submit { worker.world.metrics.listener = listener }.get() }
  }

  /// What it runs.
  public var description: ProxyDescription { current.withLockedValue { $0 } }

  /// Takes another configuration: requests under way end as they began, connections that stand stay as they are.
  ///
  /// - Throws: ``CertificateFault``, ``ListenFailure``, and what the system says when the access log cannot be opened; the former
  ///   configuration stays in force.
  public func take(_ description: ProxyDescription) async throws {
    let task = changes.withLockedValue { last in
      let former = last
      let next = Task {
        _ = await former?.result
        try await change(to: description)
      }
      last = next
      return next
    }
    try await task.value
  }

  private func change(to description: ProxyDescription) async throws {
    let log = try nextLog(description.accessLog)
    let change = try await open(description)
    do {
      try certificates.take(description)
    } catch {
      await listeners.abandon(change)
      throw error
    }
    await listeners.begin(change)
    releases.follow(description.mesh)
    gates.take(description.mesh)
    let releases = releases
    current.withLockedValue { current in
      let description = discovery.follow(description)
      current = description
      for worker in workers {
        worker.loop.execute {
          worker.take(description)
          releases.apply(to: worker.world)
          worker.accessLog = log
        }
      }
    }
    for worker in workers { try? await worker.loop.submit {}.get() }
    await listeners.end(change)
    accessLog.withLockedValue { former in
      if former !== log { former?.flush() }
      former = log
    }
    await trace(description.tracing)
    logger.info("configuration taken", metadata: ["clusters": "\(description.mesh.clusters.count)"])
    if change.isMove {
      logger.info("listeners changed", metadata: ["listen": .array(listeners.names.listeners.map { "\($0)" })])
    }
  }

  /// The log to go on with. A file is opened anew even where it has the same name: whoever moved it away wants another one.
  private func nextLog(_ description: AccessLogDescription?) throws -> AccessLog? {
    guard let description else { return nil }
    let former = accessLog.withLockedValue { $0 }
    if let former, former.description == description, description.file == "-" { return former }
    return try AccessLog(description)
  }

  /// Reads certificates, keys and authorities anew where their files have changed, for connections to come.
  public func refreshCertificates() {
    do {
      if try certificates.refresh() { logger.info("certificates taken") }
    } catch {
      logger.error("certificates refused, the former stay: \(error)")
    }
  }

  /// Sends spans there from now on; what was gathered for elsewhere still goes there.
  private func trace(_ description: TracingDescription?) async {
    let former = exporter.withLockedValue { $0 }
    if former?.description == description { return }
    let next = description.map { SpanExporter($0, logger: logger) }
    next?.begin()
    exporter.withLockedValue { $0 = next }
    for worker in workers {
      try? await worker.loop.submit {
        worker.tracer?.flush()
        worker.tracer = next.map { Tracer($0, loop: worker.loop) }
      }.get()
    }
    await former?.end()
  }

  /// What has become of spans.
  var spanCounts: SpanExporter.Counts? { exporter.withLockedValue { $0?.counts } }

  /// Ends gracefully: no new connections, and each one that is open ends with its request, at the latest after `drainTime`.
  public func drain() async {
    isDraining.withLockedValue { $0 = true }
    await listeners.close()
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
    discovery.end()
    releases.end()
    await trace(nil)
    await listeners.close()
    for worker in workers { try? await worker.loop.submit { worker.close() }.get() }
    try? await group.shutdownGracefully()
    accessLog.withLockedValue { $0 }?.flush()
    decisionLog?.flush()
  }

  private func openConnections() async -> Int {
    var sum = 0
    for worker in workers { sum += (try? await worker.loop.submit { worker.openConnections }.get()) ?? 0 }
    return sum
  }

  // MARK: - Connections

  private func worker(of loop: any EventLoop) -> Worker {
    workers.first { $0.loop === loop } ?? workers[0]
  }

  /// Prepares a connection: a client's as the configuration says that its event loop has now.
  private func install(_ key: Listeners.Key, on channel: any Channel) throws {
    if key.isAdmin {
      try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
      try channel.pipeline.syncOperations.addHandler(AdminHandler(self))
      return
    }
    let worker = worker(of: channel.eventLoop)
    let description = worker.world.description
    guard let listener = key.listener(in: description) else { throw ChannelError.alreadyClosed }
    let gates = gates
    try ConnectionPipeline(
      worker: worker, description: description, listener: listener, certificates: certificates,
      gate: { [unowned worker] in
        // Connections outlive configurations: what holds now counts. Looked at in place, for each request asks.
        if worker.world.description.mesh.inbound.isEmpty { return nil }
        return key.listener(in: worker.world.description)?.inbound.flatMap { gates.gate(of: $0) }
      }
    ).install(on: channel)
  }

  /// Whether it takes requests.
  var isReady: Bool { !isDraining.withLockedValue { $0 } }

  /// How those stand who name servers.
  var sources: [SourceStanding] { discovery.standings }

  /// How releases stand that are tried step by step.
  var releaseStandings: [ReleaseStanding] { releases.standings(in: description.mesh) }
}
