// Links and connections between data planes and replicas.

import DataPlane
import MeshCore

/// Which way a message goes.
enum Direction: BitwiseCopyable {
  case there
  case back
}

/// One link of the scenario.
struct LinkState: BitwiseCopyable {
  var delay: Int32
  /// The delay when it never changes, or -1.
  var constantDelay: Int64
  var loss: Double
  /// Nanoseconds a byte takes; 0 for no limit.
  var nanosecondsPerByte: Double
  var retransmission: Int64
  /// Until when each direction is busy sending.
  var busyThere: Int64
  var busyBack: Int64
}

/// Connections of one data plane to one endpoint of one cluster.
struct ConnectionState: BitwiseCopyable {
  /// Whether the http2 connection is open.
  var isOpen: Bool
  /// Connections being opened.
  var opening: Int32
  /// Open http1 connections nobody uses.
  var idle: Int32
  /// Those that are open, where a circuit breaker counts them.
  var open: Int32 = 0
  /// Works that wait for a connection.
  var waitingHead: Int32
  var waitingTail: Int32
  /// What it is about to do, where a circuit breaker counts.
  var serving = PoolTurn.no
}

/// What a pool does in an event of its own.
enum PoolTurn: UInt8, BitwiseCopyable, Comparable {
  case no
  /// Gives what is free to those who wait.
  case serves
  /// And opens connections for the others: one has closed.
  case opens

  static func < (left: PoolTurn, right: PoolTurn) -> Bool { left.rawValue < right.rawValue }
}

/// A connection being opened.
struct Opening: BitwiseCopyable {
  var pair: Int32
  var proxy: Int32
  var replica: Int32
  var cluster: Int32
  var key: RandomKey
  var timeout: EventHandle
  var isRefused: Bool
}

/// How a cluster's connections behave.
struct ClusterTransport: BitwiseCopyable {
  /// 0: http1, 1: http2, 2: tcp.
  var kind: UInt8
  var usesTLS: Bool
  var connectTimeout: Int64
  var service: Int32
  /// Whether a circuit breaker counts its connections.
  var isCounted: Bool
}

/// Everything between callers and replicas.
struct Network: ~Copyable {
  var links = Pool<LinkState>()
  /// The link of (data plane, replica), or -1, row by row of data planes; empty when no link is described.
  var linkOf = Pool<Int32>()
  /// The connections of (data plane, row), row by row of data planes.
  var connections = Pool<ConnectionState>()
  var transports = Pool<ClusterTransport>()
  /// Whether connections matter where no link is named too.
  var tracksConnections = false
  var replicaCount = 0
  var rowCount = 0

  @inline(__always)
  func link(proxy: Int32, replica: Int32) -> Int32 {
    linkOf.count == 0 ? -1 : linkOf[Int(proxy) &* replicaCount &+ Int(replica)]
  }
}

extension World {
  /// An attempt leaves its data plane: over a connection that is open, or that has to be opened first.
  mutating func depart(_ work: Int32, cluster: Int32) {
    if hasPools && network.transports[cluster].isCounted {
      enterPool(work, cluster: cluster)
      return
    }
    let proxy = works[work].plane
    let replica = works[work].replica
    if network.link(proxy: proxy, replica: replica) < 0 && !network.tracksConnections {
      // Nothing lies between: opening a connection takes no time.
      travel(work)
      return
    }
    let pair = Int32(truncatingIfNeeded: Int(proxy) &* network.rowCount &+ Int(works[work].row))
    let kind = network.transports[cluster].kind
    if kind == 1 {
      if network.connections[pair].isOpen {
        travel(work)
        return
      }
      awaitConnection(work, pair: pair)
      if network.connections[pair].opening == 0 { openConnection(pair, for: work, cluster: cluster) }
      return
    }
    if kind == 0 && network.connections[pair].idle > 0 {
      network.connections[pair].idle &-= 1
      works[work].holdsConnection = true
      travel(work)
      return
    }
    awaitConnection(work, pair: pair)
    openConnection(pair, for: work, cluster: cluster)
  }

  /// An attempt travels to its replica.
  @inline(never)
  mutating func travel(_ work: Int32) {
    let proxy = works[work].plane
    let replica = works[work].replica
    works[work].phase = .travelling
    var sent = now
    if hopOutbound >= 0 {
      sent = sent.addingClamped(distributions.sample(hopOutbound, works[work].key.key(for: .hopOutbound)))
      let link = network.link(proxy: proxy, replica: replica)
      if sent > now && link >= 0 && network.links[link].nanosecondsPerByte > 0 {
        // It takes its place in the link's queue when it gets there.
        works[work].event = wheel.schedule(at: sent, .attemptLeavesCaller, UInt64(UInt32(bitPattern: work)))
        return
      }
    }
    cross(work, sent: sent)
  }

