// The ring of Finagle's deterministic aperture: servers on a circle of length 1, each client covering an arc of it.
//
// Server i of n lies on [i / n, (i + 1) / n). Client k of m stands at k / m and covers as many of its own units 1 / m
// as it takes to hold `logicalAperture` servers, rounded up. Arcs of one length, evenly spaced, cover each point of the
// circle equally often: all servers get the same load, whatever n and m are, and a client only connects to the few
// servers on its arc, those at its ends in part (finagle-core
// loadbalancer/aperture/{Ring,DeterministicAperture,ProcessCoordinate}.scala).
//
// Needs per change: the number of servers, the client's number and how many clients there are. Per request: two random
// numbers.

import MeshCore

/// Where a client stands among its peers.
@frozen
public struct ApertureCoordinate: BitwiseCopyable, Hashable, Sendable {
  /// The distance between two clients, in (0, 1].
  public let unitWidth: Double
  /// Where this client's arc begins, in [0, 1).
  public let offset: Double

  /// Client `instance` of `total`, at least one.
  public init(instance: Int, total: Int) {
    unitWidth = 1 / Double(max(1, total))
    let position = Double(instance) * unitWidth
    offset = position - position.rounded(.down)
  }

  /// How much of the circle the client covers when it wants `logicalAperture` of `servers` servers, in (0, 1].
  public func width(logicalAperture: Int, servers: Int) -> Double {
    let wanted = Double(logicalAperture) * (1 / Double(max(1, servers)))
    return min(1, (wanted / unitWidth).rounded(.up) * unitWidth)
  }
}

/// Servers of equal weight on the circle and one client's arc over them. Complexity: each question O(1).
@frozen
public struct ApertureRing: BitwiseCopyable, Sendable {
  /// How many servers there are, at least one.
  public let servers: Int
  /// Where the arc begins, in [0, 1).
  public let offset: Double
  /// How long it is, in (0, 1].
  public let width: Double

  /// Shorter differences than this do not count.
  private static var epsilon: Double { 1e-6 }
  private var unit: Double { 1 / Double(servers) }

  /// A ring of `servers`, of which the arc from `offset` on is covered.
  public init(servers: Int, offset: Double, width: Double) {
    self.servers = max(1, servers)
    self.offset = offset
    self.width = width
  }

  /// The server at a position from 0 on; 1 is 0 again.
  public func server(at position: Double) -> Int {
    let wrapped = position - position.rounded(.down)
    return Int((wrapped * Double(servers)).rounded(.down)) % servers
  }

  /// How many servers the arc touches, be it by a hair.
  public var coveredCount: Int {
    if 1 - width <= Self.epsilon { return servers }
    let first = server(at: offset)
    // The arc's end does not belong to it.
    let last = server(at: (offset + width) * (1 - Self.epsilon))
    // An arc that comes back to the server it began on touches all of them.
    if last == first { return width > unit ? servers : 1 }
    let count = last - first + 1
    return count <= 0 ? count + servers : count
  }

  /// The `place`-th server that the arc touches, counted from its beginning.
  public func covered(_ place: Int) -> Int { (server(at: offset) + place) % servers }

  /// What part of a server lies on the arc, 0 ... 1. Of a server that both ends lie on, the part at the far end alone
  /// counts, as in Finagle.
  public func weight(of server: Int) -> Double { overlap(from: begin(of: server)) / unit }

  /// Whether more of a server lies on the arc than rounding makes.
  public func covers(_ server: Int) -> Bool {
    let begin = Double(server) * unit
    return overlap(from: begin) + overlap(from: begin + 1) > Self.epsilon * unit
  }

  /// Where a server begins, one turn further when the arc reaches it only then.
  private func begin(of server: Int) -> Double {
    let begin = Double(server) * unit
    return begin + 1 < offset + width ? begin + 1 : begin
  }

  private func overlap(from begin: Double) -> Double {
    max(0, min(begin + unit, offset + width) - max(begin, offset))
  }

  /// A server, by chance in proportion to its part on the arc. Draws one number.
  public func pick(_ random: inout RandomStream) -> Int { server(at: offset + random.unit() * width) }

  /// Another server by the same chance, or the same if the arc has no other. Draws one number unless it has none.
  public func pickSecond(after first: Int, _ random: inout RandomStream) -> Int {
    // The first one's part is cut out of the arc: positions behind it are shifted by its length.
    let begin = begin(of: first)
    let cut = overlap(from: begin)
    let rest = width - cut
    if rest <= Self.epsilon { return first }
    var position = offset + random.unit() * rest
    if position >= begin + unit - cut { position += cut }
    return server(at: position)
  }
}
