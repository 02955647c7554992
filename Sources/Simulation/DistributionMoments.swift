// The means of the distributions, to judge a scenario's load before it runs.

import MeshCore

extension DistributionDescription {
  /// The mean in nanoseconds; nil when it is infinite (a Pareto distribution with alpha up to 1 and no maximum).
  ///
  /// Closed forms, to about 12 digits; the normal distribution's cut at 0 is integrated. What `shifted` makes negative is not
  /// accounted for.
  public var mean: Double? {
    switch self {
    case .constant(let value): return value
    case .uniform(let minimum, let maximum, let step):
      guard let step, step > 0 else { return (minimum + maximum) / 2 }
      return minimum + step * (Self.stepCount(minimum: minimum, maximum: maximum, step: step) - 1) / 2
    case .exponential(let mean), .erlang(let mean, _), .gamma(let mean, _): return mean
    case .hyperexponential(let phases): return phases.reduce(0) { $0 + $1.probability * $1.mean }
    case .normal(let mean, let standardDeviation):
      return Self.meanOfCutNormal(mean: mean, standardDeviation: standardDeviation)
    case .lognormal(let location, let scale): return Elementary.exponential(location + scale * scale / 2)
    case .weibull(let scale, let shape): return scale * Self.gammaFunction(1 + 1 / shape)
    case .pareto(let minimum, let alpha, let maximum?):
      // With t the value over the minimum: the integrals of t^-alpha over that of t^(-alpha - 1), from 1 to the cut.
      let span = Elementary.logarithm(maximum / minimum)
      return minimum * Elementary.exponentialQuotient((1 - alpha) * span)
        / Elementary.exponentialQuotient(-alpha * span)
    case .pareto(let minimum, let alpha, nil): return alpha > 1 ? minimum * alpha / (alpha - 1) : nil
    case .quantiles(let points):
      return zip(points, points.dropFirst()).reduce(0) { sum, pair in
        sum + (pair.1.probability - pair.0.probability) * (pair.0.value + pair.1.value) / 2
      }
    case .empirical(let values): return values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    case .mixture(let parts):
      var sum = 0.0
      for part in parts where part.weight > 0 {
        guard let mean = part.distribution.mean else { return nil }
        sum += part.weight * mean
      }
      return sum
    case .shifted(let by, let inner): return inner.mean.map { $0 + by }
    }
  }

  /// How many steps a uniform distribution over steps has: those below the maximum, at least one.
  static func stepCount(minimum: Double, maximum: Double, step: Double) -> Double {
    max(1, ((maximum - minimum) / step).rounded(.up))
  }

  /// The mean of max(0, X): m·Φ(m/s) + s·φ(m/s), with Φ by Simpson's rule.
  private static func meanOfCutNormal(mean: Double, standardDeviation: Double) -> Double {
    if standardDeviation <= 0 { return max(0, mean) }
    let z = mean / standardDeviation
    if z > 9 { return mean }
    if z < -9 { return 0 }
    let density = { (x: Double) in Elementary.exponential(-x * x / 2) * 0.3989422804014327 }
    let parts = 400
    let width = z / Double(parts)
    var sum = density(0) + density(z)
    for part in 1..<parts { sum += density(Double(part) * width) * (part % 2 == 1 ? 4 : 2) }
    let share = 0.5 + sum * width / 3
    return max(0, mean * share + standardDeviation * density(z))
  }

  /// Γ(x) for positive x: Stirling's series from 12 up, the recurrence below.
  static func gammaFunction(_ x: Double) -> Double {
    var argument = x
    var product = 1.0
    while argument < 12 {
      product *= argument
      argument += 1
    }
    let inverse = 1 / argument
    let square = inverse * inverse
    let series =
      inverse * (1 / 12.0 - square * (1 / 360.0 - square * (1 / 1260.0 - square * (1 / 1680.0 - square / 1188))))
    let halfLogarithmOfTwoPi = 0.9189385332046728
    let logarithm = (argument - 0.5) * Elementary.logarithm(argument) - argument + halfLogarithmOfTwoPi + series
    return Elementary.exponential(logarithm) / product
  }
}
