import MeshCore
import Testing

@testable import LoadBalancing

@Suite struct ProbePoolTests {
  // Goal: through random answers, uses and removals the pool holds and chooses what a plain list, sorted anew each time, does.
  @Test(arguments: 1...20) func equalsTheReference(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let size = 2 + random.below(6)
    var pool = ProbePool(size: size)
    var reference: [ProbeAnswer] = []
    var takesWorst = false
    var time = Timestamp.zero
    /// Better first: cold by latency, then hot by requests in flight; the elder of equals is better.
    func ordered(_ threshold: Int32) -> [Int] {
      reference.indices.sorted { left, right in
        let (a, b) = (reference[left], reference[right])
        let keys = { (answer: ProbeAnswer) -> (Int, Int64) in
          answer.inFlight > threshold ? (1, Int64(answer.inFlight)) : (0, answer.latency)
        }
        return keys(a) == keys(b) ? left < right : keys(a) < keys(b)
      }
    }
    for _ in 0..<3000 {
      time = time + .milliseconds(Int64(random.below(20)))
      let threshold = Int32(random.below(6))
      switch random.below(8) {
      case 0...3:
        let answer = ProbeAnswer(
          slot: Int32(random.below(10)), inFlight: Int32(random.below(8)), latency: Int64(random.below(5)),
          received: time,
          uses: 0)
        pool.add(answer)
        reference.removeAll { $0.slot == answer.slot }
        if reference.count == size { reference.removeFirst() }
        reference.append(answer)
      case 4 where !reference.isEmpty:
        let best = ordered(threshold)[0]
        try #require(pool.best(threshold: threshold) == best)
        let isSpent = random.below(2) == 0
        pool.use(best, isSpent: isSpent)
        if isSpent {
          reference.remove(at: best)
        } else {
          reference[best].inFlight += 1
          reference[best].uses += 1
        }
      case 5:
        takesWorst.toggle()
        if !reference.isEmpty {
          // Of equally bad ones the elder goes.
          let order = ordered(threshold)
          let last = order[order.count - 1]
          let isAlike = { (place: Int) in
            let (a, b) = (reference[place], reference[last])
            let areHot = (a.inFlight > threshold, b.inFlight > threshold)
            return areHot.0 == areHot.1 && (areHot.0 ? a.inFlight == b.inFlight : a.latency == b.latency)
          }
          reference.remove(at: takesWorst ? reference.indices.first(where: isAlike) ?? last : 0)
        }
        pool.removeOne(threshold: threshold)
      case 6:
        pool.forget(before: time - .milliseconds(60))
        reference.removeAll { $0.received < time - .milliseconds(60) }
      default:
        let slot = Int32(random.below(10))
        pool.forget(slot: slot)
        reference.removeAll { $0.slot == slot }
      }
      try #require(pool.answers.map(\.slot) == reference.map(\.slot))
      try #require(pool.answers.map(\.inFlight) == reference.map(\.inFlight))
    }
  }

  // Goal: the quantile over a sliding window is that of the window's values, sorted anew.
  @Test(arguments: [1, 2, 7, 128]) func quantileEqualsTheReference(_ size: Int) throws {
    var random = RandomStream(state: UInt64(size))
    var quantile = RecentQuantile(size: size)
    var values: [Int32] = []
    #expect(quantile.value(0.5) == .max)
    for _ in 0..<1000 {
      values.append(Int32(random.below(20)))
      quantile.add(values[values.count - 1])
      let window = values.suffix(size).sorted()
      for share in [0, 0.3, 0.84, 1] {
        let expected = window.first { value in
          Double(window.count { $0 <= value }) >= share * Double(window.count)
        }
        try #require(quantile.value(share) == expected)
      }
    }
  }
}
