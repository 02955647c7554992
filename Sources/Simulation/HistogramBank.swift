// Many latency histograms side by side in one block of memory, for the hot path: recording is an index and an increment.

import MeshCore

/// Rows of log-linear cells, laid out as in `LatencyHistogram`, wide enough for values up to a given maximum.
///
/// A cell stops at 2^32 − 1. Values above the maximum count in the last cell; a row's exact maximum is kept beside it.
struct HistogramBank: ~Copyable {
  /// What a row keeps beside its cells.
  struct RowTotals: BitwiseCopyable {
    var sum: Int128
    var count: Int64
    var maximum: Int64
  }

  private var cells: Pool<UInt32>
  private let width: Int
  /// See `LatencyHistogram.precision`.
  let precision: Int
  private var totals: Pool<RowTotals>

  init(rows: Int, precision: Int, maximum: Int64) {
    self.precision = precision
    self.width = LatencyHistogram.cell(of: maximum, precision: precision) + 1
    cells = Pool(repeating: 0, count: rows * width)
    totals = Pool(repeating: RowTotals(sum: 0, count: 0, maximum: 0), count: rows)
  }

  @inline(__always)
  mutating func record(_ value: Int64, row: Int) {
    let cell = LatencyHistogram.cell(of: value, precision: precision)
    cells.modify(row &* width &+ (cell < width ? cell : width &- 1)) { count in
      if count != .max { count &+= 1 }
    }
    totals.modify(row) { totals in
      totals.sum &+= Int128(value)
      totals.count &+= 1
      if value > totals.maximum { totals.maximum = value }
    }
  }

  /// Records a value without keeping the row's totals, for rows whose owner keeps them.
  @inline(__always)
  mutating func count(_ value: Int64, row: Int) {
    let cell = LatencyHistogram.cell(of: value, precision: precision)
    cells.modify(row &* width &+ (cell < width ? cell : width &- 1)) { count in
      if count != .max { count &+= 1 }
    }
  }

  /// The share `probability` of a row whose `total` values were recorded without totals, or nil without any.
  func quantile(_ probability: Double, row: Int, total: Int64) -> Double? {
    var used = 0
    for cell in 0..<width where cells[row * width + cell] > 0 { used = cell + 1 }
    if used == 0 { return nil }
    let all = (0..<used).map { cells[row * width + $0] }
    let highest = LatencyHistogram.middle(of: used - 1, precision: precision).rounded(.up)
    return LatencyHistogram(precision: precision, cells: all, count: total, sum: 0, maximum: Int64(highest))
      .quantile(probability)
  }

  func count(row: Int) -> Int64 { totals[row].count }

  /// The row as a histogram of its own.
  func histogram(row: Int) -> LatencyHistogram {
    var used: [UInt32] = []
    let last = lastCell(row: row)
    used.reserveCapacity(last + 1)
    for cell in 0...last { used.append(cells[row * width + cell]) }
    let totals = totals[row]
    return LatencyHistogram(
      precision: precision, cells: used, count: totals.count, sum: totals.sum, maximum: totals.maximum)
  }

  /// Moves a row of another bank of the same shape to one of this one's, and gives two quantiles of it on the way, `nil` when it
  /// was empty. One pass over the cells up to its maximum.
  mutating func pour(
    from other: inout HistogramBank, row otherRow: Int, to row: Int
  ) -> (p50: Double, p99: Double)? {
    precondition(precision == other.precision && width == other.width, "banks of one shape add up")
    let added = other.totals[otherRow]
    if added.count == 0 { return nil }
    let ranks = (LatencyHistogram.rank(0.5, of: added.count), LatencyHistogram.rank(0.99, of: added.count))
    var places = (0, 0)
    var seen: Int64 = 0
    let last = other.lastCell(row: otherRow)
    var source = otherRow * width
    var target = row * width
    for cell in 0...last {
      let more = other.cells[source]
      if more != 0 {
        if seen < ranks.0 { places.0 = cell }
        if seen < ranks.1 { places.1 = cell }
        seen += Int64(more)
        other.cells[source] = 0
        cells.modify(target) { count in
          let (sum, overflow) = count.addingReportingOverflow(more)
          count = overflow ? .max : sum
        }
      }
      source += 1
      target += 1
    }
    totals.modify(row) { totals in
      totals.sum &+= added.sum
      totals.count &+= added.count
      totals.maximum = max(totals.maximum, added.maximum)
    }
    other.totals[otherRow] = RowTotals(sum: 0, count: 0, maximum: 0)
    let most = Double(added.maximum)
    return (
      min(LatencyHistogram.middle(of: places.0, precision: precision), most),
      min(LatencyHistogram.middle(of: places.1, precision: precision), most)
    )
  }

  /// Adds a row of another bank of the same shape to one of this one's. The cost is that of the cells up to its maximum.
  mutating func add(_ other: borrowing HistogramBank, row otherRow: Int, to row: Int) {
    precondition(precision == other.precision && width == other.width, "banks of one shape add up")
    let added = other.totals[otherRow]
    if added.count == 0 { return }
    for cell in 0...other.lastCell(row: otherRow) {
      let more = other.cells[otherRow * width + cell]
      if more == 0 { continue }
      cells.modify(row * width + cell) { count in
        let (sum, overflow) = count.addingReportingOverflow(more)
        count = overflow ? .max : sum
      }
    }
    totals.modify(row) { totals in
      totals.sum &+= added.sum
      totals.count &+= added.count
      totals.maximum = max(totals.maximum, added.maximum)
    }
  }

  /// Forgets a row; the cost is that of the cells up to its maximum.
  mutating func clear(row: Int) {
    if totals[row].count == 0 { return }
    for cell in 0...lastCell(row: row) { cells[row * width + cell] = 0 }
    totals[row] = RowTotals(sum: 0, count: 0, maximum: 0)
  }

  private func lastCell(row: Int) -> Int {
    min(LatencyHistogram.cell(of: totals[row].maximum, precision: precision), width - 1)
  }
}
