// Health checks as they travel: what data planes ask replicas beside requests.
//
// A check travels as an attempt does, over the pair's link with its delay, its queue, its losses and its partitions, and meets what
// strikes its replica: a crashed one refuses, a hung or paused one takes the connection and does not answer, `errors` answers with its
// status, `delay` holds the answer up. It needs no worker: servers answer such questions beside their work, so a check costs a
// replica nothing and waits for no queue. What it would cost is a service of its own, not a rule of the proxy.
//
// Checks have a connection of their own. HTTP and gRPC keep it while it stands, so only the first check opens one; TCP opens one for
// each. Opening takes one round trip, with TLS two, and an expired certificate shows in it.

import DataPlane
import MeshCore

/// How far a check is.
enum HealthCheckStage: UInt8, BitwiseCopyable {
  /// The connection is being opened.
  case connecting
  /// TLS is agreed on.
  case handshaking
  /// The question is on its way.
  case asking
  /// A fault has held it up, and it is answered now.
  case heldUp
}

/// A check under way.
struct HealthCheckFlight: BitwiseCopyable {
  var proxy: Int32
  var probe: ProbeHandle
  var replica: Int32
  var cluster: Int32
  /// Its place in `HealthCheckFlights.pairs`.
  var pair: Int32
  var kind: ProbeKind
  var stage: HealthCheckStage
  /// Everything that is drawn for it comes from here.
  var key: RandomKey
  /// What it goes back with: a status, or below 0 for refused (-1) and reset (-2).
  var status: Int16
  /// Whether its answer carries `x-envoy-immediate-health-check-fail`.
  var asksToBeLeft: Bool
  /// Whether it waits at its replica for a pause to end.
  var isParked: Bool
}

/// What is known of the checks that a data plane makes of a replica in a cluster.
struct CheckedPair: BitwiseCopyable {
  /// How many there were.
  var count: UInt64 = 0
  /// Whether their connection stands.
  var isConnected = false
}

/// All checks under way.
struct HealthCheckFlights: ~Copyable {
  var flights = Slab<HealthCheckFlight>(capacity: 1)
  /// By data plane and row, row by row of data planes; empty before the first check.
  var pairs = Pool<CheckedPair>()
  /// How many wait for a pause to end.
  var parked = 0
}

extension World {
  /// A data plane checks a replica.
  mutating func startHealthCheck(_ start: ProbeStart, proxy: Int) {
    if checks.pairs.count == 0 { checks.pairs = Pool(repeating: CheckedPair(), count: proxyCount * rows.count) }
    let replica = start.endpoint.number
    let pair = Int32(truncatingIfNeeded: proxy * rows.count) &+ rowOfReplicaZero[start.cluster] &+ replica
    checks.pairs[pair].count &+= 1
    // Drawn by who asks whom how many times: no other check shifts it.
    let key = RandomKey(
      seed: seed, replication: replicationNumber, purpose: .healthCheck, entity: nameHash(proxyName(proxy)))
    let own = key.key(nameHash(replicaName(replica)) &+ UInt64(UInt32(bitPattern: start.cluster)))
    let keepsConnection = start.kind == .health
    let flight = checks.flights.insert(
      HealthCheckFlight(
        proxy: Int32(truncatingIfNeeded: proxy), probe: start.probe, replica: replica, cluster: start.cluster,
        pair: pair, kind: start.kind,
        stage: keepsConnection && checks.pairs[pair].isConnected ? .asking : .connecting,
        key: own.key(checks.pairs[pair].count), status: 0, asksToBeLeft: false,
        isParked: false))
    carry(check: flight, .there)
  }

  /// Takes a check or its answer over the pair's link. What never arrives is left to the data plane's timeout.
  private mutating func carry(check handle: SlotHandle, _ direction: Direction) {
    let flight = checks.flights[handle.index]
    let key = flight.key.key(UInt64(flight.stage.rawValue))
    let arrival =
      hasPaths ? transmit(flight.proxy, flight.replica, direction, size: 0, sent: now, key: key) : now
    if arrival > horizon { return }
    if arrival > now {
      let kind: EventKind = direction == .there ? .healthCheckReachesReplica : .healthCheckReturns
      _ = wheel.schedule(at: arrival, kind, handle.packed)
    } else if direction == .there {
      healthCheckReachesReplica(handle)
    } else {
      healthCheckReturns(handle)
    }
  }

