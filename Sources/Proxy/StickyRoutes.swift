// What of a request makes it stick to an endpoint: its hash, and the endpoint that its session's cookie names.

import Foundation
import MeshConfiguration
import MeshCore
import NIOHTTP1
import TrafficSplitting

/// The routes of one world that look at more of a request than its key. Confined to its event loop.
struct StickyRoutes {
  private let hashers: [RequestHasher]
  private let sessions: [StatefulSessionDescription?]
  private let looks: [Bool]

  init(_ mesh: MeshDescription) {
    hashers = mesh.routes.map { RequestHasher($0.hashPolicies) }
    sessions = mesh.routes.map(\.statefulSession)
    looks = mesh.routes.map { !$0.hashPolicies.isEmpty || $0.statefulSession != nil }
  }

  /// Whether requests of a route, -1 for none, stick by anything but their key.
  func looks(atRoute route: Int32) -> Bool { route >= 0 && looks[Int(route)] }

  /// An endpoint's number that no cluster has: whoever names it is not served there.
  private static let stranger = EndpointIdentity(.max)

  /// What a request sticks by that carries `key`, and the endpoint that it names itself; notes in `exchange` what its answer has to set.
  func look(
    at exchange: Exchange, _ attributes: RequestAttributes, key: UInt64?, in endpoints: EndpointDirectory
  ) -> (hash: UInt64?, named: EndpointIdentity) {
    let route = Int(exchange.route)
    var hash = key
    if !hashers[route].policies.isEmpty {
      let client = exchange.client
      let made = hashers[route].hash(
        of: attributes, from: client?.address ?? "", over: { client?.connectionName ?? "" })
      hash = made.hash
      exchange.cookies = made.cookies
    }
    guard let session = sessions[route] else { return (hash, EndpointIdentity(-1)) }
    let now = Int64(Date().timeIntervalSince1970)
    exchange.named = RequestFields.cookie(session.cookie, in: attributes.headers).flatMap {
      SessionCookie.address(in: String($0), now: now)
    }
    guard let named = exchange.named else { return (hash, EndpointIdentity(-1)) }
    return (hash, SocketName(named).flatMap { endpoints.known($0) } ?? Self.stranger)
  }

  /// The cookies that the answer to a request sets, which an endpoint at `address` has had last. Where the proxy answers itself only the session's
  /// is set, as Envoy has it.
  func cookies(of exchange: Exchange, servedBy address: SocketName?, isItsOwn: Bool) -> [SetCookie] {
    var cookies = isItsOwn ? exchange.cookies : []
    guard let session = sessions[Int(exchange.route)], let address = address?.description, address != exchange.named
    else { return cookies }
    let value = SessionCookie.value(naming: address, ttl: session.ttl, now: Int64(Date().timeIntervalSince1970))
    cookies.append(SetCookie(name: session.cookie, value: value, ttl: session.ttl, path: "/"))
    return cookies
  }
}
