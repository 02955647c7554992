// The connections of one cluster to its endpoints, from one event loop.
//
// HTTP/1.1: a connection carries one attempt at a time; free ones are used again, the youngest first. HTTP/2: one connection an endpoint
// carries them all, each on a stream. Circuit breakers count as Envoy counts: requests on connections, connections, and attempts that
// wait for one (upstream/conn_pool_base.cc).

import DataPlane
import MeshConfiguration
import MeshCore
import NIOCore
import NIOHTTP1
import NIOHTTP2

/// One cluster's connections. Confined to its event loop.
final class ClusterPools {
  private let description: ClusterDescription
  private let number: Int
  unowned let world: SocketWorld
  /// By the endpoint's number.
  private var endpoints: [EndpointPool?] = []
  /// Connections, those that are being opened included; attempts that wait for one; attempts on connections.
  fileprivate(set) var connections = 0
  fileprivate(set) var pending = 0
  fileprivate(set) var active = 0

  init(_ description: ClusterDescription, number: Int, world: SocketWorld) {
    self.description = description
    self.number = number
    self.world = world
  }

  /// What opens this cluster's connections, with the certificates of now.
  var connector: EndpointConnector { world.connector(cluster: number) }

  /// Sends an attempt to an endpoint.
  func start(_ attempt: Attempt, at address: SocketName, endpoint: EndpointIdentity) {
    let breaker = description.circuitBreaker
    if let most = breaker.maxRequests, active >= Int(most) {
      world.failed(attempt, .overflow)
      return
    }
    let place = Int(endpoint.number)
    while endpoints.count <= place { endpoints.append(nil) }
    let pool = endpoints[place] ?? EndpointPool(address, description, self)
    endpoints[place] = pool
    if attempt.exchange.wantsTunnel {
      pool.startTunnel(attempt)
    } else if description.transport == .http2 && !attempt.exchange.wantsUpgrade {
      pool.startStream(attempt)
    } else {
      pool.startExclusive(attempt)
    }
  }

  /// Whether one more connection may be opened: one is always allowed where there is none.
  fileprivate func mayConnect(isFirst: Bool) -> Bool {
    guard let most = description.circuitBreaker.maxConnections else { return true }
    return isFirst || connections < Int(most)
  }

  fileprivate func mayWait() -> Bool {
    guard let most = description.circuitBreaker.maxPendingRequests else { return true }
    return pending < Int(most)
  }

  /// Closes the connections to endpoints that are not among these, as they get free.
  func keep(_ numbers: Set<Int32>) {
    for place in endpoints.indices where endpoints[place] != nil && !numbers.contains(Int32(truncatingIfNeeded: place))
    {
      endpoints[place]?.close()
      endpoints[place] = nil
    }
  }

  /// Closes idle connections; those that carry something close when they are free.
  func close() { for pool in endpoints { pool?.close() } }
}

/// One endpoint's connections. Confined to its event loop, like all that calls it.
private final class EndpointPool: @unchecked Sendable {
  private let address: SocketName
  private let description: ClusterDescription
  private unowned let cluster: ClusterPools
  private let idle: IdleConnections
  private var waiting: [Attempt] = []
  private var waitingForStream: [Attempt] = []
  private var isOpeningMultiplexed = false
  private var opening = 0
  private var open = 0
  private var isClosed = false
  private var multiplexed: MultiplexedConnection?

  init(_ address: SocketName, _ description: ClusterDescription, _ cluster: ClusterPools) {
    self.address = address
    self.description = description
    self.cluster = cluster
    idle = IdleConnections(on: cluster.world.loop)
  }

  private var world: SocketWorld { cluster.world }

  private var idleLimit: TimeAmount { .nanoseconds(world.description.idleTimeout.nanoseconds) }

  // MARK: - HTTP/1.1

  func startExclusive(_ attempt: Attempt) {
    if let handler = idle.take() {
      cluster.active += 1
      handler.take(attempt)
      return
    }
    if !cluster.mayWait() {
      world.failed(attempt, .overflow)
      return
    }
    wait(attempt, in: \.waiting)
    if cluster.mayConnect(isFirst: open + opening == 0) { connect() }
  }

  private func wait(_ attempt: Attempt, in queue: ReferenceWritableKeyPath<EndpointPool, [Attempt]>) {
    let gone = self[keyPath: queue].count
    self[keyPath: queue].removeAll { $0.isForgotten }
    cluster.pending -= gone - self[keyPath: queue].count
    self[keyPath: queue].append(attempt)
    cluster.pending += 1
  }

  private func takeWaiting(in queue: ReferenceWritableKeyPath<EndpointPool, [Attempt]> = \.waiting) -> Attempt? {
    while !self[keyPath: queue].isEmpty {
      let attempt = self[keyPath: queue].removeFirst()
      cluster.pending -= 1
      if !attempt.isForgotten { return attempt }
    }
    return nil
  }

