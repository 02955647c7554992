// One replica as the lab has it, by a real clock: workers are tokens, service is a timer, nothing spins.
//
// Time inside is nominal. Who has waited is taken on at the very instant at which a worker was free by what it had been asked for, not
// when its timer came round to it: timers that ring late delay answers, and never take capacity away.

import MeshCore
import NIOCore
import Simulation

/// What a replica does about a request.
enum ServerAnswer: Sendable, Hashable {
  case status(Int)
  /// The connection ends without a word.
  case reset
}

/// A replica at work. Confined to its event loop.
final class ReplicaServer: @unchecked Sendable {
  /// Somebody who waits for an answer.
  final class Work {
    let key: RandomKey
    let isCounted: Bool
    /// When it came, or was let in, on the run's clock.
    var entered: Timestamp
    var demand: TimeSpan = .zero
    /// How long it is in service, slowness included.
    var service: TimeSpan = .zero
    var status = 200
    var isDecided = false
    /// Whether nobody waits any more.
    var isAbandoned = false
    /// Whether its connection is at a replica that will never answer.
    var isSilenced = false
    fileprivate var timer: Scheduled<Void>?
    fileprivate var answer: ((ServerAnswer) -> Void)?

    init(key: RandomKey, isCounted: Bool, entered: Timestamp, answer: @escaping (ServerAnswer) -> Void) {
      self.key = key
      self.isCounted = isCounted
      self.entered = entered
      self.answer = answer
    }

    fileprivate func end(_ ending: ServerAnswer) {
      timer = nil
      let answer = answer
      self.answer = nil
      answer?(ending)
    }
  }

  let name: String
  let service: Int
  let number: Int
  private let description: ServiceDescription
  private let speed: Double
  private let workers: Int
  /// How long the link from the client takes, one way; it is waited for here, since loopback has none.
  private let linkDelay: TimeSpan
  private let table: DrawTable
  private let loop: any EventLoop
  private let clock: RunClock
  private var queue: [Work] = []
  private var serving: [ObjectIdentifier: Work] = [:]
  private var inService = 0
  /// Faults that strike it now, in the order of the file.
  private(set) var faults: [Int] = []
  private let kinds: [FaultKind]
  /// Attempts of counted requests that came, and those answered with success.
  private(set) var requests = 0
  private(set) var successes = 0
  private var answered = 0
  private var failed = 0

  init(
    service: Int, number: Int, of world: WorldDescription, table: DrawTable, loop: any EventLoop, clock: RunClock
  ) {
    self.service = service
    self.number = number
    description = world.services[service]
    let replica = description.replicas[number]
    name = replica.name
    speed = replica.speed
    workers = replica.workers ?? description.workers
    kinds = world.faults.map(\.kind)
    linkDelay = TestbedLimits.linkDelay(in: world, service: service, replica: number)
    self.table = table
    self.loop = loop
    self.clock = clock
  }

  /// Whether it takes no connections.
  var isCrashed: Bool {
    faults.contains { if case .crash = kinds[$0] { true } else { false } }
  }

  private var isHung: Bool {
    faults.contains { if case .hang = kinds[$0] { true } else { false } }
  }

  /// What a health check is answered; nil for nothing at all.
  var checkStatus: Int? {
    if isHung { return nil }
    for fault in faults { if case .errors(_, let rate, let status, _, _) = kinds[fault], rate >= 1 { return status } }
    return 200
  }

  /// Requests that it holds.
  var load: (inService: Int, waiting: Int) { (inService, queue.count) }

  /// What it says of its load, in the text form of ORCA.
  var report: String {
    let elapsed = max(1, clock.now.nanoseconds)
    let rate = Double(answered) * 1e9 / Double(elapsed)
    let errors = Double(failed) * 1e9 / Double(elapsed)
    let utilization = workers > 0 ? min(1, Double(inService) / Double(workers)) : 0
    return
      "TEXT application_utilization=\(rounded(utilization)), cpu_utilization=\(rounded(utilization)), rps_fractional=\(rounded(rate)), "
      + "eps=\(rounded(errors)), named_metrics.requests_in_flight=\(inService + queue.count)"
  }

  private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

  // MARK: - Requests

  /// An attempt has come over loopback: it arrives when its link's time is over.
  func take(_ work: Work) {
    if linkDelay <= .zero { return arrive(work) }
    work.entered = work.entered + linkDelay
    work.timer = loop.assumeIsolated().scheduleTask(deadline: clock.deadline(work.entered)) { [self] in arrive(work) }
  }

