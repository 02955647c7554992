// Many latency histograms side by side in one block of memory, for the hot path: recording is an index and an increment.

import MeshCore

/// Rows of log-linear cells, laid out as in `LatencyHistogram`, wide enough for values up to a given maximum.
///
/// A cell stops at 2^32 − 1. Values above the maximum count in the last cell; a row's exact maximum is kept beside it.
struct HistogramBank: ~Copyable {
  private var cells: Pool<UInt32>
  private let width: Int
  /// See `LatencyHistogram.precision`.
  let precision: Int
  private var counts: Pool<Int64>
  private var sums: Pool<Int128>
  private var maxima: Pool<Int64>

  init(rows: Int, precision: Int, maximum: Int64) {
    self.precision = precision
    self.width = LatencyHistogram.cell(of: maximum, precision: precision) + 1
    cells = Pool(repeating: 0, count: rows * width)
    counts = Pool(repeating: 0, count: rows)
    sums = Pool(repeating: 0, count: rows)
    maxima = Pool(repeating: 0, count: rows)
  }

  @inline(__always)
  mutating func record(_ value: Int64, row: Int) {
    let cell = LatencyHistogram.cell(of: value, precision: precision)
    let place = row &* width &+ (cell < width ? cell : width &- 1)
    if cells[place] != .max { cells[place] &+= 1 }
    counts[row] &+= 1
    sums[row] &+= Int128(value)
    if value > maxima[row] { maxima[row] = value }
  }

  func count(row: Int) -> Int64 { counts[row] }

  /// The row as a histogram of its own.
  func histogram(row: Int) -> LatencyHistogram {
    var all: [UInt32] = []
    var used = 0
    for cell in 0..<width where cells[row * width + cell] != 0 { used = cell + 1 }
    all.reserveCapacity(used)
    for cell in 0..<used { all.append(cells[row * width + cell]) }
    return LatencyHistogram(
      precision: precision, cells: all, count: counts[row], sum: sums[row], maximum: maxima[row])
  }

  /// Forgets a row; the cost is that of the cells up to its maximum.
  mutating func clear(row: Int) {
    let last = min(LatencyHistogram.cell(of: maxima[row], precision: precision), width - 1)
    for cell in 0...last { cells[row * width + cell] = 0 }
    counts[row] = 0
    sums[row] = 0
    maxima[row] = 0
  }
}
