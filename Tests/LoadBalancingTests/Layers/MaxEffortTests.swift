import LoadBalancing
import Testing

@Suite struct MaxEffortTests {
  // Goal: an open endpoint is taken at once; after the last vain pick comes panic, and then anything is taken.
  @Test func givesUpAfterItsEffort() {
    var effort = MaxEffort(maximum: 3)
    #expect(effort.judge(isOpen: false) == .pickAgain && effort.judge(isOpen: false) == .pickAgain)
    #expect(!effort.isPanicking && effort.judge(isOpen: false) == .panic && effort.isPanicking)
    #expect(effort.judge(isOpen: false) == .take)
    var other = MaxEffort()
    #expect(other.maximum == 4 && other.judge(isOpen: false) == .pickAgain && other.judge(isOpen: true) == .take)
    #expect(MaxEffort(maximum: -2).maximum == 1)
  }
}
