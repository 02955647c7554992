// Routes: which of them takes a request.
//
// By default the most specific one wins, as the Gateway API orders HTTPRoute matches: an exact path before prefixes, the
// longer prefix before the shorter, then a condition on the method, then more header conditions, then file order. Envoy,
// Istio and HAProxy take the first in the file that matches; `MeshProfile.takesFirstMatchingRoute` says who does. Either
// way the order is fixed when the table is made, and matching walks one host's routes until the first that takes the
// request.

import MeshCore

/// All routes of a mesh, ready to be matched. Hosts compare byte by byte: a world that hears them from a network hands them
/// in lower case and without a port.
public struct RouteTable: Sendable {
  /// A route with what its conditions compare to brought into one form.
  private struct Candidate: Sendable {
    var route: Int32
    var path: PathMatch
    var method: String?
    var headers: [HeaderField]
  }

  /// Each host's routes in the order in which they are tried.
  private var candidates: [String: [Candidate]]

  /// The routes of `mesh`.
  public init(_ mesh: MeshDescription) {
    var candidates: [String: [Candidate]] = [:]
    for (index, route) in mesh.routes.enumerated() {
      let candidate = Candidate(
        route: Int32(index), path: Self.normalised(route.match.path), method: route.match.method,
        headers: route.match.headers)
      let place =
        mesh.profile.takesFirstMatchingRoute
        ? nil : candidates[route.match.host]?.firstIndex { Self.isMoreSpecific(candidate, than: $0) }
      if let place {
        candidates[route.match.host]?.insert(candidate, at: place)
      } else {
        candidates[route.match.host, default: []].append(candidate)
      }
    }
    self.candidates = candidates
  }

  /// The index in `MeshDescription.routes` of the route that takes `request`, or -1 when none does.
  ///
  /// Complexity: O(routes of the host); allocates nothing.
  public func match(_ request: RequestAttributes) -> Int32 {
    guard let tried = candidates[request.host] else { return -1 }
    for candidate in tried where Self.takes(candidate, request) { return candidate.route }
    return -1
  }

  private static func takes(_ candidate: Candidate, _ request: RequestAttributes) -> Bool {
    if let method = candidate.method, method != request.method { return false }
    if !pathMatches(candidate.path, request.path) { return false }
    for wanted in candidate.headers
    where !request.headers.contains(where: { namesAreEqual($0.name, wanted.name) && $0.value == wanted.value }) {
      return false
    }
    return true
  }

  /// Compares the path up to its query.
  private static func pathMatches(_ condition: PathMatch, _ path: String) -> Bool {
    switch condition {
    case .any: return true
    case .exact(let wanted): return begins(path, with: wanted) { $0 == nil || $0 == question || $0 == hash }
    // Whole segments: /api takes /api and /api/users, not /apis.
    case .prefix(let wanted):
      return begins(path, with: wanted) { $0 == nil || $0 == slash || $0 == question || $0 == hash }
    }
  }

  private static let slash = UInt8(ascii: "/")
  private static let question = UInt8(ascii: "?")
  private static let hash = UInt8(ascii: "#")

  /// Whether `path` begins with `wanted`, which reaches into no query, and goes on with a byte, or an end, that `ends` takes.
  @inline(__always)
  private static func begins(_ path: String, with wanted: String, ends: (UInt8?) -> Bool) -> Bool {
    let bytes = path.utf8
    var place = bytes.startIndex
    for byte in wanted.utf8 {
      if place == bytes.endIndex || bytes[place] != byte || byte == question || byte == hash { return false }
      bytes.formIndex(after: &place)
    }
    return ends(place == bytes.endIndex ? nil : bytes[place])
  }

  /// Every path is the prefix "/", and a slash at a prefix's end says nothing more.
  private static func normalised(_ path: PathMatch) -> PathMatch {
    guard case .prefix(var prefix) = path else { return path }
    while prefix.utf8.last == UInt8(ascii: "/") { prefix.removeLast() }
    return prefix.isEmpty ? .any : .prefix(prefix)
  }

  /// Names of headers compare without regard to case (ASCII).
  private static func namesAreEqual(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8) { lowercased($0) == lowercased($1) }
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }

  private static func isMoreSpecific(_ candidate: Candidate, than other: Candidate) -> Bool {
    let (own, others) = (pathRank(candidate.path), pathRank(other.path))
    if own != others { return own > others }
    if (candidate.method == nil) != (other.method == nil) { return candidate.method != nil }
    return candidate.headers.count > other.headers.count
  }

  /// Exact paths rank above all prefixes, longer prefixes above shorter ones.
  private static func pathRank(_ path: PathMatch) -> Int {
    switch path {
    case .any: return 0
    case .prefix(let prefix): return prefix.utf8.count
    case .exact: return .max
    }
  }
}
