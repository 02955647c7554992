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

  // Goal: the watch is open from the last arrival for a whole window, the end included, and old endpoints do not open
  // it.
  @Test func watchesArrivals() {
    let at = { (seconds: Int64) in Timestamp.zero + .seconds(seconds) }
    var watch = SlowStartWatch(SlowStart(window: .seconds(10)), at: at(0))
    #expect(watch.isAnyoneStarting(at: at(10)) && !watch.isAnyoneStarting(at: at(11)))
    watch.see(healthySince: at(1), at: at(30))
    #expect(!watch.isAnyoneStarting(at: at(30)))
    watch.see(healthySince: at(25), at: at(30))
    #expect(watch.isAnyoneStarting(at: at(35)) && !watch.isAnyoneStarting(at: at(36)))
    watch.see(healthySince: at(22), at: at(30))
    #expect(watch.isAnyoneStarting(at: at(35)))
    #expect(!SlowStartWatch(SlowStart(), at: at(0)).isAnyoneStarting(at: at(0)))
  }
}
