// Probes: questions of data planes to replicas that belong to no request.
//
// A probe travels as an attempt does, over the pair's link and its losses. The server answers at once, without waiting for a
// worker (Prequal's probes are served beside the requests); a crashed one refuses, a hung one says nothing.

import DataPlane
import MeshCore

/// A probe under way.
struct ProbeFlight: BitwiseCopyable {
  var proxy: Int32
  var probe: ProbeHandle
  var replica: Int32
  /// Everything that is drawn for it comes from here.
  var key: RandomKey
  var report: LoadReport
  var isRefused: Bool
}

extension World {
  /// A data plane asks a replica something.
  mutating func startProbe(_ start: ProbeStart, proxy: Int) {
    probesSent &+= 1
    let key = RandomKey(
      seed: seed, replication: replicationNumber, purpose: .probe, entity: UInt64(UInt32(bitPattern: Int32(proxy))))
    let flight = probes.insert(
      ProbeFlight(
        proxy: Int32(truncatingIfNeeded: proxy), probe: start.probe, replica: start.endpoint.number,
        key: key.key(probesSent), report: LoadReport(), isRefused: false))
    carry(flight, .there)
  }

  /// Takes a probe or its answer over the pair's link.
  private mutating func carry(_ handle: SlotHandle, _ direction: Direction) {
    let flight = probes[handle.index]
    let arrival =
      hasPaths ? transmit(flight.proxy, flight.replica, direction, size: 0, sent: now, key: flight.key) : now
    if arrival > horizon {
      probes.remove(at: handle.index)
    } else if arrival > now {
      let kind: EventKind = direction == .there ? .probeReachesReplica : .probeReturns
      _ = wheel.schedule(at: arrival, kind, handle.packed)
    } else if direction == .there {
      probeReachesReplica(handle)
    } else {
      probeReturns(handle)
    }
  }

  /// A probe is at its replica's door.
  mutating func probeReachesReplica(_ handle: SlotHandle) {
    if !probes.contains(handle) { return }
    let flight = probes[handle.index]
    if replicas[flight.replica].condition.contains(.hung) {
      probes.remove(at: handle.index)
      return
    }
    probes[handle.index].isRefused = isDown(flight.replica)
    probes[handle.index].report = loadReport(of: flight.replica)
    carry(handle, .back)
  }

  /// A probe's answer is back. Whether anybody still waits for it the data plane knows.
  mutating func probeReturns(_ handle: SlotHandle) {
    if !probes.contains(handle) { return }
    let flight = probes[handle.index]
    probes.remove(at: handle.index)
    tell(
      Int(flight.proxy),
      flight.isRefused ? .probeFailed(flight.probe, .refused) : .probeAnswered(flight.probe, flight.report))
  }
}
