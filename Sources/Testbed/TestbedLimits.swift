// What of a world can be had with real servers and real time, and what is refused in words rather than left out in silence.

import Experiments
import MeshCore
import Simulation

/// Why a scenario cannot be run for real.
public struct TestbedError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One line a fault, without the file's name.
  public var lines: [String]

  /// A refusal.
  public init(_ lines: [String]) { self.lines = lines }

  public var description: String { lines.joined(separator: "\n") }
}

enum TestbedLimits {
  /// What real servers cannot do of `world`, a line each.
  static func serverFaults(_ world: WorldDescription) -> [String] {
    var lines: [String] = []
    for service in world.services {
      let path = "world.services.\(service.name)"
      if service.discipline == .processorSharing {
        lines.append("\(path).discipline: processorSharing is not served for real; expected fifo, lifo or infinite")
      }
      let others = [
        ("calls", !service.calls.isEmpty), ("codel", service.codel != nil), ("fluctuate", service.fluctuation != nil),
        ("coldStart", service.coldStart != nil), ("antagonist", service.antagonist != nil),
        ("readinessProbe", service.readinessProbe != nil),
      ]
      for (name, isThere) in others where isThere { lines.append("\(path).\(name): not served for real; leave it out") }
    }
    for (index, fault) in world.faults.enumerated() {
      let isServed =
        switch fault.kind {
        case .crash, .hang, .delay: true
        case .slow(_, _, let affectsRunning): !affectsRunning
        case .errors(_, _, _, _, let retryAfter): retryAfter == nil
        default: false
        }
      if !isServed {
        lines.append(
          "world.faults.\(index): '\(fault.summary)' is not served for real; expected crash, hang, slow, errors or delay"
        )
      }
    }
    return lines
  }

  /// The delay of a link that servers can stand in for: constant, without loss or a limit of bandwidth, from a client to a service or replica.
  private static func constantDelay(_ link: LinkDescription) -> TimeSpan? {
    guard case .constant(let delay) = link.delay, link.loss == 0, link.bandwidth == nil, case .client = link.from else {
      return nil
    }
    switch link.to {
    case .service, .replica: return TimeSpan(nanoseconds: Int64(delay))
    default: return nil
    }
  }

  /// How long the link to a replica takes, one way: the replica's own before its service's, the first of equals; nothing without a link.
  static func linkDelay(in world: WorldDescription, service: Int, replica: Int) -> TimeSpan {
    var delay: TimeSpan?
    for link in world.links {
      switch link.to {
      case .replica(let place, let number) where place == service && number == replica:
        return constantDelay(link) ?? .zero
      case .service(let place) where place == service: delay = delay ?? constantDelay(link)
      default: break
      }
    }
    return delay ?? .zero
  }

  /// What a comparison of both worlds cannot have of `world`, a line each.
  static func validationFaults(_ world: WorldDescription, _ mesh: MeshDescription) -> [String] {
    var lines = serverFaults(world)
    for (index, route) in mesh.routes.enumerated() {
      for (place, policy) in route.hashPolicies.enumerated() {
        let path = "mesh.routes.\(index).hashPolicy.\(place)"
        switch policy.source {
        case .sourceAddress:
          lines.append(
            "\(path): all requests come from one address for real; expected a header, a cookie or a parameter")
        case .cookie(_, _?, _):
          lines.append("\(path).cookie.ttl: users share connections for real, and a cookie goes by them; expected none")
        default: break
        }
      }
    }
    for (index, link) in world.links.enumerated() where constantDelay(link) == nil {
      lines.append(
        "world.links.\(index): not to be had on loopback; expected a constant delay alone, from the client to a service or replica"
      )
    }
    if world.hop != HopDescription() {
      lines.append("mesh.hop: a comparison measures the hop itself; expected a mesh without it")
    }
    for client in world.clients where client.dataPlanes.reduce(0, { $0 + $1.count }) != 1 {
      lines.append("world.clients.\(client.name).proxies: one proxy runs for real; expected 1")
    }
    if world.clients.count != 1 {
      lines.append("world.clients: one proxy runs for real, and each client has its own; expected one client")
    }
    return lines
  }
}
