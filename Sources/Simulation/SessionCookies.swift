// The cookies by which clients name the endpoint that served them, as Envoy's stateful sessions give them out.
//
// A session is a client's key, or a closed-loop user where requests carry none. Its cookie names the endpoint of the last answer;
// it is set when an answer comes from another endpoint than the cookie named, and not renewed by others, so it expires a fixed
// time after it was set. Cookies are the client's: they are good at each of its data planes. As a browser does, it keeps one of
// each name for each host (RFC 6265, without a domain): routes of one host that call their cookies alike share them.

import MeshCore

/// A client's session.
struct ClientSession: Hashable, BitwiseCopyable {
  var client: Int32
  var key: UInt64
}

/// A request of a session under way.
struct SessionRequest: BitwiseCopyable {
  var session: ClientSession
  /// Which of the session's cookies it is about.
  var jar: Int32
  /// What its cookie named, or -1.
  var named: Int32
  /// The endpoint that it was sent to last, or -1.
  var sentTo: Int32
  /// How long a cookie holds; 0 for the session's whole life, below 0 for a request of no session.
  var ttl: Int64
}

/// All cookies of all clients. Complexity: O(1) a request; a cookie for each session that has had an answer.
struct SessionCookies {
  private struct Cookie: BitwiseCopyable {
    var endpoint: Int32
    var expires: Int64
  }

  /// A session's cookie of one host and name.
  private struct CookieKey: Hashable {
    var session: ClientSession
    var jar: Int32
  }

  /// Whether any route has sessions.
  let isOn: Bool
  /// By route: how long a cookie holds, or -1 where there are none.
  private let ttls: [Int64]
  /// By route: the number of its host and its cookie's name.
  private let jars: [Int32]
  private var cookies: [CookieKey: Cookie] = [:]
  /// By call.
  private var requests: [SessionRequest] = []

  init(_ routes: [RouteDescription]) {
    ttls = routes.map { $0.statefulSession.map { $0.ttl.nanoseconds } ?? -1 }
    isOn = routes.contains { $0.statefulSession != nil }
    var known: [(host: String, name: String)] = []
    jars = routes.map { route in
      guard let name = route.statefulSession?.cookie else { return -1 }
      let jar = known.firstIndex { $0.host == route.match.host && $0.name == name } ?? known.count
      if jar == known.count { known.append((route.match.host, name)) }
      return Int32(truncatingIfNeeded: jar)
    }
  }

  /// A request of a session goes out as `call`. Returns the endpoint that its cookie names, or -1.
  mutating func begin(call: Int32, route: Int32, _ session: ClientSession, at now: Int64) -> Int32 {
    let ttl = route >= 0 ? ttls[Int(route)] : -1
    var named: Int32 = -1
    let jar = ttl >= 0 ? jars[Int(route)] : -1
    let key = CookieKey(session: session, jar: jar)
    if ttl >= 0, let cookie = cookies[key] {
      if cookie.expires > now { named = cookie.endpoint } else { cookies[key] = nil }
    }
    note(SessionRequest(session: session, jar: jar, named: named, sentTo: -1, ttl: ttl), call: call)
    return named
  }

  /// A request of no session goes out as `call`.
  mutating func beginWithout(call: Int32) {
    let nobody = ClientSession(client: -1, key: 0)
    note(SessionRequest(session: nobody, jar: -1, named: -1, sentTo: -1, ttl: -1), call: call)
  }

  private mutating func note(_ request: SessionRequest, call: Int32) {
    while requests.count <= Int(call) { requests.append(request) }
    requests[Int(call)] = request
  }

  /// An attempt of `call` goes to an endpoint.
  mutating func sent(call: Int32, to endpoint: Int32) {
    if Int(call) < requests.count { requests[Int(call)].sentTo = endpoint }
  }

  /// The client of `call` has its answer.
  mutating func answered(call: Int32, at now: Int64) {
    if Int(call) >= requests.count { return }
    let request = requests[Int(call)]
    requests[Int(call)].ttl = -1
    if request.ttl < 0 || request.sentTo < 0 || request.sentTo == request.named { return }
    let expires = request.ttl == 0 ? Int64.max : now.addingClamped(request.ttl)
    cookies[CookieKey(session: request.session, jar: request.jar)] = Cookie(endpoint: request.sentTo, expires: expires)
  }
}
