// A Kubernetes service's EndpointSlices, by list and watch: all slices first, with the version of the world they are of, then every
// change since that version (https://kubernetes.io/docs/reference/using-api/api-concepts/, "Efficient detection of changes").
//
// A watch ends by itself after a while, which finds dead connections, and goes on from the version seen last; bookmarks carry that on where
// nothing changes. Only when the server has forgotten the version (410) is everything listed again. Failures wait, longer each time.

import AsyncHTTPClient
import Foundation
import MeshConfiguration
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL

/// Follows a service's slices.
struct SliceSource: ServerSource {
  private let source: KubernetesSource
  private let backoff: Backoff
  /// Seconds after which the server ends a watch.
  private let span: Int
  /// Slices in one page of a list.
  private let page: Int

  init(_ source: KubernetesSource, backoff: Backoff = Backoff(), span: Int = 60, page: Int = 500) {
    self.source = source
    self.backoff = backoff
    self.span = span
    self.page = page
  }

  private static let account = "/var/run/secrets/kubernetes.io/serviceaccount/"

  func follow(_ report: @escaping @Sendable (SourceReport) -> Void) async {
    var backoff = backoff
    var state = SliceState()
    var client: HTTPClient?
    while !Task.isCancelled {
      let began = ContinuousClock.now
      do {
        let current = try client ?? HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration())
        client = current
        try await turn(current, &state, report)
        // A server that ends each watch at once must not be asked without a pause.
        if ContinuousClock.now - began > .seconds(1) {
          backoff.reset()
          continue
        }
      } catch let fault as SliceFault where fault.isGone {
        state.version = nil
        if ContinuousClock.now - began > .seconds(1) { backoff.reset() }
      } catch {
        // What its files say of authorities may have changed: the next client reads them anew.
        Self.end(client)
        client = nil
        if Task.isCancelled { return }
        if ContinuousClock.now - began > .seconds(10) { backoff.reset() }
        report(.fault("\(source.service): \(Self.words(error))"))
      }
      try? await Task.sleep(for: backoff.wait())
    }
    Self.end(client)
  }

  /// Ends a client's connections, without waiting for the other side.
  private static func end(_ client: HTTPClient?) { Task { try? await client?.shutdown() } }

  /// Lists where nothing is known, then watches until the server ends it.
  private func turn(
    _ client: HTTPClient, _ state: inout SliceState, _ report: @escaping @Sendable (SourceReport) -> Void
  ) async throws {
    if state.version == nil { try await list(client, &state) }
    // Also after a failure that was told: the list is known again.
    report(.servers(SliceMerge.servers(state.slices, port: source.port)))
    try await watch(client, &state, report)
  }

  private func list(_ client: HTTPClient, _ state: inout SliceState) async throws {
    var slices: [EndpointSlice] = []
    var next: String?
    repeat {
      let asked = [("limit", String(page))] + (next.map { [("continue", $0)] } ?? [])
      let response = try await client.execute(request(asked), timeout: .seconds(15))
      let body = try await response.body.collect(upTo: 1 << 26)
      if response.status != .ok { throw SliceFault(status: response.status, body: body) }
      let list = try JSONDecoder().decode(SliceList.self, from: body)
      slices += list.items ?? []
      next = list.metadata.continue.flatMap { $0.isEmpty ? nil : $0 }
      if next == nil { state.replace(slices, version: list.metadata.resourceVersion ?? "0") }
    } while next != nil
  }

  private func watch(
    _ client: HTTPClient, _ state: inout SliceState, _ report: @escaping @Sendable (SourceReport) -> Void
  ) async throws {
    let asked = [
      ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", state.version ?? "0"),
      ("timeoutSeconds", String(span)),
    ]
    let response = try await client.execute(request(asked), deadline: .now() + .seconds(Int64(span) + 15))
    if response.status != .ok {
      throw SliceFault(status: response.status, body: try await response.body.collect(upTo: 1 << 20))
    }
    var rest = ByteBuffer()
    for try await var part in response.body {
      try Task.checkCancellation()
      rest.writeBuffer(&part)
      var hasChanged = false
      while let end = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
        guard let line = rest.readSlice(length: end - rest.readerIndex + 1) else { break }
        if line.readableBytes > 1 { hasChanged = try state.take(line) || hasChanged }
      }
      if rest.readableBytes > 1 << 26 { throw SliceFault(code: 0, message: "an event without an end") }
      rest.discardReadBytes()
      if hasChanged { report(.servers(SliceMerge.servers(state.slices, port: source.port))) }
    }
  }

  // MARK: - Requests

  private func request(_ asked: [(String, String)]) throws -> HTTPClientRequest {
    let server = source.server ?? "https://kubernetes.default.svc"
    let base = server.hasSuffix("/") ? String(server.dropLast()) : server
    let named = source.namespace ?? text(of: Self.account + "namespace") ?? "default"
    var url = "\(base)/apis/discovery.k8s.io/v1/namespaces/\(named)/endpointslices"
    url += "?labelSelector=kubernetes.io%2Fservice-name%3D\(source.service)"
    for (name, value) in asked {
      let value = value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? value
      url += "&\(name)=\(value)"
    }
    var request = HTTPClientRequest(url: url)
    request.headers.add(name: "accept", value: "application/json")
    request.headers.add(name: "user-agent", value: "weir-proxy")
    if let token = try token() { request.headers.add(name: "authorization", value: "Bearer \(token)") }
    return request
  }

  /// The token, read anew: Kubernetes replaces tokens long before they end.
  private func token() throws -> String? {
    if let token = source.token { return token }
    if let path = source.tokenFile {
      guard let token = text(of: path) else {
        throw SliceFault(code: 0, message: "\(path) cannot be read; expected a token")
      }
      return token
    }
    return text(of: Self.account + "token")
  }

  private func text(of path: String) -> String? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return text.isEmpty ? nil : text
  }

  private func configuration() throws -> HTTPClient.Configuration {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let path = source.authorityFile ?? (text(of: Self.account + "ca.crt").map { _ in Self.account + "ca.crt" }) {
      do {
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
      } catch {
        throw SliceFault(code: 0, message: "\(path) cannot be read; expected certificates in PEM (\(error))")
      }
    }
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    configuration.timeout = .init(connect: .seconds(5), read: .seconds(Int64(span) + 15))
    // What an answer redirects to would get the token.
    configuration.redirectConfiguration = .disallow
    return configuration
  }

  private static func words(_ error: any Error) -> String {
    if let fault = error as? SliceFault { return fault.message }
    if let fault = error as? DecodingError { return "an answer that is no list or event of EndpointSlices: \(fault)" }
    return "\(error)"
  }
}

