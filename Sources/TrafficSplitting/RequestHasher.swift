// The hash by which a request sticks to an endpoint, made of what a route's policies find in it (Envoy, common/http/hash_policy.cc).
//
// Policies are asked in order. Of each that finds something the hash is folded in (`RequestHash.combined`); where a policy is terminal and
// there is a hash by then, the others are not asked. Where none finds anything there is no hash, and balancers draw.

import MeshCore

/// Makes hashes of requests by a route's policies.
public struct RequestHasher: Sendable {
  /// The policies, in order.
  public let policies: [HashPolicyDescription]

  /// A hasher; without policies it makes no hashes.
  public init(_ policies: [HashPolicyDescription]) { self.policies = policies }

  /// The hash of a request of which each policy, by its place, finds a hash or nothing.
  public func hash(_ found: (Int) -> UInt64?) -> UInt64? {
    var hash: UInt64?
    for place in policies.indices {
      if let next = found(place) { hash = RequestHash.combined(hash, with: next) }
      if policies[place].isTerminal && hash != nil { break }
    }
    return hash
  }

  /// The hash of `request`, which comes from `address` over a connection of a name that no other has, and the cookies that its answer has to set for
  /// the next one to have the same.
  public func hash(
    of request: RequestAttributes, from address: String, over connection: () -> String
  ) -> (hash: UInt64?, cookies: [SetCookie]) {
    var cookies: [SetCookie] = []
    let hash = hash { place in
      let source = policies[place].source
      if let found = Self.hash(source, of: request, from: address) { return found }
      guard case .cookie(let name, let ttl?, let path) = source else { return nil }
      let cookie = SetCookie(name: name, value: Self.cookieValue(for: connection()), ttl: ttl, path: path)
      cookies.append(cookie)
      return XXHash64.hash(cookie.value)
    }
    return (hash, cookies)
  }

  /// What a policy finds in a request that comes from `address`.
  public static func hash(
    _ source: HashPolicyDescription.Source, of request: RequestAttributes, from address: String
  ) -> UInt64? {
    switch source {
    case .header(let name):
      let values = RequestFields.values(ofHeader: name, in: request.headers)
      return values.isEmpty ? nil : RequestHash.chained(values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    case .cookie(let name, _, _):
      return RequestFields.cookie(name, in: request.headers).flatMap {
        $0.isEmpty ? nil : XXHash64.hash(String($0))
      }
    case .sourceAddress: return address.isEmpty ? nil : XXHash64.hash(address)
    case .queryParameter(let name):
      return RequestFields.parameter(name, of: request.path).map { XXHash64.hash(String($0)) }
    }
  }

  /// The value of a cookie for who has none: 16 hexadecimal digits that are the same for each request over a connection.
  public static func cookieValue(for connection: String) -> String {
    let digits = String(XXHash64.hash(connection), radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}

/// A cookie that an answer sets.
public struct SetCookie: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// Its value.
  public var value: String
  /// How long it holds; 0 for as long as the client runs.
  public var ttl: TimeSpan
  /// The paths that it is for; nil for those beside the one that was asked for.
  public var path: String?

  /// A cookie.
  public init(name: String, value: String, ttl: TimeSpan = .zero, path: String? = nil) {
    self.name = name
    self.value = value
    self.ttl = ttl
    self.path = path
  }

  /// What `Set-Cookie` says (RFC 6265, section 4.1), in Envoy's form; a part of a second that it holds counts as a whole one.
  public var header: String {
    var text = "\(name)=\"\(value)\""
    if ttl > .zero { text += "; Max-Age=\((ttl.nanoseconds - 1) / 1_000_000_000 + 1)" }
    if let path { text += "; Path=\(path)" }
    return text + "; HttpOnly"
  }
}
