// Injected faults: shares, headers, and how long a slow answer takes.

import MeshCore
import Testing

@testable import TrafficSplitting

@Suite("fault injection")
struct FaultInjectionTests {
  // Goal: each fault strikes its own share of requests: draws below the numerator, modulo the denominator.
  @Test func shares() {
    var description = InjectedFaultDescription()
    description.delay = FaultPart(.milliseconds(200), share: RuntimeFraction(1))
    description.abort = FaultPart(503, share: RuntimeFraction(10, of: 10_000))
    let fault = FaultInjection(description, headers: [])
    #expect(fault.delay(draw: 100) == .milliseconds(200) && fault.delay(draw: 101) == .zero)
    #expect(fault.abort(draw: 10_009) == 503 && fault.abort(draw: 10_010) == nil)
    #expect(fault.responseRate(draw: 0) == 0)
  }

  // Goal: headers say how much where the route lets them, and their percentage never goes beyond the route's.
  @Test func headers() {
    var description = InjectedFaultDescription()
    description.delay = FaultPart(nil, share: RuntimeFraction(50))
    description.abort = FaultPart(nil)
    let none = FaultInjection(description, headers: [])
    #expect(none.delay(draw: 0) == .zero && none.abort(draw: 0) == nil)
    func named(_ headers: [(String, String)]) -> FaultInjection {
      FaultInjection(description, headers: headers.map { HeaderField(name: "x-envoy-fault-\($0.0)", value: $0.1) })
    }
    let both = named([("delay-request", "30"), ("abort-request", "404")])
    #expect(both.delay(draw: 49) == .milliseconds(30) && both.delay(draw: 50) == .zero)
    #expect(both.abort(draw: 99) == 404)
    let less = named([("delay-request", "30"), ("delay-request-percentage", "10")])
    #expect(less.delay(draw: 9) > .zero && less.delay(draw: 10) == .zero)
    let more = named([("delay-request", "30"), ("delay-request-percentage", "90")])
    #expect(more.delay(draw: 49) > .zero && more.delay(draw: 50) == .zero)
    #expect(named([("abort-grpc-request", "14")]).abort(draw: 0) == 503)
    #expect(named([("abort-request", "teapot")]).abort(draw: 0) == nil)
  }

  // Goal: who does not carry the headers that a fault is for suffers none.
  @Test func condition() {
    var description = InjectedFaultDescription()
    description.abort = FaultPart(500)
    description.headers = [HeaderField(name: "x-tenant", value: "test")]
    #expect(FaultInjection(description, headers: []).abort(draw: 0) == nil)
    #expect(FaultInjection(description, headers: description.headers).abort(draw: 0) == 500)
  }

  // Goal: an answer comes in parts of a twentieth of a second's bytes, the first at once.
  @Test(
    arguments: [(0, 0), (1, 0), (51, 0), (52, 50), (1024, 1000), (1025, 1000), (10 * 1024, 10_000)] as [(Int64, Int64)])
  func slowAnswers(bytes: Int64, milliseconds: Int64) {
    // 1 KiB/s: parts of 51 bytes.
    #expect((FaultInjection.span(of: bytes, at: 1) - .milliseconds(milliseconds)).nanoseconds.magnitude <= 100_000_000)
    #expect(FaultInjection.span(of: bytes, at: 0) == .zero)
  }
}