/// The slices that are known.
private struct SliceState {
  private var byName: [String: EndpointSlice] = [:]
  /// What the slices are as of; nil when they have to be listed.
  var version: String?

  /// In the order of their names.
  var slices: [EndpointSlice] { byName.sorted { $0.key < $1.key }.map(\.value) }

  mutating func replace(_ slices: [EndpointSlice], version: String) {
    byName = [:]
    for slice in slices { byName[slice.metadata.name ?? ""] = slice }
    self.version = version
  }

  /// Takes an event in. Returns whether it changes a slice.
  mutating func take(_ line: ByteBuffer) throws -> Bool {
    let kind = try JSONDecoder().decode(SliceEventKind.self, from: line)
    if kind.type == "ERROR" {
      let status = try JSONDecoder().decode(SliceEvent<SliceStatus>.self, from: line).object
      throw SliceFault(code: status.code ?? 0, message: status.message ?? "the watch ends with an error")
    }
    let slice = try JSONDecoder().decode(SliceEvent<EndpointSlice>.self, from: line).object
    if let seen = slice.metadata.resourceVersion { version = seen }
    switch kind.type {
    case "ADDED", "MODIFIED": byName[slice.metadata.name ?? ""] = slice
    case "DELETED": byName[slice.metadata.name ?? ""] = nil
    default: return false
    }
    return true
  }
}

private struct SliceList: Decodable {
  struct Metadata: Decodable {
    var resourceVersion: String?
    var `continue`: String?
  }

  var metadata: Metadata
  var items: [EndpointSlice]?
}

private struct SliceEventKind: Decodable {
  var type: String
}

private struct SliceEvent<Object: Decodable>: Decodable {
  var object: Object
}

private struct SliceStatus: Decodable {
  var code: Int?
  var message: String?
}

/// What an API server said in place of slices.
private struct SliceFault: Error {
  var code: Int
  var message: String

  init(code: Int, message: String) {
    self.code = code
    self.message = message
  }

  init(status: HTTPResponseStatus, body: ByteBuffer) {
    code = Int(status.code)
    let said = (try? JSONDecoder().decode(SliceStatus.self, from: body))?.message
    message = "the API server answers \(status.code): \(said ?? status.reasonPhrase)"
  }

  /// Whether the server has forgotten the version that was asked for.
  var isGone: Bool { code == 410 }
}
