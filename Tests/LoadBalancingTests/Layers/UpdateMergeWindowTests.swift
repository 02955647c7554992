import LoadBalancing
import MeshCore
import Testing

@Suite struct UpdateMergeWindowTests {
  // Goal: against a plain account of what waits: nothing is delivered before it happened or later than a window after,
  // deliveries of mergeable changes are at least a window apart, and additions and removals never wait.
  @Test(arguments: 1...100) func deliversInTime(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    var window = UpdateMergeWindow(.milliseconds(100))
    var now = Timestamp.zero
    var oldest: Timestamp?
    var due: Timestamp?
    var last: Timestamp?
    for _ in 0..<300 {
      now = now + .milliseconds(Int64(random.below(80)))
      if let moment = due, moment <= now {
        due = nil
        if window.timerFired(for: moment, at: moment) {
          #expect(oldest != nil)
          if let oldest { #expect(moment - oldest == .milliseconds(100)) }
          if let last { #expect(moment - last >= .milliseconds(100)) }
          oldest = nil
          last = moment
        }
      }
      let isMergeable = random.below(4) > 0
      switch window.changed(isMergeable: isMergeable, at: now) {
      case .deliver:
        if isMergeable, let last { #expect(now - last > .milliseconds(100)) }
        oldest = nil
        last = now
      case .wait(let moment):
        #expect(isMergeable && oldest == nil && moment == now + .milliseconds(100))
        oldest = now
        due = moment
      case .ride: #expect(isMergeable && oldest != nil)
      }
      #expect(window.isWaiting == (oldest != nil))
    }
  }

  // Goal: a timer that was cancelled delivers nothing, even when another one runs by then.
  @Test func voidTimersAreIgnored() {
    var window = UpdateMergeWindow()
    let at = { (milliseconds: Int64) in Timestamp.zero + .milliseconds(milliseconds) }
    #expect(window.changed(isMergeable: true, at: at(0)) == .deliver)
    #expect(window.changed(isMergeable: true, at: at(10)) == .wait(until: at(1010)))
    #expect(window.changed(isMergeable: false, at: at(20)) == .deliver)
    #expect(window.changed(isMergeable: true, at: at(30)) == .wait(until: at(1030)))
    let delivered = [Int64(1010), 1030, 1030].map { window.timerFired(for: at($0), at: at($0)) }
    #expect(delivered == [false, true, false])
  }

  // Goal: the age of the last delivery counts whole milliseconds: exactly a window is not yet more than one. No window,
  // no wait.
  @Test func agesAreWholeMilliseconds() {
    for (nanoseconds, isDelivered) in [(Int64(1_000_999_999), false), (1_001_000_000, true)] {
      var window = UpdateMergeWindow()
      _ = window.changed(isMergeable: true, at: .zero)
      let action = window.changed(isMergeable: true, at: Timestamp(nanoseconds: nanoseconds))
      #expect((action == .deliver) == isDelivered)
    }
    var off = UpdateMergeWindow(TimeSpan(nanoseconds: 999_999))
    for _ in 0..<3 { #expect(off.changed(isMergeable: true, at: .zero) == .deliver) }
  }
}