  /// An attempt comes out of its caller's sidecar.
  mutating func attemptLeavesCaller(_ work: Int32) {
    works[work].event = .none
    cross(work, sent: now)
  }

  /// An attempt goes over its link.
  @inline(__always)
  private mutating func cross(_ work: Int32, sent: Int64) {
    let proxy = works[work].plane
    let replica = works[work].replica
    let key = works[work].key
    var arrival = transmit(proxy, replica, .there, size: requestSize(of: work), sent: sent, key: key)
    if hopInbound >= 0 && arrival < .max {
      arrival = arrival.addingClamped(distributions.sample(hopInbound, key.key(for: .hopInbound)))
    }
    if arrival == now {
      attemptReachesReplica(work)
    } else if arrival > horizon {
      loseWork(work)
    } else {
      works[work].event = wheel.schedule(at: arrival, .attemptReachesReplica, UInt64(UInt32(bitPattern: work)))
    }
  }

  private mutating func requestSize(of work: Int32) -> Int64 {
    let call = works[work].call.index
    return call >= 0 ? calls[call].size : 0
  }

  /// An answer travels back.
  @inline(never)
  mutating func returnAnswer(_ work: Int32, size: Int64) {
    let arrival = transmit(
      works[work].plane, works[work].replica, .back, size: size, sent: now, key: works[work].key)
    if arrival == now {
      answerReachesCaller(work)
    } else if arrival > horizon {
      loseWork(work)
    } else {
      works[work].event = wheel.schedule(at: arrival, .answerReachesCaller, UInt64(UInt32(bitPattern: work)))
    }
  }

  /// Nothing will come of a work any more; its record stays as long as somebody waits for it.
  mutating func loseWork(_ work: Int32) {
    works[work].phase = .lost
    works[work].event = .none
    if works[work].call.index < 0 { removeWork(work) }
  }

  /// A refusal or a reset travels back.
  mutating func failBack(_ work: Int32, _ failure: TransportFailure) {
    works[work].phase = .answering
    // What a breaker counts goes on until the caller knows.
    if !network.transports[rows[works[work].row].cluster].isCounted { works[work].holdsConnection = false }
    works[work].status = failure == .refused ? -1 : -2
    let arrival = transmit(
      works[work].plane, works[work].replica, .back, size: 0, sent: now, key: works[work].key)
    if arrival > horizon {
      loseWork(work)
    } else {
      works[work].event = wheel.schedule(at: arrival, .failureReachesCaller, UInt64(UInt32(bitPattern: work)))
    }
  }

  /// A refusal or a reset is back at its data plane.
  mutating func failureReachesCaller(_ work: Int32) {
    failNow(work, works[work].status == -1 ? .refused : .reset)
  }

  /// Tells a data plane that an attempt broke.
  mutating func failNow(_ work: Int32, _ failure: TransportFailure) {
    if isWatching { noteBroken(work, failure) }
    let record = works[work]
    loseConnection(work)
    if record.call.index < 0 {
      removeWork(work)
      return
    }
    countAttempt(work, isSuccess: false)
    if record.wasServed { calls[record.call.index].hasReachedWorker = true }
    detach(work)
    removeWork(work)
    if calls[record.call.index].isCopy { calls.remove(at: record.call.index) }
    tell(Int(record.plane), .attemptFailed(record.attempt, failure))
  }

  /// When a message that is sent at `sent` arrives; `Int64.max` when it never does.
  @inline(never)
  mutating func transmit(
    _ proxy: Int32, _ replica: Int32, _ direction: Direction, size: Int64, sent: Int64, key: RandomKey
  ) -> Int64 {
    let link = network.link(proxy: proxy, replica: replica)
    if link < 0 && !faults.strikesMessages { return sent }
    var arrival = sent
    let isSimple = link >= 0 && network.links[link].loss == 0 && network.links[link].nanosecondsPerByte == 0
    if !isSimple || faults.strikesMessages {
      arrival = pass(link, proxy, replica, direction, size: size, sent: sent, key: key)
      if arrival == .max || link < 0 { return arrival }
    }
    let constant = network.links[link].constantDelay
    if constant >= 0 { return arrival.addingClamped(constant) }
    let purpose: RandomPurpose = direction == .there ? .linkThere : .linkBack
    return arrival.addingClamped(distributions.sample(network.links[link].delay, key.key(for: purpose)))
  }

