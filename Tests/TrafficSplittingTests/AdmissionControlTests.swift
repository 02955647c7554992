// Envoy's admission control: its window, its order of questions, and what it leads to.

import MeshCore
import Testing

@testable import TrafficSplitting

@Suite("admission control")
struct AdmissionControlTests {
  private func at(_ seconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(seconds * 1e9)) }

  // Goal: an answer counts until its sample is as old as the window; samples are at least a second long.
  @Test func window() {
    var control = AdmissionControl(AdmissionControlDescription())
    control.record(status: 500, at: at(0))
    control.record(status: 200, at: at(0.9))
    control.record(status: 200, at: at(1))
    #expect(control.counts == (3, 2))
    // The second answer lies in the sample of the first and goes with it.
    control.record(status: 200, at: at(30))
    #expect(control.counts == (2, 2))
    control.record(status: 200, at: at(31))
    #expect(control.counts == (2, 2))
    control.record(status: 429, at: at(1000))
    #expect(control.counts == (1, 1))
  }

  // Goal: the rate is whole requests a second over the window, and below the threshold nobody is rejected and nothing drawn.
  @Test func rate() {
    var description = AdmissionControlDescription()
    description.minimumRate = 2
    var control = AdmissionControl(description)
    var random = RandomStream(state: 1)
    for _ in 0..<59 { control.record(status: 503, at: at(0)) }
    #expect(control.rate(at: at(0)) == 1 && !control.rejects(&random, at: at(0)))
    control.record(status: 503, at: at(0))
    #expect(control.rate(at: at(0)) == 2)
    #expect((0..<100).contains { _ in control.rejects(&random, at: at(0)) })
  }

  // Goal: with a service that always fails, the largest share is rejected; with one that never does, nobody.
  @Test(arguments: [(Int16(503), 0.8), (200, 0)]) func share(status: Int16, expected: Double) {
    var control = AdmissionControl(AdmissionControlDescription())
    var random = RandomStream(state: 5)
    var rejected = 0
    for number in 0..<20_000 {
      let now = at(Double(number) / 1000)
      if control.rejects(&random, at: now) { rejected += 1 } else { control.record(status: status, at: now) }
    }
    #expect(abs(Double(rejected) / 20_000 - expected) < 0.01)
  }

  // Goal: the counts are those of the samples, whatever happens when. Method: a list of all answers beside it.
  @Test(arguments: 0..<10 as Range<UInt64>) func countsAreSound(seed: UInt64) {
    var random = RandomStream(state: mix64(seed))
    var description = AdmissionControlDescription()
    description.samplingWindow = .seconds(Int64(1 + random.below(20)))
    var control = AdmissionControl(description)
    var samples: [(began: Timestamp, requests: UInt64, successes: UInt64)] = []
    var now = Timestamp.zero
    for _ in 0..<3_000 {
      now = now + .milliseconds(Int64(random.below(random.below(20) == 0 ? 5_000 : 200)))
      samples.removeAll { now - $0.began >= description.samplingWindow }
      if samples.last.map({ now - $0.began >= .seconds(1) }) ?? true { samples.append((now, 0, 0)) }
      let isSuccess = random.below(2) == 0
      control.record(status: isSuccess ? 200 : 500, at: now)
      samples[samples.count - 1].requests += 1
      samples[samples.count - 1].successes += isSuccess ? 1 : 0
      let sums = samples.reduce(into: (0, 0)) { $0 = ($0.0 + $1.requests, $0.1 + $1.successes) }
      #expect(control.counts == sums)
    }
  }
}
