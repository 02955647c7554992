// Latencies in log-linear cells: memory independent of how many there are, quantiles to three significant digits.
//
// The layout is HdrHistogram's (Tene): 2^precision linear cells for small values, then 2^(precision − 1) cells for each
// doubling. It is our own for three reasons that were measured or are needed: recording takes a third of the library's
// time, two histograms add up, and its arithmetic is integers alone, the same on every machine. The library is the oracle
// in the tests.

/// A histogram of lengths of time in nanoseconds, 0 … 2^62. Mean and maximum are exact.
///
/// Complexity: recording O(1); quantiles O(cells in use).
public struct LatencyHistogram: Sendable, Hashable {
  /// Linear cells per doubling, as a power of two: 11 gives three significant digits, 8 gives 0.4 %.
  public let precision: Int
  private var cells: ContiguousArray<UInt32>
  /// Cells that outgrew 32 bits, by index: how many times 2^32.
  private var carries: [Int: UInt32]
  /// How many values.
  public private(set) var count: Int64
  /// Their sum, exact: 128 bits in two words.
  private var sumLow: UInt64
  private var sumHigh: UInt64
  /// The largest, exact; 0 when there is none.
  public private(set) var maximum: Int64

  /// An empty histogram.
  public init(precision: Int = 11) {
    self.precision = precision
    self.cells = []
    self.carries = [:]
    self.count = 0
    self.sumLow = 0
    self.sumHigh = 0
    self.maximum = 0
  }

  /// A histogram of the given cells, whose values sum up to `sum`.
  init(precision: Int, cells: [UInt32], count: Int64, sum: Int128, maximum: Int64) {
    self.precision = precision
    self.cells = ContiguousArray(cells)
    self.carries = [:]
    self.count = count
    self.sumLow = UInt64(truncatingIfNeeded: sum)
    self.sumHigh = UInt64(truncatingIfNeeded: sum >> 64)
    self.maximum = maximum
  }

  /// What is left when the values of `other`, all of them among this one's, are taken out. The maximum is the highest cell's
  /// upper end, unless that is beyond the exact one.
  func subtracting(_ other: LatencyHistogram) -> LatencyHistogram {
    if other.count == 0 { return self }
    var rest = self
    var highest = -1
    for cell in 0..<rest.cells.count {
      if cell < other.cells.count { rest.cells[cell] &-= other.cells[cell] }
      if rest.cells[cell] > 0 { highest = cell }
    }
    rest.count -= other.count
    let sum = (Int128(sumHigh) << 64 | Int128(sumLow)) - (Int128(other.sumHigh) << 64 | Int128(other.sumLow))
    rest.sumLow = UInt64(truncatingIfNeeded: sum)
    rest.sumHigh = UInt64(truncatingIfNeeded: sum >> 64)
    rest.maximum = highest < 0 ? 0 : min(maximum, Int64(Self.middle(of: highest, precision: precision).rounded(.up)))
    return rest
  }

  /// The mean, rounded once; nil when empty.
  public var mean: Double? {
    if count == 0 { return nil }
    return (Double(sumHigh) * 0x1p64 + Double(sumLow)) / Double(count)
  }

  /// Adds a value; negative ones count as 0.
  public mutating func record(_ value: Int64) {
    let clamped = value < 0 ? 0 : value
    let cell = Self.cell(of: clamped, precision: precision)
    if cell >= cells.count { cells.append(contentsOf: repeatElement(0, count: cell + 64 - cells.count)) }
    cells[cell] &+= 1
    if cells[cell] == 0 { carries[cell, default: 0] += 1 }
    count &+= 1
    let (sum, overflow) = sumLow.addingReportingOverflow(UInt64(clamped))
    sumLow = sum
    if overflow { sumHigh &+= 1 }
    if clamped > maximum { maximum = clamped }
  }

  /// Adds everything that `other`, of the same precision, holds.
  public mutating func add(_ other: LatencyHistogram) {
    precondition(precision == other.precision, "histograms of one precision add up")
    if other.cells.count > cells.count {
      cells.append(contentsOf: repeatElement(0, count: other.cells.count - cells.count))
    }
    for cell in 0..<other.cells.count {
      let (sum, overflow) = cells[cell].addingReportingOverflow(other.cells[cell])
      cells[cell] = sum
      let carry = (overflow ? 1 : 0) + (other.carries[cell] ?? 0)
      if carry > 0 { carries[cell, default: 0] += carry }
    }
    count += other.count
    let (sum, overflow) = sumLow.addingReportingOverflow(other.sumLow)
    sumLow = sum
    sumHigh = sumHigh &+ other.sumHigh &+ (overflow ? 1 : 0)
    maximum = max(maximum, other.maximum)
  }

  /// The value below or at which the share `probability` of values lies: the middle of its cell, at most the maximum;
  /// nil when empty. 0 gives the smallest value's cell, 1 the exact maximum.
  public func quantile(_ probability: Double) -> Double? {
    if count == 0 { return nil }
    if probability >= 1 { return Double(maximum) }
    var rank = Int64((probability * Double(count)).rounded(.up))
    if rank < 1 { rank = 1 }
    var seen: Int64 = 0
    for cell in 0..<cells.count {
      seen += Int64(cells[cell])
      if let carry = carries[cell] { seen += Int64(carry) << 32 }
      if seen >= rank { return min(Self.middle(of: cell, precision: precision), Double(maximum)) }
    }
    return Double(maximum)
  }

  /// Forgets all values and keeps the memory.
  public mutating func removeAll() {
    for cell in 0..<cells.count { cells[cell] = 0 }
    carries = [:]
    count = 0
    sumLow = 0
    sumHigh = 0
    maximum = 0
  }

  /// The cell that `value` (0 … 2^62) falls into.
  @inline(__always)
  static func cell(of value: Int64, precision: Int) -> Int {
    let doubling = 64 &- precision &- (UInt64(bitPattern: value) | (1 << UInt64(precision &- 1))).leadingZeroBitCount
    return (doubling << (precision &- 1)) &+ Int(truncatingIfNeeded: value >> Int64(doubling))
  }

  /// The middle of a cell's values.
  static func middle(of cell: Int, precision: Int) -> Double {
    let half = 1 << (precision - 1)
    let doubling = cell < 2 * half ? 0 : cell / half - 1
    let offset = cell - doubling * half
    let lowest = Double(Int64(offset) << Int64(doubling))
    return lowest + (Double(Int64(1) << Int64(doubling)) - 1) / 2
  }
}
