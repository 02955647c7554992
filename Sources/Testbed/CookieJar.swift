// The cookies of a load generator's clients, as the lab has their sessions: a session is a client's key, or a closed-loop user where requests
// carry none, and keeps one cookie of each name.

import MeshCore
import NIOHTTP1

/// Everybody's cookies.
struct CookieJar {
  /// A session.
  struct Session: Hashable {
    var client: Int
    var user: UInt64?
    var key: String?

    /// The session of a request; nil where it is of none.
    init?(client: Int, user: UInt64?, key: String?) {
      if user == nil && key == nil { return nil }
      self.client = client
      self.user = key == nil ? user : nil
      self.key = key
    }
  }

  private struct Cookie {
    var name: String
    var value: String
    var expires: Timestamp
  }

  private var cookies: [Session: [Cookie]] = [:]

  /// What a session's request carries at `now`; nil for nothing.
  func header(of session: Session, at now: Timestamp) -> String? {
    let valid = (cookies[session] ?? []).filter { $0.expires > now }
    return valid.isEmpty ? nil : valid.map { "\($0.name)=\($0.value)" }.joined(separator: "; ")
  }

  /// Takes what an answer sets (RFC 6265, section 5.2; of its attributes Max-Age counts).
  mutating func take(_ setCookie: String, of session: Session, at now: Timestamp) {
    let parts = setCookie.split(separator: ";").map { $0.drop { $0 == " " } }
    guard let pair = parts.first, let sign = pair.firstIndex(of: "=") else { return }
    var cookie = Cookie(
      name: String(pair[..<sign]), value: String(pair[pair.index(after: sign)...]),
      expires: Timestamp(nanoseconds: .max))
    for part in parts.dropFirst() where part.lowercased().hasPrefix("max-age=") {
      guard let seconds = Int64(part.dropFirst(8)) else { continue }
      let (span, isBeyond) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
      if !isBeyond { cookie.expires = now + TimeSpan(nanoseconds: span) }
    }
    cookies[session, default: []].removeAll { $0.name == cookie.name }
    cookies[session, default: []].append(cookie)
  }
}
