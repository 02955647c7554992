// Requests that are refused before anybody routes them: what smuggles a second request past a proxy that reads it otherwise than the
// server behind it, and what is no request at all.
//
// The codec refuses bare CR or LF, NUL, obsolete folding and a length beside chunks; here is what it lets pass (RFC 9112, 6.3 and 11.2;
// RFC 9113, 8.2).

import NIOHTTP1

extension HTTPRequestHead {
  /// Whether it is HTTP/1.0, or older.
  var isBeforeHTTP11: Bool { version.major < 1 || (version.major == 1 && version.minor == 0) }
}

enum RequestRules {
  /// Bytes of a head that are read at most.
  static let mostHeaderBytes = 65_536
  /// Fields of a head at most.
  static let mostHeaders = 200

  /// Why a request is refused, if it is.
  static func fault(of head: HTTPRequestHead, _ survey: HeadSurvey, isMultiplexed: Bool) -> (status: Int, text: String)?
  {
    // HTTP/2 carries any byte; in HTTP/1.1, which the next hop may speak, some end a line.
    if isMultiplexed && (hasControls(head.headers) || hasControls(head.uri) || head.uri.contains(" ")) {
      return (400, "control characters")
    }
    if head.headers.count > mostHeaders { return (431, "too many header fields") }
    if survey.bytes + head.uri.utf8.count > mostHeaderBytes { return (431, "request header fields too large") }
    if survey.hidesFraming { return (400, "a connection field that hides the message's frame") }
    if head.method == .TRACE && !(survey.lengths.isEmpty && survey.codings.isEmpty) { return (400, "a body of TRACE") }
    if survey.hosts > 1 { return (400, "more than one host") }
    if survey.hosts == 0 && !head.isBeforeHTTP11 { return (400, "no host") }
    if let coding = survey.codings.first {
      if !survey.lengths.isEmpty { return (400, "a length and a transfer coding") }
      if survey.codings.count > 1 || coding.lowercased() != "chunked" {
        return (501, "a transfer coding that is not chunked")
      }
      if head.isBeforeHTTP11 { return (400, "a transfer coding in HTTP/1.0") }
    }
    if let length = survey.lengths.first {
      if survey.lengths.count > 1 { return (400, "more than one length") }
      if length.isEmpty || !length.utf8.allSatisfy({ (48...57).contains($0) }) || Int(length) == nil {
        return (400, "a length that is no number")
      }
    }
    return nil
  }

  /// Whether any field has a character that HTTP/1.1 cannot carry.
  static func hasControls(_ headers: HTTPHeaders) -> Bool {
    headers.contains { name, value in
      hasControls(value) || name.isEmpty || hasControls(name) || name.utf8.contains { $0 == 0x20 || $0 == 0x3a }
    }
  }

  private static func hasControls(_ text: String) -> Bool {
    text.utf8.contains { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7f }
  }

  /// What a client is told whose bytes are no request; nil for an error that is none of its making.
  static func answer(to error: any Error) -> (status: Int, text: String)? {
    guard let error = error as? HTTPParserError else { return nil }
    switch error {
    case .headerOverflow: return (431, "request header fields too large")
    case .invalidVersion: return (505, "a version that is not spoken here")
    case .invalidEOFState, .closedConnection: return nil
    default: return (400, "no valid request")
    }
  }
}
