// What requests stick to endpoints by, where routes have policies for it.
//
// What a policy finds in requests of one kind (a client's, a call's, a trace row's with a path of its own) is known before the run, but for the
// key, which each request draws. So each kind and route has a plan: what each policy finds, or that it is the key. The key stands in x-weir-key, and
// in the client's key header; the source address is that of the client, or of its closed-loop user, or of the replica that calls. Cookies
// that are given to who has none are a session's: a user's, a key's, a calling replica's. Other requests of an open loop come once and never again.

import MeshCore
import TrafficSplitting

/// The hashes of all requests.
struct RequestHashes {
  /// What a policy finds in requests of a kind.
  private enum Finding: BitwiseCopyable {
    case nothing
    case hash(UInt64)
    case key
    case address
    /// A cookie that the answer to a session's first request has set.
    case cookie
  }

  private struct Plan {
    var hasher: RequestHasher
    var findings: [Finding]
  }

  /// Whether any route has policies.
  let isOn: Bool
  private let hashers: [RequestHasher]
  private let looksAtQuery: Bool
  private var plans: [Plan] = []

  init(_ routes: [RouteDescription]) {
    hashers = routes.map { RequestHasher($0.hashPolicies) }
    isOn = routes.contains { !$0.hashPolicies.isEmpty }
    looksAtQuery = routes.contains { route in
      route.hashPolicies.contains { if case .queryParameter = $0.source { true } else { false } }
    }
  }

  /// Adds requests of a kind, whose key, if they have one, stands in `keyHeader`. Returns the number of the kind.
  mutating func add(_ requests: RequestAttributes, keyHeader: String? = nil) -> Int32 {
    if !isOn { return 0 }
    let kind = Int32(truncatingIfNeeded: plans.count)
    for hasher in hashers {
      plans.append(
        Plan(hasher: hasher, findings: hasher.policies.map { Self.finding($0.source, requests, keyHeader) }))
    }
    return kind
  }

  /// The kind of requests that differ in their path from those of `kind`: the same where nobody looks at it.
  mutating func add(_ requests: RequestAttributes, like kind: Int32, keyHeader: String?) -> Int32 {
    looksAtQuery ? add(requests, keyHeader: keyHeader) : kind
  }

  private static func finding(
    _ source: HashPolicyDescription.Source, _ requests: RequestAttributes, _ keyHeader: String?
  ) -> Finding {
    if case .header(let name) = source, let keyHeader {
      if name == keyHeader || name == ClientDescription.usualKeyHeader { return .key }
    }
    if case .sourceAddress = source { return .address }
    if let hash = RequestHasher.hash(source, of: requests, from: "") { return .hash(hash) }
    if case .cookie(_, _?, _) = source { return .cookie }
    return .nothing
  }

  /// What a request of a kind that takes `route` sticks by: its key where the route has no policies.
  func hash(kind: Int32, route: Int32, key: UInt64?, address: UInt64, session: UInt64?) -> UInt64? {
    if route < 0 || hashers[Int(route)].policies.isEmpty { return key }
    let plan = plans[Int(kind + route)]
    return plan.hasher.hash { place in
      switch plan.findings[place] {
      case .nothing: nil
      case .hash(let hash): hash
      case .key: key
      case .address: address
      case .cookie: session.map { XXHash64.hash($0) }
      }
    }
  }
}

extension World {
  /// What a client's request sticks by; `user` is below 0 in an open loop, `traceRow` where there is none.
  @inline(never)
  func hash(client: Int32, user: Int32, traceRow: Int32, route: Int32, key: UInt64?) -> UInt64? {
    let base = XXHash64.hash(description.clients[Int(client)].name)
    let address = user < 0 ? base : XXHash64.hash(UInt64(users[user].number), seed: base)
    let kind = traceRow < 0 ? clients[client].kind : arrivals.trace[traceRow].kind
    let session = key.map { XXHash64.hash($0, seed: base) } ?? (user < 0 ? nil : address)
    return hashes.hash(kind: kind, route: route, key: key, address: address, session: session)
  }

  /// What a replica's call sticks by.
  @inline(never)
  func hash(callOf replica: Int32, lane: Int32, route: Int32) -> UInt64? {
    let service = description.services[Int(replicas[replica].service)].name
    let address = XXHash64.hash(UInt64(replicas[replica].number), seed: XXHash64.hash(service))
    return hashes.hash(kind: lanes[lane].kind, route: route, key: nil, address: address, session: address)
  }
}
