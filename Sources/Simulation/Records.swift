// The records of the simulated world that come and go with requests, and those that stay with replicas and clients. Plain
// values in slabs and pools: the hot path touches nothing else.

import DataPlane
import MeshCore

/// One logical request on its way through a data plane: a client's, or a call that a replica makes.
struct CallRecord: BitwiseCopyable {
  /// When it was wanted.
  var wanted: Int64
  /// Everything that is drawn for it comes from here.
  var key: RandomKey
  /// The request inside the data plane.
  var request: RequestHandle
  /// Its data plane.
  var plane: Int32
  /// The client it comes from. Of a call that a replica makes: that replica's next call (`nextSibling`).
  var client: Int32
  /// The work that makes the call, -1 for a client's own request, -2 once the caller has given it up, or -3 for a copy whose answer
  /// nobody sees: it has a record of its own, since it outlives the request it was made of.
  var parent: Int32
  /// The call's description in `World.calls`, for a call.
  var lane: Int32
  /// Copies still to be made one after another.
  var copiesLeft: Int32
  /// Its latest attempt's work, or -1; older ones hang on it.
  var work: Int32
  /// The closed-loop user, or -1. Of a call that a replica makes: that replica's call before (`previousSibling`).
  var user: Int32
  /// Demand that a trace prescribes for the first service, or -1.
  var prescribedDemand: Int64
  /// Bytes.
  var size: Int64
  /// Whether it is counted (wanted in [warm-up, duration)).
  var isCounted: Bool
  /// Whether an attempt of it reached a worker.
  var hasReachedWorker: Bool
  /// Why a server has turned its latest attempt away.
  var refusal = ServerRefusal.none

  /// The next one of the calls that its caller waits for, or -1. Calls have no client of their own: its place serves.
  var nextSibling: Int32 {
    get { client }
    set { client = newValue }
  }

  /// Whether it is a client's own request.
  var isOfClient: Bool { parent == -1 }

  /// Whether nobody sees its answer.
  var isCopy: Bool { parent == -3 }

  /// The one before, or -1. Calls have no user: its place serves.
  var previousSibling: Int32 {
    get { user }
    set { user = newValue }
  }
}

/// Where an attempt is.
enum WorkPhase: UInt8, BitwiseCopyable {
  /// Waits for a connection.
  case connecting
  /// On its way there.
  case travelling
  /// At its replica, held up by a fault.
  case heldUp
  /// Waits for a worker.
  case waiting
  /// Is being served.
  case inService
  /// Has been served and makes its calls.
  case calling
  /// Its answer is on the way back.
  case answering
  /// Swallowed by a hung replica or a dead link: nothing will come.
  case lost
}

/// One attempt at one replica.
struct WorkRecord: BitwiseCopyable {
  /// Whose it is; stale once nobody waits for it.
  var call: SlotHandle
  /// The attempt inside the data plane.
  var attempt: AttemptHandle
  /// Everything that is drawn for it comes from here.
  var key: RandomKey
  /// When the data plane sent it.
  var sent: Int64
  /// When it came to the replica.
  var entered: Int64
  /// When its service, or the last stretch of it at one rate, began.
  var began: Int64
  /// Nanoseconds of service left at `began`, at rate 1; the finish on the virtual clock under processor sharing.
  var remaining: Double
  /// Nanoseconds of service it takes in all; -1 while that is not drawn.
  var demand: Int64
  /// The event it waits for.
  var event: EventHandle
  /// Its data plane.
  var plane: Int32
  /// Its replica.
  var replica: Int32
  /// The counters of its cluster and endpoint.
  var row: Int32
  /// The next one in the replica's queue, or in a list of those who wait for a connection; while it makes calls, the latest of
  /// those it waits for (`firstCall`).
  var next: Int32
  /// The one before.
  var previous: Int32
  /// The next older attempt of the same call.
  var older: Int32
  /// The group of calls it is at.
  var step: Int32
  /// How many others were in flight at the replica when it came in; kept where replicas report their load.
  var met: Int32
  /// Calls of that group without an answer.
  var openCalls: Int32
  /// Its answer.
  var status: Int16
  /// Where it is.
  var phase: WorkPhase
  /// Whether it holds a worker.
  var holdsWorker: Bool
  /// Whether a worker has taken it on.
  var wasServed: Bool
  /// Whether its demand and status have been decided by a fault (`errors`) already.
  var isDecided: Bool
  /// Whether its root request is counted.
  var isCounted: Bool
  /// Whether it occupies an http1 connection.
  var holdsConnection: Bool

