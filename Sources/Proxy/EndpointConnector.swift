// Opens connections to endpoints: over TLS where their cluster says so, and then not before they have shown who they are.

import MeshConfiguration
import MeshCore
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// A server that is not who it should be.
struct WrongIdentity: Error {}

/// Opens the connections of one cluster, on one event loop.
struct EndpointConnector {
  let loop: any EventLoop
  let timeout: TimeSpan
  /// Whether nothing may go out in plain text.
  let needsTLS: Bool
  let tls: UpstreamTLS?

  /// What a connection is for.
  enum Purpose: CaseIterable {
    /// Requests in the protocol of the cluster.
    case requests
    /// Requests in this protocol, whatever the cluster's.
    case http1, http2
    /// Bytes.
    case tunnel
  }

  /// Opens a connection; `install` puts handlers on it, behind those of TLS. Fails with `ChannelError.connectTimeout` when it takes longer
  /// than `timeout`, the TLS handshake included.
  func connect(
    to address: SocketName, for purpose: Purpose = .requests,
    _ install: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
  ) -> EventLoopFuture<any Channel> {
    let bootstrap = ClientBootstrap(group: loop)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelOption(.allowRemoteHalfClosure, value: purpose == .tunnel)
      .connectTimeout(.nanoseconds(timeout.nanoseconds))
    if needsTLS && tls == nil { return loop.makeFailedFuture(WrongIdentity()) }
    guard let tls else {
      return Self.open(bootstrap.channelInitializer(install), address)
    }
    let shaken = loop.makePromise(of: Void.self)
    let limit = TimeAmount.nanoseconds(timeout.nanoseconds)
    let handshaking = bootstrap.channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        let pipeline = channel.pipeline.syncOperations
        // An address has no name to be asked for; it is compared with the certificate's addresses.
        let name = tls.serverName ?? (Self.socketAddress(address) == nil ? address.host : nil)
        guard let context = tls.contexts[purpose] else { throw ChannelError.operationUnsupported }
        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
        try pipeline.addHandler(HandshakeGate(shaken, limit: limit, identity: tls.identity))
      }.flatMap { install(channel) }
    }
    return Self.open(handshaking, address).flatMapErrorThrowing { error in
      shaken.fail(error)
      throw error
    }
    .flatMap { channel in shaken.futureResult.map { channel } }
  }

  private static func open(_ bootstrap: ClientBootstrap, _ address: SocketName) -> EventLoopFuture<any Channel> {
    // Whatever is a name goes to a resolver, on a thread of its own.
    guard let known = socketAddress(address) else { return bootstrap.connect(host: address.host, port: address.port) }
    return bootstrap.connect(to: known)
  }

  /// The address, where it is none that has to be looked up.
  private static func socketAddress(_ name: SocketName) -> SocketAddress? {
    try? SocketAddress(ipAddress: name.host, port: name.port)
  }
}

/// Waits for the end of a TLS handshake, and leaves.
private final class HandshakeGate: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let promise: EventLoopPromise<Void>
  private let limit: TimeAmount
  private let identity: String?
  private var timer: Scheduled<Void>?

  init(_ promise: EventLoopPromise<Void>, limit: TimeAmount, identity: String?) {
    self.promise = promise
    self.limit = limit
    self.identity = identity
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let (channel, promise, limit) = (context.channel, promise, limit)
    timer = context.eventLoop.scheduleTask(in: limit) {
      promise.fail(ChannelError.connectTimeout(limit))
      channel.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    promise.fail(ChannelError.eof)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent {
      if let identity, !names(context).contains(identity) {
        promise.fail(WrongIdentity())
        context.close(promise: nil)
        return
      }
      promise.succeed()
      context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
    context.fireUserInboundEventTriggered(event)
  }

  private func names(_ context: ChannelHandlerContext) -> [String] {
    let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
    return handler?.peerCertificate.map { PeerIdentity.names(of: $0) } ?? []
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    promise.fail(error)
    context.close(promise: nil)
  }
}
