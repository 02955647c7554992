// Who calls whom: a service that calls itself, however far around, would never answer.

import MeshConfiguration
import MeshCore
import Simulation

/// The graph of services and the calls that routes make of hosts.
struct CallGraph {
  private let services: [ServiceDescription]
  /// By pattern of a host: the services that a request to it may reach.
  private let targets: [[Int]]
  private let hosts: HostPatterns
  private let callees: [[(host: String, service: Int)]]

  /// The graph of a world under a mesh.
  init(_ world: WorldDescription, _ mesh: MeshDescription) {
    services = world.services
    let names = NameIndex(world.services.map(\.name))
    let patterns = mesh.routes.map(\.match.host)
    let hosts = HostPatterns(patterns)
    var targets = [[Int]](repeating: [], count: patterns.count)
    for (place, route) in mesh.routes.enumerated() {
      let host = patterns.firstIndex(of: patterns[place]) ?? place

      let mirrors = route.mirrors.map { WeightedCluster(cluster: $0.cluster) }
      for part in route.destinations + mirrors {
        for cluster in mesh.clusters(of: part) {
          guard let service = names.number(of: mesh.clusters[cluster].service) else { continue }
          targets[host].append(service)
        }
      }
    }
    self.targets = targets
    self.hosts = hosts
    callees = world.services.map { service in
      service.calls.flatMap { $0 }.flatMap { call in
        (hosts.number(of: call.target).map { targets[$0] } ?? []).map { (host: call.target, service: $0) }
      }
    }
  }

  /// The first cycle: its services, the first one again at the end, and the host by which the last calls the first.
  ///
  /// Complexity: O(services + calls), without recursion.
  func cycle() -> (services: [Int], host: String)? { walk { _ in } }

  /// By service: how many requests one request to it leads to, itself included, when each call goes where it leads to the
  /// most. Of use only without a cycle.
  ///
  /// Complexity: O(services + calls), without recursion.
  var requestsPerRequest: [Double] {
    var sums = [Double](repeating: 1, count: services.count)
    _ = walk { service in
      for call in services[service].calls.joined() {
        let most = (hosts.number(of: call.target).map { targets[$0] } ?? []).map { sums[$0] }.max() ?? 1
        sums[service] += Double(call.count) * most
      }
    }
    return sums
  }

  /// Visits the services, callees before their callers. Returns the first cycle, and ends there.
  private func walk(_ leave: (Int) -> Void) -> (services: [Int], host: String)? {
    enum Mark { case new, open, done }
    var marks = [Mark](repeating: .new, count: services.count)
    for start in services.indices where marks[start] == .new {
      var path: [(service: Int, next: Int)] = [(start, 0)]
      marks[start] = .open
      while let (service, next) = path.last {
        if next >= callees[service].count {
          marks[service] = .done
          path.removeLast()
          leave(service)
          continue
        }
        path[path.count - 1].next += 1
        let callee = callees[service][next]
        switch marks[callee.service] {
        case .done: continue
        case .new:
          marks[callee.service] = .open
          path.append((callee.service, 0))
        case .open:
          let begin = path.firstIndex { $0.service == callee.service } ?? 0
          return (path[begin...].map(\.service) + [callee.service], callee.host)
        }
      }
    }
    return nil
  }
}
