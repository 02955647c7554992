// The admin port: what people, Prometheus and Kubernetes ask a proxy.
//
//   /ready /live      200, or 503 while it drains
//   /metrics          counts for Prometheus
//   /config_dump      what it runs, as JSON
//   /endpoints        each endpoint's load, and why it gets nothing where it does
//   /explain?last=20  the last decisions, with what they were taken on
//   /stats            counts and endpoints as JSON, for the page
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
      let uri = head.uri
      let (isHead, keepsAlive) = (head.method == .HEAD, head.isKeepAlive)
      context.eventLoop.makeFutureWithTask { await AdminAnswer.answer(uri, of: server) }.whenSuccess { answer in
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

  static func answer(_ uri: String, of server: ProxyServer) async -> AdminAnswer {
    switch String(uri.prefix { $0 != "?" }) {
    case "/": return AdminAnswer(status: 200, type: "text/html; charset=utf-8", text: StatusPage.text)
    case "/ready": return server.isReady ? plain(200, "ready\n") : plain(503, "draining\n")
    case "/live": return plain(200, "live\n")
    case "/metrics":
      return AdminAnswer(
        status: 200, type: "text/plain; version=0.0.4; charset=utf-8", text: await server.metricsText())
    case "/endpoints": return json(["endpoints": await server.endpointRows().map(\.object)])
    case "/stats": return json(await server.report().object)
    case "/explain": return await explain(uri, of: server)
    case "/config_dump": return json(ConfigurationDump.object(server.description))
    default:
      return plain(
        404, "not here; expected one of /, /ready, /live, /metrics, /endpoints, /explain, /stats, /config_dump\n")
    }
  }

  private static func explain(_ uri: String, of server: ProxyServer) async -> AdminAnswer {
    var last = 20
    for pair in uri.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") where pair.hasPrefix("last=") {
      guard let count = Int(pair.dropFirst(5)), (1...10_000).contains(count) else {
        return plain(400, "\(pair) is no count; expected last=1 to last=10000\n")
      }
      last = count
    }
    let notes = await server.explain(last: last)
    var object: [String: Any] = ["decisions": notes.map(\.object)]
    if notes.isEmpty {
      object["note"] =
        "nothing has been kept yet; decisions are kept from now on, for a minute where mesh.proxy.explain is 0"
    }
    return json(object)
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
        "health_check": cluster.healthCheck != nil, "discovery": source(real.discovery),
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

  private static func source(_ discovery: ServerDiscovery?) -> String {
    switch discovery {
    case nil: ""
    case .file(let path, _): "file \(path)"
    case .dns(let name, _): "dns \(name)"
    case .kubernetes(let source): "kubernetes \(source.namespace.map { "\($0)/" } ?? "")\(source.service)"
    }
  }

  private static func name(_ destination: Int, _ proxy: ProxyDescription) -> String {
    if destination < 0 { return "" }
    let aggregate = destination - proxy.mesh.clusters.count
    return aggregate < 0 ? proxy.mesh.clusters[destination].name : proxy.mesh.aggregates[aggregate].name
  }
}
