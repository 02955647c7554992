// Throttling at the client: the SRE book's and Finagle's.

import MeshCore
import Testing

@testable import TrafficSplitting

@Suite("throttling")
struct ThrottlingTests {
  private func at(_ seconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(seconds * 1e9)) }

  // Goal: p = max(0, (requests − K · accepts) / (requests + 1)), over the window alone.
  @Test func probability() {
    var throttling = AdaptiveThrottling(AdaptiveThrottlingDescription())
    var random = RandomStream(state: 1)
    for number in 0..<10 {
      _ = throttling.refuses(&random, at: .zero)
      if number < 3 { throttling.accepted(at: .zero) }
    }
    #expect(throttling.requests == 10 && throttling.accepts == 3)
    #expect(throttling.probability == 4.0 / 11)
    _ = throttling.refuses(&random, at: at(119))
    #expect(throttling.requests == 11)
    _ = throttling.refuses(&random, at: at(121))
    #expect(throttling.requests == 2 && throttling.accepts == 0)
  }

  // Goal: against a backend that accepts `capacity` of a second's requests, K times as many reach it in the long run.
  @Test(arguments: [1.1, 2, 4]) func equilibrium(multiplier: Double) {
    var description = AdaptiveThrottlingDescription()
    description.multiplier = multiplier
    var throttling = AdaptiveThrottling(description)
    var random = RandomStream(state: 3)
    var (sent, accepted) = (0.0, 0.0)
    for second in 0..<600 {
      var room = 100
      for number in 0..<1000 {
        let now = at(Double(second) + Double(number) / 1000)
        if throttling.refuses(&random, at: now) { continue }
        if second >= 300 { sent += 1 }
        if room > 0 {
          room -= 1
          if second >= 300 { accepted += 1 }
          throttling.accepted(at: now)
        }
      }
    }
    #expect(abs(sent / accepted - multiplier) < 0.1 * multiplier)
  }

  // Goal: Finagle drops nothing above the threshold or below 5 requests a second, and never more than three quarters.
  @Test func nacks() {
    var description = NackAdmissionDescription()
    description.window = .seconds(1)
    var nacks = NackAdmission(description, at: .zero)
    var random = RandomStream(state: 7)
    #expect(nacks.acceptRate == 1 && nacks.probability == 0)
    for number in 1...4 {
      #expect(nacks.drops(&random, at: at(Double(number) / 1000)) == false)
      nacks.ended(isAccepted: false, at: at(Double(number)))
    }
    #expect(nacks.acceptRate < 0.05 && nacks.probability == 0.75)
    // The four requests above are the only ones of their second.
    #expect(nacks.drops(&random, at: at(10)) == false)
    let dropped = (0..<10_000).count { nacks.drops(&random, at: at(10.1 + Double($0) / 1e6)) }
    #expect(abs(Double(dropped) - 7_500) < 200)
    // One accept after a long silence is all that the average knows.
    nacks.ended(isAccepted: true, at: at(100))
    #expect(nacks.acceptRate > 0.99 && nacks.probability == 0)
  }
}