  /// The first of the calls it waits for, or -1; while it makes calls, when it waits nowhere itself.
  var firstCall: Int32 {
    get { next }
    set { next = newValue }
  }
}

/// Why a replica is not simply up, or not for itself.
struct ReplicaCondition: OptionSet, BitwiseCopyable {
  let rawValue: UInt32
  init(rawValue: UInt32) { self.rawValue = rawValue }

  static var crashed: ReplicaCondition { .init(rawValue: 1) }
  static var hung: ReplicaCondition { .init(rawValue: 2) }
  static var draining: ReplicaCondition { .init(rawValue: 4) }
  static var absent: ReplicaCondition { .init(rawValue: 8) }
  static var erring: ReplicaCondition { .init(rawValue: 16) }
  static var delayed: ReplicaCondition { .init(rawValue: 32) }
  static var restarting: ReplicaCondition { .init(rawValue: 64) }
  /// An oracle follows its work.
  static var observed: ReplicaCondition { .init(rawValue: 128) }
  /// Reports its load.
  static var reporting: ReplicaCondition { .init(rawValue: 256) }
  /// Its sidecar lets in so many requests.
  static var limited: ReplicaCondition { .init(rawValue: 512) }
  /// Sheds from its queue.
  static var shedding: ReplicaCondition { .init(rawValue: 1024) }
  /// Asks to be left alone with whatever it answers.
  static var leaving: ReplicaCondition { .init(rawValue: 2048) }
}

/// One replica. What each request touches comes first, on two cache lines.
struct ReplicaState: BitwiseCopyable {
  var service: Int32
  var number: Int32
  var zone: Int32
  /// The data plane for its own calls, or -1.
  var plane: Int32
  var weight: UInt32
  var condition: ReplicaCondition
  var discipline: UInt8
  /// Whether a service takes just what was demanded.
  var isPlain: Bool
  /// Whether its service makes calls of its own.
  var makesCalls: Bool
  var workers: Int32
  var queueLimit: Int32
  var inService: Int32
  var waiting: Int32
  var queueHead: Int32
  var queueTail: Int32
  var time: Int32
  /// Waiting and served requests, and held workers, each times nanoseconds, up to `touched`.
  var waitingArea: Int64
  var inServiceArea: Int64
  /// Of `inServiceArea`, what is beyond the number of workers: they share these then, or are without number.
  var sharedArea: Int64
  var touched: Int64
  /// Nanoseconds that requests have spent here, for Little's law.
  var sojourn: Int64
  /// The share of its answers that fail of themselves.
  var errorRate: Double
  /// Counted attempts that came in, and answers of them that succeeded.
  var requests: Int64
  var successes: Int64
  /// Served as many times as fast, by its description.
  var speed: Double
  /// The speed it has drawn.
  var fluctuation: Double
  /// How many times as long a service that begins now takes, faults and speeds together, the cold start apart.
  var stretch: Double
  /// How fast running work goes: 1, less under `mode: rate`, 0 when it stands still.
  var rate: Double
  /// How many pauses and antagonists hold it.
  var holds: Int32
  var started: Int64
  /// The areas within [warm-up, stop), up to the last window's end; `waitingArea` and `heldArea` at that moment. Those wrap
  /// around after 2⁶³ request·nanoseconds, a long queue's work of hours; their differences over a window do not.
  var waitingTime: Int128
  var heldTime: Int128
  var waitingAreaAtWindow: Int64
  var heldAreaAtWindow: Int64
  /// Since when the replica is there, or -1 while it is not; and how long it was there within [warm-up, stop), up to then.
  var presentSince: Int64
  var present: Int64
  /// For the watch on saturation: since when it has had no rest (or −1 − what the last window held), and its requests in that
  /// window's end or when the rest ended.
  var saturatedSince: Int64
  var backlogWhenSaturated: Int32
}

/// What a replica does with an attempt that comes in.
enum Admission: BitwiseCopyable {
  /// Serves it for just what was demanded.
  case plainService
  /// Serves it.
  case service
  /// Lets it wait.
  case queue
  /// Serves it beside the others.
  case sharing
  /// Has no place for it.
  case refusal
}

