// Pools of connections where a circuit breaker counts them: one for each data plane and endpoint of a cluster.
//
// As in Envoy: an attempt takes a connection that is free, or waits and asks for another one; who has waited longest has the next that is
// free. An http2 pool has one connection, which carries any number of requests; an http1 connection carries one at a time and stays open
// for the next one; a tcp connection carries one and closes. Connections that are open do not close for want of use. One whose
// answer was given up closes, and one that breaks. Every count is the data plane's (`DataPlane+Breakers`): the pool asks and obeys.
// A connection that has become free serves who waits in an event of its own at the same instant, as Envoy's does, so that nothing
// happens in the middle of something else. (source/common/conn_pool/conn_pool_base.cc)
//
// Where no link lies between, a connection opens at once. A pool without a breaker is kept in `Network`, which counts nothing.

import DataPlane
import MeshCore

extension World {
  /// The pool that an attempt belongs to.
  @inline(__always)
  private mutating func pool(of work: Int32) -> Int32 {
    Int32(truncatingIfNeeded: Int(works[work].plane) &* network.rowCount &+ Int(works[work].row))
  }

  /// The data plane of a pool, and its row.
  private mutating func owner(ofPool pair: Int32) -> (proxy: Int, row: Int32) {
    (Int(pair) / network.rowCount, Int32(truncatingIfNeeded: Int(pair) % network.rowCount))
  }

  /// An attempt comes to its pool: it travels, waits, or finds no room.
  @inline(never)
  mutating func enterPool(_ work: Int32, cluster: Int32) {
    let (pair, proxy) = (pool(of: work), Int(works[work].plane))
    let isShared = network.transports[cluster].kind == 1
    let isFree = isShared ? network.connections[pair].isOpen : network.connections[pair].idle > 0
    if isFree {
      attach(work, pair: pair, proxy: proxy, cluster: cluster)
      return
    }
    let mayWait = proxies[proxy].plane.attemptPends(
      cluster: Int(cluster), at: Timestamp(nanoseconds: now), into: &actions)
    own(proxy)
    if !mayWait {
      overflow(work)
      return
    }
    awaitConnection(work, pair: pair)
    if isShared && network.connections[pair].opening > 0 { return }
    if openPooled(pair, for: work, proxy: proxy, cluster: cluster) { serve(pair, proxy: proxy, cluster: cluster) }
  }

  /// Takes a free connection for an attempt, and sends it, or refuses it.
  private mutating func attach(_ work: Int32, pair: Int32, proxy: Int, cluster: Int32) {
    let hasRoom = proxies[proxy].plane.attemptAttaches(
      cluster: Int(cluster), at: Timestamp(nanoseconds: now), into: &actions)
    if !hasRoom {
      own(proxy)
      overflow(work)
      return
    }
    if network.transports[cluster].kind != 1 { network.connections[pair].idle &-= 1 }
    works[work].holdsConnection = true
    travel(work)
  }

  /// Opens another connection, if the breaker allows it. Returns whether it is open already.
  private mutating func openPooled(_ pair: Int32, for work: Int32, proxy: Int, cluster: Int32) -> Bool {
    let count = network.connections[pair].open &+ network.connections[pair].opening
    let mayOpen = proxies[proxy].plane.connectionOpens(
      cluster: Int(cluster), atEndpoint: count, at: Timestamp(nanoseconds: now), into: &actions)
    if !mayOpen {
      own(proxy)
      return false
    }
    let replica = works[work].replica
    if network.link(proxy: Int32(truncatingIfNeeded: proxy), replica: replica) >= 0 || network.tracksConnections {
      openConnection(pair, for: work, cluster: cluster)
      return false
    }
    pooledConnectionOpened(pair, cluster: cluster)
    return true
  }

  /// A pool has one connection more.
  private mutating func pooledConnectionOpened(_ pair: Int32, cluster: Int32) {
    network.connections[pair].open &+= 1
    if network.transports[cluster].kind == 1 {
      network.connections[pair].isOpen = true
    } else {
      network.connections[pair].idle &+= 1
    }
  }

  /// Gives connections that are free to those who have waited longest. The list of actions is being worked off.
  private mutating func serve(_ pair: Int32, proxy: Int, cluster: Int32) {
    while true {
      let work = network.connections[pair].waitingHead
      let isShared = network.transports[cluster].kind == 1
      let isFree = isShared ? network.connections[pair].isOpen : network.connections[pair].idle > 0
      if work < 0 || !isFree { return }
      removeWaiting(work, pair: pair)
      proxies[proxy].plane.attemptWaitsNoLonger(cluster: Int(cluster))
      attach(work, pair: pair, proxy: proxy, cluster: cluster)
    }
  }