  /// A check is at its replica's door.
  mutating func healthCheckReachesReplica(_ handle: SlotHandle) {
    if !checks.flights.contains(handle) { return }
    let flight = checks.flights[handle.index]
    var status: Int16 = 200
    switch flight.stage {
    case .connecting:
      if isDown(flight.replica) { status = -1 }
    case .handshaking:
      let service = Int(replicas[flight.replica].service)
      if isDown(flight.replica) || faults.expiredCertificates[service] > 0 { status = -1 }
    case .asking, .heldUp:
      if isDown(flight.replica) {
        status = -2
      } else if replicas[flight.replica].condition.contains(.hung) {
        return
      } else if replicas[flight.replica].holds > 0 {
        if !flight.isParked { checks.parked += 1 }
        checks.flights[handle.index].isParked = true
        return
      } else if flight.stage == .asking && replicas[flight.replica].condition.contains(.delayed) {
        let extra = faultDelay(replica: flight.replica, flight.key)
        checks.flights[handle.index].stage = .heldUp
        _ = wheel.schedule(at: now.addingClamped(extra), .healthCheckReachesReplica, handle.packed)
        return
      } else {
        status = faultStatus(replica: flight.replica, flight.key)
        if replicas[flight.replica].condition.contains(.leaving) { failCheck(handle, &status) }
      }
    }
    checks.flights[handle.index].status = status
    carry(check: handle, .back)
  }

  /// A replica that wants to be left alone fails its checks, and says so where there are headers to say it in. What answers over TCP goes on.
  private mutating func failCheck(_ handle: SlotHandle, _ status: inout Int16) {
    switch mesh.clusters[Int(checks.flights[handle.index].cluster)].healthCheck?.question {
    case .http:
      status = 503
      checks.flights[handle.index].asksToBeLeft = true
    case .grpc: status = 503
    case .tcp, nil: break
    }
  }

  /// What a replica answers: 200, or what a fault makes of it.
  private mutating func faultStatus(replica: Int32, _ key: RandomKey) -> Int16 {
    if !replicas[replica].condition.contains(.erring) { return 200 }
    return decidedError(replica: replica, key.key(for: .error))?.status ?? 200
  }

  /// A check's answer is back. Whether anybody still waits for it the data plane knows.
  mutating func healthCheckReturns(_ handle: SlotHandle) {
    if !checks.flights.contains(handle) { return }
    let flight = checks.flights[handle.index]
    if flight.status == 200 && (flight.stage == .connecting || flight.stage == .handshaking) {
      if flight.stage == .connecting && network.transports[flight.cluster].usesTLS {
        checks.flights[handle.index].stage = .handshaking
        carry(check: handle, .there)
        return
      }
      if flight.kind != .connection {
        checks.pairs[flight.pair].isConnected = flight.kind == .health
        checks.flights[handle.index].stage = .asking
        carry(check: handle, .there)
        return
      }
    }
    checks.flights.remove(at: handle.index)
    switch flight.status {
    case -1, -2:
      checks.pairs[flight.pair].isConnected = false
      tell(Int(flight.proxy), .probeFailed(flight.probe, flight.status == -1 ? .refused : .reset))
    default:
      tell(
        Int(flight.proxy),
        .healthAnswered(flight.probe, HealthAnswer(status: flight.status, asksToBeLeft: flight.asksToBeLeft)))
    }
  }

  /// Nobody waits for a check any more: its time was over, or its endpoint has left. The connection goes with it, as in Envoy.
  mutating func cancelHealthCheck(_ probe: ProbeHandle, proxy: Int) {
    for index in 0..<Int32(truncatingIfNeeded: checks.flights.slotCount) where checks.flights.isOccupied(index) {
      let flight = checks.flights[index]
      if flight.probe != probe || Int(flight.proxy) != proxy { continue }
      if flight.isParked { checks.parked -= 1 }
      checks.pairs[flight.pair].isConnected = false
      checks.flights.remove(at: index)
      return
    }
  }

  /// A pause is over, or the replica is: what waited there goes on, as an event of its own, since its answer may lead to anything.
  mutating func releaseHealthChecks(at replica: Int32) {
    if checks.parked == 0 { return }
    for index in 0..<Int32(truncatingIfNeeded: checks.flights.slotCount) where checks.flights.isOccupied(index) {
      if checks.flights[index].replica != replica || !checks.flights[index].isParked { continue }
      checks.flights[index].isParked = false
      checks.parked -= 1
      _ = wheel.schedule(at: now, .healthCheckReachesReplica, checks.flights.handle(at: index).packed)
    }
  }

  /// A replica that goes down takes the connections of its checks with it.
  mutating func closeCheckConnections(of replica: Int32) {
    if checks.pairs.count == 0 { return }
    for row in 0..<rows.count where rows[row].replica == replica {
      for proxy in 0..<proxyCount { checks.pairs[proxy * rows.count + row].isConnected = false }
    }
  }
}
