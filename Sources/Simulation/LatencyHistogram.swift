// Latencies in log-linear cells: memory independent of how many there are, quantiles to three significant digits.
//
// The layout is HdrHistogram's (Tene; `LogLinearCells`). It is our own because histograms have to add up and be taken apart, the hot
// path records into bare cells of the same layout (`HistogramBank`), and its arithmetic is integers alone, the same on every
// machine. The library is the oracle in the tests.

import MeshCore

/// A histogram of lengths of time in nanoseconds, 0 … 2^62. Mean and maximum are exact.
///
/// Complexity: recording O(1); quantiles O(cells in use). Memory: 4 bytes a cell up to the largest value's.
public struct LatencyHistogram: Sendable {
  /// What a value larger than this counts as.
  public static var largestValue: Int64 { 1 << 62 }

  /// Linear cells per doubling, as a power of two: 11 gives three significant digits, 8 gives 0.4 %.
  public let precision: Int
  private var cells: ContiguousArray<UInt32>
  /// Cells that outgrew 32 bits, by index: how many times 2^32.
  private var carries: [Int: UInt32]
  /// How many values.
  public private(set) var count: Int64
  private var sum: Int128
  /// The largest, exact; 0 when there is none.
  public private(set) var maximum: Int64

  /// An empty histogram; `precision` from 2 to 16.
  public init(precision: Int = 11) {
    precondition(precision >= 2 && precision <= 16, "a histogram has 2 to 16 bits of precision")
    self.precision = precision
    self.cells = []
    self.carries = [:]
    self.count = 0
    self.sum = 0
    self.maximum = 0
  }

  /// A histogram of the given cells, and of what they carry beyond 32 bits, whose values sum up to `sum`.
  init(
    precision: Int, cells: [UInt32], carries: [Int: UInt32] = [:], count: Int64, sum: Int128, maximum: Int64
  ) {
    self.init(precision: precision)
    self.cells = ContiguousArray(cells)
    self.carries = carries
    self.count = count
    self.sum = sum
    self.maximum = maximum
  }

  /// The mean, to the last bit or one beside it; nil when empty.
  public var mean: Double? {
    if count == 0 { return nil }
    // Whole part and rest apart: a double cannot hold the sum.
    let (whole, rest) = sum.quotientAndRemainder(dividingBy: Int128(count))
    return Double(Int64(truncatingIfNeeded: whole)) + Double(Int64(truncatingIfNeeded: rest)) / Double(count)
  }

  /// Adds a value; negative ones count as 0.
  @inline(__always)
  public mutating func record(_ value: Int64) {
    let clamped = Int64(truncatingIfNeeded: min(UInt64(truncatingIfNeeded: max(value, 0)), 1 << 62))
    let cell = LogLinearCells.cell(of: clamped, precision: precision)
    if cell >= cells.count { grow(toHold: cell) }
    let (tally, isFull) = cells[cell].addingReportingOverflow(1)
    cells[cell] = tally
    if isFull { carry(1, into: cell) }
    count &+= 1
    sum &+= Int128(clamped)
    if clamped > maximum { maximum = clamped }
  }

  @inline(never)
  private mutating func grow(toHold cell: Int) {
    cells.append(contentsOf: repeatElement(0, count: cell + 64 - cells.count))
  }

  @inline(never)
  private mutating func carry(_ times: UInt32, into cell: Int) { carries[cell, default: 0] += times }

  /// Adds everything that `other`, of the same precision, holds.
  public mutating func add(_ other: LatencyHistogram) {
    precondition(precision == other.precision, "histograms of one precision add up")
    if other.cells.count > cells.count { grow(toHold: other.cells.count - 1) }
    for cell in 0..<other.cells.count where other.tally(of: cell) > 0 {
      let (tally, isFull) = cells[cell].addingReportingOverflow(other.cells[cell])
      cells[cell] = tally
      let carried = (isFull ? 1 : 0) + (other.carries[cell] ?? 0)
      if carried > 0 { carry(carried, into: cell) }
    }
    count += other.count
    sum += other.sum
    maximum = max(maximum, other.maximum)
  }

  /// What is left when the values of `other`, all of them among this one's, are taken out. The maximum is the highest cell's
  /// upper end, unless that is beyond the exact one.
  func subtracting(_ other: LatencyHistogram) -> LatencyHistogram {
    precondition(precision == other.precision, "histograms of one precision subtract")
    if other.count == 0 { return self }
    var rest = self
    var highest = -1
    rest.carries = [:]
    for cell in 0..<cells.count {
      let left = tally(of: cell) - (cell < other.cells.count ? other.tally(of: cell) : 0)
      rest.cells[cell] = UInt32(truncatingIfNeeded: left)
      if left >> 32 > 0 { rest.carry(UInt32(truncatingIfNeeded: left >> 32), into: cell) }
      if left > 0 { highest = cell }
    }
    rest.count -= other.count
    rest.sum -= other.sum
    rest.maximum = highest < 0 ? 0 : min(maximum, LogLinearCells.largest(in: highest, precision: precision))
    return rest
  }

  /// The value below or at which the share `probability` of values lies: the middle of its cell, at most the maximum;
  /// nil when empty. 0 gives the smallest value's cell, 1 the exact maximum.
  public func quantile(_ probability: Double) -> Double? {
    if count == 0 { return nil }
    if probability >= 1 { return Double(maximum) }
    // 0.07 of 100 values are 7, although the double nearest to 0.07 times 100 is a little more.
    let rank = Self.rank(probability, of: count)
    var seen: Int64 = 0
    for cell in 0..<cells.count {
      seen += tally(of: cell)
      if seen >= rank { return min(LogLinearCells.middle(of: cell, precision: precision), Double(maximum)) }
    }
    return Double(maximum)
  }

  /// The place, from 1, of the share `probability` among `count` values in order; shares are meant as decimals.
  static func rank(_ probability: Double, of count: Int64) -> Int64 {
    max(1, Int64((probability * Double(count) * (1 - 0x1p-50)).rounded(.up)))
  }

  /// How many values a cell holds.
  @inline(__always)
  private func tally(of cell: Int) -> Int64 {
    let low = Int64(cells[cell])
    if carries.isEmpty { return low }
    return low + Int64(carries[cell] ?? 0) << 32
  }
}

extension LatencyHistogram: Hashable {
  /// The cells without the empty ones at the end, which depend on how the memory grew.
  private var usedCells: ContiguousArray<UInt32>.SubSequence {
    cells.prefix(count == 0 ? 0 : min(cells.count, LogLinearCells.cell(of: maximum, precision: precision) + 1))
  }

  public static func == (left: LatencyHistogram, right: LatencyHistogram) -> Bool {
    left.precision == right.precision && left.count == right.count && left.sum == right.sum
      && left.maximum == right.maximum && left.carries == right.carries && left.usedCells == right.usedCells
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(precision)
    hasher.combine(count)
    hasher.combine(sum)
    hasher.combine(maximum)
  }
}
