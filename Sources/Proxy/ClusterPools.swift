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
import NIOPosix

/// One cluster's connections. Confined to its event loop.
final class ClusterPools {
  private let description: ClusterDescription
  unowned let world: SocketWorld
  /// By the endpoint's number.
  private var endpoints: [EndpointPool?] = []
  /// Connections, those that are being opened included; attempts that wait for one; attempts on connections.
  fileprivate(set) var connections = 0
  fileprivate(set) var pending = 0
  fileprivate(set) var active = 0

  init(_ description: ClusterDescription, world: SocketWorld) {
    self.description = description
    self.world = world
  }

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
    if description.transport == .http2 { pool.startStream(attempt) } else { pool.startExclusive(attempt) }
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

  /// Closes idle connections; those that carry something close when they are free.
  func close() { for pool in endpoints { pool?.close() } }
}

/// One endpoint's connections. Confined to its event loop, like all that calls it.
private final class EndpointPool: @unchecked Sendable {
  private let address: SocketName
  private let description: ClusterDescription
  private unowned let cluster: ClusterPools
  private var idle: [UpstreamHandler] = []
  private var waiting: [Attempt] = []
  private var opening = 0
  private var open = 0
  private var isClosed = false
  private var multiplexer: NIOHTTP2Handler.StreamMultiplexer?
  private var parent: (any Channel)?

  init(_ address: SocketName, _ description: ClusterDescription, _ cluster: ClusterPools) {
    self.address = address
    self.description = description
    self.cluster = cluster
  }

  private var world: SocketWorld { cluster.world }

  // MARK: - HTTP/1.1

  func startExclusive(_ attempt: Attempt) {
    while let handler = idle.popLast() {
      if !handler.isActive { continue }
      cluster.active += 1
      handler.take(attempt)
      return
    }
    if !cluster.mayWait() {
      world.failed(attempt, .overflow)
      return
    }
    wait(attempt)
    if cluster.mayConnect(isFirst: open + opening == 0) { connect() }
  }

  private func wait(_ attempt: Attempt) {
    waiting.append(attempt)
    cluster.pending += 1
  }

  private func takeWaiting() -> Attempt? {
    while !waiting.isEmpty {
      let attempt = waiting.removeFirst()
      cluster.pending -= 1
      if !attempt.isForgotten { return attempt }
    }
    return nil
  }

  private func connect() {
    opening += 1
    cluster.connections += 1
    let handler = NIOLoopBound(UpstreamHandler(), eventLoop: world.loop)
    bootstrap { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHTTPClientHandlers(
          leftOverBytesStrategy: .dropBytes, enableOutboundHeaderValidation: false)
        try channel.pipeline.syncOperations.addHandler(handler.value)
      }
    }.connect(host: address.host, port: address.port).whenComplete { [self] result in
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
    } else if isClosed {
      handler.cancel()
    } else {
      idle.append(handler)
    }
  }

  private func released(_ handler: UpstreamHandler, isReusable: Bool) {
    if let place = idle.firstIndex(where: { $0 === handler }) {
      idle.remove(at: place)
    } else {
      cluster.active -= 1
    }
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
    let failure: TransportFailure
    if let error = error as? ChannelError, case .connectTimeout = error {
      failure = .connectTimeout
    } else {
      failure = .refused
    }
    // Each connection was opened for one attempt; where fewer wait, others were served meanwhile.
    if opening < waiting.count, let attempt = takeWaiting() { world.failed(attempt, failure) }
  }

  private func bootstrap(_ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>) -> ClientBootstrap {
    ClientBootstrap(group: world.loop)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .connectTimeout(.nanoseconds(description.connectTimeout.nanoseconds))
      .channelInitializer(initializer)
  }

  // MARK: - HTTP/2

  func startStream(_ attempt: Attempt) {
    if multiplexer != nil {
      openStream(attempt)
      return
    }
    if !cluster.mayWait() {
      world.failed(attempt, .overflow)
      return
    }
    wait(attempt)
    if opening == 0 { connectMultiplexed() }
  }

  private func connectMultiplexed() {
    opening += 1
    cluster.connections += 1
    let loop = world.loop
    bootstrap { channel in
      channel.eventLoop.makeSucceededVoidFuture()
    }.connect(host: address.host, port: address.port).flatMap { channel in
      channel.configureHTTP2Pipeline(
        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init(),
        inboundStreamInitializer: { stream in
          stream.close()
        }
      ).map { (channel, NIOLoopBound($0, eventLoop: loop)) }
    }.whenComplete { [self] result in
      opening -= 1
      switch result {
      case .success(let (channel, multiplexer)):
        open += 1
        parent = channel
        self.multiplexer = multiplexer.value
        channel.closeFuture.whenComplete { [self] _ in
          open -= 1
          cluster.connections -= 1
          if parent === channel {
            parent = nil
            self.multiplexer = nil
          }
        }
        while let attempt = takeWaiting() { openStream(attempt) }
      case .failure(let error):
        cluster.connections -= 1
        var failed: [Attempt] = []
        while let attempt = takeWaiting() { failed.append(attempt) }
        let isTimeout: Bool
        if let error = error as? ChannelError, case .connectTimeout = error {
          isTimeout = true
        } else {
          isTimeout = false
        }
        for attempt in failed { world.failed(attempt, isTimeout ? .connectTimeout : .refused) }
      }
    }
  }

  private func openStream(_ attempt: Attempt) {
    guard let multiplexer else {
      world.failed(attempt, .reset)
      return
    }
    cluster.active += 1
    let handler = NIOLoopBound(UpstreamHandler(), eventLoop: world.loop)
    let bound = NIOLoopBound(attempt, eventLoop: world.loop)
    multiplexer.createStreamChannel { stream in
      stream.eventLoop.makeCompletedFuture {
        try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .http))
        try stream.pipeline.syncOperations.addHandler(handler.value)
      }
    }.whenComplete { [self] result in
      let attempt = bound.value
      switch result {
      case .success:
        let handler = handler.value
        handler.released = { [self] handler, _ in
          cluster.active -= 1
          handler.released = nil
          handler.cancel()
        }
        if attempt.isForgotten { handler.cancel() } else { handler.take(attempt) }
      case .failure:
        cluster.active -= 1
        world.failed(attempt, .reset)
      }
    }
  }

  func close() {
    isClosed = true
    for handler in idle { handler.cancel() }
    if cluster.active == 0 { parent?.close(promise: nil) }
  }
}
