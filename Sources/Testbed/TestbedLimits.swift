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

  /// What a comparison of both worlds cannot have of `world`, a line each.
  static func validationFaults(_ world: WorldDescription) -> [String] {
    var lines = serverFaults(world)
    if !world.links.isEmpty {
      lines.append("world.links: a comparison measures the link itself; expected a world without links")
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
