// Many latency histograms side by side in one block of memory, for the hot path: recording is an index and an increment.

import MeshCore

/// Rows of log-linear cells, laid out as in `LatencyHistogram`, wide enough for values up to a given maximum.
///
/// What a cell counts beyond 32 bits is carried to a short list. Values above the maximum count in the last cell; a row's exact
/// maximum is kept beside it.
struct HistogramBank: ~Copyable {
  /// What a row keeps beside its cells.
  struct RowTotals: BitwiseCopyable {
    var sum: Int128
    var count: Int64
    var maximum: Int64
  }

  /// A cell that outgrew 32 bits, and how many times 2^32.
  struct Carry: BitwiseCopyable {
    var place: Int
    var times: UInt32
  }

  var cells: Pool<UInt32>
  private var carries = Pool<Carry>()
  private let width: Int
  /// See `LatencyHistogram.precision`.
  let precision: Int
  private var totals: Pool<RowTotals>

  init(rows: Int, precision: Int, maximum: Int64) {
    self.precision = precision
    self.width = LogLinearCells.cell(of: maximum, precision: precision) + 1
    cells = Pool(repeating: 0, count: rows * width)
    totals = Pool(repeating: RowTotals(sum: 0, count: 0, maximum: 0), count: rows)
  }

  @inline(__always)
  mutating func record(_ value: Int64, row: Int) {
    count(value, row: row)
    totals.modify(row) { totals in
      totals.sum &+= Int128(value)
      totals.count &+= 1
      if value > totals.maximum { totals.maximum = value }
    }
  }

  /// Records a value without keeping the row's totals, for rows whose owner keeps them.
  @inline(__always)
  mutating func count(_ value: Int64, row: Int) {
    let cell = LogLinearCells.cell(of: value, precision: precision)
    let place = row &* width &+ (cell < width ? cell : width &- 1)
    let tally = cells.modify(place) { tally in
      tally &+= 1
      return tally
    }
    if tally == 0 { carry(1, into: place) }
  }

  @inline(never)
  private mutating func carry(_ times: UInt32, into place: Int) {
    for index in 0..<carries.count where carries[index].place == place {
      carries[index].times += times
      return
    }
    carries.append(Carry(place: place, times: times))
  }

  /// How many times 2^32 a cell counts beyond its 32 bits.
  private func carried(_ place: Int) -> UInt32 {
    for index in 0..<carries.count where carries[index].place == place { return carries[index].times }
    return 0
  }

  /// What the cells of a row carry, by cell.
  private func carries(row: Int) -> [Int: UInt32] {
    var found: [Int: UInt32] = [:]
    for index in 0..<carries.count where carries[index].place / width == row && carries[index].times > 0 {
      found[carries[index].place % width] = carries[index].times
    }
    return found
  }

  /// Forgets what the cells of a row carry.
  private mutating func dropCarries(row: Int) {
    for index in 0..<carries.count where carries[index].place / width == row { carries[index].times = 0 }
  }

  /// The share `probability` of a row whose `total` values were recorded without totals, or nil without any.
  func quantile(_ probability: Double, row: Int, total: Int64) -> Double? {
    var used = 0
    let beyond = carries(row: row)
    for cell in 0..<width where cells[row * width + cell] > 0 || beyond[cell] != nil { used = cell + 1 }
    if used == 0 { return nil }
    let all = (0..<used).map { cells[row * width + $0] }
    let highest = LogLinearCells.middle(of: used - 1, precision: precision).rounded(.up)
    return LatencyHistogram(
      precision: precision, cells: all, carries: beyond, count: total, sum: 0, maximum: Int64(highest)
    ).quantile(probability)
  }

  func count(row: Int) -> Int64 { totals[row].count }

  func sum(row: Int) -> Int128 { totals[row].sum }

  /// The row as a histogram of its own.
  func histogram(row: Int) -> LatencyHistogram {
    var used: [UInt32] = []
    let last = lastCell(row: row)
    used.reserveCapacity(last + 1)
    for cell in 0...last { used.append(cells[row * width + cell]) }
    let totals = totals[row]
    return LatencyHistogram(
      precision: precision, cells: used, carries: carries(row: row), count: totals.count, sum: totals.sum,
      maximum: totals.maximum)
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
    let places =
      other.carries.count == 0
      ? move(from: &other, otherRow, to: row, ranks, isCarrying: false)
      : moveCarrying(from: &other, otherRow, to: row, ranks)
    totals.modify(row) { totals in
      totals.sum &+= added.sum
      totals.count &+= added.count
      totals.maximum = max(totals.maximum, added.maximum)
    }
    other.totals[otherRow] = RowTotals(sum: 0, count: 0, maximum: 0)
    let most = Double(added.maximum)
    return (
      min(LogLinearCells.middle(of: places.0, precision: precision), most),
      min(LogLinearCells.middle(of: places.1, precision: precision), most)
    )
  }

  /// The same where cells of the other bank may carry something.
  @inline(never)
  private mutating func moveCarrying(
    from other: inout HistogramBank, _ otherRow: Int, to row: Int, _ ranks: (Int64, Int64)
  ) -> (Int, Int) {
    let places = move(from: &other, otherRow, to: row, ranks, isCarrying: true)
    other.dropCarries(row: otherRow)
    return places
  }

  /// Moves the cells of a row, and gives those in which two ranks lie.
  @inline(__always)
  private mutating func move(
    from other: inout HistogramBank, _ otherRow: Int, to row: Int, _ ranks: (Int64, Int64), isCarrying: Bool
  ) -> (Int, Int) {
    var places = (0, 0)
    var seen: Int64 = 0
    let last = other.lastCell(row: otherRow)
    var source = otherRow * width
    var target = row * width
    for cell in 0...last {
      let more = other.cells[source]
      let beyond = isCarrying ? other.carried(source) : 0
      if more != 0 || beyond != 0 {
        if seen < ranks.0 { places.0 = cell }
        if seen < ranks.1 { places.1 = cell }
        seen += Int64(more) + Int64(beyond) << 32
        other.cells[source] = 0
        let isFull = cells.modify(target) { tally in
          let (sum, isFull) = tally.addingReportingOverflow(more)
          tally = sum
          return isFull
        }
        if isFull || beyond != 0 { carry(beyond + (isFull ? 1 : 0), into: target) }
      }
      source += 1
      target += 1
    }
    return places
  }

  /// Forgets a row; the cost is that of the cells up to its maximum.
  mutating func clear(row: Int) {
    if totals[row].count == 0 { return }
    for cell in 0...lastCell(row: row) { cells[row * width + cell] = 0 }
    dropCarries(row: row)
    totals[row] = RowTotals(sum: 0, count: 0, maximum: 0)
  }

  private func lastCell(row: Int) -> Int {
    min(LogLinearCells.cell(of: totals[row].maximum, precision: precision), width - 1)
  }
}