  /// When a message is through the link's queue and gets lost no more: what is lost is sent again after a time that doubles.
  private mutating func pass(
    _ link: Int32, _ proxy: Int32, _ replica: Int32, _ direction: Direction, size: Int64, sent: Int64, key: RandomKey
  ) -> Int64 {
    var at = sent
    if link >= 0 && network.links[link].nanosecondsPerByte > 0 {
      let span = Int64((Double(size) * network.links[link].nanosecondsPerByte).rounded())
      let busy = direction == .there ? network.links[link].busyThere : network.links[link].busyBack
      at = max(at, busy).addingClamped(span)
      // What has no size waits its turn and takes none.
      if size > 0 {
        if direction == .there { network.links[link].busyThere = at } else { network.links[link].busyBack = at }
      }
    }
    let base = link >= 0 ? network.links[link].loss : 0
    var wait = link >= 0 ? network.links[link].retransmission : 200_000_000
    let draws = key.key(for: direction == .there ? .lossThere : .lossBack)
    var number: UInt64 = 0
    while true {
      if at > horizon { return .max }
      let loss = lossShare(base, proxy, replica, at: at)
      if loss <= 0 { return at }
      if loss < 1 && unitInterval(draws.draw(number)) >= loss { return at }
      number &+= 1
      at = at.addingClamped(wait)
      wait = wait.addingClamped(wait)
    }
  }

  // MARK: - Connections

  mutating func awaitConnection(_ work: Int32, pair: Int32) {
    works[work].phase = .connecting
    let tail = network.connections[pair].waitingTail
    works[work].next = -1
    works[work].previous = tail
    if tail < 0 { network.connections[pair].waitingHead = work } else { works[tail].next = work }
    network.connections[pair].waitingTail = work
  }

  mutating func removeWaiting(_ work: Int32, pair: Int32) {
    let previous = works[work].previous
    let next = works[work].next
    if previous < 0 { network.connections[pair].waitingHead = next } else { works[previous].next = next }
    if next < 0 { network.connections[pair].waitingTail = previous } else { works[next].previous = previous }
    works[work].next = -1
    works[work].previous = -1
  }

  /// An attempt is given up before its connection is open; the connection goes on opening.
  mutating func forgetConnecting(_ work: Int32) {
    if hasPools && network.transports[rows[works[work].row].cluster].isCounted { forgetPending(work) }
    removeWaiting(
      work, pair: Int32(truncatingIfNeeded: Int(works[work].plane) &* network.rowCount &+ Int(works[work].row)))
    works.remove(at: work)
  }

  mutating func openConnection(_ pair: Int32, for work: Int32, cluster: Int32) {
    let proxy = works[work].plane
    let replica = works[work].replica
    let key = works[work].key.key(for: .connection)
    network.connections[pair].opening &+= 1
    let opening = openings.insert(
      Opening(
        pair: pair, proxy: proxy, replica: replica, cluster: cluster, key: key, timeout: .none, isRefused: false))
    openings[opening.index].timeout = wheel.schedule(
      at: now.addingClamped(network.transports[cluster].connectTimeout), .connectTimeout, opening.packed)
    let arrival = transmit(proxy, replica, .there, size: 0, sent: now, key: key)
    if arrival <= horizon { _ = wheel.schedule(at: arrival, .connectReachesReplica, opening.packed) }
  }

  mutating func connectReachesReplica(_ handle: SlotHandle) {
    if !openings.contains(handle) { return }
    let opening = openings[handle.index]
    let transport = network.transports[opening.cluster]
    let isExpired = transport.usesTLS && faults.expiredCertificates[transport.service] > 0
    openings[handle.index].isRefused = isDown(opening.replica) || isExpired
    var back = transmit(opening.proxy, opening.replica, .back, size: 0, sent: now, key: opening.key)
    if transport.usesTLS && !isDown(opening.replica) && back < .max {
      // The handshake is a second round trip; a bad certificate shows in it.
      let again = opening.key.key(1)
      let there = transmit(opening.proxy, opening.replica, .there, size: 0, sent: back, key: again)
      back =
        there == .max
        ? .max : transmit(opening.proxy, opening.replica, .back, size: 0, sent: there, key: again)
    }
    if back <= horizon { _ = wheel.schedule(at: back, .connectReturns, handle.packed) }
  }

