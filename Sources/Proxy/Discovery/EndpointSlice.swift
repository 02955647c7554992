// Kubernetes' EndpointSlices (discovery.k8s.io/v1), and what a service's slices together say of its servers.
//
// Whose conditions say nothing is ready; who terminates is not, but serves on where nobody else does, as kube-proxy has it (KEP-1669). Of an
// endpoint's addresses the first counts: the API gives no meaning to others. A service of both families is reached by IPv4.

import MeshConfiguration

/// One slice, as far as it matters here.
struct EndpointSlice: Decodable, Sendable {
  struct Metadata: Decodable, Sendable {
    var name: String?
    var resourceVersion: String?
  }

  struct Conditions: Decodable, Sendable {
    var ready: Bool?
    var serving: Bool?
    var terminating: Bool?
  }

  struct Endpoint: Decodable, Sendable {
    var addresses: [String]?
    var conditions: Conditions?
    var zone: String?

    var isReady: Bool { conditions?.ready ?? true }
    /// Serving says nothing where ready does: then it is the same.
    var isServing: Bool { conditions?.serving ?? isReady }
  }

  struct Port: Decodable, Sendable {
    var name: String?
    var port: Int?
    var `protocol`: String?
  }

  var metadata: Metadata
  var addressType: String?
  var endpoints: [Endpoint]?
  var ports: [Port]?

  /// The number of the port that is meant: by name or number, else the first.
  func number(ofPort port: String?) -> Int? {
    let ports = (ports ?? []).filter { $0.protocol ?? "TCP" == "TCP" }
    guard let port else { return ports.first?.port }
    return (ports.first { $0.name == port } ?? ports.first { $0.port.map(String.init) == port })?.port
  }
}

/// Slices together.
enum SliceMerge {
  /// The servers of a service in the order of their addresses.
  static func servers(_ slices: [EndpointSlice], port: String?) -> [ServerDescription] {
    let four = servers(slices, port: port, family: "IPv4")
    return four.isEmpty ? servers(slices, port: port, family: "IPv6") : four
  }

  private static func servers(_ slices: [EndpointSlice], port: String?, family: String) -> [ServerDescription] {
    var ready: [SocketName: ServerDescription] = [:]
    var leaving: [SocketName: ServerDescription] = [:]
    for slice in slices where slice.addressType ?? "IPv4" == family {
      guard let number = slice.number(ofPort: port), (1...65_535).contains(number) else { continue }
      for endpoint in slice.endpoints ?? [] {
        guard let host = endpoint.addresses?.first, !host.isEmpty else { continue }
        let name = SocketName(host: host, port: number)
        // While an endpoint moves from slice to slice both may have it.
        let server = ServerDescription(address: name, weight: 1, zone: endpoint.zone)
        if endpoint.isReady {
          if ready[name]?.zone == nil { ready[name] = server }
        } else if endpoint.isServing && endpoint.conditions?.terminating == true {
          if leaving[name]?.zone == nil { leaving[name] = server }
        }
      }
    }
    let chosen = ready.isEmpty ? leaving : ready
    return chosen.values.sorted { ($0.address.host, $0.address.port) < ($1.address.host, $1.address.port) }
  }
}
