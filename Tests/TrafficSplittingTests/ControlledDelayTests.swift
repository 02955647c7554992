// CoDel: the control law, and that a standing queue gives way while a burst's does not.

import MeshCore
import Testing

@testable import TrafficSplitting

@Suite("controlled delay")
struct ControlledDelayTests {
  private func at(_ milliseconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(milliseconds * 1e6)) }

  // Goal: nobody is shed in the first interval above the target; then one, and the next ones interval / √count later.
  @Test func controlLaw() {
    var delay = ControlledDelay(ControlledDelayDescription())
    var shed: [Int] = []
    // One is looked at each millisecond, and all have waited for 20 ms.
    for millisecond in 0..<600 {
      while delay.sheds(waited: .milliseconds(20), isLast: false, at: at(Double(millisecond))) {
        shed.append(millisecond)
      }
    }
    // 100, then 100 + 100/√1, + 100/√2, + 100/√3, …
    #expect(shed.prefix(6) == [100, 200, 271, 329, 379, 424])
    #expect(delay.isStanding)
    #expect(!delay.sheds(waited: .milliseconds(4), isLast: false, at: at(600)) && !delay.isStanding)
  }

  // Goal: who is alone is never shed, nor is anybody when the wait falls below the target once an interval.
  @Test func goodQueues() {
    var alone = ControlledDelay(ControlledDelayDescription())
    var burst = ControlledDelay(ControlledDelayDescription())
    for millisecond in 0..<2000 {
      #expect(alone.sheds(waited: .seconds(1), isLast: true, at: at(Double(millisecond))) == false)
      let waited: TimeSpan = millisecond % 90 == 0 ? .milliseconds(4) : .milliseconds(80)
      #expect(burst.sheds(waited: waited, isLast: false, at: at(Double(millisecond))) == false)
    }
  }

  // Goal: a queue that stands again soon begins at the rate that helped.
  @Test func memory() {
    var delay = ControlledDelay(ControlledDelayDescription())
    var shed = 0
    for millisecond in 0..<600 {
      while delay.sheds(waited: .milliseconds(20), isLast: false, at: at(Double(millisecond))) { shed += 1 }
    }
    _ = delay.sheds(waited: .zero, isLast: false, at: at(600))
    var again = 0
    for millisecond in 601..<1001 {
      while delay.sheds(waited: .milliseconds(20), isLast: false, at: at(Double(millisecond))) { again += 1 }
    }
    // The first time five intervals held ten, and this time three do.
    #expect(shed == 10 && again > 8)
  }

  // Goal: while the queue stands, everybody is shed who has waited for more than twice the target, and the youngest goes first where
  // that is wanted; in an interval after one with a short wait nobody is.
  @Test func sloughing() {
    var description = ControlledDelayDescription()
    description.sloughs = true
    description.isAdaptive = true
    var delay = ControlledDelay(description)
    var shed: [Int] = []
    for millisecond in 0..<250 {
      if delay.sheds(waited: .milliseconds(11), isLast: false, at: at(Double(millisecond))) { shed.append(millisecond) }
    }
    #expect(shed == Array(101..<200) + Array(201..<250) && delay.servesYoungestFirst)
    #expect(delay.sheds(waited: .milliseconds(9), isLast: false, at: at(250)) == false)
    for millisecond in 251..<300 {
      _ = delay.sheds(waited: .milliseconds(1), isLast: false, at: at(Double(millisecond)))
    }
    #expect(!delay.sheds(waited: .milliseconds(50), isLast: false, at: at(300)) && !delay.servesYoungestFirst)
  }
}
