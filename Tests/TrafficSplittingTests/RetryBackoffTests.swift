import MeshCore
import Testing
import TrafficSplitting

@Suite struct RetryBackoffTests {
  // Goal: Envoy's bound is what a list built by its rule says, in whole milliseconds, and a wait is the draw modulo it.
  @Test(arguments: 1...60) func fullJitterEqualsTheList(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let base = Int64(1 + random.below(40))
    let longest = base + Int64(random.below(500))
    let backoff = RetryBackoff.envoy(base: .milliseconds(base), max: .milliseconds(longest))
    var bound = base
    for number in 1...20 {
      let draw = random.next()
      let wait = backoff.delay(retry: Int32(number), draw: draw)
      #expect(wait == .milliseconds(Int64(draw % UInt64(bound))))
      bound = bound < longest / 2 ? bound * 2 : longest
    }
  }

  // Goal: Envoy's defaults are 25 ms and ten times the base; what is below a millisecond is one.
  @Test func envoyDefaults() {
    #expect(RetryBackoff.envoy() == .fullJitter(base: .milliseconds(25), max: .milliseconds(250)))
    #expect(RetryBackoff.envoy().delay(retry: 9, draw: 249) == .milliseconds(249))
    let short = RetryBackoff.envoy(base: .microseconds(10), max: .zero)
    #expect((0..<9).allSatisfy { short.delay(retry: Int32($0), draw: .max) == .zero })
  }

  // Goal: after a limit's end waits are the interval to half of it more, and even the shortest interval has one.
  @Test func waitsForTheEndOfALimit() {
    #expect(RetryBackoff.afterReset(in: .seconds(2), draw: 999) == .milliseconds(2999))
    #expect(RetryBackoff.afterReset(in: .seconds(2), draw: 1000) == .milliseconds(2000))
    #expect(RetryBackoff.afterReset(in: .zero, draw: .max) == .milliseconds(1))
  }

  // Goal: doubling waits never leave their bounds, never fall with the draw, and double until the longest.
  @Test(arguments: [RetryBackoff.linkerd, .tower, .exponential(min: .zero, max: .seconds(1), jitterRatio: 1)])
  func exponentialStaysWithinBounds(_ backoff: RetryBackoff) throws {
    guard case .exponential(let shortest, let longest, let jitterRatio) = backoff else { return }
    for number in Int32(1)...80 {
      let doubled = Double(shortest.nanoseconds) * Double(sign: .plus, exponent: Int(number) - 1, significand: 1)
      let base = min(doubled, Double(longest.nanoseconds))
      let waits = [0, 1 << 62, 1 << 63, UInt64.max].map { Double(backoff.delay(retry: number, draw: $0).nanoseconds) }
      #expect(waits == waits.sorted())
      #expect(waits[0] >= base && waits[3] <= min(base * (1 + jitterRatio) + 1, Double(longest.nanoseconds)))
    }
  }

  // Goal: gRPC's waits grow by the multiplier to the longest, a fifth to either side.
  @Test func multipliedGrows() {
    let backoff = RetryBackoff.multiplied(initial: .milliseconds(100), max: .seconds(1), multiplier: 2)
    for (number, base) in [(1, 100.0), (2, 200), (3, 400), (4, 800), (5, 1000), (6, 1000), (Int32.max, 1000)] {
      let (least, most) = (backoff.delay(retry: number, draw: 0), backoff.delay(retry: number, draw: .max))
      #expect(abs(least.milliseconds - 0.8 * base) < 0.01 && abs(most.milliseconds - 1.2 * base) < 0.01)
    }
    let shrinking = RetryBackoff.multiplied(initial: .seconds(1), max: .seconds(9), multiplier: 0.5)
    #expect(abs(shrinking.delay(retry: 3, draw: 1 << 63).milliseconds - 250) < 0.01)
    #expect(shrinking.delay(retry: .max, draw: 0) == .zero)
  }

  // Goal: extreme parameters end no process and make no wait negative.
  @Test func extremesAreSurvived() {
    let spans = [Int64.min, -1, 0, 1, .max].map { TimeSpan(nanoseconds: $0) }
    let factors = [0, 1, -1, Double.infinity, .nan, 1e300]
    for (short, long) in spans.flatMap({ short in spans.map { (short, $0) } }) {
      for factor in factors {
        for backoff in [
          .none, RetryBackoff.envoy(base: short, max: long), .envoy(base: short), .fullJitter(base: short, max: long),
          .exponential(min: short, max: long, jitterRatio: factor),
          .multiplied(initial: short, max: long, multiplier: factor),
        ] {
          for number in [Int32.min, 0, 1, 2, 70] {
            for draw in [0, UInt64.max] { #expect(backoff.delay(retry: number, draw: draw) >= .zero) }
          }
        }
      }
    }
  }
}
