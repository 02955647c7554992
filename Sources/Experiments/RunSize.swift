// How large a variant's run is, before it runs: what its numbers multiply out to.

import MeshConfiguration
import MeshCore
import Simulation

/// Sizes of one replication. All of them are `Double`: a product too large to count is still a size.
struct RunSize {
  /// By service: replicas, those that faults scale it to included.
  let rooms: [Double]
  /// By client: data planes.
  let proxiesOfClient: [Double]
  /// Data planes, those of calling services included.
  let proxies: Double
  /// Endpoints of all clusters together.
  let endpoints: Double
  /// Users of closed loops.
  let users: Double
  /// By client: the most requests per second that are wanted, 0 where the load depends on the answers.
  let rates: [Double]
  /// Nanoseconds from the beginning to the end of the drain; where the run is given in requests, at the least.
  let horizon: Double

  private let services: NameIndex

  /// The sizes of `variant`.
  init(_ variant: Variant) {
    let world = variant.world
    let rooms = world.services.enumerated().map { index, service in
      Double(
        world.faults.reduce(service.replicas.count) { room, fault in
          if case .scale(index, let count) = fault.kind { return max(room, count) }
          return room
        })
    }
    let services = NameIndex(world.services.map(\.name))
    let proxiesOfClient = world.clients.map { $0.dataPlanes.reduce(0.0) { $0 + Double($1.count) } }
    let proxiesOfCalls = world.services.enumerated().reduce(0.0) { sum, entry in
      if entry.element.calls.isEmpty { return sum }
      return sum + (entry.element.sharesDataPlane ? 1 : rooms[entry.offset])
    }
    self.rooms = rooms
    self.services = services
    self.proxiesOfClient = proxiesOfClient
    proxies = proxiesOfClient.reduce(0, +) + proxiesOfCalls
    endpoints = variant.mesh.clusters.reduce(0) { sum, cluster in
      sum + (services.number(of: cluster.service).map { rooms[$0] } ?? 0)
    }
    users = world.clients.reduce(0) { sum, client in
      if case .closed(let users, _, _) = client.arrivals { return sum + Double(users) }
      return sum
    }
    rates = world.clients.map { Self.rate($0.arrivals) }
    let total = rates.reduce(0, +)
    let length =
      if let requests = variant.run.requests {
        total > 0 ? Double(requests) / total * 1e9 : 0
      } else {
        Double(variant.run.duration.nanoseconds)
      }
    horizon = length + Double(variant.run.drain.nanoseconds)
  }

  /// The most requests per second that `arrivals` bring.
  private static func rate(_ arrivals: ArrivalDescription) -> Double {
    switch arrivals {
    case .poisson(let rate), .constant(let rate): return rate
    case .steps(let points, _), .ramp(let points, _): return points.map(\.rate).max() ?? 0
    case .bursts(let low, let high, _, _, _): return max(low, high)
    case .trace(let rows, let period):
      guard let period, period > .zero else { return 0 }
      return Double(rows.count) / Double(period.nanoseconds) * 1e9
    case .closed: return 0
    }
  }

  /// How many replicas the fault as written strikes, at the most.
  func struck(by fault: ResolvedValue) -> Double {
    if let replicas = fault["replicas"] { return Double(max(1, replicas.items.count)) }
    if let name = fault["service"]?.text, let service = services.number(of: name) { return max(1, rooms[service]) }
    if fault.has("zone") { return max(1, rooms.reduce(0, +)) }
    return 1
  }

  /// How many descriptions a fault as written becomes, each of which writes its own lines into the list of events.
  func rowsPerRound(of fault: ResolvedValue) -> Double {
    fault.chosen?.key == "loss" ? struck(by: fault) : 1
  }
}
