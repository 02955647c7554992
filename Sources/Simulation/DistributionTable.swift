// Random lengths of time, drawn from every distribution that a scenario can name.
//
// A draw is a pure function of (distribution, key): nothing is stored between draws. Wherever there is an inverse of the
// distribution function the draw is that inverse at one uniform number (Devroye, Non-Uniform Random Variate Generation,
// 1986, chapter 2), so that variants of a scenario that change a parameter stay closely paired. The gamma distribution
// has none and takes an open number of draws; exponentials come from a ziggurat, which a change of the mean scales, and so
// pairs as well. Constants and exponentials, the hot path, are decided first.
//
// All arithmetic is + − × ÷ √ and `Elementary`: the same draws on every machine.

import MeshCore

/// Distributions by index, ready to be sampled.
///
/// Complexity: a draw is O(1) and allocates nothing; O(n) in the parts of `mixture` and `hyperexponential`.
public struct DistributionTable: ~Copyable {
  /// What a draw longer than this is cut to, nanoseconds (36 years): sums with it stay within 64 bits.
  public static var longest: Int64 { 1 << 60 }

  enum Kind: UInt8, BitwiseCopyable {
    case constant, exponential, uniform, steps, erlang, hyperexponential, normal, lognormal, gamma, smallGamma, weibull
    case pareto, truncatedPareto, quantiles, empirical, mixture, shifted
  }

  /// One distribution: what the parameters mean is said where they are made, in `record(of:)`.
  struct Record: BitwiseCopyable {
    var kind: Kind
    /// Where its numbers begin, in `numbers`.
    var numbers: Int32 = 0
    var first: Double = 0
    var second: Double = 0
    var third: Double = 0
    /// Where its parts begin, in `records`.
    var parts: Int32 = 0
    /// How many numbers or parts it has.
    var count: Int32 = 0
  }

  private var records: Pool<Record>
  private var numbers: Pool<Double>
  private var exponentials = ExponentialZiggurat()

  /// An empty table.
  public init() {
    records = Pool()
    numbers = Pool()
  }

  /// How many records there are, parts of mixtures included.
  public var count: Int { records.count }

  /// Adds `description` and returns its index.
  public mutating func add(_ description: DistributionDescription) -> Int32 {
    let record = record(of: description)
    records.append(record)
    return Int32(truncatingIfNeeded: records.count - 1)
  }

  /// A draw from distribution `index`, in nanoseconds, rounded to the nearest, from 0 to `longest`.
  @inline(never)
  public func sample(_ index: Int32, _ key: RandomKey) -> Int64 {
    Self.rounded(draw(index, key))
  }

  /// The same for the hottest place: an exponential draw without a call in between.
  @inline(__always)
  mutating func sampleInPlace(_ index: Int32, _ key: RandomKey) -> Int64 {
    let (kind, mean) = records.modify(index) { ($0.kind, $0.first) }
    if kind != .exponential { return sample(index, key) }
    let value = mean * exponentials.drawInPlace(key)
    return value < 0x1p60 ? Int64(value + 0.5) : Self.longest
  }

  /// The same before it is rounded and cut.
  @inline(__always)
  func draw(_ index: Int32, _ key: RandomKey) -> Double {
    let kind = records[index].kind
    if kind == .exponential { return records[index].first * exponentials.draw(key) }
    if kind == .constant { return records[index].first }
    return drawOther(index, key)
  }

  @inline(__always)
  private static func rounded(_ value: Double) -> Int64 {
    // Written so that what is not a number is cut too.
    if !(value < 0x1p60) { return longest }
    return value > 0 ? Int64(value + 0.5) : 0
  }
}

