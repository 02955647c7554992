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
  var key: String?
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
      case (10, 0x6b), (7, 0x75), (14, 0x68), (16, 0x70), (18, 0x70), (19, 0x70):
        if Self.others.contains(name.lowercased()) { hopByHop.append(name) }
      case (15, 0x78) where name.lowercased() == "x-forwarded-for":
        forwardedFor = forwardedFor.map { "\($0),\(value)" } ?? value
      case (17, 0x78) where name.lowercased() == "x-forwarded-proto": hasForwardedProtocol = true
      case (12, 0x78) where name.lowercased() == "x-request-id": hasRequestID = true
      case (10, 0x78) where name.lowercased() == "x-weir-key": key = value
      default: break
      }
    }
  }

  private static let others: Set<String> = [
    "keep-alive", "upgrade", "http2-settings", "proxy-connection", "proxy-authenticate", "proxy-authorization",
  ]

  /// Takes out what ends at this hop (RFC 9110, 7.6.1).
  func removeHopByHop(from headers: inout HTTPHeaders) {
    for name in hopByHop { headers.remove(name: name) }
    for value in connection {
      for name in value.split(separator: ",") {
        let named = name.drop { $0 == " " }
        if named.isEmpty || named.lowercased() == "close" || named.lowercased() == "keep-alive" { continue }
        headers.remove(name: String(named.prefix { $0 != " " }))
      }
    }
  }
}

enum Forwarding {
  /// A request's head as endpoints get it.
  static func request(
    _ head: HTTPRequestHead, _ survey: HeadSurvey, from address: String?, id: @autoclosure () -> String
  ) -> HTTPRequestHead {
    var result = head
    result.version = .http1_1
    survey.removeHopByHop(from: &result.headers)
    if !survey.codings.isEmpty { result.headers.add(name: "transfer-encoding", value: "chunked") }
    if survey.takesTrailers { result.headers.add(name: "te", value: "trailers") }
    if let address {
      if let before = survey.forwardedFor {
        result.headers.replaceOrAdd(name: "x-forwarded-for", value: "\(before),\(address)")
      } else {
        result.headers.add(name: "x-forwarded-for", value: address)
      }
    }
    if !survey.hasForwardedProtocol { result.headers.add(name: "x-forwarded-proto", value: "http") }
    if !survey.hasRequestID { result.headers.add(name: "x-request-id", value: id()) }
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
