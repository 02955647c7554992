// Keys by Zipf's law: key k (from 0) with a probability in proportion to 1 / (k + 1)^exponent.
//
// Up to a million keys the cumulative distribution is a table and a draw is its inverse: one uniform number, exact, and a
// draw for a smaller exponent is never a smaller key. Beyond, rejection from the integral (Hörmann and Derflinger, Rejection-
// inversion to generate variates from monotone discrete distributions, ACM TOMACS 6:169, 1996), without a table.

import MeshCore

/// Draws keys by Zipf's law.
///
/// Complexity: O(log keys) a draw and 8 bytes a key up to `largestTable` keys; O(1) expected and no memory beyond.
public struct ZipfTable: ~Copyable {
  /// Up to how many keys there is a table.
  public static var largestTable: Int { 1_000_000 }

  private static var guideBits: UInt64 { 10 }

  /// How many keys.
  public let keys: Int
  private let exponent: Double
  /// The probability of a key up to this one.
  private var cumulative: Pool<Double>
  /// For each 1024th of the unit interval, the first key that can be meant, and one entry behind.
  private var guide: Pool<Int32>

  // Of the rejection: integrals of x^-exponent at the ends, and how far a draw may miss its key and be taken unseen.
  private let lowest: Double
  private let highest: Double
  private let free: Double

  /// Zipf's law over `keys` keys (at least 1) with an exponent of at least 0; 0 is the uniform distribution.
  public init(keys: Int, exponent: Double) {
    precondition(keys >= 1 && exponent >= 0, "Zipf's law needs a key and no negative exponent")
    self.keys = keys
    self.exponent = exponent
    self.cumulative = Pool()
    self.guide = Pool()
    self.lowest = Self.integral(1.5, exponent) - 1
    self.highest = Self.integral(Double(keys) + 0.5, exponent)
    self.free = 2 - Self.inverse(Self.integral(2.5, exponent) - Elementary.power(2, -exponent), exponent)
    if keys <= Self.largestTable { fill() }
  }

  private mutating func fill() {
    cumulative = Pool(repeating: 1, count: keys)
    var sum = 0.0
    for key in 0..<keys {
      sum += Elementary.power(Double(key + 1), -exponent)
      cumulative[key] = sum
    }
    for key in 0..<keys { cumulative[key] = cumulative[key] / sum }
    cumulative[keys - 1] = 1
    let parts = 1 << Self.guideBits
    guide = Pool(repeating: 0, count: Int(parts) + 1)
    var key = 0
    for part in 0..<Int(parts) {
      while cumulative[key] <= Double(part) / Double(parts) { key += 1 }
      guide[part] = Int32(truncatingIfNeeded: key)
    }
    guide[Int(parts)] = Int32(truncatingIfNeeded: keys - 1)
  }

  /// The probability of `key`, where there is a table.
  func probability(of key: Int) -> Double { key == 0 ? cumulative[0] : cumulative[key] - cumulative[key - 1] }

  /// A key from 0 up to but without `keys`.
  public func sample(_ key: RandomKey) -> UInt64 {
    if cumulative.count == 0 { return rejected(key) }
    let bits = key.draw(0)
    let uniform = unitInterval(bits)
    let part = Int(truncatingIfNeeded: bits >> (64 - Self.guideBits))
    // The first key whose cumulative probability is above the number.
    var low = Int(guide[part])
    var high = Int(guide[part + 1])
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > uniform { high = middle } else { low = middle + 1 }
    }
    return UInt64(truncatingIfNeeded: low)
  }

  private func rejected(_ key: RandomKey) -> UInt64 {
    var stream = key.stream()
    while true {
      let area = highest + stream.unit() * (lowest - highest)
      let x = Self.inverse(area, exponent)
      let rank = min(max(Double(Int64(x + 0.5)), 1), Double(keys))
      let isTaken =
        rank - x <= free
        || area >= Self.integral(rank + 0.5, exponent) - Elementary.power(rank, -exponent)
      if isTaken { return UInt64(rank) - 1 }
    }
  }

  /// The integral of t^-exponent from 1 to x.
  private static func integral(_ x: Double, _ exponent: Double) -> Double {
    let logarithm = Elementary.logarithm(x)
    return logarithm * Elementary.exponentialQuotient((1 - exponent) * logarithm)
  }

  /// The x at which that integral is `area`.
  private static func inverse(_ area: Double, _ exponent: Double) -> Double {
    let scaled = max((1 - exponent) * area, -1)
    return Elementary.exponential(area * Elementary.logarithmQuotient(scaled))
  }
}
