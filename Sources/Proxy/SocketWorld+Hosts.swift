// Hosts as routes know them.

import MeshConfiguration
import MeshCore

extension SocketWorld {
  /// The route of connections to a cluster; -1 for none.
  func connectionRoute(to cluster: String) -> Int32 {
    let match = RouteMatch.connections(to: cluster)
    return Int32(truncatingIfNeeded: description.mesh.routes.firstIndex { $0.match == match } ?? -1)
  }

  /// A host as routes compare it: lower case, without a port.
  static func routed(_ name: String) -> String {
    let bytes = name.utf8
    let end = bytes.last == UInt8(ascii: "]") ? nil : bytes.lastIndex(of: UInt8(ascii: ":"))
    let hasUpper = bytes.contains { (65...90).contains($0) }
    if end == nil && !hasUpper { return name }
    let host = name[..<(end ?? name.endIndex)]
    return hasUpper ? host.lowercased() : String(host)
  }
}
