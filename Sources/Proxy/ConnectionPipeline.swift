// The handlers of a client's connection.

import MeshConfiguration
import MeshCore
import NIOCore
import NIOHTTP1
import NIOHTTP2

/// Puts handlers on connections. To be used on the worker's event loop.
struct ConnectionPipeline {
  let worker: Worker
  let description: ProxyDescription

  /// Prepares a connection for what its clients speak.
  func install(on channel: any Channel, _ transport: ListenerProtocol) throws {
    let pipeline = channel.pipeline.syncOperations
    switch transport {
    case .http1: try installHTTP1(channel)
    case .http2: try installHTTP2(channel)
    case .auto:
      try pipeline.addHandler(
        ProtocolDetector { isHTTP2 in
          if isHTTP2 { try installHTTP2(channel) } else { try installHTTP1(channel) }
        })
    case .tcp: throw ChannelError.operationUnsupported
    }
  }

  private func installHTTP1(_ channel: any Channel) throws {
    let handler = DownstreamHandler(worker: worker, isMultiplexed: false)
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(
      HeadGuard(
        (description.headerTimeout, description.idleTimeout), isIdle: { handler.isIdle }))
    // Requests in a row are the handler's own business: the library's help stops reading for each. What goes out has been read by the
    // codec on the other side, or been looked through (`RequestRules`), so it is not validated once more.
    try pipeline.configureHTTPServerPipeline(
      withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false)
    try pipeline.addHandler(handler)
  }

  private func installHTTP2(_ channel: any Channel) throws {
    let worker = NIOLoopBound(worker, eventLoop: channel.eventLoop)
    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
      mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
    ) { stream in
      stream.eventLoop.makeCompletedFuture {
        try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
        try stream.pipeline.syncOperations.addHandler(
          DownstreamHandler(worker: worker.value, isMultiplexed: true))
      }
    }
  }
}
