// The simulated world: clients, links, replicas and faults around the data planes, and the loop that runs them.
//
// The way of one request: a client's arrival makes a `CallRecord` and tells the data plane; its action `startAttempt` makes a
// `WorkRecord`, which travels to its replica, waits, is served, makes its own calls and sends its answer back; the data plane's
// action `respond` ends the call. Calls and works live in slabs, events in the wheel; nothing is allocated per request.
//
// What runs for every request is `mutating` even where it only reads: called from a mutating method, a borrowing one on a type
// that cannot be copied gets a temporary of the whole world (1.8 kB; Swift 6.3.1).
//
// The world never calls a data plane from inside one: what a data plane asks for goes into one list that is worked off in order,
// and what follows from it at the same instant goes to the list's end.

import DataPlane
import MeshCore
import TrafficSplitting

/// A run that cannot go on.
public enum SimulationError: Error, Sendable, Hashable {
  /// Events follow each other without time passing; the text says where.
  case timeStandsStill(String)
  /// Something was lost or counted twice: a fault of Weir's own. The text says what.
  case notConserved(String)
  /// More requests wait than any machine should hold; the text says when and how many.
  case tooManyOpen(String)
  /// The monitor asked to stop.
  case stopped
}

extension SimulationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .timeStandsStill(let text): return "time stands still: \(text)"
    case .notConserved(let text): return "not conserved (a fault of Weir's own, please report it): \(text)"
    case .tooManyOpen(let text): return "too many requests at once: \(text)"
    case .stopped: return "stopped"
    }
  }
}

/// A data plane's timer and the event that will tell it.
struct ArmedTimer: BitwiseCopyable {
  var event: EventHandle
  var generation: UInt32
}

/// A data plane with what the world keeps for it.
struct ProxyState: ~Copyable {
  var plane: DataPlane
  /// The events of its timers, by timer.
  var timers: Pool<ArmedTimer>
  /// Its zone, or -1.
  let zone: Int32
  /// The client it works for, or -1.
  let client: Int32
  /// The service it works for, or -1, and the replica, or -1 when the service's replicas share it.
  let service: Int32
  var replica: Int32
  /// Its number among its client's, or that of its replica.
  let number: Int32
  /// Whether all replicas of its service share it.
  let isShared: Bool
  /// The calls of its copies, by attempt; stale where an attempt is none.
  var copies = Pool<SlotHandle>()
}

/// The world of one replication. Made by `Replication.simulate`.
struct World: ~Copyable {
  let description: WorldDescription
  let mesh: MeshDescription
  let settings: RunDescription
  let seed: UInt64
  let replicationNumber: Int

  // The clock.
  var wheel: EventWheel
  var now: Int64
  var eventCount: UInt64
  var digest: UInt64
  var instantEvents: Int

  // What comes and goes.
  var calls: Slab<CallRecord>
  var works: Slab<WorkRecord>
  var openings: Slab<Opening>
  var probes: Slab<ProbeFlight>
  var probesSent: UInt64 = 0
  var checks = HealthCheckFlights()
  var slowAnswers = Slab<SlowAnswer>(capacity: 1)
  var canaries: [CanaryState] = []

  // What stays.
  var clients: Pool<ClientState>
  /// By client.
  var refusals: Pool<RefusalCounts>
  var users: Pool<UserState>
  var services: Pool<ServiceState>
  var replicas: Pool<ReplicaState>
  var steps: Pool<CallStep>
  var lanes: Pool<CallLane>
  var rows: Pool<EndpointRow>
  /// The first row of each cluster, and that less the first replica of its service: a replica's row is the sum.
  var firstRow: Pool<Int32>
  var rowOfReplicaZero: Pool<Int32>
  let proxies: UnsafeMutablePointer<ProxyState>
  let proxyCount: Int
  var arrivals: ArrivalProcesses
  var distributions: DistributionTable
  var zipfs: ZipfTables
  var sessions: SessionCookies
  var hashes: RequestHashes
  var sharing: SharingQueues
  var network: Network
  var faults: FaultStates
  var inbound = InboundSides()
  var memberships: Memberships
  let hopOutbound: Int32
  let hopInbound: Int32
  /// Whether anything lies between callers and replicas at all.
  let hasPaths: Bool
  /// Whether circuit breakers count the connections of any cluster.
  let hasPools: Bool
  /// Whether attempts are at their replicas at once: nothing lies between, and no connection is counted.
  let startsAtOnce: Bool
  /// Whether answers go the short way: nothing lies between. Those of copies never do.
  let answersAtOnce: Bool
  /// Whether requests may be copied.
  let hasCopies: Bool
  /// Clusters whose balancer asks for what only the lab knows.
  let oracleClusters: [Int]
  /// By replica: the work that an oracle sees; empty without one.
  var workAccounts: Pool<WorkAccount>

