// What a request that may be tried again waits for by the clock: its route's timeout, the timeouts of its tries, the next hedge, the end of
// a pause. There is one timer for all of them, set for whatever is due first.
//
// A wait that is over early (a try is answered) leaves the timer as it is: it comes to nothing, or is set anew when it is due. So a
// request that goes well sets one timer and drops it. What is due at the same instant takes effect in the order of this list.

import LoadBalancing
import MeshCore
import TrafficSplitting

/// When a request's waits end; `never` for what it does not wait for.
struct PursuitDeadlines: BitwiseCopyable {
  /// The route's timeout.
  var route = Self.never
  /// No later than the first timeout of a try that is under way.
  var tries = Self.never
  /// When another try joins those under way.
  var hedge = Self.never
  /// The end of the pause before the next try, or of a delay that a fault injects.
  var pause = Self.never
  /// The timer, and when it is set for.
  var timer = TimerHandle.none
  var timerAt = Self.never

  static let never = Timestamp(nanoseconds: .max)

  /// What is due first.
  var first: Timestamp { min(min(route, tries), min(hedge, pause)) }
}

extension DataPlane {
  /// Sets a request's timer for what is due first, unless it is due by then already.
  @inline(__always)
  mutating func awaitDeadlines(of pursuit: Int32, into actions: inout ActionBuffer) {
    let (first, former, formerAt) = pursuits.modify(pursuit) { pursuit in
      (pursuit.deadlines.first, pursuit.deadlines.timer, pursuit.deadlines.timerAt)
    }
    if first >= formerAt { return }
    if former.index >= 0 { drop(former, into: &actions) }
    let timer = setTimer(.pursuit, pursuit, deadline: first, into: &actions)
    pursuits.modify(pursuit) { pursuit in
      pursuit.deadlines.timer = timer
      pursuit.deadlines.timerAt = first
    }
  }

  /// A request's timer is due: whatever it stands for takes effect.
  mutating func deadlinesDue(_ pursuit: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    let handle = pursuits.handle(at: pursuit)
    pursuits.modify(pursuit) { pursuit in
      pursuit.deadlines.timer = .none
      pursuit.deadlines.timerAt = PursuitDeadlines.never
    }
    while pursuits.contains(handle) {
      let deadlines = pursuits.modify(pursuit) { $0.deadlines }
      if deadlines.first > now {
        awaitDeadlines(of: pursuit, into: &actions)
        return
      }
      if deadlines.route <= now {
        pursuitTimedOut(pursuit, at: now, into: &actions)
      } else if deadlines.tries <= now {
        let attempt = takeOverdueTry(of: pursuit, at: now)
        if attempt >= 0 && !goesOnOverdue(attempt, at: now, into: &actions) {
          attemptTimedOut(attempt, at: now, into: &actions)
        }
      } else if deadlines.hedge <= now {
        hedgeDue(pursuit, at: now, into: &actions)
      } else {
        pauseEnded(pursuit, at: now, into: &actions)
      }
    }
  }

  private mutating func pauseEnded(_ pursuit: Int32, at now: Timestamp, into actions: inout ActionBuffer) {
    let isDelay = pursuits.modify(pursuit) { pursuit in
      pursuit.deadlines.pause = PursuitDeadlines.never
      return pursuit.isHeldUp
    }
    if isDelay {
      faultDelayEnded(pursuit, at: now, into: &actions)
    } else {
      tryAgain(pursuit, at: now, into: &actions)
    }
  }

  /// The try whose timeout is over, or -1; the request waits for the others' from then on.
  private mutating func takeOverdueTry(of pursuit: Int32, at now: Timestamp) -> Int32 {
    let limit = retries.plans[routes[pursuits[pursuit].arrival.route].retry].perTryTimeout
    let tries = pursuits[pursuit].tries
    var (overdue, first, next) = (Int32(-1), PursuitDeadlines.never, PursuitDeadlines.never)
    for place in 0..<OpenTries.capacity where tries.isLimited(place) {
      let attempt = tries[place]
      let deadline = requests[attempt].sent + limit
      if deadline < first {
        (overdue, first, next) = (attempt, deadline, first)
      } else {
        next = min(next, deadline)
      }
    }
    if first > now { (overdue, next) = (-1, first) }
    pursuits[pursuit].deadlines.tries = next
    return overdue
  }

  /// What a request's timer will be about, for people, and which attempt it ends, if any; nil when it will come to nothing.
  func story(ofDeadlines pursuit: Int32) -> (words: String, ends: AttemptHandle)? {
    let deadlines = pursuits[pursuit].deadlines
    if deadlines.timerAt < deadlines.first { return nil }
    switch deadlines.first {
    case deadlines.route: return ("the route's timeout is over", .none)
    case deadlines.tries:
      let limit = retries.plans[routes[pursuits[pursuit].arrival.route].retry].perTryTimeout
      let tries = pursuits[pursuit].tries
      let place = (0..<OpenTries.capacity).first {
        tries.isLimited($0) && requests[tries[$0]].sent + limit == deadlines.tries
      }
      return place.map { ("the attempt's time is over", requests.handle(at: tries[$0])) }
    case deadlines.hedge: return ("waited long enough: another try may join", .none)
    default: return pursuits[pursuit].isHeldUp ? nil : ("the pause before a retry is over", .none)
    }
  }
}
