import MeshCore
import Testing
import TrafficSplitting

@Suite struct CanaryAnalysisTests {
  private func canary(_ steps: [Int32], threshold: Int32 = 2, rate: Double? = 0.99, duration: TimeSpan? = nil)
    -> CanaryAnalysis
  {
    var description = CanaryDescription(destination: 1, stepWeights: steps)
    description.threshold = threshold
    description.minSuccessRate = rate
    description.maxDuration = duration
    return CanaryAnalysis(description)
  }

  private func sample(_ successes: Int, _ failures: Int = 0, milliseconds: Int64 = 10) -> CanarySample {
    var sample = CanarySample()
    for number in 0..<successes + failures {
      sample.insert(latency: .milliseconds(milliseconds), isSuccess: number < successes)
    }
    return sample
  }

  // Goal: step by step to the last, then everything; the first step needs no figures, and afterwards nothing changes.
  @Test func promotes() {
    var analysis = canary([10, 20, 50])
    #expect(analysis.check(sample(0)) == .advanced(to: 10))
    #expect(analysis.check(sample(99, 1)) == .advanced(to: 20))
    #expect(analysis.check(sample(100)) == .advanced(to: 50))
    #expect(analysis.check(sample(100)) == .promoted)
    #expect(analysis.weight == 100 && analysis.phase == .promoted)
    #expect(analysis.check(sample(0, 100)) == nil && analysis.weight == 100)
  }

  // Goal: failed checks count in all, not in a row, and the check after the last allowed one ends it (Flagger).
  @Test func aborts() {
    var analysis = canary([10, 20, 50])
    #expect(analysis.check(sample(0)) == .advanced(to: 10))
    #expect(analysis.check(sample(98, 2)) == .halted(.lowSuccessRate(0.98, least: 0.99)))
    #expect(analysis.weight == 10)
    #expect(analysis.check(sample(100)) == .advanced(to: 20))
    #expect(analysis.check(sample(0)) == .halted(.noAnswers))
    #expect(analysis.weight == 20)
    #expect(analysis.check(sample(100)) == .aborted(failedChecks: 2))
    #expect(analysis.weight == 0 && analysis.phase == .aborted)
    #expect(analysis.check(sample(100)) == nil && analysis.weight == 0)
  }

  // Goal: a quantile of the duration is a bound of its own, and without bounds nothing halts.
  @Test func durations() {
    var analysis = canary([10], rate: nil, duration: .milliseconds(50))
    _ = analysis.check(sample(0))
    var slow = sample(980)
    slow.merge(sample(20, milliseconds: 200))
    guard case .halted(.longDuration(let duration, let most)) = analysis.check(slow) else {
      Issue.record("not halted")
      return
    }
    #expect(duration >= .milliseconds(190) && duration <= .milliseconds(210) && most == .milliseconds(50))
    var fine = sample(995)
    fine.merge(sample(5, milliseconds: 200))
    #expect(analysis.check(fine) == .promoted)
    var free = canary([10], rate: nil)
    _ = free.check(sample(0))
    #expect(free.check(sample(0)) == .promoted)
  }

  // Goal: whatever the figures, a release never gets less but by its abort, never fails more checks than allowed, and gets 0 or 100 at
  // its end.
  @Test(arguments: 1...100) func invariants(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let threshold = Int32(1 + random.below(4))
    let steps = (0..<1 + random.below(5)).reduce(into: [Int32]()) { steps, _ in
      steps.append((steps.last ?? 0) + 1 + Int32(random.below(18)))
    }
    var analysis = canary(steps, threshold: threshold)
    var weight: Int32 = 0
    for _ in 0..<50 {
      let verdict = analysis.check(sample(90 + random.below(11), random.below(2)))
      #expect(analysis.failedChecks <= threshold)
      if case .aborted = verdict { #expect(analysis.weight == 0) } else { #expect(analysis.weight >= weight) }
      #expect(analysis.weight == 0 || analysis.weight == 100 || steps.contains(analysis.weight))
      weight = analysis.weight
    }
    #expect(analysis.phase != .progressing)
  }

  // Goal: the others keep their proportions, and the canary gets its share of the whole exactly.
  @Test func weightsAreShares() {
    let split = [3, 77, 1].enumerated().map { WeightedCluster(cluster: $0, weight: $1) }
    for weight in [0, 1, 37, 100] as [Int32] {
      let weights = CanaryAnalysis.weights(split, canary: 1, weight: weight)
      #expect(weights[1] * 100 == UInt64(weight) * weights.reduce(0, +))
      #expect(weights[0] == 3 * weights[2])
    }
  }
}