  private func connect() {
    opening += 1
    cluster.connections += 1
    let handler = NIOLoopBound(UpstreamHandler(), eventLoop: world.loop)
    cluster.connector.connect(to: address, for: .http1) { channel in
      channel.eventLoop.makeCompletedFuture {
        // Bytes behind an answer of 101 are the tunnel's.
        try channel.pipeline.syncOperations.addHandler(HTTPRequestEncoder())
        try channel.pipeline.syncOperations.addHandler(
          ByteToMessageHandler(
            HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .forward)))
        try channel.pipeline.syncOperations.addHandler(handler.value)
      }
    }.whenComplete { [self] result in
      opening -= 1
      switch result {
      case .success:
        open += 1
        let handler = handler.value
        handler.released = { [self] in released($0, isReusable: $1) }
        offer(handler)
      case .failure(let error):
        cluster.connections -= 1
        connectFailed(error)
      }
    }
  }

  private func offer(_ handler: UpstreamHandler) {
    if let attempt = takeWaiting() {
      cluster.active += 1
      handler.take(attempt)
    } else {
      // As one that lies idle it is counted out when it closes.
      idle.put(handler, for: idleLimit)
      if isClosed { idle.close() }
    }
  }

  private func released(_ handler: UpstreamHandler, isReusable: Bool) {
    if !idle.remove(handler) { cluster.active -= 1 }
    if isReusable && handler.isActive {
      offer(handler)
      return
    }
    open -= 1
    cluster.connections -= 1
    handler.released = nil
    handler.cancel()
    if !waiting.isEmpty && cluster.mayConnect(isFirst: open + opening == 0) { connect() }
  }

  private func connectFailed(_ error: any Error) {
    // Each connection was opened for one attempt; where fewer wait, others were served meanwhile.
    if opening < waiting.count, let attempt = takeWaiting() {
      world.failed(attempt, TransportFailure(connecting: error))
    }
    if opening == 0 && !waiting.isEmpty && cluster.mayConnect(isFirst: open == 0) { connect() }
  }

  // MARK: - Tunnels

  /// Opens a connection of an attempt's own, on which bytes go through as they are.
  func startTunnel(_ attempt: Attempt) {
    if !cluster.mayConnect(isFirst: open + opening == 0) {
      world.failed(attempt, .overflow)
      return
    }
    opening += 1
    cluster.connections += 1
    cluster.active += 1
    let bound = NIOLoopBound(attempt, eventLoop: world.loop)
    let stream = NIOLoopBound(TunnelStream(), eventLoop: world.loop)
    cluster.connector.connect(to: address, for: .tunnel) { channel in
      // Nothing is read before the client's side stands.
      channel.setOption(.autoRead, value: false)
    }.whenComplete { [self] result in
      opening -= 1
      switch result {
      case .success(let channel):
        open += 1
        channel.closeFuture.whenComplete { [self] _ in
          open -= 1
          cluster.connections -= 1
          cluster.active -= 1
        }
        stream.value.channel = channel
        if bound.value.isForgotten {
          channel.close(promise: nil)
        } else {
          bound.value.stream = stream.value
          world.tunnelStands(bound.value, channel)
        }
      case .failure(let error):
        cluster.connections -= 1
        cluster.active -= 1
        world.failed(bound.value, TransportFailure(connecting: error))
      }
    }
  }

  // MARK: - HTTP/2

  func startStream(_ attempt: Attempt) {
    if multiplexed != nil {
      openStream(attempt)
      return
    }
    if !cluster.mayWait() {
      world.failed(attempt, .overflow)
      return
    }
    wait(attempt, in: \.waitingForStream)
    if !isOpeningMultiplexed { connectMultiplexed() }
  }

  private func connectMultiplexed() {
    opening += 1
    isOpeningMultiplexed = true
    cluster.connections += 1
    let loop = world.loop
    let connector = cluster.connector
    connector.connect(to: address) { channel in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(FlushOnce()) }
    }.flatMap { channel in
      channel.configureHTTP2Pipeline(
        mode: .client, connectionConfiguration: .multiplexed, streamConfiguration: .init(),
        inboundStreamInitializer: { stream in
          stream.close()
        }
      ).map { (channel, NIOLoopBound($0, eventLoop: loop)) }
    }.whenComplete { [self] result in
      opening -= 1
      isOpeningMultiplexed = false
      switch result {
      case .success(let (channel, multiplexer)):
        open += 1
        let connection = MultiplexedConnection(channel, multiplexer.value)
        multiplexed = connection
        watchIdle(connection)
        channel.closeFuture.whenComplete { [self] _ in
          open -= 1
          cluster.connections -= 1
          leave(connection)
        }
        let watch = GoAwayWatch { [self] in leave(connection) }
        try? channel.pipeline.syncOperations.addHandler(watch)
        while let attempt = takeWaiting(in: \.waitingForStream) { openStream(attempt) }
        if isClosed { connection.leave() }
      case .failure(let error):
        cluster.connections -= 1
        var failed: [Attempt] = []
        while let attempt = takeWaiting(in: \.waitingForStream) { failed.append(attempt) }
        for attempt in failed { world.failed(attempt, TransportFailure(connecting: error)) }
      }
    }
  }

  /// A connection takes no more streams: the next attempt opens another one.
  private func leave(_ connection: MultiplexedConnection) {
    connection.leave()
    if multiplexed === connection { multiplexed = nil }
  }

  /// Leaves a connection that has carried nothing for as long as it may. Looked at once in that time, and each minute: a reload may have
  /// made it shorter.
  private func watchIdle(_ connection: MultiplexedConnection) {
    let since = connection.streams == 0 ? connection.idleSince : .now()
    world.loop.scheduleTask(deadline: min(since + idleLimit, .now() + .minutes(1))) { [weak self, weak connection] in
      guard let self, let connection, multiplexed === connection else { return }
      if connection.streams == 0 && connection.idleSince + idleLimit <= .now() {
        leave(connection)
      } else {
        watchIdle(connection)
      }
    }
  }

  private func openStream(_ attempt: Attempt) {
    guard let connection = multiplexed else {
      world.failed(attempt, .reset)
      return
    }
    cluster.active += 1
    connection.streams += 1
    let handler = NIOLoopBound(UpstreamHandler(), eventLoop: world.loop)
    let bound = NIOLoopBound(attempt, eventLoop: world.loop)
    let scheme: HTTP2FramePayloadToHTTP1ClientCodec.HTTPProtocol = cluster.connector.tls == nil ? .http : .https
    connection.multiplexer.createStreamChannel { stream in
      stream.eventLoop.makeCompletedFuture {
        try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: scheme))
        try stream.pipeline.syncOperations.addHandler(handler.value)
      }
    }.whenComplete { [self] result in
      let attempt = bound.value
      switch result {
      case .success:
        let handler = handler.value
        handler.released = { [self] handler, isWhole in
          cluster.active -= 1
          handler.released = nil
          // A stream that both sides have ended closes by itself. To reset it all the same would look like an attack: servers end
          // connections of clients who reset one stream after the other (CVE-2023-44487).
          if !isWhole { handler.cancel() }
          connection.streamEnded()
        }
        if attempt.isForgotten { handler.cancel() } else { handler.take(attempt) }
      case .failure:
        cluster.active -= 1
        connection.streamEnded()
        world.failed(attempt, .reset)
      }
    }
  }

  func close() {
    isClosed = true
    idle.close()
    multiplexed?.leave()
  }
}

