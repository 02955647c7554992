// Heads as they go on: without what concerns one hop alone, with what a proxy says of itself.
//
// A head is looked through once, and left as it is where nothing has to go: most fields are told from those that matter by the length of
// their name and its first letter.

import NIOCore
import NIOHTTP1

/// What a request's head says that a proxy goes by.
struct HeadSurvey {
  var hosts = 0
  var host = ""
  var lengths: [String] = []
  var codings: [String] = []
  /// Fields that concern one hop, beside those that `Connection` names.
  var hopByHop: [String] = []
  var connection: [String] = []
  var takesTrailers = false
  var forwardedFor: String?
  var hasForwardedProtocol = false
  var hasRequestID = false
  private var contentType: String?
  var key: String?
  /// The protocol that the connection should change to, where the client asks for one.
  var upgrade: String?
  var bytes = 0

  /// Looks through a head.
  init(_ headers: HTTPHeaders) {
    for (name, value) in headers {
      bytes += name.utf8.count + value.utf8.count + 4
      switch (name.utf8.count, (name.utf8.first ?? 0) | 0x20) {
      case (4, 0x68) where name.lowercased() == "host":
        hosts += 1
        host = value
      case (14, 0x63) where name.lowercased() == "content-length": lengths.append(value)
      case (17, 0x74) where name.lowercased() == "transfer-encoding":
        codings.append(value)
        hopByHop.append(name)
      case (10, 0x63) where name.lowercased() == "connection":
        connection.append(value)
        hopByHop.append(name)
      case (2, 0x74) where name.lowercased() == "te":
        if value.lowercased().contains("trailers") { takesTrailers = true }
        hopByHop.append(name)
      case (7, 0x75) where name.lowercased() == "upgrade":
        upgrade = value
        hopByHop.append(name)
      case (23, 0x78) where name.lowercased() == "x-forwarded-client-cert": hopByHop.append(name)
      case (10, 0x6b), (14, 0x68), (16, 0x70), (18, 0x70), (19, 0x70):
        if Self.others.contains(name.lowercased()) { hopByHop.append(name) }
      case (15, 0x78) where name.lowercased() == "x-forwarded-for":
        forwardedFor = forwardedFor.map { "\($0),\(value)" } ?? value
      case (17, 0x78) where name.lowercased() == "x-forwarded-proto": hasForwardedProtocol = true
      case (12, 0x63) where name.lowercased() == "content-type": contentType = contentType ?? value
      case (12, 0x78) where name.lowercased() == "x-request-id": hasRequestID = true
      case (10, 0x78) where name.lowercased() == "x-weir-key": key = value
      default: break
      }
    }
  }

  private static let others: Set<String> = [
    "keep-alive", "http2-settings", "proxy-connection", "proxy-authenticate", "proxy-authorization",
  ]

  /// Whether it begins a call of gRPC.
  var isCall: Bool { contentType?.hasPrefix("application/grpc") == true }

  /// Whether the client asks to go on with WebSocket (RFC 6455, 4.1).
  var asksForWebSocket: Bool {
    upgrade?.lowercased() == "websocket"
      && connection.contains { $0.lowercased().split(separator: ",").contains { $0.filter { $0 != " " } == "upgrade" } }
  }

  private static let framing: Set<String> = ["close", "keep-alive", "content-length", "transfer-encoding", "host"]

  /// Whether the client calls a field that frames the message or says whom it is for one of this hop alone.
  var hidesFraming: Bool {
    connection.contains { value in
      value.lowercased().split(separator: ",").contains { name in
        ["content-length", "transfer-encoding", "host"].contains(String(name.filter { $0 != " " && $0 != "\t" }))
      }
    }
  }

  /// Takes out what ends at this hop (RFC 9110, 7.6.1).
  func removeHopByHop(from headers: inout HTTPHeaders) {
    for name in hopByHop { headers.remove(name: name) }
    for value in connection {
      for name in value.split(separator: ",") {
        let named = name.drop { $0 == " " }
        // What frames a message and says whom it is for ends nowhere, whatever is said of it.
        if named.isEmpty || Self.framing.contains(String(named.prefix { $0 != " " }).lowercased()) { continue }
        headers.remove(name: String(named.prefix { $0 != " " }))
      }
    }
  }
}

