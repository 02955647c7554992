// A Kubernetes API server as far as EndpointSlices go: discovery of what it serves, list in pages, watch with bookmarks, versions that it
// forgets, tokens, over TLS. A stand-in only: `KubectlTests` has the real kubectl accept it before the proxy is judged by it.

import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// One endpoint of a slice.
struct StandInEndpoint {
  var address: String
  var zone: String?
  var ready: Bool? = true
  var serving: Bool?
  var terminating: Bool?

  var object: [String: Any] {
    var conditions: [String: Any] = [:]
    conditions["ready"] = ready
    conditions["serving"] = serving
    conditions["terminating"] = terminating
    var object: [String: Any] = ["addresses": [address], "conditions": conditions]
    object["zone"] = zone
    return object
  }
}

/// An API server on a port of its own. Safe to use from anywhere.
final class StandInAPIServer: Sendable {
  struct State {
    var version = 100
    /// By name, as JSON.
    var slices: [String: String] = [:]
    /// What has happened, oldest first.
    var events: [(version: Int, line: String)] = []
    /// Versions up to this one are forgotten.
    var forgotten = 100
    var watches: [Int: @Sendable (String?) -> Void] = [:]
    var nextWatch = 0
    /// What was asked for.
    var requests: [String] = []
    /// Answered to the next requests in place of what they ask for.
    var refusals: [Int] = []
    var token = "letmein"
  }

  let port: Int
  private let channel: any Channel
  private let state: NIOLockedValueBox<State>

