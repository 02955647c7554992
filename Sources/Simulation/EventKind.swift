// Everything that can happen in the simulated world. The number is part of the trace digest: append, never renumber.

/// What an event of the wheel is about. The comment names its argument.
enum EventKind: UInt8, BitwiseCopyable {
  /// A client's next request is wanted: client.
  case arrival = 1
  /// A closed-loop user has thought: user.
  case userThought = 2
  /// An attempt reaches its replica: work.
  case attemptReachesReplica = 3
  /// An attempt gets through a delay that a fault adds: work.
  case attemptReachesQueue = 4
  /// A replica has served an attempt: work.
  case served = 5
  /// A processor-sharing replica has served whoever is first: replica.
  case sharedServed = 6
  /// An answer reaches the caller's data plane: work.
  case answerReachesCaller = 7
  /// A refusal or reset reaches the caller's data plane: work.
  case failureReachesCaller = 8
  /// A timer of a data plane is due: data plane and timer.
  case timer = 9
  /// A connection attempt reaches the replica: opening.
  case connectReachesReplica = 10
  /// The connection's answer is back: opening.
  case connectReturns = 11
  /// A connection attempt has taken too long: opening.
  case connectTimeout = 12
  /// A fault begins: fault.
  case faultBegins = 13
  /// A fault ends: fault.
  case faultEnds = 14
  /// A fault's pause begins: fault.
  case pauseBegins = 15
  /// A fault's pause ends: fault.
  case pauseEnds = 16
  /// A restarted replica is back: fault.
  case restarted = 17
  /// An antagonist takes a replica: replica.
  case antagonistTakes = 18
  /// An antagonist gives it back: replica.
  case antagonistGives = 19
  /// A service's replicas draw their speeds anew: service.
  case fluctuates = 20
  /// A data plane hears of a service's endpoints: data plane and service.
  case discovered = 21
  /// A window of the time line ends.
  case windowEnds = 22
  /// Counting begins.
  case warmUpEnds = 23
  /// Arrivals stop.
  case arrivalsStop = 24
  /// An attempt comes out of its caller's sidecar: work.
  case attemptLeavesCaller = 25
  /// A probe reaches its replica: probe.
  case probeReachesReplica = 26
  /// A probe's answer is back: probe.
  case probeReturns = 27
  /// A kubelet asks a replica whether it is ready: replica and container.
  case readinessProbed = 28
  /// A readiness probe has waited in vain: replica and container.
  case readinessProbeTimedOut = 29
  /// What is ready of a service is published: service and version.
  case published = 30
  /// An answer that comes in parts is whole: slow answer.
  case answerHandedOn = 31
  /// A pool gives its free connections to those who wait: pool.
  case poolServes = 32
  /// A health check reaches its replica: check.
  case healthCheckReachesReplica = 33
  /// A health check's answer is back: check.
  case healthCheckReturns = 34
  /// A timer of a data plane is due that goes on whatever requests do: data plane and timer.
  case backgroundTimer = 35
  /// A check of a release is due: release.
  case canaryChecked = 36
  /// An attempt that was shed from a queue is answered: work.
  case shedAnswered = 37

  /// Whether it comes round whatever requests do. A run in which nothing else is left does not go on.
  var isHousekeeping: Bool {
    switch self {
    case .faultBegins, .faultEnds, .pauseBegins, .pauseEnds, .restarted, .antagonistTakes, .antagonistGives,
      .fluctuates,
      .discovered, .windowEnds, .warmUpEnds, .readinessProbed, .readinessProbeTimedOut, .published,
      .canaryChecked, .healthCheckReachesReplica, .healthCheckReturns, .backgroundTimer:
      return true
    default:
      return false
    }
  }
}
