// What stands before a service at its own side: who is let to a replica, and who is shed from its queue.
//
// Each replica has limits of its own, as each pod's sidecar has. A caller's identity is its name: that of the client, or of the service
// whose replica calls (every caller here is in the mesh). Who is not authorized is answered 403 and takes nothing from a limit; a request over a limit is answered 429, both before it reaches queue or worker. What is
// shed from a queue (CoDel) is answered 503, in an event of its own at that instant: it happens while another request leaves.

import DataPlane
import MeshCore
import TrafficSplitting

/// The limits and queue controls of all replicas that have any.
struct InboundSides {
  /// By replica, its place in `limits`, or -1; empty where nobody has a limit.
  var limitOfReplica: [Int32] = []
  var limits: [IdentityRateLimit] = []
  /// By the same place: who may call, ascending; nil for all.
  var allowed: [[Int32]?] = []
  /// By replica; empty where no queue is controlled.
  var delays: [ControlledDelay] = []
}

extension World {
  /// Sets up what the mesh and the services say.
  mutating func prepareInbound() {
    prepareLimits()
    if !description.services.contains(where: { $0.codel != nil }) { return }
    inbound.delays = Array(
      repeating: ControlledDelay(ControlledDelayDescription()), count: replicas.count)
    for (index, service) in description.services.enumerated() {
      guard let control = service.codel else { continue }
      for number in 0..<services[index].replicaRoom {
        let replica = services[index].firstReplica &+ number
        inbound.delays[Int(replica)] = ControlledDelay(control)
        replicas[replica].condition.insert(.shedding)
        resetSpeed(replica)
      }
    }
  }

  private mutating func prepareLimits() {
    for side in mesh.inbound {
      guard let index = description.services.firstIndex(where: { $0.name == side.service }) else { continue }
      let limit = IdentityRateLimit(side) { identities(named: $0) }
      if inbound.limitOfReplica.isEmpty { inbound.limitOfReplica = Array(repeating: -1, count: replicas.count) }
      for number in 0..<services[index].replicaRoom {
        let replica = services[index].firstReplica &+ number
        inbound.limitOfReplica[Int(replica)] = Int32(inbound.limits.count)
        inbound.limits.append(limit)
        inbound.allowed.append(side.allowed.map { $0.flatMap { identities(named: $0) }.sorted() })
        replicas[replica].condition.insert(.limited)
      }
    }
  }

  /// Clients come first, then services.
  private func identities(named name: String) -> [Int32] {
    let clients = description.clients.indices.filter { description.clients[$0].name == name }.map { Int32($0) }
    let services = description.services.indices.filter { description.services[$0].name == name }
    return clients + services.map { Int32(description.clients.count + $0) }
  }

  /// Whether its replica's sidecar refuses an attempt, by authorization or a limit; it is answered then.
  mutating func isRefusedAtInbound(_ work: Int32) -> Bool {
    let (plane, replica, isCounted) = works.modify(work) { (Int($0.plane), $0.replica, $0.isCounted) }
    let (client, service) = (proxies[plane].client, proxies[plane].service)
    let identity = client >= 0 ? client : Int32(clients.count) &+ service
    let place = Int(inbound.limitOfReplica[Int(replica)])
    if inbound.allowed[place]?.contains(identity) == false {
      if isCounted { replicas[replica].requests &+= 1 }
      turnAway(work, status: 403, .unauthorized)
      return true
    }
    if inbound.limits[place].denial(of: identity, at: Timestamp(nanoseconds: now)) == nil { return false }
    if isCounted { replicas[replica].requests &+= 1 }
    turnAway(work, status: 429, .rateLimited)
    return true
  }

  /// Sheds who is next in a replica's queue, if it has waited too long. Returns whether somebody was shed, and else who is next.
  mutating func shedNext(_ replica: Int32) -> (hasShed: Bool, next: Int32) {
    let state = replicas[replica]
    let isYoungest = state.discipline == 1 || inbound.delays[Int(replica)].servesYoungestFirst
    let next = isYoungest ? state.queueTail : state.queueHead
    let waited = TimeSpan(nanoseconds: now &- works[next].entered)
    let isShed = inbound.delays[Int(replica)].sheds(
      waited: waited, isLast: state.waiting == 1, at: Timestamp(nanoseconds: now))
    if !isShed { return (false, next) }
    touch(replica)
    dequeue(next, replica: replica)
    replicas[replica].sojourn &+= now &- works[next].entered
    if state.condition.contains(.observed) { workWaits(next, replica: replica, -1) }
    works[next].phase = .answering
    works[next].event = wheel.schedule(at: now, .shedAnswered, UInt64(UInt32(bitPattern: next)))
    return (true, -1)
  }

  /// Somebody who was shed gets the answer.
  mutating func shedAnswered(_ work: Int32) {
    works[work].event = .none
    turnAway(work, status: 503, .shed)
  }
}
