// One active health check over a real socket: a connection, or an HTTP request whose status decides.

import DataPlane
import MeshConfiguration
import MeshCore
import NIOCore
import NIOHTTP1
import NIOPosix

/// A question to an endpoint that belongs to no request. Confined to its event loop.
final class HealthProbe: @unchecked Sendable {
  let handle: ProbeHandle
  private let kind: ProbeKind
  private let address: SocketName
  private let path: String
  private let host: String
  private let timeout: TimeSpan
  private unowned let world: SocketWorld
  private var channel: (any Channel)?
  private var isOver = false

  init(
    _ start: ProbeStart, kind: ProbeKind, to address: SocketName, of cluster: ProxiedCluster, timeout: TimeSpan,
    world: SocketWorld
  ) {
    handle = start.probe
    self.kind = kind
    self.address = address
    self.timeout = timeout
    self.world = world
    path = cluster.healthPath
    host = cluster.healthHost ?? address.description
  }

  /// Asks.
  func begin() {
    let asks = kind != .connection
    ClientBootstrap(group: world.loop)
      .connectTimeout(.nanoseconds(timeout.nanoseconds))
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          if !asks { return }
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          try channel.pipeline.syncOperations.addHandler(ProbeHandler(self))
        }
      }
      .connect(host: address.host, port: address.port).whenComplete { [self] result in
        switch result {
        case .failure: end { world.probeFailed(self, .refused) }
        case .success(let channel):
          self.channel = channel
          if isOver {
            channel.close(promise: nil)
          } else if asks {
            ask(channel)
          } else {
            end { world.probeAnswered(self, HealthAnswer(status: 200)) }
          }
        }
      }
  }

  private func ask(_ channel: any Channel) {
    let headers: HTTPHeaders = ["host": host, "user-agent": "weir-health-check", "connection": "close"]
    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
  }

  fileprivate func answered(_ head: HTTPResponseHead) {
    let leaves = head.headers.contains(name: "x-envoy-immediate-health-check-fail")
    end {
      world.probeAnswered(self, HealthAnswer(status: Int16(clamping: head.status.code), asksToBeLeft: leaves))
    }
  }

  fileprivate func broke() { end { world.probeFailed(self, .reset) } }

  private func end(_ tell: () -> Void) {
    if isOver { return }
    isOver = true
    tell()
    channel?.close(promise: nil)
    channel = nil
  }

  /// Nobody waits any more.
  func cancel() { end {} }
}

private final class ProbeHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let probe: HealthProbe

  init(_ probe: HealthProbe) { self.probe = probe }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let head) = unwrapInboundIn(data), head.status.code >= 200 { probe.answered(head) }
  }

  func channelInactive(context: ChannelHandlerContext) { probe.broke() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { probe.broke() }
}
