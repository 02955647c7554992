// What is told of a request, or of one try of it: a span, with the attributes that OpenTelemetry's conventions for HTTP name
// (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).

import DataPlane
import MeshConfiguration
import MeshCore

/// A span that is over. It holds what its request already had; text is made of it later, elsewhere.
struct Span: Sendable {
  var context: TraceContext
  /// The span above it; 0 for none.
  var parent: UInt64
  /// Nanoseconds since 1970.
  var began: Int64
  var ended: Int64
  var method: String
  /// Path and query.
  var target: String
  /// As the client named it.
  var host: String
  var scheme: String
  /// 0 for none.
  var status: Int
  /// Why it failed, where no status says so.
  var error: String?
  var side: Side

  /// What only one kind of span has.
  enum Side: Sendable {
    /// The request as the client sees it.
    case server(version: String, client: String?, agent: String?, route: Int32, cause: String?)
    /// A try at an endpoint; `resends` counts the tries before.
    case client(endpoint: SocketName?, cluster: String, kind: AttemptKind, resends: Int)
  }
}

/// Spans as OTLP in JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): names in hexadecimal, 64-bit numbers as text.
enum OTLPText {
  /// A request to export `spans`.
  static func text(_ spans: [Span], service: String) -> String {
    var text = "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
    text += attribute("service.name", text: service)
    text += "]},\"scopeSpans\":[{\"scope\":{\"name\":\"weir-proxy\"},\"spans\":["
    for (place, span) in spans.enumerated() {
      if place > 0 { text += "," }
      append(span, to: &text)
    }
    return text + "]}]}]}"
  }

  private static func append(_ span: Span, to text: inout String) {
    text += "{\"traceId\":\""
    Hex.append(span.context.high, to: &text)
    Hex.append(span.context.low, to: &text)
    text += "\",\"spanId\":\""
    Hex.append(span.context.span, to: &text)
    if span.parent != 0 {
      text += "\",\"parentSpanId\":\""
      Hex.append(span.parent, to: &text)
    }
    text += "\",\"flags\":1,\"name\":\(JSONValue.text(span.method).text)"
    text += ",\"startTimeUnixNano\":\"\(span.began)\",\"endTimeUnixNano\":\"\(span.ended)\",\"attributes\":["
    text += attribute("http.request.method", text: span.method)
    if span.status > 0 { text += "," + attribute("http.response.status_code", number: span.status) }
    let least: Int
    switch span.side {
    case .server(let version, let client, let agent, let route, let cause):
      least = 500
      let (path, query) = parts(span.target)
      text += "," + attribute("url.path", text: path)
      if let query { text += "," + attribute("url.query", text: query) }
      text += "," + attribute("url.scheme", text: span.scheme)
      let name = SocketName(span.host)
      if !span.host.isEmpty { text += "," + attribute("server.address", text: name?.host ?? span.host) }
      if let port = name?.port { text += "," + attribute("server.port", number: port) }
      text += "," + attribute("network.protocol.version", text: version)
      if let client { text += "," + attribute("client.address", text: client) }
      if let agent { text += "," + attribute("user_agent.original", text: agent) }
      if route >= 0 { text += "," + attribute("weir.route", number: Int(route)) }
      if let cause { text += "," + attribute("weir.cause", text: cause) }
    case .client(let endpoint, let cluster, let kind, let resends):
      least = 400
      if let endpoint {
        text += "," + attribute("server.address", text: endpoint.host)
        text += "," + attribute("server.port", number: endpoint.port)
        text += "," + attribute("url.full", text: "\(span.scheme)://\(endpoint)\(span.target)")
      }
      if resends > 0 { text += "," + attribute("http.request.resend_count", number: resends) }
      text += "," + attribute("weir.cluster", text: cluster)
      text += "," + attribute("weir.attempt", text: "\(kind)")
    }
    let error = span.error ?? (span.status >= least ? String(span.status) : nil)
    if let error { text += "," + attribute("error.type", text: error) }
    text += "],\"kind\":\(least == 500 ? 2 : 3),\"status\":{\(error == nil ? "" : "\"code\":2")}}"
  }

  private static func parts(_ target: String) -> (path: String, query: String?) {
    guard let mark = target.firstIndex(of: "?") else { return (target, nil) }
    return (String(target[..<mark]), String(target[target.index(after: mark)...]))
  }

  private static func attribute(_ key: String, text: String) -> String {
    "{\"key\":\"\(key)\",\"value\":{\"stringValue\":\(JSONValue.text(text).text)}}"
  }

  private static func attribute(_ key: String, number: Int) -> String {
    "{\"key\":\"\(key)\",\"value\":{\"intValue\":\"\(number)\"}}"
  }
}
