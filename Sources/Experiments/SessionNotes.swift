// Sessions that a scenario asks for and that do nothing, as in the system they come from: nobody is to look for them in the figures.
//
// Envoy looks for a session's endpoint before it balances, among the endpoints of the cluster that the route names; an aggregate
// has none of its own, so nothing is ever found there. And a status that no endpoint can have is accepted in vain.

import MeshCore
import Simulation

/// What is to be said of sessions without effect.
struct SessionNotes {
  private let variant: Variant

  /// Of the routes and clusters of `variant`.
  init(_ variant: Variant) { self.variant = variant }

  /// A line for each aggregate through which sessions are lost, and for each cluster that accepts what it never meets.
  var texts: [String] { variant.mesh.routes.flatMap(lost) + variant.mesh.clusters.indices.compactMap(idle) }

  private func lost(_ route: RouteDescription) -> [String] {
    guard let session = route.statefulSession else { return [] }
    return variant.mesh.aggregates.enumerated().compactMap { number, aggregate in
      let isMeant = route.destinations.contains { $0.cluster - variant.mesh.clusters.count == number }
      if !isMeant || aggregate.failover != .spillOver { return nil }
      let outcome = session.isStrict ? "fails every request that carries a cookie" : "keeps no session"
      return
        "route \(route.match.host): statefulSession \(outcome), since aggregate \(aggregate.name) has no endpoints of its own, as in Envoy (with failover: firstUsable its clusters find their own)"
    }
  }

  private func idle(_ number: Int) -> String? {
    let cluster = variant.mesh.clusters[number]
    if cluster.overrideHostStatus == HostStatus.accepted { return nil }
    let isAsked = variant.mesh.routes.contains { route in
      route.statefulSession != nil
        && route.destinations.contains { variant.mesh.clusters(of: $0).contains(number) }
    }
    if !isAsked {
      return "cluster \(cluster.name): overrideHostStatus does nothing, since no route to it has a statefulSession"
    }
    let met = met(by: cluster)
    let unmet = cluster.overrideHostStatus.filter { !met.contains($0) }.map(\.word)
    if unmet.isEmpty { return nil }
    return
      "cluster \(cluster.name): overrideHostStatus \(unmet.joined(separator: ", ")) fits nobody: no endpoint is ever told to be that (\(met.map(\.word).joined(separator: ", ")) are; a replica's healthStatus says others)"
  }

  /// The statuses that a cluster's endpoints can have.
  private func met(by cluster: ClusterDescription) -> [HostStatus] {
    let service = variant.world.services.firstIndex { $0.name == cluster.service }
    let hasNames = cluster.discovery.dns != nil
    var found: Set<HostStatus> = hasNames ? [.unknown] : []
    if cluster.failureAccrual != nil || cluster.phi != nil || cluster.discovery.sendUnhealthyEndpoints {
      found.insert(.unhealthy)
    }
    if let service, !hasNames {
      for replica in variant.world.services[service].replicas { found.insert(replica.status) }
      let scales = variant.world.faults.contains { fault in
        if case .scale(service, _) = fault.kind { true } else { false }
      }
      if scales { found.formUnion([.healthy, .draining]) }
    }
    return HostStatus.allCases.filter { found.contains($0) }
  }
}