  /// A connection has become free, or room for one: who waits is served.
  mutating func poolServes(_ pair: Int32) {
    let (proxy, row) = owner(ofPool: pair)
    let cluster = rows[row].cluster
    let hasClosed = network.connections[pair].serving == .opens
    network.connections[pair].serving = .no
    isWorkingOff = true
    serve(pair, proxy: proxy, cluster: cluster)
    if hasClosed { openForWaiting(pair, proxy: proxy, cluster: cluster) }
    workOffAll()
  }

  /// Whoever waits and has no connection on the way asks for one, as long as there is room.
  private mutating func openForWaiting(_ pair: Int32, proxy: Int, cluster: Int32) {
    while true {
      var work = network.connections[pair].waitingHead
      var covered = network.connections[pair].opening
      while covered > 0 && work >= 0 {
        work = works[work].next
        covered &-= 1
      }
      if work < 0 { return }
      let before = network.connections[pair].opening
      if openPooled(pair, for: work, proxy: proxy, cluster: cluster) {
        serve(pair, proxy: proxy, cluster: cluster)
      } else if network.connections[pair].opening == before {
        return
      }
    }
  }

  private mutating func scheduleServing(_ pair: Int32, _ turn: PoolTurn) {
    let planned = network.connections[pair].serving
    if network.connections[pair].waitingHead < 0 { return }
    network.connections[pair].serving = max(planned, turn)
    if planned == .no { _ = wheel.schedule(at: now, .poolServes, UInt64(UInt32(bitPattern: pair))) }
  }

  /// An attempt finds no room: it never was one.
  private mutating func overflow(_ work: Int32) {
    if isWatching { noteBroken(work, .overflow) }
    let record = works[work]
    if record.isCounted { rows[record.row].requests &-= 1 }
    detach(work)
    works.remove(at: work)
    if calls[record.call.index].isCopy { calls.remove(at: record.call.index) }
    tell(Int(record.plane), .attemptFailed(record.attempt, .overflow))
  }

  /// An attempt that waits is given up.
  mutating func forgetPending(_ work: Int32) {
    proxies[Int(works[work].plane)].plane.attemptWaitsNoLonger(cluster: Int(rows[works[work].row].cluster))
  }

  /// An attempt is off its connection, which is free again, unless it carries one request only.
  mutating func releasePooled(_ work: Int32, cluster: Int32) {
    let (pair, proxy) = (pool(of: work), Int(works[work].plane))
    proxies[proxy].plane.attemptDetaches(cluster: Int(cluster))
    switch network.transports[cluster].kind {
    case 0:
      network.connections[pair].idle &+= 1
      scheduleServing(pair, .serves)
    case 1: break
    default: closePooled(pair, proxy: proxy, cluster: cluster)
    }
  }

  /// An attempt's connection breaks, or closes because its answer was given up. Of a shared one it is the stream alone.
  mutating func breakPooled(_ work: Int32, cluster: Int32) {
    let (pair, proxy) = (pool(of: work), Int(works[work].plane))
    proxies[proxy].plane.attemptDetaches(cluster: Int(cluster))
    if network.transports[cluster].kind != 1 { closePooled(pair, proxy: proxy, cluster: cluster) }
  }

  private mutating func closePooled(_ pair: Int32, proxy: Int, cluster: Int32) {
    network.connections[pair].open &-= 1
    proxies[proxy].plane.connectionCloses(cluster: Int(cluster))
    scheduleServing(pair, .opens)
  }

  /// The connections of a pool that nobody uses close, or the one that is shared.
  mutating func closeUnusedPooled(_ pair: Int32) {
    let (proxy, row) = owner(ofPool: pair)
    let cluster = rows[row].cluster
    let isShared = network.transports[cluster].kind == 1
    let count = isShared ? network.connections[pair].open : network.connections[pair].idle
    network.connections[pair].open &-= count
    for _ in 0..<count { proxies[proxy].plane.connectionCloses(cluster: Int(cluster)) }
  }

  /// A connection that was being opened is open, and serves who waits. The list of actions is being worked off.
  mutating func pooledConnectionStands(_ opening: Opening) {
    pooledConnectionOpened(opening.pair, cluster: opening.cluster)
    serve(opening.pair, proxy: Int(opening.proxy), cluster: opening.cluster)
  }

  /// A connection that was being opened is none.
  mutating func pooledConnectionFailed(_ opening: Opening) {
    proxies[Int(opening.proxy)].plane.connectionCloses(cluster: Int(opening.cluster))
  }
}
