// What may be open at a time, against plain counts.

import MeshCore
import Testing

@testable import FaultDetection

@Suite("circuit breaker")
struct CircuitBreakerTests {
  /// Goal: whatever the order, no count is ever above its limit (but for first connections), nothing is refused while there is room,
  /// and when all have gone nothing is left. Method: random orders beside plain counts.
  @Test(arguments: 0..<30 as Range<UInt64>) func neverAboveTheLimit(seed: UInt64) {
    var random = RandomStream(state: mix64(seed))
    let limits = (Int32(random.below(6)), Int32(random.below(6)), Int32(random.below(6)))
    var breaker = CircuitBreaker(
      CircuitBreakerDescription(maxConnections: limits.0, maxPendingRequests: limits.1, maxRequests: limits.2))
    var counts: (connections: Int32, pending: Int32, requests: Int32, beyond: Int32) = (0, 0, 0, 0)
    for _ in 0..<5_000 {
      switch random.below(6) {
      case 0:
        let isFirst = random.below(8) == 0
        let hasRoom = counts.connections < limits.0
        let refusal = breaker.connect(atEndpoint: isFirst ? 0 : 1)
        #expect((refusal == nil) == (hasRoom || isFirst))
        if hasRoom || isFirst { counts.connections += 1 }
        counts.beyond = max(counts.connections - limits.0, 0)
      case 1:
        let pends = breaker.pend()
        #expect(pends == (counts.pending < limits.1))
        counts.pending = min(counts.pending + 1, limits.1)
      case 2:
        let attaches = breaker.attach()
        #expect(attaches == (counts.requests < limits.2))
        counts.requests = min(counts.requests + 1, limits.2)
      case 3:
        if counts.connections > 0 {
          breaker.disconnect()
          counts.connections -= 1
          counts.beyond = max(counts.connections - limits.0, 0)
        }
      case 4:
        if counts.pending > 0 {
          breaker.leavePending()
          counts.pending -= 1
        }
      default:
        if counts.requests > 0 {
          breaker.detach()
          counts.requests -= 1
        }
      }
      #expect(breaker.connections == counts.connections && breaker.pendingRequests == counts.pending)
      #expect(
        breaker.requests == counts.requests && breaker.requestsUnderWay == Int64(counts.pending + counts.requests))
      #expect(breaker.pendingRequests <= limits.1 && breaker.requests <= limits.2)
      #expect(breaker.connections <= limits.0 + counts.beyond)
    }
    while breaker.connections > 0 { breaker.disconnect() }
    while breaker.pendingRequests > 0 { breaker.leavePending() }
    while breaker.requests > 0 { breaker.detach() }
    #expect(breaker.requestsUnderWay == 0)
  }

  /// Goal: a limit that is not given is none, and requests on tunnels are not limited.
  @Test func noLimit() {
    var breaker = CircuitBreaker(CircuitBreakerDescription())
    for _ in 0..<10_000 {
      let allowed = [breaker.connect(atEndpoint: 1) == nil, breaker.pend(), breaker.attach()]
      #expect(allowed == [true, true, true])
    }
    var tunnel = CircuitBreaker(CircuitBreakerDescription(maxRequests: 1), isTunnel: true)
    let attached = [tunnel.attach(), tunnel.attach()]
    #expect(attached == [true, true])
    let (count, limit) = breaker.standing(of: .requests)
    #expect(count == 10_000 && limit == .max && breaker.standing(of: .retries).count == 0)
  }

  /// Goal: a breaker is said to be open from its first refusal until one second without any, with the number of refusals.
  @Test func trips() {
    var trips = BreakerTrips()
    let start = Timestamp(nanoseconds: 5_000_000_000)
    let opened = [trips[.requests].refuse(at: start), trips[.requests].refuse(at: start + .milliseconds(600))]
    #expect(opened == [true, false] && trips[.connections].refusals == 0)
    let early = trips[.requests].close(at: start + .seconds(1))
    #expect(early.next == start + .milliseconds(1_600) && early.refusals == 2)
    let late = trips[.requests].close(at: start + .milliseconds(1_600))
    #expect(late.next == nil && late.refusals == 2 && trips[.requests].refusals == 0)
    let again = trips[.requests].refuse(at: start + .seconds(9))
    #expect(again)
  }
}
