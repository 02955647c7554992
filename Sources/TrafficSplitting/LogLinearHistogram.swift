// Envoy's histogram: bins of two significant decimal digits, and quantiles that go evenly through a bin.
//
// A value v ≥ 1 falls into the bin of its first two digits: 10…11, 11…12, …, 99…100, 100…110, 110…120 and so on; 1…1.1 likewise. A
// quantile is found by walking the bins up to the one that holds it, and within that one in proportion. (libcircllhist, circllhist.c:
// hist_insert, hist_approx_quantile; OpenHistogram)

/// Counts of whole numbers from 0. Memory grows with the largest number's digits, 90 bins a digit.
public struct LogLinearHistogram: Sendable {
  /// How many numbers are in it.
  public private(set) var count: UInt64 = 0
  /// First 0, then 90 bins a decimal digit.
  private var bins: [UInt32] = [0]

  /// Nothing counted.
  public init() {}

  /// Counts a number, from 0. Complexity: O(digits).
  public mutating func insert(_ value: Int64) {
    count += 1
    if value <= 0 {
      bins[0] += 1
      return
    }
    var (head, digits) = (value, 0)
    while head >= 100 {
      head /= 10
      digits += 1
    }
    let (tens, exponent) = head < 10 ? (head * 10, 0) : (head, digits + 1)
    let bin = 1 + exponent * 90 + Int(tens - 10)
    while bins.count <= bin { bins.append(0) }
    bins[bin] += 1
  }

  /// Adds what another has counted. Complexity: O(bins).
  public mutating func merge(_ other: LogLinearHistogram) {
    count += other.count
    while bins.count < other.bins.count { bins.append(0) }
    for bin in other.bins.indices { bins[bin] += other.bins[bin] }
  }

  /// Forgets everything.
  public mutating func clear() {
    count = 0
    for bin in bins.indices { bins[bin] = 0 }
  }

  /// The value below which a share `quantile` of the numbers lies, 0…1; nil without numbers. Complexity: O(bins).
  public func quantile(_ quantile: Double) -> Double? {
    if count == 0 { return nil }
    let wanted = Double(count) * quantile
    var (lower, upper, bin) = (0.0, 0.0, -1)
    for index in bins.indices where bins[index] > 0 {
      (lower, upper, bin) = (upper, upper + Double(bins[index]), index)
      if upper >= wanted { break }
    }
    let (left, width) = Self.bounds(bin)
    if lower == wanted { return left }
    if upper == wanted { return left + width }
    return left + (wanted - lower) / (upper - lower) * width
  }

  private static func bounds(_ bin: Int) -> (left: Double, width: Double) {
    if bin == 0 { return (0, 0) }
    var width = 0.1
    for _ in 0..<((bin - 1) / 90) { width *= 10 }
    // By division where the width is below 1, so that 1.1 is 11 / 10.
    let tens = Double(10 + (bin - 1) % 90)
    return bin <= 90 ? (tens / 10, width) : (tens * width.rounded(), width.rounded())
  }
}
