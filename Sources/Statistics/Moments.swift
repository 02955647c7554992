// Mean and variance of a stream of numbers, in one pass and in parts.
//
// Welford (Technometrics 4:419, 1962) for single values; Chan, Golub and LeVeque (Updating formulae and a pairwise algorithm,
// 1979) for adding two parts. Neither subtracts large sums from each other.

/// Count, mean and variance of numbers seen so far.
public struct Moments: Sendable, Hashable {
  /// How many numbers.
  public private(set) var count = 0
  private var average = 0.0
  /// The sum of squared distances from the mean.
  private var squares = 0.0

  /// Of no numbers.
  public init() {}

  /// Of `values`.
  public init(_ values: some Sequence<Double>) {
    for value in values { add(value) }
  }

  /// Their mean; nil without numbers.
  public var mean: Double? { count == 0 ? nil : average }

  /// Their sample variance, over count − 1; nil with fewer than two.
  public var variance: Double? { count < 2 ? nil : squares / Double(count - 1) }

  /// The root of `variance`.
  public var standardDeviation: Double? { variance?.squareRoot() }

  /// The standard error of the mean.
  public var standardError: Double? { variance.map { ($0 / Double(count)).squareRoot() } }

  /// Adds a number.
  public mutating func add(_ value: Double) {
    count += 1
    let distance = value - average
    average += distance / Double(count)
    squares += distance * (value - average)
  }

  /// Adds all that `other` has seen.
  public mutating func add(_ other: Moments) {
    if other.count == 0 { return }
    let together = Double(count + other.count)
    let distance = other.average - average
    squares += other.squares + distance * distance * (Double(count) * Double(other.count) / together)
    average += distance * (Double(other.count) / together)
    count += other.count
  }
}
