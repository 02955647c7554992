// Which cluster a figure without a cluster's name is about: the one that the first client's requests go to.

import MeshCore
import TrafficSplitting

extension ClientDescription {
  /// What routes see of a request of this client's.
  var attributes: RequestAttributes {
    RequestAttributes(host: target, path: path, method: method, headers: headers)
  }
}

extension WorldDescription {
  /// The index of the cluster that the first client's requests go to: the first destination of their route that
  /// there is, of an aggregate the first; nil without any.
  public func firstTargetCluster(in mesh: MeshDescription) -> Int? {
    guard let client = clients.first else { return nil }
    let route = RouteTable(mesh).match(client.attributes)
    return route < 0 ? nil : mesh.routes[Int(route)].split.lazy.compactMap { mesh.clusters(of: $0).first }.first
  }
}
