import Foundation
@testable import LoadBalancing
import MeshCore
import Testing

/// A peak EWMA policy by itself, at a time given in milliseconds.
private struct Probe: ~Copyable {
  var policy: PeakEWMA
  var endpoints = EndpointSet()
  var random = RandomStream(state: 5)

  init(_ given: [(name: String, value: ParameterValue)], count: Int) {
    policy = PeakEWMA(parameters(PeakEWMA.descriptor, given))
    endpoints.list((0..<count).map { EndpointDescription(identity: EndpointIdentity(Int32($0))) }, at: .zero)
    policy.endpointsChanged(endpoints.roster, &random, at: .zero)
  }

  func instant(_ milliseconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(milliseconds * 1e6)) }

  /// The cost in milliseconds.
  mutating func cost(_ slot: Int32 = 0, at time: Double) -> Double {
    policy.cost(endpoints.view, slot: slot, at: instant(time)) / 1e6
  }

  mutating func start(_ slot: Int32 = 0, at time: Double) {
    endpoints.states[slot].inFlight += 1
    policy.began(endpoints.view, slot: slot, at: instant(time))
  }

  mutating func finish(_ slot: Int32 = 0, latency: Double, at time: Double) {
    endpoints.states[slot].inFlight -= 1
    let outcome = AttemptOutcome(
      latency: TimeSpan(nanoseconds: Int64(latency * 1e6)), status: 200, ending: .answered)
    policy.ended(endpoints.view, slot: slot, outcome, at: instant(time))
  }

  mutating func pick(at time: Double) -> Int32 {
    policy.pick(endpoints.view, PickContext(), &random, at: instant(time))
  }
}

@Suite struct PeakEWMATests {
  // Goal: through random requests the policy chooses what a reference with the C library's exponential chooses.
  @Test(arguments: ["tower", "finagle"], 1...10) func equalsTheReference(_ form: String, _ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let n = 2 + random.below(6)
    let decay = 1e6 * Double(1 + random.below(1000))
    var probe = Probe([("form", .word(form)), ("decay", .integer(Int64(decay)))], count: n)
    var estimates = [Double](repeating: form == "tower" ? 30e6 : 0, count: n)
    var stamps = [Double](repeating: 0, count: n)
    var inFlight = [Double](repeating: 0, count: n)
    var busy: [Int32] = []
    var time = 0.0

    func observe(_ slot: Int, _ value: Double) {
      if value > estimates[slot] {
        estimates[slot] = value
      } else {
        let kept = exp(-(time - stamps[slot]) / decay)
        estimates[slot] = estimates[slot] * kept + value * (1 - kept)
      }
      stamps[slot] = time
    }
    func cost(_ slot: Int) -> Double {
      observe(slot, 0)
      if form == "finagle" && estimates[slot] == 0 && inFlight[slot] > 0 {
        return Double(Int64.max >> 16) + inFlight[slot]
      }
      return estimates[slot] * (inFlight[slot] + 1)
    }

    for _ in 0..<2000 {
      time += Double(random.below(20_000_000))
      if !busy.isEmpty && random.below(2) == 0 {
        let slot = busy.remove(at: random.below(busy.count))
        let latency = Double(random.below(50_000_000))
        inFlight[Int(slot)] -= 1
        probe.finish(slot, latency: latency / 1e6, at: time / 1e6)
        observe(Int(slot), Double(Int64(latency / 1e6 * 1e6)))
      } else {
        var draws = probe.random
        let first = draws.below(n)
        let second = draws.below(n - 1)
        let other = second >= first ? second + 1 : second
        let (a, b) = (cost(first), cost(other))
        let picked = probe.pick(at: time / 1e6)
        // The two exponentials differ in the last bit: only a clear difference must be decided alike.
        if abs(a - b) > 1e-9 * max(a, b) { try #require(Int(picked) == (a <= b ? first : other)) }
        if a == b { try #require(Int(picked) == first) }
        probe.start(picked, at: time / 1e6)
        inFlight[Int(picked)] += 1
        busy.append(picked)
      }
    }
  }

  // Goal: an endpoint that comes into a used slot starts from the default, one that stays keeps its estimate.
  @Test func startsAfreshWithANewEndpoint() {
    var probe = Probe([], count: 2)
    probe.start(0, at: 0)
    probe.finish(0, latency: 500, at: 500)
    probe.start(1, at: 0)
    probe.finish(1, latency: 400, at: 500)
    let arrivals = [7, 1].map { EndpointDescription(identity: EndpointIdentity($0)) }
    probe.endpoints.list(arrivals, at: probe.instant(500))
    probe.policy.endpointsChanged(probe.endpoints.roster, &probe.random, at: probe.instant(500))
    #expect(probe.endpoints.states[Int32(0)].identity.number == 7)
    #expect(probe.cost(0, at: 500) == 30)
    #expect(probe.cost(1, at: 500) == 400)
  }
}
