import Testing
import TrafficSplitting

private let everyStatus: [Int16] = Array(-1...700) + [.min, .max]

@Suite struct StatusSetTests {
  // Goal: the set is a set, over its whole range and beyond it.
  @Test func equalsAnObviousSet() {
    var set = StatusSet()
    var obvious: Set<Int16> = []
    #expect(set.isEmpty)
    for step in 0..<400 {
      let status = Int16(truncatingIfNeeded: step &* 7919 % 701)
      set.insert(status)
      if status >= 100 && status <= 599 { obvious.insert(status) }
      if step % 40 == 0 { #expect(everyStatus.allSatisfy { set.contains($0) == obvious.contains($0) }) }
    }
    #expect(!set.isEmpty)
    let part = StatusSet(90...110)
    #expect(everyStatus.filter { part.contains($0) } == Array(100...110))
    #expect(StatusSet(0...99).isEmpty && StatusSet(600...700).isEmpty)
  }
}
