import LoadBalancing
import MeshCore
import Testing

@Suite struct OverrideHostTests {
  // Goal: an accepted endpoint is used at the first attempt; otherwise strict requests fail and others are balanced.
  @Test func decides() {
    let rule = OverrideHost()
    for (health, isAccepted) in [
      (HostStatus.unknown, true), (.healthy, true), (.degraded, true), (.unhealthy, false), (.draining, false),
      (.timeout, false),
    ] {
      for isStrict in [false, true] {
        let otherwise: OverrideHost.Decision = isStrict ? .fail : .balance
        #expect(rule.decide(health, isStrict: isStrict, isRetry: false) == (isAccepted ? .use : otherwise))
        #expect(rule.decide(nil, isStrict: isStrict, isRetry: false) == otherwise)
        #expect(rule.decide(health, isStrict: isStrict, isRetry: true) == .balance)
      }
    }
    let picky = OverrideHost(accepting: [.draining])
    #expect(picky.decide(.draining, isStrict: true, isRetry: false) == .use)
    #expect(picky.decide(.healthy, isStrict: true, isRetry: false) == .fail)
  }

  // Goal: each attempt takes the next endpoint that exists, and the list ends.
  @Test func listsAreUsedUp() {
    var list = OverrideList()
    let slots: ContiguousArray<Int32> = [-1, 4, -1, 4, 7]
    #expect((0..<5).map { _ in list.next(of: slots) } == [4, 4, 7, -1, -1])
  }
}
