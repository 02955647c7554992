import LoadBalancing
import MeshCore
import Testing

@Suite struct SlowStartTests {
  // Goal: the factor grows from its least to 1, never falls, and is the power that the rule says.
  @Test(arguments: [0.5, 1, 1.5, 3]) func grows(_ aggression: Double) {
    let slowStart = SlowStart(window: .seconds(10), aggression: aggression, minimumWeightPercent: 5)
    var last = 0.0
    for age in stride(from: Int64(0), through: 11_000, by: 37) {
      let factor = slowStart.factor(age: .milliseconds(age))
      #expect(factor >= last && factor >= 0.05 && factor <= 1)
      if age < 10_000 && factor > 0.05 {
        let exact = Elementary.power(Double(max(1, age)) / 10_000, 1 / aggression)
        #expect(abs(factor - exact) < 1e-12)
      }
      last = factor
    }
    #expect(last == 1 && slowStart.factor(age: .milliseconds(10_000)) == 1)
  }

  // Goal: whole milliseconds count, nonsense counts as the default, and no window is no slow start.
  @Test func odds() {
    let slowStart = SlowStart(window: .seconds(1), aggression: -3, minimumWeightPercent: 0)
    #expect(slowStart.aggression == 1 && SlowStart(window: .seconds(1), aggression: .nan).aggression == 1)
    #expect(slowStart.factor(age: TimeSpan(nanoseconds: 499_999_999)) == 0.499)
    #expect(slowStart.factor(age: TimeSpan(nanoseconds: -5)) == 0.001)
    let off = SlowStart(window: TimeSpan(nanoseconds: 999_999))
    #expect(!off.isEnabled && off.factor(age: .zero) == 1 && off.factor(age: .seconds(-1)) == 1)
  }

  // Goal: slow start lasts from the last arrival for a whole window, the end included, and never where there is none.
  @Test func lastsAWindow() {
    let at = { (seconds: Int64) in Timestamp.zero + .seconds(seconds) }
    let slowStart = SlowStart(window: .seconds(10))
    #expect(slowStart.isAnyoneStarting(newest: at(0), at: at(10)))
    #expect(!slowStart.isAnyoneStarting(newest: at(0), at: at(11)))
    #expect(!slowStart.isAnyoneStarting(newest: .distantPast, at: at(0)))
    #expect(!SlowStart().isAnyoneStarting(newest: at(0), at: at(0)) && !SlowStart(nil).isEnabled)
  }

  // Goal: only who is healthy and not shut out is spared.
  @Test func sparesTheHealthy() {
    let slowStart = SlowStart(SlowStartDescription(window: .seconds(10)))
    var state = EndpointState(EndpointDescription(identity: EndpointIdentity(0)), incarnation: 1)
    state.since = .zero
    let weight = { slowStart.weight(4, of: $0, at: .zero + .seconds(5)) }
    #expect(weight(state) == 2)
    state.exclusions = .failureAccrual
    #expect(weight(state) == 4)
    state.exclusions = []
    state.health = .degraded
    #expect(weight(state) == 4)
  }
}