  private func arrive(_ work: Work) {
    if work.isAbandoned && description.onCancel != .finish { return }
    if work.isCounted { requests += 1 }
    if isCrashed { return work.end(.reset) }
    if isHung {
      work.isSilenced = true
      return
    }
    var extra: Int64 = 0
    for fault in faults {
      switch kinds[fault] {
      case .errors where work.status == 200:
        guard let error = table.draws.error(fault: fault, work.key) else { continue }
        work.status = error.status
        if let demand = error.demand {
          work.demand = demand
          work.isDecided = true
        }
      case .delay: extra += table.draws.delay(fault: fault, work.key).nanoseconds
      default: break
      }
    }
    if extra == 0 { return enter(work) }
    work.entered = work.entered + TimeSpan(nanoseconds: extra)
    work.timer = loop.assumeIsolated().scheduleTask(deadline: clock.deadline(work.entered)) { [self] in
      if isCrashed { return work.end(.reset) }
      enter(work)
    }
  }

  private func enter(_ work: Work) {
    if !work.isDecided {
      if work.status == 200 && table.draws.fails(service: service, work.key) { work.status = 500 }
      work.demand = table.draws.demand(service: service, replica: number, work.key)
    }
    if description.discipline == .infinite || inService < workers {
      begin(work, at: work.entered)
    } else if let limit = description.queueLimit, queue.count >= limit {
      finish(work, status: 503, at: work.entered)
    } else {
      queue.append(work)
    }
  }

  private func begin(_ work: Work, at start: Timestamp) {
    inService += 1
    serving[ObjectIdentifier(work)] = work
    if !work.isDecided { work.service = stretched(work.demand) } else { work.service = work.demand }
    let end = start + work.service
    work.timer = loop.assumeIsolated().scheduleTask(deadline: clock.deadline(end)) { [self] in served(work, at: end) }
  }

  private func stretched(_ demand: TimeSpan) -> TimeSpan {
    var stretch = 1 / speed
    for fault in faults { if case .slow(_, let factor, _) = kinds[fault] { stretch *= factor } }
    let whole = Double(demand.nanoseconds) + Double(description.perConcurrent.nanoseconds) * Double(inService)
    return TimeSpan(nanoseconds: Int64(min(whole * stretch, 4e18).rounded()))
  }

  private func served(_ work: Work, at end: Timestamp) {
    inService -= 1
    serving[ObjectIdentifier(work)] = nil
    finish(work, status: work.status, at: end)
    beginWaiting(at: end)
  }

  private func beginWaiting(at end: Timestamp) {
    while inService < workers, !queue.isEmpty {
      let next = description.discipline == .lifo ? queue.removeLast() : queue.removeFirst()
      if next.isAbandoned && description.onCancel != .finish { continue }
      begin(next, at: max(end, next.entered))
    }
  }

  private func finish(_ work: Work, status: Int, at instant: Timestamp) {
    answered += 1
    if status >= 500 { failed += 1 }
    if work.isCounted && SuccessRule.isSuccess(status: Int16(clamping: status)) { successes += 1 }
    if linkDelay <= .zero { return work.end(.status(status)) }
    work.timer = loop.assumeIsolated().scheduleTask(deadline: clock.deadline(instant + linkDelay)) {
      work.end(.status(status))
    }
  }

  /// Nobody waits for a work any more: it goes on as the service says.
  func abandon(_ work: Work) {
    work.isAbandoned = true
    work.answer = nil
    if description.onCancel == .stop, serving.removeValue(forKey: ObjectIdentifier(work)) != nil {
      work.timer?.cancel()
      work.timer = nil
      inService -= 1
      beginWaiting(at: clock.now)
    }
    if description.onCancel != .finish { queue.removeAll { $0 === work } }
  }

  // MARK: - Faults

  /// A fault begins or ends.
  func strikes(fault: Int, isBeginning: Bool) {
    if isBeginning { faults.append(fault) } else { faults.removeAll { $0 == fault } }
    faults.sort()
    guard isBeginning else { return }
    switch kinds[fault] {
    case .crash: drop { $0.end(.reset) }
    case .hang:
      drop { work in
        work.isSilenced = true
        work.answer = nil
      }
    default: break
    }
  }

  private func drop(_ body: (Work) -> Void) {
    let works = queue + serving.values.sorted { $0.entered < $1.entered }
    queue = []
    serving = [:]
    inService = 0
    for work in works {
      work.timer?.cancel()
      work.timer = nil
      body(work)
    }
  }
}

/// The lab's draws, shared by the replicas of one process, which only read them.
final class DrawTable: @unchecked Sendable {
  let draws: ServiceDraws

  init(_ world: WorldDescription) { draws = ServiceDraws(world) }
}