enum Forwarding {
  /// A request's head as endpoints get it.
  static func request(
    _ head: HTTPRequestHead, _ survey: HeadSurvey, from client: ClientConnection, id: @autoclosure () -> String
  ) -> HTTPRequestHead {
    var result = head
    result.version = .http1_1
    survey.removeHopByHop(from: &result.headers)
    if !survey.codings.isEmpty { result.headers.add(name: "transfer-encoding", value: "chunked") }
    if survey.asksForWebSocket {
      result.headers.add(name: "connection", value: "upgrade")
      result.headers.add(name: "upgrade", value: "websocket")
    }
    if survey.takesTrailers { result.headers.add(name: "te", value: "trailers") }
    if let address = client.address {
      if let before = survey.forwardedFor {
        result.headers.replaceOrAdd(name: "x-forwarded-for", value: "\(before),\(address)")
      } else {
        result.headers.add(name: "x-forwarded-for", value: address)
      }
    }
    if !survey.hasForwardedProtocol {
      result.headers.add(name: "x-forwarded-proto", value: client.isTLS ? "https" : "http")
    }
    if client.isTLS, let name = client.identities.first {
      result.headers.add(name: "x-forwarded-client-cert", value: (name.contains(":") ? "URI=" : "DNS=") + name)
    }
    if !survey.hasRequestID { result.headers.add(name: "x-request-id", value: id()) }
    return result
  }

  /// A request's head as an attempt sends it.
  static func head(of attempt: Attempt) -> HTTPRequestHead {
    let head = attempt.kind == .mirror ? shadow(attempt.exchange.head) : attempt.exchange.head
    if !attempt.world.description.includesAttemptCount { return head }
    var result = head
    // Envoy's own (include_request_attempt_count), and which of its kind it is: `retry 1`, `hedge 1`, `mirror 1`.
    result.headers.replaceOrAdd(name: "x-envoy-attempt-count", value: String(attempt.place))
    result.headers.remove(name: "x-weir-attempt")
    if attempt.kind != .first { result.headers.add(name: "x-weir-attempt", value: "\(attempt.kind) \(attempt.number)") }
    return result
  }

  /// A head as mirrors get it: its host says that it is a copy (Envoy, router/shadow_writer_impl.cc).
  static func shadow(_ head: HTTPRequestHead) -> HTTPRequestHead {
    guard let host = head.headers.first(name: "host") else { return head }
    var result = head
    let colon = host.last == "]" ? nil : host.lastIndex(of: ":")
    let end = colon ?? host.endIndex
    result.headers.replaceOrAdd(name: "host", value: "\(host[..<end])-shadow\(host[end...])")
    return result
  }

  /// A request's trailers as endpoints get them: without what frames messages, says whom they are for, or who asks. Some servers read
  /// trailers as if they had stood in the head (RFC 9110, 6.5.1).
  static func trailers(_ trailers: HTTPHeaders?) -> HTTPHeaders? {
    guard let trailers else { return nil }
    let passing = trailers.filter { name, _ in
      let name = name.lowercased()
      return !name.hasPrefix("x-forwarded-") && !notInTrailers.contains(name)
    }
    return passing.isEmpty ? nil : HTTPHeaders(passing.map { ($0.name, $0.value) })
  }

  private static let notInTrailers: Set<String> = [
    "content-length", "transfer-encoding", "host", "connection", "te", "trailer", "upgrade", "keep-alive",
    "authorization", "cookie",
    "set-cookie", "content-encoding", "content-type", "content-range", "expect", "cache-control", "x-request-id",
    "proxy-authorization",
  ]

  /// An answer's headers as clients get them.
  static func response(_ headers: HTTPHeaders) -> HTTPHeaders {
    let survey = HeadSurvey(headers)
    if survey.hopByHop.isEmpty { return headers }
    var result = headers
    survey.removeHopByHop(from: &result)
    // The length of a body in chunks is not known at this side either.
    if !survey.codings.isEmpty { result.add(name: "transfer-encoding", value: "chunked") }
    return result
  }
}