  // What servers report of their load; empty where no balancer goes by it.
  var loads = Pool<LoadMemory>()
  var latencyMemory = LatencyMemory(replicas: 0)
  /// The report that an answer on its way carries, by work.
  var reports = Pool<LoadReport>()
  /// By cluster: whether its balancers want reports with answers.
  var reportsOfCluster = Pool<Bool>()
  /// By cluster, whether its answers may ever say more than their status; by work, what its answer says to everybody.
  var saysMore = Pool<Bool>()
  /// Routes of which a draw decides.
  var routeChances: [[RouteChance]] = []
  var remarks = Pool<AnswerRemark>()

  // What is to be done for the data planes, in order.
  var actions: ActionBuffer
  var actionOwners: Pool<Int32>
  /// How many of them, at the front, are all of the data plane that was told first.
  var firstOwned: Int
  var isWorkingOff: Bool
  /// Calls whose caller has failed or stopped: they are given up once the list is worked off.
  var orphans: Pool<SlotHandle>

  // What is measured.
  var measurement: Measurement
  var saturationNotes: [String]
  /// The cluster that the first client's requests go to, or begin with.
  var firstTargetCluster = 0

  /// When arrivals stop.
  var stop: Int64
  /// When the run ends at the latest.
  var horizon: Int64
  var hasStopped: Bool
  /// Requests that `run.requests` still allows; below 0 for no limit.
  var requestsLeft: Int64
  /// Clients that have requests to come.
  var sources: Int
  /// Attempts under way or waiting, at 200 bytes each: more of them are an overload without end, not a scenario.
  var mostWorks = 20_000_000
  /// Watches for the moment from which nothing can happen any more.
  var standstill = StandstillWatch()
  /// The request that is to be explained, if any.
  var watch: RequestWatch?
  /// Whether there is one, or a trace: what the common way asks.
  var isWatching = false
  /// What is noted of the run that is traced, if any.
  var recording: TraceRecording?

  deinit {
    proxies.deinitialize(count: proxyCount)
    proxies.deallocate()
  }

  /// Runs until every request is answered, or to the horizon.
  mutating func run(_ monitor: RunMonitor?) throws(SimulationError) {
    begin()
    while let event = try nextEvent() {
      perform(event)
      if eventCount & 0xfff == 0 {
        monitor?.update(simulated: Timestamp(nanoseconds: now), requests: measurement.answered)
        if monitor?.isStopped == true { throw .stopped }
        if works.occupiedCount > mostWorks { throw .tooManyOpen(overloadText()) }
      }
      if isOver { break }
    }
    if now < horizon && measurement.open > 0 { now = horizon }
  }

  /// Moves the clock to the next event; nil when there is none any more.
  @inline(__always)
  mutating func nextEvent() throws(SimulationError) -> DueEvent? {
    while true {
      guard let event = wheel.next(until: horizon) else {
        if stop < .max { return nil }
        endAtStandstill()
        continue
      }
      if event.time == now {
        instantEvents &+= 1
        if instantEvents > 20_000_000 { throw .timeStandsStill(instantLoopText()) }
      } else {
        instantEvents = 0
        now = event.time
      }
      eventCount &+= 1
      fold(UInt64(bitPattern: event.time) << 5 ^ UInt64(event.kind.rawValue))
      return event
    }
  }