  static func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)").path
  }

  init() async throws {
    let state = NIOLockedValueBox(State())
    self.state = state
    let certificates = try NIOSSLCertificate.fromPEMFile(Self.fixture("server.pem")).map(
      NIOSSLCertificateSource.certificate)
    let key = try NIOSSLPrivateKey(file: Self.fixture("server.key"), format: .pem)
    let tls = try NIOSSLContext(
      configuration: .makeServerConfiguration(certificateChain: certificates, privateKey: .privateKey(key)))
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(StandInHandler(state))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  var address: String { "https://127.0.0.1:\(port)" }

  /// What has been asked for so far, methods left out.
  var requests: [String] { state.withLockedValue { $0.requests } }

  /// Watches that are open.
  var watches: Int { state.withLockedValue { $0.watches.count } }

  /// Makes a slice, or another one of it.
  func put(
    _ name: String, _ endpoints: [StandInEndpoint], service: String = "web", family: String = "IPv4",
    ports: [(name: String, port: Int)]
  ) {
    state.withLockedValue { state in
      let isNew = state.slices[name] == nil
      state.version += 1
      let object: [String: Any] = [
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
        "metadata": [
          "name": name, "namespace": "shop", "resourceVersion": String(state.version), "uid": "uid-\(name)",
          "creationTimestamp": "2026-01-01T00:00:00Z", "labels": ["kubernetes.io/service-name": service],
        ] as [String: Any],
        "endpoints": endpoints.map(\.object),
        "ports": ports.map { ["name": $0.name, "port": $0.port, "protocol": "TCP"] as [String: Any] },
      ]
      let text = Self.json(object)
      state.slices[name] = text
      Self.tell(isNew ? "ADDED" : "MODIFIED", text, &state)
    }
  }

  func remove(_ name: String) {
    state.withLockedValue { state in
      guard let text = state.slices.removeValue(forKey: name) else { return }
      state.version += 1
      Self.tell("DELETED", text, &state)
    }
  }

  /// Tells watches how far the world is.
  func bookmark() {
    state.withLockedValue { state in
      let object =
        "{\"kind\":\"EndpointSlice\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"\(state.version)\",\"creationTimestamp\":null},\"endpoints\":null,\"ports\":null,\"addressType\":\"\"}"
      let line = "{\"type\":\"BOOKMARK\",\"object\":\(object)}\n"
      for watch in state.watches.keys.sorted() { state.watches[watch]?(line) }
    }
  }

  /// Something else changes in the world.
  func age(_ count: Int) { state.withLockedValue { $0.version += count } }

  /// Forgets all versions so far, as etcd does after some minutes; open watches are told so or just cut off.
  func forget(isTold: Bool) {
    state.withLockedValue { state in
      state.events = []
      state.forgotten = state.version
      let gone =
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"too old resource version\",\"reason\":\"Expired\",\"code\":410}}\n"
      for watch in state.watches.keys.sorted() {
        if isTold { state.watches[watch]?(gone) }
        state.watches[watch]?(nil)
      }
      state.watches = [:]
    }
  }

  /// Ends open watches, as the server does after their time.
  func endWatches() {
    state.withLockedValue { state in
      for watch in state.watches.keys.sorted() { state.watches[watch]?(nil) }
      state.watches = [:]
    }
  }

  /// Answers the next requests so.
  func refuse(_ statuses: [Int]) { state.withLockedValue { $0.refusals += statuses } }

  func take(token: String) { state.withLockedValue { $0.token = token } }

  func stop() async {
    endWatches()
    try? await channel.close()
  }

  private static func tell(_ kind: String, _ object: String, _ state: inout State) {
    let line = "{\"type\":\"\(kind)\",\"object\":\(object)}\n"
    state.events.append((state.version, line))
    for watch in state.watches.keys.sorted() { state.watches[watch]?(line) }
  }

  static func json(_ object: [String: Any]) -> String {
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}

private final class StandInHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let state: NIOLockedValueBox<StandInAPIServer.State>
  private var head: HTTPRequestHead?
  private var watch: Int?

  init(_ state: NIOLockedValueBox<StandInAPIServer.State>) { self.state = state }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end: if let head { answer(head, context) }
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if let watch { state.withLockedValue { _ = $0.watches.removeValue(forKey: watch) } }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let parts = URLComponents(string: head.uri)
    let path = parts?.path ?? ""
    var asked: [String: String] = [:]
    for item in parts?.queryItems ?? [] { asked[item.name] = item.value }
    let (refusal, token) = state.withLockedValue { state -> (Int?, String) in
      state.requests.append(head.uri)
      return (state.refusals.isEmpty ? nil : state.refusals.removeFirst(), state.token)
    }
    if let refusal { return fail(refusal, "refused for the test", context) }
    if head.headers.first(name: "authorization") != "Bearer \(token)" { return fail(401, "Unauthorized", context) }
    switch path {
    case "/api":
      write(200, "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":[]}", context)
    case "/api/v1":
      write(200, "{\"kind\":\"APIResourceList\",\"groupVersion\":\"v1\",\"resources\":[]}", context)
    case "/apis":
      let version = "{\"groupVersion\":\"discovery.k8s.io/v1\",\"version\":\"v1\"}"
      write(
        200,
        "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[{\"name\":\"discovery.k8s.io\",\"versions\":[\(version)],\"preferredVersion\":\(version)}]}",
        context)
    case "/apis/discovery.k8s.io/v1":
      write(
        200,
        "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"discovery.k8s.io/v1\",\"resources\":[{\"name\":\"endpointslices\",\"singularName\":\"endpointslice\",\"namespaced\":true,\"kind\":\"EndpointSlice\",\"verbs\":[\"get\",\"list\",\"watch\"]}]}",
        context)
    case "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices":
      if asked["watch"] == "true" || asked["watch"] == "1" { beginWatch(asked, context) } else { list(asked, context) }
    default: fail(404, "the server could not find the requested resource", context)
    }
  }

  private func selected(_ asked: [String: String], _ text: String) -> Bool {
    guard let selector = asked["labelSelector"], let service = selector.split(separator: "=").last else { return true }
    return text.contains("\"kubernetes.io/service-name\":\"\(service)\"")
  }

  private func list(_ asked: [String: String], _ context: ChannelHandlerContext) {
    let (version, slices) = state.withLockedValue { state in
      (state.version, state.slices.sorted { $0.key < $1.key }.map(\.value))
    }
    let all = slices.filter { selected(asked, $0) }
    let start = asked["continue"].flatMap { Int($0.dropFirst("from ".count)) } ?? 0
    let end = min(all.count, start + (asked["limit"].flatMap { Int($0) } ?? 500))
    let next = end < all.count ? ",\"continue\":\"from \(end)\",\"remainingItemCount\":\(all.count - end)" : ""
    write(
      200,
      "{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"\(version)\"\(next)},\"items\":[\(all[min(start, end)..<end].joined(separator: ","))]}",
      context)
  }

  private func beginWatch(_ asked: [String: String], _ context: ChannelHandlerContext) {
    let since = asked["resourceVersion"].flatMap { Int($0) } ?? 0
    let (bound, loop) = (NIOLoopBound(context, eventLoop: context.eventLoop), context.eventLoop)
    let isChosen = NIOLoopBound({ (text: String) in self.selected(asked, text) }, eventLoop: loop)
    let send: @Sendable (String?) -> Void = { line in
      loop.execute {
        guard let line else {
          bound.value.writeAndFlush(NIOAny(HTTPServerResponsePart.end(nil)), promise: nil)
          return
        }
        if line.contains("\"ADDED\"") || line.contains("\"MODIFIED\"") || line.contains("\"DELETED\"") {
          if !isChosen.value(line) { return }
        }
        bound.value.writeAndFlush(
          NIOAny(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: line)))), promise: nil)
      }
    }
    let isGone = state.withLockedValue { state in
      if since != 0 && since < state.forgotten { return true }
      let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["content-type": "application/json"])
      context.writeAndFlush(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
      for event in state.events where event.version > since { send(event.line) }
      watch = state.nextWatch
      state.watches[state.nextWatch] = send
      state.nextWatch += 1
      return false
    }
    if isGone { fail(410, "too old resource version: \(since)", context) }
  }

  private func fail(_ status: Int, _ text: String, _ context: ChannelHandlerContext) {
    write(
      status,
      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"\(text)\",\"code\":\(status)}",
      context)
  }

  private func write(_ status: Int, _ text: String, _ context: ChannelHandlerContext) {
    let body = ByteBuffer(string: text)
    let headers: HTTPHeaders = ["content-type": "application/json", "content-length": String(body.readableBytes)]
    let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
    context.write(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
    context.write(NIOAny(HTTPServerResponsePart.body(.byteBuffer(body))), promise: nil)
    context.writeAndFlush(NIOAny(HTTPServerResponsePart.end(nil)), promise: nil)
  }
}
