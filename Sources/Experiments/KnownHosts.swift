// The hosts that requests may name: those that routes match, patterns among them.

import MeshConfiguration
import MeshCore

/// Hosts that have routes.
struct KnownHosts {
  /// As routes name them.
  let names: [String]
  private let patterns: HostPatterns

  /// The hosts of a mesh's routes.
  init(_ mesh: MeshDescription) {
    names = mesh.routes.map(\.match.host)
    patterns = HostPatterns(names)
  }

  /// Whether there are none.
  var isEmpty: Bool { names.isEmpty }

  /// Whether a route may take a request that names `host`.
  func has(_ host: String) -> Bool { patterns.number(of: host) != nil }
}
