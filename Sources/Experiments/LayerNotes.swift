// Layers that a scenario asks for and that its balancers do not heed: nobody is to take a figure for what it is not.

import LoadBalancing
import MeshCore

/// What is to be said of layers that do nothing.
struct LayerNotes {
  private let variant: Variant

  /// Of the clusters of `variant`.
  init(_ variant: Variant) { self.variant = variant }

  /// A line for each cluster that asks for what its balancer does not heed.
  var texts: [String] { withoutSlowStart + withoutZones }

  /// Clusters whose balancers have one table for all zones, and never fail in a panic.
  private var withoutZones: [String] {
    variant.mesh.clusters.flatMap { cluster -> [String] in
      guard let layers = cluster.layers, layers.loadAwareLocality == nil,
        PolicyRegistry.policy(named: cluster.balancer.name)?.hasTables == true
      else { return [] }
      return [
        layers.zoneAware == nil ? nil : "zoneAwareLbConfig", layers.failTrafficOnPanic ? "failTrafficOnPanic" : nil,
      ].compactMap { $0 }.map {
        "cluster \(cluster.name): \($0) does nothing, since \(cluster.balancer.name) has tables of its own for priorities and none for zones, as in Envoy"
      }
    }
  }

  /// Clusters with slow start whose balancer, with its parameters, knows none.
  private var withoutSlowStart: [String] {
    variant.mesh.clusters.compactMap { cluster in
      guard cluster.slowStart != nil, let policy = PolicyRegistry.policy(named: cluster.balancer.name),
        !policy.honoursSlowStart(cluster.balancer.parameters)
      else { return nil }
      var form = policy.slowStartForm.map { " unless \($0.parameter) is \($0.word)" } ?? ""
      if policy.isFinagleChoice(cluster.balancer.parameters) { form = " with maxEffort" }
      return
        "cluster \(cluster.name): slowStart does nothing, since \(policy.name) knows no slow start\(form) (\(Self.honouring) do)"
    }
  }

  private static let honouring = PolicyRegistry.policies.filter { $0.slowStartForm != nil }.map(\.name)
    .joined(separator: ", ")
}