extension ReplicaState {
  /// Whether an attempt that comes in is served in turn, for just as long as was demanded, and no oracle looks.
  @inline(__always)
  var takesAsDemanded: Bool { condition.rawValue == 0 && isPlain && discipline != 2 }

  /// Workers held, over time.
  var heldArea: Int64 { inServiceArea &- sharedArea }

  /// Brings the areas up to the present. To be called before the numbers change.
  @inline(__always)
  mutating func touch(at now: Int64) {
    let span = now &- touched
    if span == 0 { return }
    touched = now
    let served = Int64(inService)
    let most = Int64(workers)
    waitingArea &+= Int64(waiting) &* span
    inServiceArea &+= served &* span
    if served > most { sharedArea &+= (served &- most) &* span }
  }

  /// Moves the areas since the last time to where they cannot wrap around, and returns the held one.
  mutating func foldAreas(isCounting: Bool) -> UInt64 {
    let waited = UInt64(bitPattern: waitingArea &- waitingAreaAtWindow)
    let held = UInt64(bitPattern: heldArea &- heldAreaAtWindow)
    waitingAreaAtWindow = waitingArea
    heldAreaAtWindow = heldArea
    if isCounting {
      waitingTime += Int128(waited)
      heldTime += Int128(held)
    }
    return held
  }

  /// Counts an attempt in, for service or to wait.
  @inline(__always)
  mutating func admit(at now: Int64) -> Admission {
    touch(at: now)
    if discipline >= 2 {
      if discipline == 2 { return .sharing }
      inService &+= 1
      return isPlain ? .plainService : .service
    }
    if inService < workers {
      inService &+= 1
      return isPlain ? .plainService : .service
    }
    if waiting >= queueLimit { return .refusal }
    waiting &+= 1
    return .queue
  }
}

/// One service.
struct ServiceState: BitwiseCopyable {
  var firstReplica: Int32
  /// Room for the most replicas it ever has.
  var replicaRoom: Int32
  /// How many are meant to be there now.
  var replicaCount: Int32
  var responseSize: Int64
  var perConcurrent: Int64
  /// How many busy workers are reported as a utilization of 1; 0 for all of the replica's own.
  var allocation: Int32
  var coldStartFactor: Double
  var coldStartOver: Int64
  var firstStep: Int32
  var stepCount: Int32
  var holdsWorker: Bool
  var onCancel: UInt8
  var abandoned: Int64
  var wasted: Double
}

/// A group of calls of a service: lanes `firstLane ..< firstLane + laneCount` in `World.lanes`.
struct CallStep: BitwiseCopyable {
  var firstLane: Int32
  var laneCount: Int32
}

/// One call of a group.
struct CallLane: BitwiseCopyable {
  var route: Int32
  var count: Int32
  var isParallel: Bool
  var failsList: Bool
  /// What its calls stick by is of this kind.
  var kind: Int32
}

/// One client.
struct ClientState: BitwiseCopyable {
  /// The root of its requests' keys.
  var callKey: RandomKey
  var thinkKey: RandomKey
  var planeKey: RandomKey
  /// Requests wanted so far.
  var wanted: UInt64
  var firstPlane: Int32
  var planeCount: Int32
  var route: Int32
  /// What its requests stick by is of this kind.
  var kind: Int32
  var size: Int64
  var successWithin: Int64
  var think: Int32
  var zipf: Int32
  var constantKey: UInt64
  /// What a request's key is drawn from, 0 for none; and `drawsRoute`.
  var keyKind: UInt8
  /// In `keyKind`: the route is drawn too.
  static var drawsRoute: UInt8 { 0x80 }
  /// Requests that closed-loop users may still send.
  var allowance: Int64
  var requests: Int64
  var successes: Int64
  var timeouts: Int64
  var rejected: Int64
  var unanswered: Int64
  var retries: Int64
  var mirrors: Int64 = 0
  var hedges: Int64 = 0
  /// By its own data planes.
  var ejections: Int64
  var answeredInSpan: Int64
}

/// A closed-loop user.
struct UserState: BitwiseCopyable {
  var client: Int32
  var number: Int32
  /// Requests sent so far.
  var sent: UInt64
  var key: RandomKey
}

/// One endpoint of one cluster, counted over all data planes.
struct EndpointRow: BitwiseCopyable {
  var cluster: Int32
  var replica: Int32
  var requests: Int64
  var successes: Int64
  var latencySum: Int128
  var ended: Int64
  var ejected: Int64
  var wasListed: Bool
}
