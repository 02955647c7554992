// The admin port: what people, Prometheus and Kubernetes ask a proxy.
//
//   /ready /live      200, or 503 while it drains
//   /metrics          counts for Prometheus
//   /config_dump      what it runs, as JSON
//   /endpoints        each endpoint's load, and why it gets nothing where it does
//   /                 a page that shows the same, live

import Foundation
import MeshConfiguration
import NIOCore
import NIOHTTP1

/// Answers on the admin port.
final class AdminHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let server: ProxyServer
  private var head: HTTPRequestHead?

  init(_ server: ProxyServer) { self.server = server }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard let head else { return }
      let (server, bound) = (server, NIOLoopBound(context, eventLoop: context.eventLoop))
      let path = String(head.uri.prefix { $0 != "?" })
      let (isHead, keepsAlive) = (head.method == .HEAD, head.isKeepAlive)
      context.eventLoop.makeFutureWithTask { await AdminAnswer.answer(path, of: server) }.whenSuccess { answer in
        Self.write(answer, isHead: isHead, keepsAlive: keepsAlive, bound.value)
      }
    }
  }

  private static func write(
    _ answer: AdminAnswer, isHead: Bool, keepsAlive: Bool, _ context: ChannelHandlerContext
  ) {
    let body = ByteBuffer(string: answer.text)
    var headers: HTTPHeaders = ["content-type": answer.type, "content-length": String(body.readableBytes)]
    if !keepsAlive { headers.add(name: "connection", value: "close") }
    let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
    context.write(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
    if !isHead { context.write(NIOAny(HTTPServerResponsePart.body(.byteBuffer(body))), promise: nil) }
    context.writeAndFlush(NIOAny(HTTPServerResponsePart.end(nil)), promise: nil)
    if !keepsAlive { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// An answer of the admin port.
struct AdminAnswer: Sendable {
  var status: Int
  var type: String
  var text: String

  static func answer(_ path: String, of server: ProxyServer) async -> AdminAnswer {
    switch path {
    case "/ready": return server.isReady ? plain(200, "ready\n") : plain(503, "draining\n")
    case "/live": return plain(200, "live\n")
    case "/metrics":
      return AdminAnswer(
        status: 200, type: "text/plain; version=0.0.4; charset=utf-8", text: await server.metricsText())
    case "/endpoints":
      let rows = await server.endpointRows().map { row -> [String: Any] in
        [
          "cluster": row.cluster, "endpoint": row.address, "in_flight": row.inFlight, "ready": row.isReady,
          "excluded_by": row.exclusions,
        ]
      }
      return json(["endpoints": rows])
    case "/config_dump": return json(ConfigurationDump.object(server.description))
    default:
      return plain(404, "not here; expected one of /ready, /live, /metrics, /endpoints, /config_dump\n")
    }
  }

  private static func plain(_ status: Int, _ text: String) -> AdminAnswer {
    AdminAnswer(status: status, type: "text/plain; charset=utf-8", text: text)
  }

  private static func json(_ object: [String: Any]) -> AdminAnswer {
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys])
    guard let data else { return plain(500, "no JSON\n") }
    return AdminAnswer(status: 200, type: "application/json", text: String(decoding: data, as: UTF8.self) + "\n")
  }
}

/// A configuration as JSON: who runs it wants to see which version of a file is in force.
enum ConfigurationDump {
  static func object(_ proxy: ProxyDescription) -> [String: Any] {
    let clusters = zip(proxy.mesh.clusters, proxy.clusters).map { cluster, real -> [String: Any] in
      [
        "name": cluster.name, "protocol": cluster.transport.rawValue, "balancer": cluster.balancer.name,
        "connect_timeout_ms": cluster.connectTimeout.milliseconds,
        "endpoints": real.servers.map { ["address": $0.address.description, "weight": Int($0.weight)] },
        "outlier_detection": cluster.outlierDetection != nil, "failure_accrual": cluster.failureAccrual != nil,
        "health_check": cluster.healthCheck != nil,
      ]
    }
    let routes = proxy.mesh.routes.map { route -> [String: Any] in
      [
        "host": route.match.host, "path": "\(route.match.path)", "timeout_ms": route.timeout?.milliseconds ?? 0,
        "retries": Int(route.retry?.attempts ?? 0),
        "split": route.split.map { ["cluster": name($0.cluster, proxy), "weight": Int($0.weight)] as [String: Any] },
      ]
    }
    return [
      "profile": proxy.mesh.profile.rawValue, "clusters": clusters, "routes": routes,
      "listeners": proxy.listeners.map { ["address": $0.address.description, "protocol": $0.transport.rawValue] },
    ]
  }

  private static func name(_ destination: Int, _ proxy: ProxyDescription) -> String {
    if destination < 0 { return "" }
    let aggregate = destination - proxy.mesh.clusters.count
    return aggregate < 0 ? proxy.mesh.clusters[destination].name : proxy.mesh.aggregates[aggregate].name
  }
}
