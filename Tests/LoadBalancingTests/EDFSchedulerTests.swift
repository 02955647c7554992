import Foundation
import LoadBalancing
import MeshCore
import Testing

/// The obvious schedule: a list that is searched from end to end.
private struct ReferenceSchedule {
  private var members: [(deadline: Double, order: Int, place: Int)] = []
  private var now = 0.0
  private var order = 0
  private let weights: [Double]

  init(_ weights: [Double]) {
    self.weights = weights
    for place in weights.indices { put(place) }
  }

  private mutating func put(_ place: Int) {
    members.append((now + 1 / weights[place], order, place))
    order += 1
  }

  mutating func turn() -> Int {
    var best = 0
    for index in members.indices
    where (members[index].deadline, members[index].order) < (members[best].deadline, members[best].order) {
      best = index
    }
    let member = members.remove(at: best)
    now = member.deadline
    put(member.place)
    return member.place
  }
}

private func turns(_ weights: [Double], seed: UInt64, count: Int) -> [Int] {
  var schedule = EDFScheduler()
  schedule.rebuild(weights: ContiguousArray(weights), seed: seed)
  return (0..<count).map { _ in
    let place = schedule.earliest
    schedule.takeTurn(weight: weights[Int(place)])
    return Int(place)
  }
}

@Suite struct EDFSchedulerTests {
  // Goal: the heap gives the very order of a list searched from end to end, ties included.
  @Test(arguments: 1...40) func equalsAnEndToEndSearch(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let count = 1 + random.below(20)
    // Small whole numbers make ties likely.
    let weights = (0..<count).map { _ in round % 2 == 0 ? Double(1 + random.below(5)) : random.unit() * 10 + 1e-6 }
    var reference = ReferenceSchedule(weights)
    var schedule = EDFScheduler()
    for place in 0..<count { schedule.add(place: Int32(place), weight: weights[place]) }
    for turn in 0..<500 {
      let place = schedule.earliest
      schedule.takeTurn(weight: weights[Int(place)])
      try #require(Int(place) == reference.turn(), "turn \(turn) of \(weights)")
    }
  }

  // Goal: turns skipped by arithmetic leave the schedule where turns taken one by one leave it.
  @Test(arguments: 1...40) func skipsAsManyTurnsAsTheSeedSays(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round) &* 77)
    let weights = (0..<1 + random.below(30)).map { _ in 0.1 + random.unit() * 50 }
    let seed = random.below(5000)
    var reference = ReferenceSchedule(weights)
    for _ in 0..<seed { _ = reference.turn() }
    for (turn, place) in turns(weights, seed: UInt64(seed), count: 200).enumerated() {
      try #require(place == reference.turn(), "turn \(turn) after \(seed) of \(weights)")
    }
  }

  // Goal: extreme weights and seeds neither trap nor hang, and an empty schedule is empty.
  @Test func survivesExtremes() {
    var schedule = EDFScheduler()
    schedule.rebuild(weights: [], seed: .max)
    #expect(schedule.count == 0)
    schedule.rebuild(weights: [4_294_967_295, 1, 1e-300], seed: 429_496_728)
    #expect(schedule.count == 3)
    #expect(schedule.earliest == 0)
  }
}
