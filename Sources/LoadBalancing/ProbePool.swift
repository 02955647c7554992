// What a Prequal client knows of servers: the answers of its latest probes, each used a few times and then forgotten.
//
// The rule of choice is hot/cold lexicographic (Wydrowski et al.: Load is not what you should balance: Introducing Prequal,
// NSDI 2024, section 4). A server is hot when its requests in flight exceed a quantile of those lately seen anywhere. Among
// cold ones the lowest expected latency wins; when all are hot, the fewest requests in flight. The worst entry is the rule's
// opposite: the hottest, or when none is hot the slowest.

import MeshCore

/// One answer to a probe.
struct ProbeAnswer: BitwiseCopyable, Sendable {
  var slot: Int32
  /// Requests in flight at the server, and those that were sent there since on the strength of this answer.
  var inFlight: Int32
  /// Nanoseconds.
  var latency: Int64
  var received: Timestamp
  /// How often it has been used.
  var uses: Int32
}

/// Answers, the oldest first, at most one a server: a newer one says more than the one before. Complexity: O(size) each.
struct ProbePool: Sendable {
  private let size: Int
  private(set) var answers: ContiguousArray<ProbeAnswer> = []
  /// Whether the next removal takes the worst rather than the oldest.
  private var takesWorst = false

  init(size: Int) {
    self.size = max(1, size)
    answers.reserveCapacity(self.size + 1)
  }

  var count: Int { answers.count }

  /// Takes in an answer; a full pool gives up its oldest.
  mutating func add(_ answer: ProbeAnswer) {
    forget(slot: answer.slot)
    if answers.count >= size { answers.removeFirst() }
    answers.append(answer)
  }

  /// Forgets what is known of a slot.
  mutating func forget(slot: Int32) { answers.removeAll { $0.slot == slot } }

  /// Forgets what came before `time`.
  mutating func forget(before time: Timestamp) {
    var expired = 0
    while expired < answers.count && answers[expired].received < time { expired &+= 1 }
    if expired > 0 { answers.removeSubrange(0..<expired) }
  }

  /// Keeps answers of slots for which `isMember` holds.
  mutating func keep(_ isMember: (Int32) -> Bool) { answers.removeAll { !isMember($0.slot) } }

  /// The place of the best answer when what exceeds `threshold` requests is hot; there must be one.
  func best(threshold: Int32) -> Int {
    var best = 0
    for place in 1..<max(1, answers.count) where Self.isBetter(answers[place], answers[best], threshold) {
      best = place
    }
    return best
  }

  /// The place of the worst answer; the elder of equals.
  func worst(threshold: Int32) -> Int {
    var worst = 0
    for place in 1..<max(1, answers.count) where Self.isBetter(answers[worst], answers[place], threshold) {
      worst = place
    }
    return worst
  }

  /// Notes that a request went where the answer at `place` led. With `isSpent` the answer is gone.
  mutating func use(_ place: Int, isSpent: Bool) {
    if isSpent {
      answers.remove(at: place)
    } else {
      answers[place].inFlight &+= 1
      answers[place].uses &+= 1
    }
  }

  /// Removes the worst or the oldest, by turns.
  mutating func removeOne(threshold: Int32) {
    takesWorst.toggle()
    if answers.isEmpty { return }
    answers.remove(at: takesWorst ? worst(threshold: threshold) : 0)
  }

  private static func isBetter(_ left: ProbeAnswer, _ right: ProbeAnswer, _ threshold: Int32) -> Bool {
    let (leftIsHot, rightIsHot) = (left.inFlight > threshold, right.inFlight > threshold)
    if leftIsHot != rightIsHot { return rightIsHot }
    return leftIsHot ? left.inFlight < right.inFlight : left.latency < right.latency
  }
}

/// A quantile of the last values seen, kept sorted. Complexity: O(size) to add, O(1) to ask.
struct RecentQuantile: Sendable {
  private let size: Int
  private var recent: ContiguousArray<Int32> = []
  private var next = 0
  private var sorted: ContiguousArray<Int32> = []

  init(size: Int) { self.size = max(1, size) }

  mutating func add(_ value: Int32) {
    if recent.count < size {
      recent.append(value)
    } else {
      sorted.remove(at: place(of: recent[next]))
      recent[next] = value
      next = next &+ 1 == size ? 0 : next &+ 1
    }
    sorted.insert(value, at: place(of: value))
  }

  /// The least value that at least the share `share` of them do not exceed; the largest there is without any.
  func value(_ share: Double) -> Int32 {
    if sorted.isEmpty { return .max }
    let rank = Int((share * Double(sorted.count)).rounded(.up))
    return sorted[min(max(rank, 1), sorted.count) - 1]
  }

  /// The first place whose value is not below `value`.
  private func place(of value: Int32) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
