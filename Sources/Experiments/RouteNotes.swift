// Routes that look as if they took requests which they do not: nobody is to look for their retries in the figures.
//
// A cluster that no route names as a host has a route of its own name. A name stands before every pattern (`*`, `*.example.com`), so a route
// with a pattern takes none of the requests that name a cluster.

import MeshConfiguration
import MeshCore
import Simulation

/// What is to be said of routes with patterns.
struct RouteNotes {
  private let variant: Variant
  /// Hosts of routes that somebody wrote, and of those that nobody did.
  private let written: [String]
  private let implied: [String]

  /// Of the routes of `variant`, whose values are those of `mesh`.
  init(_ variant: Variant, _ mesh: ResolvedValue?) {
    self.variant = variant
    func hosts(_ areImplied: Bool) -> [String] {
      (mesh?["routes"]?.items ?? []).filter { $0.origin.isImplied == areImplied }.compactMap {
        $0["match"]?["host"]?.text
      }
    }
    written = hosts(false)
    implied = hosts(true)
  }

  /// A line for each host that somebody calls, and that a pattern would take but for the route that nobody wrote.
  var texts: [String] {
    let patterns = HostPatterns(written)
    let called =
      variant.world.clients.map(\.target) + variant.world.services.flatMap { $0.calls.flatMap { $0.map(\.target) } }
    return implied.filter { called.contains($0) }.compactMap { host in
      guard let pattern = patterns.number(of: host) else { return nil }
      return
        "route \(written[pattern]): does not take requests for \(host), which has the default route of its cluster; name \(host) in a match to say what it does"
    }
  }
}
