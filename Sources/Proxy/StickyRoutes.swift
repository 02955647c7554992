// What of a request makes it stick to an endpoint: its hash, and the endpoint that its session's cookie names.

import Foundation
import LoadBalancing
import MeshConfiguration
import MeshCore
import NIOHTTP1
import TrafficSplitting

/// The routes of one world that look at more of a request than its key. Confined to its event loop.
struct StickyRoutes {
  private let hashers: [RequestHasher]
  private let sessions: [StatefulSessionDescription?]
  /// By route: the clusters that its requests may go to.
  private let clusters: [[Int]]
  /// Whether any route looks at headers.
  let looksAtHeaders: Bool

  init(_ mesh: MeshDescription) {
    hashers = mesh.routes.map { RequestHasher($0.hashPolicies) }
    sessions = mesh.routes.map(\.statefulSession)
    clusters = mesh.routes.map { route in route.destinations.flatMap { mesh.clusters(of: $0) } }
    looksAtHeaders = mesh.routes.contains { !$0.hashPolicies.isEmpty || $0.statefulSession != nil }
  }

  /// An endpoint's number that no cluster has: whoever names it is not served there.
  private static let stranger = EndpointIdentity(.max)

  /// What a request sticks by, and the endpoint that it names itself; notes in `exchange` what its answer has to set.
  func look(
    at exchange: Exchange, _ attributes: RequestAttributes, in endpoints: EndpointDirectory
  ) -> (hash: UInt64?, named: EndpointIdentity) {
    let route = Int(exchange.route)
    var hash = exchange.key.map { RequestHash.header($0) }
    if route < 0 { return (hash, EndpointIdentity(-1)) }
    if !hashers[route].policies.isEmpty {
      let made = hashers[route].hash(of: attributes, from: exchange.clientAddress)
      hash = made.hash
      exchange.cookies = made.cookies
    }
    guard let session = sessions[route] else { return (hash, EndpointIdentity(-1)) }
    let now = Int64(Date().timeIntervalSince1970)
    exchange.named = RequestFields.cookie(session.cookie, in: attributes.headers).flatMap {
      SessionCookie.address(in: String($0), now: now)
    }
    guard let named = exchange.named else { return (hash, EndpointIdentity(-1)) }
    let known = SocketName(named).flatMap { name in
      clusters[route].lazy.compactMap { endpoints.known(name, cluster: $0) }.first
    }
    return (hash, known ?? Self.stranger)
  }

  /// The cookies that the answer to a request sets, which an endpoint at `address` has had last.
  func cookies(of exchange: Exchange, servedBy address: SocketName?) -> [SetCookie] {
    var cookies = exchange.cookies
    guard exchange.route >= 0, let session = sessions[Int(exchange.route)], let address = address?.description,
      address != exchange.named
    else { return cookies }
    let value = SessionCookie.value(naming: address, ttl: session.ttl, now: Int64(Date().timeIntervalSince1970))
    cookies.append(SetCookie(name: session.cookie, value: value, ttl: session.ttl, path: "/"))
    return cookies
  }
}
