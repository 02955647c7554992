// Who calls whom: a service that calls itself, however far around, would never answer.

import MeshConfiguration
import MeshCore
import Simulation

/// The graph of services and the calls that routes make of hosts.
struct CallGraph {
  private let services: [ServiceDescription]
  private let callees: [[(host: String, service: Int)]]

  /// The graph of a world under a mesh.
  init(_ world: WorldDescription, _ mesh: MeshDescription) {
    services = world.services
    callees = world.services.map { service in
      service.calls.flatMap { $0 }.flatMap { call -> [(host: String, service: Int)] in
        mesh.routes.filter { $0.match.host == call.target }
          .flatMap(\.split).filter { $0.weight > 0 }.compactMap { part in
            let name = mesh.clusters[part.cluster].service
            return world.services.firstIndex { $0.name == name }.map { (call.target, $0) }
          }
      }
    }
  }

  /// The first cycle: its services, the first one again at the end, and the host by which the last calls the first.
  ///
  /// Complexity: O(services + calls), without recursion.
  func cycle() -> (services: [Int], host: String)? {
    enum Mark { case new, open, done }
    var marks = [Mark](repeating: .new, count: services.count)
    for start in services.indices where marks[start] == .new {
      var path: [(service: Int, next: Int)] = [(start, 0)]
      marks[start] = .open
      while let (service, next) = path.last {
        if next >= callees[service].count {
          marks[service] = .done
          path.removeLast()
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