  /// Whether nothing is left to be done.
  @inline(__always)
  var isOver: Bool { hasStopped && measurement.open == 0 && works.occupiedCount == 0 }

  /// Folds 64 bits into the trace digest.
  @inline(__always)
  mutating func fold(_ bits: UInt64) {
    let mixed = (digest ^ bits) &* 0x9fb2_1c65_1e98_df25
    digest = mixed ^ (mixed >> 32)
  }

  @inline(__always)
  mutating func perform(_ event: DueEvent) {
    switch event.kind {
    case .arrival: requestWanted(client: Int32(truncatingIfNeeded: event.argument))
    case .served: served(Int32(truncatingIfNeeded: event.argument))
    case .attemptReachesReplica: attemptReachesReplica(Int32(truncatingIfNeeded: event.argument))
    case .answerReachesCaller: answerReachesCaller(Int32(truncatingIfNeeded: event.argument))
    case .timer:
      let proxy = Int(truncatingIfNeeded: event.argument >> 32)
      timerDue(proxy: proxy, index: Int32(truncatingIfNeeded: event.argument & 0xffff_ffff))
    default: performRare(event)
    }
  }

  @inline(never)
  private mutating func performRare(_ event: DueEvent) {
    let index = Int32(truncatingIfNeeded: event.argument)
    if stop == .max && event.kind.isHousekeeping { watchStandstill() }
    switch event.kind {
    case .userThought: userThought(index)
    case .attemptReachesQueue: heldUpEnds(index)
    case .attemptLeavesCaller: attemptLeavesCaller(index)
    case .sharedServed: sharedServed(replica: index)
    case .failureReachesCaller: failureReachesCaller(index)
    case .connectReachesReplica: connectReachesReplica(SlotHandle(packed: event.argument))
    case .connectReturns: connectReturns(SlotHandle(packed: event.argument))
    case .connectTimeout: connectTimedOut(SlotHandle(packed: event.argument))
    case .faultBegins: faultBegins(Int(index))
    case .faultEnds: faultEnds(Int(index))
    case .pauseBegins: pauseBegins(fault: Int(index))
    case .pauseEnds: pauseEnds(fault: Int(index))
    case .restarted: restarted(fault: Int(index))
    case .antagonistTakes: antagonistTakes(replica: index)
    case .antagonistGives: antagonistGives(replica: index)
    case .fluctuates: fluctuates(service: index)
    case .discovered: discovered(event.argument)
    case .probeReachesReplica: probeReachesReplica(SlotHandle(packed: event.argument))
    case .probeReturns: probeReturns(SlotHandle(packed: event.argument))
    case .healthCheckReachesReplica: healthCheckReachesReplica(SlotHandle(packed: event.argument))
    case .healthCheckReturns: healthCheckReturns(SlotHandle(packed: event.argument))
    case .backgroundTimer:
      timerDue(
        proxy: Int(truncatingIfNeeded: event.argument >> 32),
        index: Int32(truncatingIfNeeded: event.argument & 0xffff_ffff))
    case .readinessProbed: readinessProbed(event.argument)
    case .readinessProbeTimedOut: readinessProbeTimedOut(event.argument)
    case .published: published(event.argument)
    case .answerHandedOn: answerHandedOn(index)
    case .poolServes: poolServes(index)
    case .shedAnswered: shedAnswered(index)
    case .canaryChecked: canaryChecked(Int(event.argument))
    case .windowEnds: windowEnds()
    case .warmUpEnds: warmUpEnds()
    case .arrivalsStop: arrivalsStop()
    case .arrival, .served, .attemptReachesReplica, .answerReachesCaller, .timer: break
    }
  }

  func overloadText() -> String {
    let at = Timestamp(nanoseconds: now)
    return "\(works.occupiedCount) attempts wait or are under way at \((at - .zero).seconds) s; "
      + "lower the load, or give services a queue limit"
  }

  private func instantLoopText() -> String {
    let at = Timestamp(nanoseconds: now)
    return "more than 20 million events at \((at - .zero).seconds) s; "
      + "closed-loop users without thinking time get their answers at once"
  }
}
