// A data plane of one cluster under a clock of its own, for vectors that are told as a course of events: requests, answers, time that
// passes.

import DataPlane
import MeshCore

/// Carries out what a data plane asks for, and keeps what is under way.
struct PlaneDriver: ~Copyable {
  private var plane: DataPlane
  private var actions = ActionBuffer()
  private var timers: [(handle: TimerHandle, deadline: Timestamp)] = []
  private(set) var now = Timestamp.zero
  /// Attempts without an answer, the oldest first.
  private(set) var attempts: [AttemptStart] = []
  /// When each attempt began, answered or not.
  private(set) var begun: [Timestamp] = []
  /// What callers were told.
  private(set) var statuses: [Int16] = []
  /// How many requests there were.
  private(set) var wanted: UInt64 = 0

  /// A data plane of `cluster` and a route to it, with endpoints of these numbers.
  init(
    _ cluster: ClusterDescription, profile: MeshProfile, endpoints: ClosedRange<Int32>, hedge: HedgeDescription? = nil
  ) {
    var route = RouteDescription(match: RouteMatch(host: "web"), split: [WeightedCluster(cluster: 0)])
    route.hedge = hedge
    plane = DataPlane(
      MeshDescription(profile: profile, clusters: [cluster], routes: [route]),
      key: RandomKey(seed: 4, replication: 0, purpose: .balancer, entity: 0))
    let listed = endpoints.map { EndpointDescription(identity: EndpointIdentity($0)) }
    plane.endpointsChanged(cluster: 0, listed, at: now, into: &actions)
    carryOut()
  }

  /// Endpoints that may be chosen.
  var availableEndpoints: Int { plane.availableEndpoints(inCluster: 0) }

  /// When the next timer is due, if one is set.
  var nextDeadline: Timestamp? { timers.map(\.deadline).min() }

  /// Somebody wants an answer.
  mutating func request() {
    wanted += 1
    let arrival = RequestArrival(
      caller: CallerToken(wanted), route: 0, randomness: RandomKey(value: mix64(wanted)))
    plane.handle(.requestArrived(arrival), at: now, into: &actions)
    carryOut()
  }

  /// The oldest attempt is answered, if there is one.
  mutating func answer(_ status: Int16) {
    if attempts.isEmpty { return }
    plane.handle(.attemptAnswered(attempts.removeFirst().attempt, status: status), at: now, into: &actions)
    carryOut()
  }

  /// Time passes: timers are told in the order of their deadlines.
  mutating func advance(to instant: Timestamp) {
    while let place = timers.indices.min(by: { timers[$0].deadline < timers[$1].deadline }),
      timers[place].deadline <= instant
    {
      let timer = timers.remove(at: place)
      now = timer.deadline
      plane.handle(.timerDue(timer.handle), at: now, into: &actions)
      carryOut()
    }
    now = instant
  }

  private mutating func carryOut() {
    for place in 0..<actions.count {
      switch actions[place] {
      case .startAttempt(let start):
        attempts.append(start)
        begun.append(now)
      case .respond(_, _, let status, _): statuses.append(status)
      case .setTimer(let timer, let deadline), .setBackgroundTimer(let timer, let deadline):
        timers.append((timer, deadline))
      case .cancelTimer(let timer): timers.removeAll { $0.handle == timer }
      default: break
      }
    }
    actions.removeAll()
  }
}
