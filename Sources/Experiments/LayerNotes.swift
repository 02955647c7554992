// Layers that a scenario asks for and that its balancers do not heed: nobody is to take a figure for what it is not.

import LoadBalancing
import MeshCore

/// What is to be said of layers that do nothing.
struct LayerNotes {
  private let variant: Variant

  /// Of the clusters of `variant`.
  init(_ variant: Variant) { self.variant = variant }

  /// A line for each cluster with slow start whose balancer, with its parameters, knows none.
  var texts: [String] {
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