// What a scenario says, as records.
extension DistributionTable {
  private mutating func record(of description: DistributionDescription) -> Record {
    switch description {
    case .constant(let value):
      return Record(kind: .constant, first: value)
    case .uniform(let minimum, let maximum, let step):
      guard let step, step > 0 else {
        return Record(kind: .uniform, first: minimum, second: maximum - minimum)
      }
      let steps = DistributionDescription.stepCount(minimum: minimum, maximum: maximum, step: step)
      return Record(kind: .steps, first: minimum, second: step, third: steps)
    case .exponential(let mean):
      return Record(kind: .exponential, first: mean)
    case .erlang(let mean, let stages):
      // A sum of many exponentials is a gamma variate, drawn at the same price however many they are.
      if stages > 16 { return gamma(mean: mean, shape: Double(stages)) }
      return Record(kind: .erlang, first: mean / Double(stages), count: Int32(stages))
    case .hyperexponential(let phases):
      let start = nextNumber
      var cumulative = 0.0
      for phase in phases {
        cumulative += phase.probability
        numbers.append(cumulative)
        numbers.append(phase.mean)
      }
      return Record(kind: .hyperexponential, numbers: start, count: Int32(truncatingIfNeeded: phases.count))
    case .normal(let mean, let standardDeviation):
      return Record(kind: .normal, first: mean, second: standardDeviation)
    case .lognormal(let location, let scale):
      return Record(kind: .lognormal, first: location, second: scale)
    case .gamma(let mean, let shape):
      return gamma(mean: mean, shape: shape)
    case .weibull(let scale, let shape):
      return Record(kind: .weibull, first: scale, second: 1 / shape)
    case .pareto(let minimum, let alpha, let maximum):
      guard let maximum else { return Record(kind: .pareto, first: minimum, second: -1 / alpha) }
      // The share of the uncut distribution above the cut.
      let beyond = Elementary.power(minimum / maximum, alpha)
      numbers.append(maximum)
      return Record(
        kind: .truncatedPareto, numbers: nextNumber - 1, first: minimum, second: -1 / alpha, third: beyond)
    case .quantiles(let points):
      let start = nextNumber
      for point in points {
        numbers.append(point.probability)
        numbers.append(point.value)
      }
      return Record(
        kind: .quantiles, numbers: start, first: guide(to: points), count: Int32(truncatingIfNeeded: points.count))
    case .empirical(let values):
      let start = nextNumber
      for value in values { numbers.append(value) }
      return Record(kind: .empirical, numbers: start, count: Int32(truncatingIfNeeded: values.count))
    case .mixture(let parts):
      // A part may have parts: they go first, so that this one's lie next to each other.
      let ready = parts.map { record(of: $0.distribution) }
      let start = nextNumber
      let firstPart = Int32(truncatingIfNeeded: records.count)
      var cumulative = 0.0
      for (part, record) in zip(parts, ready) {
        cumulative += part.weight
        numbers.append(cumulative)
        records.append(record)
      }
      return Record(kind: .mixture, numbers: start, parts: firstPart, count: Int32(truncatingIfNeeded: parts.count))
    case .shifted(let by, let inner):
      return Record(kind: .shifted, first: by, parts: add(inner), count: 1)
    }
  }

  /// Appends, for each of equal parts of the unit interval, the last point at or below its beginning; returns how many parts:
  /// a draw then looks at one or two points, however many there are.
  private mutating func guide(to points: [QuantilePoint]) -> Double {
    var parts = 1
    while parts < 2 * points.count { parts *= 2 }
    var point = 0
    for part in 0..<parts {
      let probability = Double(part) / Double(parts)
      while point + 2 < points.count && points[point + 1].probability <= probability { point += 1 }
      numbers.append(Double(point))
    }
    return Double(parts)
  }

  private var nextNumber: Int32 { Int32(truncatingIfNeeded: numbers.count) }

  private func gamma(mean: Double, shape: Double) -> Record {
    // Below 1 a variate of shape + 1 is taken to a power of a uniform number (Marsaglia and Tsang, section 6).
    if shape < 1 { return Record(kind: .smallGamma, first: mean / shape, second: shape + 1, third: 1 / shape) }
    return Record(kind: .gamma, first: mean / shape, second: shape)
  }
}

