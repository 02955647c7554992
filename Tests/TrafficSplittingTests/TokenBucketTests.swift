// Envoy's token bucket, beside one that is filled step by step.

import MeshCore
import Testing

@testable import TrafficSplitting

@Suite("token bucket")
struct TokenBucketTests {
  // Goal: it starts full, gives what it has, and fills at its rate up to its capacity.
  @Test func fillsEvenly() {
    var bucket = TokenBucket(capacity: 3, rate: 2, at: .zero)
    #expect((0..<4).map { _ in bucket.take(at: .zero) } == [1, 1, 1, 0])
    #expect(bucket.wait(at: .zero) == .milliseconds(500))
    #expect(bucket.take(at: Timestamp(nanoseconds: 499_999_999)) == 0)
    #expect(bucket.take(at: Timestamp(nanoseconds: 500_000_000)) == 1)
    #expect(bucket.tokens(at: Timestamp(nanoseconds: 100_000_000_000)) == 3)
  }

  // Goal: over any time no more pass than the capacity and the rate allow, and never are there fewer than no tokens. Method: random
  // times and amounts beside a sum.
  @Test(arguments: 0..<20 as Range<UInt64>) func neverTooMany(seed: UInt64) {
    var random = RandomStream(state: mix64(seed))
    let (capacity, rate) = (Double(1 + random.below(50)), Double(1 + random.below(1000)))
    var bucket = TokenBucket(capacity: capacity, rate: rate, at: .zero)
    var (now, taken) = (Timestamp.zero, 0.0)
    for _ in 0..<5_000 {
      now = now + TimeSpan(nanoseconds: Int64(random.below(2_000_000)))
      taken += bucket.take(Double(1 + random.below(3)), allowsPart: random.below(2) == 0, at: now)
      #expect(bucket.tokens(at: now) >= 0)
      #expect(taken <= capacity + rate * (now - .zero).seconds + 1e-6)
    }
    #expect(taken > 0.9 * min(capacity, rate * (now - .zero).seconds))
  }
}
