// Kubernetes readiness: when a replica counts as ready, as its kubelet finds out.
//
// A container's first probe comes `initialDelay` after its start, the next ones every `period`. `successThreshold` passes in a row
// make it ready, `failureThreshold` failures in a row make it unready. A crashed replica refuses at once, a hung one fails
// when the probe's `timeout` is over; what comes back from a crash or a restart is a new container, unready until its own probes
// have passed. Those that are there at the beginning are ready, and their probes come at phases of their own.
//
// Nothing is asked while nothing can come of it: probes of a ready replica that is well change nothing, so they are
// on the wheel only from the moment at which something befalls it.

import MeshCore

/// What a replica's kubelet knows of it.
struct Readiness: BitwiseCopyable {
  var isReady: Bool
  /// Answers in a row that speak against `isReady`.
  var streak = 0
  /// When this container's first probe is due; the others follow every period.
  var firstProbe: Int64 = 0
  /// Whether the next probe is on the wheel.
  var isWatched = false
  /// How many containers the replica has had: events of former ones mean nothing.
  var container: UInt32 = 0

  init(isReady: Bool) { self.isReady = isReady }
}

extension World {
  /// Draws the phases of the probes of the replicas that are there at the beginning.
  mutating func beginReadiness() {
    for (index, service) in description.services.enumerated() {
      guard let probe = service.readinessProbe else { continue }
      let key = discoveryKey("readinessProbe \(service.name)")
      for number in 0..<Int32(service.replicas.count) {
        let replica = services[index].firstReplica &+ number
        memberships.readiness[replica].firstProbe = part(of: probe.period, key.draw(UInt64(number)))
      }
    }
  }

  /// A replica has a new container, which nobody has asked yet. Who is listed already is not ready any more.
  mutating func containerStarts(_ replica: Int32, isListed: Bool = true) {
    let service = Int(replicas[replica].service)
    guard let probe = description.services[service].readinessProbe else { return }
    if replicas[replica].condition.contains(.absent) || replicas[replica].condition.contains(.draining) { return }
    memberships.readiness[replica].container &+= 1
    memberships.readiness[replica].streak = 0
    memberships.readiness[replica].firstProbe = now.addingClamped(probe.initialDelay.nanoseconds)
    memberships.readiness[replica].isWatched = false
    if isListed { setReady(false, replica, "a new container") }
    memberships.readiness[replica].isReady = false
    watchReadiness(replica)
  }

  /// Something has befallen a replica: its probes are followed until nothing more can come of them.
  mutating func watchReadiness(_ replica: Int32) {
    guard let probe = description.services[Int(replicas[replica].service)].readinessProbe else { return }
    let readiness = memberships.readiness[replica]
    if readiness.isWatched || isSettled(replica) { return }
    memberships.readiness[replica].isWatched = true
    let at = nextTick(from: now, phase: readiness.firstProbe, period: probe.period.nanoseconds)
    if at <= horizon { _ = wheel.schedule(at: at, .readinessProbed, readinessArgument(replica)) }
  }

  /// Whether no probe can change anything.
  private mutating func isSettled(_ replica: Int32) -> Bool {
    let condition = replicas[replica].condition
    if condition.contains(.absent) || condition.contains(.draining) { return true }
    let readiness = memberships.readiness[replica]
    let isWell = !isDown(replica) && !condition.contains(.hung)
    // What is down comes back as a new container.
    return readiness.isReady ? isWell && readiness.streak == 0 : isDown(replica)
  }

  private func readinessArgument(_ replica: Int32) -> UInt64 {
    UInt64(memberships.readiness[replica].container) << 32 | UInt64(UInt32(bitPattern: replica))
  }

  mutating func readinessProbed(_ argument: UInt64) {
    let replica = Int32(truncatingIfNeeded: argument & 0xffff_ffff)
    guard argument == readinessArgument(replica),
      let probe = description.services[Int(replicas[replica].service)].readinessProbe
    else { return }
    memberships.readiness[replica].isWatched = false
    let condition = replicas[replica].condition
    if condition.contains(.absent) || condition.contains(.draining) { return }
    if !isDown(replica) && condition.contains(.hung) {
      let timeout = min(probe.timeout, probe.period).nanoseconds
      if now.addingClamped(timeout) <= horizon {
        _ = wheel.schedule(at: now.addingClamped(timeout), .readinessProbeTimedOut, argument)
      }
    } else {
      probeEnded(replica, hasPassed: !isDown(replica), probe)
    }
    // The next one is a period from here, not this very one again.
    if memberships.readiness[replica].isWatched || isSettled(replica) { return }
    memberships.readiness[replica].isWatched = true
    let next = now.addingClamped(probe.period.nanoseconds)
    if next <= horizon { _ = wheel.schedule(at: next, .readinessProbed, argument) }
  }

  mutating func readinessProbeTimedOut(_ argument: UInt64) {
    let replica = Int32(truncatingIfNeeded: argument & 0xffff_ffff)
    guard argument == readinessArgument(replica),
      let probe = description.services[Int(replicas[replica].service)].readinessProbe
    else { return }
    probeEnded(replica, hasPassed: false, probe)
  }

  private mutating func probeEnded(_ replica: Int32, hasPassed: Bool, _ probe: ReadinessProbeDescription) {
    if hasPassed == memberships.readiness[replica].isReady {
      memberships.readiness[replica].streak = 0
      return
    }
    memberships.readiness[replica].streak += 1
    let threshold = hasPassed ? probe.successThreshold : probe.failureThreshold
    if memberships.readiness[replica].streak < threshold { return }
    memberships.readiness[replica].streak = 0
    setReady(hasPassed, replica, "\(threshold) probe\(threshold == 1 ? "" : "s") \(hasPassed ? "passed" : "failed")")
  }

  private mutating func setReady(_ isReady: Bool, _ replica: Int32, _ why: String) {
    let service = Int(replicas[replica].service)
    if memberships.readiness[replica].isReady == isReady { return }
    memberships.readiness[replica].isReady = isReady
    measurement.events.append(
      EventRow(
        time: Timestamp(nanoseconds: now), event: isReady ? "ready" : "unready",
        cluster: description.services[service].name, endpoint: replicaName(replica), detail: why))
    let number = Int(replicas[replica].number)
    listingChanged(ofService: service, replicas: number..<number &+ 1)
  }
}
