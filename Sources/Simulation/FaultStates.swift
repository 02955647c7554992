// Which faults are on, and what they mean for messages at any moment. A fault's times are known from the start, so that a
// message's retransmissions can be followed through partitions that have not begun yet.

import MeshCore

/// One fault of the scenario, while the run goes on.
struct FaultState: BitwiseCopyable {
  var at: Int64
  /// `Int64.max` for to the end.
  var duration: Int64
  /// From start to start; 0 for once.
  var period: Int64
  /// Rounds that last now. Those of a restart may overlap.
  var roundsActive: Int32
  /// Whether its pause holds its targets now.
  var isHolding: Bool
  /// How often it has begun.
  var rounds: UInt64
  /// Its distribution (a delay, or the time of a failing answer), or -1.
  var distribution: Int32
  /// What its draws are keyed by.
  var seat: UInt64
  /// The pause that comes next and the end of the present one.
  var pauseBegin: EventHandle
  var pauseEnd: EventHandle

  /// Whether a round of it lasts now.
  var isActive: Bool { roundsActive > 0 }

  /// Whether it is on at `instant`.
  func isOn(at instant: Int64) -> Bool {
    if instant < at { return false }
    let since = instant &- at
    return (period > 0 ? since % period : since) < duration
  }
}

/// A share of messages lost between two places.
struct MessageFault: BitwiseCopyable {
  var fault: Int32
  var loss: Double
}

/// All faults of a run.
struct FaultStates: ~Copyable {
  var states = Pool<FaultState>()
  var messageFaults = Pool<MessageFault>()
  /// Whether any fault ever touches messages.
  var strikesMessages = false
  /// By service: how many faults freeze its discovery now.
  var freezes = Pool<Int32>()
  /// By service: how many faults have expired its certificate.
  var expiredCertificates = Pool<Int32>()
  /// By replica: how many faults crash, hang, restart, delay it or make it err now.
  var crashes = Pool<Int32>()
  var hangs = Pool<Int32>()
  var restarts = Pool<Int32>()
  var delays = Pool<Int32>()
  var errors = Pool<Int32>()
  /// By replica: how many faults make it ask to be left alone.
  var leaves = Pool<Int32>()

  init(replicas: Int, services: Int) {
    freezes = Pool(repeating: 0, count: services)
    expiredCertificates = Pool(repeating: 0, count: services)
    crashes = Pool(repeating: 0, count: replicas)
    hangs = Pool(repeating: 0, count: replicas)
    restarts = Pool(repeating: 0, count: replicas)
    delays = Pool(repeating: 0, count: replicas)
    errors = Pool(repeating: 0, count: replicas)
    leaves = Pool(repeating: 0, count: replicas)
  }
}

extension World {
  /// The share of messages lost between a data plane and a replica at an instant, the link's own share `base` included.
  mutating func lossShare(_ base: Double, _ proxy: Int32, _ replica: Int32, at instant: Int64) -> Double {
    var kept = 1 - base
    for place in 0..<faults.messageFaults.count {
      let fault = faults.messageFaults[place]
      if !faults.states[fault.fault].isOn(at: instant) { continue }
      if !isBetween(fault, proxy, replica) { continue }
      kept *= 1 - fault.loss
    }
    return 1 - kept
  }

  /// Whether a message fault lies between a data plane and a replica, whichever way round.
  private mutating func isBetween(_ fault: MessageFault, _ proxy: Int32, _ replica: Int32) -> Bool {
    switch description.faults[Int(fault.fault)].kind {
    case .partition(let from, let to):
      return (isCaller(proxy, at: from) && isReplica(replica, at: to))
        || (isCaller(proxy, at: to) && isReplica(replica, at: from))
    case .loss(let from, let to, _):
      let here = from.map { isCaller(proxy, at: $0) } ?? true
      let there = to.map { isReplica(replica, at: $0) } ?? true
      let hereTurned = to.map { isCaller(proxy, at: $0) } ?? true
      let thereTurned = from.map { isReplica(replica, at: $0) } ?? true
      return (here && there) || (hereTurned && thereTurned)
    default:
      return false
    }
  }

  /// Whether a data plane sits at a place.
  mutating func isCaller(_ proxy: Int32, at place: Place) -> Bool {
    let state = (client: proxies[Int(proxy)].client, service: proxies[Int(proxy)].service)
    switch place {
    case .client(let index): return state.client == Int32(index)
    case .service(let index): return state.service == Int32(index)
    case .replica(let service, let number):
      return state.service == Int32(service) && proxies[Int(proxy)].number == Int32(number)
        && proxies[Int(proxy)].replica >= 0
    case .zone(let index): return proxies[Int(proxy)].zone == Int32(index)
    }
  }

  /// Whether a replica sits at a place.
  mutating func isReplica(_ replica: Int32, at place: Place) -> Bool {
    switch place {
    case .client: return false
    case .service(let index): return replicas[replica].service == Int32(index)
    case .replica(let service, let number):
      return replicas[replica].service == Int32(service) && replicas[replica].number == Int32(number)
    case .zone(let index): return replicas[replica].zone == Int32(index)
    }
  }
}