/// An HTTP/2 connection to an endpoint. Confined to its event loop.
private final class MultiplexedConnection: @unchecked Sendable {
  let multiplexer: NIOHTTP2Handler.StreamMultiplexer
  private let channel: any Channel
  var streams = 0
  /// Since when it carries nothing, while it does.
  private(set) var idleSince = NIODeadline.now()
  private var isLeaving = false

  init(_ channel: any Channel, _ multiplexer: NIOHTTP2Handler.StreamMultiplexer) {
    self.channel = channel
    self.multiplexer = multiplexer
  }

  func streamEnded() {
    streams -= 1
    if streams == 0 { idleSince = .now() }
    if isLeaving && streams == 0 { channel.close(promise: nil) }
  }

  /// Ends when its streams have.
  func leave() {
    isLeaving = true
    if streams == 0 { channel.close(promise: nil) }
  }
}

/// Hears when a server wants no more streams on its connection (RFC 9113, 6.8).
private final class GoAwayWatch: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame

  private let heard: () -> Void

  init(_ heard: @escaping () -> Void) { self.heard = heard }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .goAway = unwrapInboundIn(data).payload { heard() }
    context.fireChannelRead(data)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // What concerns one stream ends that stream alone.
    if error is NIOHTTP2Errors.StreamError { return }
    heard()
    context.close(promise: nil)
  }
}

/// The server's side of a tunnel that does not stand yet.
private final class TunnelStream: UpstreamStream {
  var channel: (any Channel)?
  var isWritable: Bool { true }
  func send(_ part: HTTPClientRequestPart) {}
  func flush() {}
  func readOn() {}
  func cancel() { channel?.close(promise: nil) }
}

extension TransportFailure {
  /// Why a connection could not be opened.
  init(connecting error: any Error) {
    if let error = error as? ChannelError, case .connectTimeout = error {
      self = .connectTimeout
    } else {
      self = .refused
    }
  }
}
