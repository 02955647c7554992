// Circuit breakers at work: what the world's pools of connections ask, and what becomes of an attempt that finds no room.
//
// Connections are the world's: the lab keeps pools of simulated ones, a proxy of real ones. Whether one more may be opened, a request may
// wait, or use one, is decided here, for each cluster whose breaker counts (`countsConnections`); of any other cluster nothing is asked. An
// attempt that is refused has been chosen an endpoint for, and never reaches it: the world says so (`TransportFailure.overflow`). The
// balancer hears that it was given up, fault detection hears nothing, nobody tries it again (Envoy's retries leave out an overflow
// before anything else), and the caller is answered 503; a proxy adds `x-envoy-overloaded`.

import FaultDetection
import LoadBalancing
import MeshCore

extension DataPlane {
  /// Whether a cluster's pools have to ask.
  public func countsConnections(ofCluster cluster: Int) -> Bool { clusters[cluster].countsConnections }

  /// What is open to a cluster now.
  public func breaker(ofCluster cluster: Int) -> CircuitBreaker { clusters[cluster].breaker }

  /// Whether an attempt may wait for a connection.
  @inline(__always)
  public mutating func attemptPends(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) -> Bool {
    if clusters[cluster].breaker.pend() { return true }
    refused(.pendingRequests, cluster: cluster, at: now, into: &actions)
    return false
  }

  /// An attempt that waited has its connection, or was given up.
  @inline(__always)
  public mutating func attemptWaitsNoLonger(cluster: Int) { clusters[cluster].breaker.leavePending() }

  /// Whether an attempt may use a connection that is free.
  @inline(__always)
  public mutating func attemptAttaches(cluster: Int, at now: Timestamp, into actions: inout ActionBuffer) -> Bool {
    if clusters[cluster].breaker.attach() { return true }
    refused(.requests, cluster: cluster, at: now, into: &actions)
    return false
  }

  /// An attempt is off its connection.
  @inline(__always)
  public mutating func attemptDetaches(cluster: Int) { clusters[cluster].breaker.detach() }

  /// Whether a connection may be opened to an endpoint that has so many, those that are being opened included: always where it is the first.
  @inline(__always)
  public mutating func connectionOpens(
    cluster: Int, atEndpoint count: Int32, at now: Timestamp, into actions: inout ActionBuffer
  ) -> Bool {
    guard let resource = clusters[cluster].breaker.connect(atEndpoint: count) else { return true }
    refused(resource, cluster: cluster, atEndpoint: count, at: now, into: &actions)
    return false
  }

  /// A connection has closed, or did not open.
  @inline(__always)
  public mutating func connectionCloses(cluster: Int) { clusters[cluster].breaker.disconnect() }

  /// Requests on connections and waiting for them, as a retry budget counts them: one that has just been answered is still among them
  /// when Envoy decides on its retry, one whose connection broke is not.
  func requestsUnderWay(inCluster cluster: Int32, _ ending: AttemptEnding) -> Int64 {
    let count = clusters[Int(cluster)].breaker.requestsUnderWay
    return ending == .answered ? count + 1 : count
  }

  /// Something found no room: people hear of the first time.
  @inline(never)
  mutating func refused(
    _ resource: BreakerResource, cluster: Int, atEndpoint own: Int32 = 0, at now: Timestamp,
    into actions: inout ActionBuffer
  ) {
    if !clusters[cluster].trips[resource].refuse(at: now) { return }
    var (count, limit) = clusters[cluster].breaker.standing(of: resource)
    if resource == .hostConnections { count = own }
    if resource == .retries {
      (count, limit) = retries.room(
        inCluster: Int32(truncatingIfNeeded: cluster),
        underWay: clusters[cluster].breaker.requestsUnderWay)
    }
    report(.breakerOpened, cluster, .noRoom(resource, count: count, limit: limit), into: &actions)
    _ = setTimer(
      .breaker, Int32(truncatingIfNeeded: cluster), slot: Int32(resource.rawValue), deadline: now + BreakerTrip.rest,
      into: &actions)
  }

  /// It is time to look whether a breaker has refused nothing of late.
  mutating func breakerDue(
    cluster: Int, _ resource: BreakerResource, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    let (next, refusals) = clusters[cluster].trips[resource].close(at: now)
    if let next {
      _ = setTimer(
        .breaker, Int32(truncatingIfNeeded: cluster), slot: Int32(resource.rawValue), deadline: next, into: &actions)
      return
    }
    report(.breakerClosed, cluster, .roomAgain(resource, refusals: refusals), into: &actions)
  }

  private func report(
    _ kind: DetectionNotice.Kind, _ cluster: Int, _ reason: DetectionReason, into actions: inout ActionBuffer
  ) {
    actions.append(
      .report(
        DetectionNotice(
          kind: kind, cluster: Int32(truncatingIfNeeded: cluster), endpoint: EndpointIdentity(-1), exclusions: [],
          reason: reason)))
  }

  /// An attempt found no room in its endpoint's pool.
  @inline(never)
  mutating func overflowed(_ attempt: AttemptHandle, at now: Timestamp, into actions: inout ActionBuffer) {
    let (cluster, pursuit) = requests.modify(attempt.index) { (Int($0.cluster), $0.pursuit) }
    countOutUnheard(attempt, .abandoned, at: now, into: &actions)
    if pursuit == RequestRecord.alone {
      respond(attempt, attempt, status: 503, .breakerOverflow, into: &actions)
    } else if pursuit == RequestRecord.copy {
      forgetCopy(attempt.index, into: &actions)
    } else {
      tryEnded(attempt, .broken, 503, .breakerOverflow, .overflow, at: now, into: &actions)
    }
    if clusters[cluster].hasWishes { grantWishes(cluster: cluster, at: now, into: &actions) }
  }
}
