// The handlers of a client's connection.

import MeshConfiguration
import MeshCore
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL

/// Puts handlers on connections. To be used on the worker's event loop.
struct ConnectionPipeline {
  let worker: Worker
  let description: ProxyDescription
  let listener: ListenerDescription
  let certificates: Certificates
  /// What stands before the service that the listener's requests are for, as the configuration says it when it is asked.
  let gate: () -> InboundGate?

  /// Prepares a connection for what its clients speak.
  func install(on channel: any Channel) throws {
    let client = ClientConnection(channel, gate: gate)
    let pipeline = channel.pipeline.syncOperations
    switch listener.security {
    case .off: try installProtocol(channel, client)
    case .strict:
      try installTLS(channel, client)
      try installProtocol(channel, client)
    case .permissive:
      try pipeline.addHandler(
        FirstBytes(limit: description.headerTimeout, FirstBytes.isTLS) { isTLS in
          if isTLS { try installTLS(channel, client) }
          try installProtocol(channel, client)
        })
    }
  }

  private func installTLS(_ channel: any Channel, _ client: ClientConnection) throws {
    guard let context = certificates.server(listener.transport) else { throw ChannelError.operationUnsupported }
    client.becomesTLS()
    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
    try channel.pipeline.syncOperations.addHandler(HandshakeLimit(description.headerTimeout))
  }

  private func installProtocol(_ channel: any Channel, _ client: ClientConnection) throws {
    switch listener.transport {
    case .http1: try installHTTP1(channel, client)
    case .http2:
      try channel.pipeline.syncOperations.addHandler(
        FirstBytes(limit: description.headerTimeout, FirstBytes.isHTTP2) { isHTTP2 in
          guard isHTTP2 else { throw ChannelError.operationUnsupported }
          try installHTTP2(channel, client)
        })
    case .auto:
      try channel.pipeline.syncOperations.addHandler(
        FirstBytes(limit: description.headerTimeout, FirstBytes.isHTTP2) { isHTTP2 in
          if isHTTP2 { try installHTTP2(channel, client) } else { try installHTTP1(channel, client) }
        })
    case .tcp:
      let handler = PassthroughHandler(worker: worker, client: client, cluster: listener.clusterName ?? "")
      try channel.pipeline.syncOperations.addHandler(handler)
    }
  }

  private func installHTTP1(_ channel: any Channel, _ client: ClientConnection) throws {
    let handler = DownstreamHandler(worker: worker, client: client, isMultiplexed: false)
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(
      HeadGuard(
        (description.headerTimeout, description.idleTimeout), isIdle: { handler.isIdle }))
    // Requests in a row are the handler's own business: the library's help stops reading for each. What goes out has been read by the
    // codec on the other side, or been looked through (`RequestRules`), so it is not validated once more. Bytes behind a request that
    // leaves HTTP behind are the tunnel's.
    try pipeline.addHandler(HTTPResponseEncoder())
    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)))
    try pipeline.addHandler(handler)
  }

  private func installHTTP2(_ channel: any Channel, _ client: ClientConnection) throws {
    let bound = NIOLoopBound((worker, client), eventLoop: channel.eventLoop)
    let connection = MultiplexedClient(worker: worker, idleLimit: description.idleTimeout)
    try channel.pipeline.syncOperations.addHandler(FlushOnce())
    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
      mode: .server, connectionConfiguration: .multiplexed, streamConfiguration: .init(), streamDelegate: connection
    ) { stream in
      stream.eventLoop.makeCompletedFuture {
        let (worker, client) = bound.value
        try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
        try stream.pipeline.syncOperations.addHandler(
          DownstreamHandler(worker: worker, client: client, isMultiplexed: true))
      }
    }
    try channel.pipeline.syncOperations.addHandler(connection)
  }
}

extension NIOHTTP2Handler.ConnectionConfiguration {
  /// What both sides' connections have. What is still on its way on a stream that was reset must not end the connection, so as many are
  /// remembered as may be reset before the other side has heard: ten times those that may be open at a time.
  static var multiplexed: Self {
    var configuration = Self()
    configuration.maximumRecentlyResetStreams = 1_000
    return configuration
  }
}