// Draws that are not constant or exponential.
extension DistributionTable {
  @inline(never)
  private func drawOther(_ index: Int32, _ key: RandomKey) -> Double {
    let record = records[index]
    switch record.kind {
    case .constant, .exponential:
      return draw(index, key)
    case .uniform:
      return record.first + record.second * unitInterval(key.draw(0))
    case .steps:
      // A whole number below the count; 2^53 parts are enough for any count that a double holds exactly.
      let number = Int64(unitInterval(key.draw(0)) * record.third)
      return record.first + record.second * Double(number)
    case .erlang:
      return drawErlang(record, key)
    case .hyperexponential:
      let phase = part(of: record, stride: 2, at: unitInterval(key.draw(0)))
      let mean = numbers[record.numbers &+ 2 &* phase &+ 1]
      return mean * exponentials.draw(key, 1)
    case .normal:
      let value = record.first + record.second * Elementary.normalQuantile(unitInterval(key.draw(0)))
      return value > 0 ? value : 0
    case .lognormal:
      let exponent = record.first + record.second * Elementary.normalQuantile(unitInterval(key.draw(0)))
      return Elementary.exponential(exponent)
    case .gamma:
      var stream = key.stream()
      return record.first * Self.gammaVariate(shape: record.second, &stream)
    case .smallGamma:
      var stream = key.stream()
      let share = Elementary.exponential(Elementary.logarithm(stream.unit()) * record.third)
      return record.first * Self.gammaVariate(shape: record.second, &stream) * share
    case .weibull:
      let exponential = -Elementary.logarithm(unitInterval(key.draw(0)))
      return record.first * Elementary.power(exponential, record.second)
    case .pareto:
      return record.first * Elementary.power(unitInterval(key.draw(0)), record.second)
    case .truncatedPareto:
      let uniform = unitInterval(key.draw(0))
      let survival = record.third + uniform * (1 - record.third)
      return min(record.first * Elementary.power(survival, record.second), numbers[record.numbers])
    case .quantiles:
      return quantile(record, at: unitInterval(key.draw(0)))
    case .empirical:
      let number = key.draw(0).multipliedFullWidth(by: UInt64(UInt32(bitPattern: record.count))).high
      return numbers[record.numbers &+ Int32(truncatingIfNeeded: number)]
    case .mixture:
      let part = part(of: record, stride: 1, at: unitInterval(key.draw(0)))
      return draw(record.parts &+ part, key.key(1))
    case .shifted:
      return record.first + draw(record.parts, key)
    }
  }

  /// Which part's share of [0, 1) holds `uniform`; the last takes what rounding leaves over.
  @inline(__always)
  private func part(of record: Record, stride: Int32, at uniform: Double) -> Int32 {
    var part: Int32 = 0
    while part &+ 1 < record.count && uniform >= numbers[record.numbers &+ stride &* part] { part &+= 1 }
    return part
  }

  /// Minus the logarithm of a product of uniform numbers: one logarithm for up to 16 stages.
  @inline(__always)
  private func drawErlang(_ record: Record, _ key: RandomKey) -> Double {
    var product = 1.0
    for stage in 0..<record.count { product *= unitInterval(key.draw(UInt64(UInt32(bitPattern: stage)))) }
    return -record.first * Elementary.logarithm(product)
  }

  private func quantile(_ record: Record, at uniform: Double) -> Double {
    // The last point at or below `uniform`, among all but the last.
    let part = Int32(truncatingIfNeeded: Int64(uniform * record.first))
    var low = Int32(truncatingIfNeeded: Int64(numbers[record.numbers &+ 2 &* record.count &+ part]))
    while low &+ 2 < record.count && numbers[record.numbers &+ 2 &* low &+ 2] <= uniform { low &+= 1 }
    let from = record.numbers &+ 2 &* low
    if record.count < 2 { return numbers[from &+ 1] }
    let left = numbers[from]
    let width = numbers[from &+ 2] - left
    let value = numbers[from &+ 1]
    if width <= 0 { return value }
    return value + (numbers[from &+ 3] - value) * ((uniform - left) / width)
  }

  /// A gamma variate of scale 1 and a shape of at least 1 (Marsaglia and Tsang, A simple method for generating gamma
  /// variables, ACM TOMS 26:363, 2000). Ninety-five in a hundred first tries succeed.
  private static func gammaVariate(shape: Double, _ stream: inout RandomStream) -> Double {
    let d = shape - 1 / 3.0
    let c = 1 / (9 * d).squareRoot()
    while true {
      let normal = Elementary.normalQuantile(stream.unit())
      let root = 1 + c * normal
      if root <= 0 { continue }
      let cube = root * root * root
      let uniform = stream.unit()
      let square = normal * normal
      if uniform < 1 - 0.0331 * square * square { return d * cube }
      if Elementary.logarithm(uniform) < 0.5 * square + d * (1 - cube + Elementary.logarithm(cube)) { return d * cube }
    }
  }
}
