// gRPC's way of saying how a call ended, for calls that the proxy answers itself or hands on.

import NIOHTTP1

/// gRPC's statuses for HTTP's (grpc, doc/http-grpc-status-mapping.md).
enum GRPCStatus {
  /// Takes the fields out of an answer's head that come behind its messages. An answer without messages may say all in one head that ends
  /// its stream; the codec here cannot write such a head, and clients take a head and trailers for the same (gRPC over HTTP/2, Responses).
  static func takeTrailers(from headers: inout HTTPHeaders) -> HTTPHeaders {
    var trailers = HTTPHeaders()
    for (name, value) in headers where name.lowercased() != "content-type" { trailers.add(name: name, value: value) }
    headers = HTTPHeaders(headers.filter { $0.name.lowercased() == "content-type" }.map { ($0.name, $0.value) })
    return trailers
  }

  /// The code for an HTTP status that is not an answer of gRPC.
  static func code(ofHTTP status: Int) -> Int {
    switch status {
    case 400: 13
    case 401: 16
    case 403: 7
    case 404: 12
    case 429, 502, 503, 504: 14
    default: 2
    }
  }
}
