// Routes: which of them takes a request.
//
// A host belongs to one pattern (`HostPatterns`), and that pattern's routes are tried. By default the most specific one wins, as the
// Gateway API orders HTTPRoute matches: an exact path before others, the longer prefix before the shorter, then a condition on the
// method, then more conditions on headers, then on the query, then file order. Where regular expressions stand it leaves open: here
// between exact paths and prefixes, as Envoy Gateway has them. Envoy, Istio and HAProxy take the first in the file that matches;
// `MeshProfile.takesFirstMatchingRoute` says who does. Either way the order is fixed when the table is made, and matching walks one
// pattern's routes until the first that takes the request.

import MeshCore

/// A route that takes a request, or only a share of requests of its kind.
public struct RouteChance: Sendable, Hashable {
  /// Its index in `MeshDescription.routes`.
  public var route: Int32
  /// The share; nil for all.
  public var fraction: RuntimeFraction?

  /// The route that a request takes whose number is `number`, of those that may take it in order; -1 when none does. In Envoy the number is
  /// the one that places the request in a split.
  public static func route(of chances: [RouteChance], number: UInt64) -> Int32 {
    chances.first { $0.fraction?.contains(number) ?? true }?.route ?? -1
  }
}

/// All routes of a mesh, ready to be matched. Hosts compare byte by byte: a world that hears them from a network hands them
/// in lower case and without a port.
public struct RouteTable {
  /// A route with what its conditions compare to brought into one form.
  private struct Candidate {
    var route: Int32
    var path: PathMatch
    var expression: TextPattern?
    var method: String?
    var headers: [FieldPattern]
    var query: [FieldPattern]
  }

  private let hosts: HostPatterns
  /// By route: the share that it takes.
  private let fractions: [RuntimeFraction?]
  /// Each pattern's routes in the order in which they are tried.
  private var candidates: [[Candidate]]

  /// The routes of `mesh`.
  public init(_ mesh: MeshDescription) {
    var patterns: [String] = []
    var candidates: [[Candidate]] = []
    for (index, route) in mesh.routes.enumerated() {
      let match = route.match
      var candidate = Candidate(
        route: Int32(index), path: Self.normalised(match.path), expression: nil, method: match.method,
        headers: match.headers.map(FieldPattern.init), query: match.query.map(FieldPattern.init))
      if case .regex(let pattern) = match.path { candidate.expression = TextPattern(.regex(pattern)) }
      let host = patterns.firstIndex(of: match.host) ?? patterns.count
      if host == patterns.count {
        patterns.append(match.host)
        candidates.append([])
      }
      let place =
        mesh.profile.takesFirstMatchingRoute
        ? nil : candidates[host].firstIndex { Self.isMoreSpecific(candidate, than: $0) }
      candidates[host].insert(candidate, at: place ?? candidates[host].count)
    }
    hosts = HostPatterns(patterns)
    fractions = mesh.routes.map(\.match.fraction)
    self.candidates = candidates
  }

  /// The index in `MeshDescription.routes` of the route that takes `request`, or -1 when none does. Of routes that take a share it is the
  /// first; `chances` has the others.
  ///
  /// Complexity: O(routes of the host), and what its regular expressions take.
  public func match(_ request: RequestAttributes) -> Int32 {
    guard let host = hosts.number(of: request.host) else { return -1 }
    for candidate in candidates[host] where Self.takes(candidate, request) { return candidate.route }
    return -1
  }

  /// The routes that may take `request`, in the order in which they are asked: each takes a share, but for the last one, which may take all.
  ///
  /// Complexity: as `match`.
  public func chances(_ request: RequestAttributes) -> [RouteChance] {
    guard let host = hosts.number(of: request.host) else { return [] }
    var chances: [RouteChance] = []
    for candidate in candidates[host] where Self.takes(candidate, request) {
      let fraction = fractions[Int(candidate.route)]
      chances.append(RouteChance(route: candidate.route, fraction: fraction))
      if fraction == nil { break }
    }
    return chances
  }

  private static func takes(_ candidate: Candidate, _ request: RequestAttributes) -> Bool {
    if let method = candidate.method, method != request.method { return false }
    if !pathMatches(candidate, request.path) { return false }
    return candidate.headers.allSatisfy { $0.holds(for: request.headers) }
      && candidate.query.allSatisfy { $0.holds(forQueryOf: request.path) }
  }

  /// Compares the path up to its query.
  private static func pathMatches(_ candidate: Candidate, _ path: String) -> Bool {
    switch candidate.path {
    case .any: return true
    case .exact(let wanted): return begins(path, with: wanted) { $0 == nil || $0 == question || $0 == hash }
    // Whole segments: /api takes /api and /api/users, not /apis.
    case .prefix(let wanted):
      return begins(path, with: wanted) { $0 == nil || $0 == slash || $0 == question || $0 == hash }
    case .textPrefix(let wanted): return begins(path, with: wanted) { _ in true }
    case .regex:
      let end = path.utf8.firstIndex { $0 == question || $0 == hash } ?? path.endIndex
      return candidate.expression?.holds(for: path[..<end]) ?? false
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

  /// Every path begins with "/", and a slash at the end of segments says nothing more.
  private static func normalised(_ path: PathMatch) -> PathMatch {
    switch path {
    case .textPrefix(let text): return text == "/" || text.isEmpty ? .any : path
    case .prefix(var prefix):
      while prefix.utf8.last == slash { prefix.removeLast() }
      return prefix.isEmpty ? .any : .prefix(prefix)
    case .any, .exact, .regex: return path
    }
  }

  private static func isMoreSpecific(_ candidate: Candidate, than other: Candidate) -> Bool {
    let (own, others) = (pathRank(candidate.path), pathRank(other.path))
    if own != others { return own > others }
    if (candidate.method == nil) != (other.method == nil) { return candidate.method != nil }
    if candidate.headers.count != other.headers.count { return candidate.headers.count > other.headers.count }
    return candidate.query.count > other.query.count
  }

  /// Exact paths rank above regular expressions, these above prefixes; longer ones above shorter ones.
  private static func pathRank(_ path: PathMatch) -> (Int, Int) {
    switch path {
    case .any: return (0, 0)
    case .prefix(let text), .textPrefix(let text): return (0, text.utf8.count)
    case .regex(let pattern): return (1, pattern.utf8.count)
    case .exact: return (2, 0)
    }
  }
}