  mutating func connectReturns(_ handle: SlotHandle) {
    if !openings.contains(handle) { return }
    let opening = openings[handle.index]
    wheel.cancel(opening.timeout)
    closeOpening(handle)
    if opening.isRefused {
      failWaiting(opening, .refused)
      return
    }
    let pair = opening.pair
    if network.transports[opening.cluster].isCounted {
      isWorkingOff = true
      pooledConnectionStands(opening)
      workOffAll()
    } else if network.transports[opening.cluster].kind == 1 {
      network.connections[pair].isOpen = true
      isWorkingOff = true
      while network.connections[pair].waitingHead >= 0 {
        let work = network.connections[pair].waitingHead
        removeWaiting(work, pair: pair)
        travel(work)
      }
      workOffAll()
    } else {
      offerConnection(pair, cluster: opening.cluster)
    }
  }

  mutating func connectTimedOut(_ handle: SlotHandle) {
    if !openings.contains(handle) { return }
    let opening = openings[handle.index]
    closeOpening(handle)
    failWaiting(opening, .connectTimeout)
  }

  private mutating func closeOpening(_ handle: SlotHandle) {
    network.connections[openings[handle.index].pair].opening &-= 1
    openings.remove(at: handle.index)
  }

  /// An http2 connection that does not open fails everybody who waits for it, another one only its own, and those for whom a circuit
  /// breaker has let none be opened.
  private mutating func failWaiting(_ opening: Opening, _ failure: TransportFailure) {
    let transport = network.transports[opening.cluster]
    if transport.isCounted { pooledConnectionFailed(opening) }
    var spared = transport.kind == 1 ? 0 : transport.isCounted ? network.connections[opening.pair].opening : Int32.max
    // What the failures lead to comes afterwards: it must not be taken for one of those that waited.
    isWorkingOff = true
    var work = network.connections[opening.pair].waitingHead
    var isOwn = true
    while work >= 0 && (isOwn || spared < .max) {
      let next = works[work].next
      if isOwn || spared == 0 {
        removeWaiting(work, pair: opening.pair)
        if transport.isCounted { forgetPending(work) }
        failNow(work, failure)
      } else {
        spared -= 1
      }
      isOwn = false
      work = next
    }
    workOffAll()
  }

  private mutating func offerConnection(_ pair: Int32, cluster: Int32) {
    let work = network.connections[pair].waitingHead
    if work >= 0 {
      removeWaiting(work, pair: pair)
      works[work].holdsConnection = network.transports[cluster].kind == 0
      travel(work)
    } else if network.transports[cluster].kind == 0 {
      network.connections[pair].idle &+= 1
    }
  }

  /// An http1 connection has carried its answer and is free again.
  mutating func releaseConnection(_ work: Int32) {
    works[work].holdsConnection = false
    let cluster = rows[works[work].row].cluster
    if hasPools && network.transports[cluster].isCounted {
      releasePooled(work, cluster: cluster)
      return
    }
    let pair = Int32(truncatingIfNeeded: Int(works[work].plane) &* network.rowCount &+ Int(works[work].row))
    offerConnection(pair, cluster: cluster)
  }

  /// A work's connection carries nothing any more: it has broken, or its answer was given up.
  mutating func loseConnection(_ work: Int32) {
    if !works[work].holdsConnection { return }
    works[work].holdsConnection = false
    let cluster = rows[works[work].row].cluster
    if hasPools && network.transports[cluster].isCounted { breakPooled(work, cluster: cluster) }
  }

  /// A data plane finds that its http2 connection to a replica is none any more.
  mutating func closeShared(_ pair: Int32, cluster: Int32) {
    if hasPools && network.transports[cluster].isCounted && network.transports[cluster].kind == 1 {
      closeUnusedPooled(pair)
    }
    network.connections[pair].isOpen = false
  }

  /// A replica that goes down takes its connections with it.
  mutating func closeConnections(of replica: Int32) {
    if network.connections.count == 0 { return }
    for row in 0..<rows.count where rows[row].replica == replica {
      for proxy in 0..<proxyCount {
        let pair = proxy * network.rowCount + row
        if network.transports[rows[row].cluster].isCounted { closeUnusedPooled(Int32(truncatingIfNeeded: pair)) }
        network.connections[pair].isOpen = false
        network.connections[pair].idle = 0
      }
    }
  }
}
