// Quantiles of the latencies of late: what a backup request waits for.
//
// Finagle's window: latencies are gathered for ten seconds, and a quantile is that of the last three such slices which are over, so
// the first one is known after ten seconds and a change is seen after ten. Within a slice a latency is a count in a log-linear
// cell, as in HdrHistogram, whose rank and upper end of a cell these are.
// (finagle-core, util/WindowedPercentileHistogram.scala)

import MeshCore

/// Latencies of the last thirty seconds, from a coarse clock's point of view. One for each route and data plane.
///
/// Complexity: recording O(1); a quantile O(cells), as is the end of a slice. Memory: four cells of 4 bytes a cell of the scale.
public struct RecentLatencies: Sendable {
  /// Nanoseconds of one step of the scale.
  private let unit: Int64
  private let precision: Int
  /// What larger values count as, in units.
  private let largest: Int64
  private var slices: [ContiguousArray<UInt32>]
  private var counts: [Int64]
  /// The slice that is gathered now; the others are over.
  private var place = 0
  /// Its number from the beginning of time.
  private var number: Int64

  /// How long a slice is gathered.
  public static var sliceLength: TimeSpan { .seconds(10) }
  private static var sliceCount: Int { 3 }

  /// An empty window.
  ///
  /// - Parameters:
  ///   - unit: the step of the scale, above 0.
  ///   - precision: bits of a value that count, 2 … 16.
  ///   - largest: what larger latencies count as.
  public init(unit: TimeSpan, precision: Int, largest: TimeSpan) {
    precondition(unit > .zero && largest > unit, "a scale has steps")
    self.unit = unit.nanoseconds
    self.precision = precision
    self.largest = largest.nanoseconds / unit.nanoseconds
    let cells = LogLinearCells.cell(of: self.largest, precision: precision) + 1
    slices = (0...Self.sliceCount).map { _ in ContiguousArray(repeating: 0, count: cells) }
    counts = [Int64](repeating: 0, count: Self.sliceCount + 1)
    number = 0
  }

  /// Finagle's scale: whole milliseconds up to 2 s.
  public static var finagle: RecentLatencies {
    RecentLatencies(unit: .milliseconds(1), precision: 11, largest: .seconds(2))
  }

  /// A finer and longer scale: microseconds to 0.4 %, up to a minute.
  public static var fine: RecentLatencies {
    RecentLatencies(unit: .microseconds(1), precision: 8, largest: .seconds(60))
  }

  /// The largest latency that is told from larger ones.
  public var largestLatency: TimeSpan { TimeSpan(nanoseconds: largest * unit) }

  /// Whether a slice has ended: before that no quantile is known.
  public private(set) var isReady = false

  /// Counts a latency.
  public mutating func record(_ latency: TimeSpan, at now: Timestamp) {
    turn(at: now)
    let value = min(max(latency.nanoseconds, 0) / unit, largest)
    slices[place][LogLinearCells.cell(of: value, precision: precision)] &+= 1
    counts[place] += 1
  }

  /// The latency below or at which the share `probability` (0 … 1) of the latencies of ended slices lies; zero where there are none.
  public mutating func quantile(_ probability: Double, at now: Timestamp) -> TimeSpan {
    turn(at: now)
    var total: Int64 = 0
    for slice in 0..<slices.count where slice != place { total += counts[slice] }
    if total == 0 { return .zero }
    let rank = max(Int64(min(max(probability, 0), 1) * Double(total) + 0.5), 1)
    var seen: Int64 = 0
    for cell in 0..<slices[0].count {
      for slice in 0..<slices.count where slice != place { seen += Int64(slices[slice][cell]) }
      if seen >= rank {
        return TimeSpan(nanoseconds: min(LogLinearCells.largest(in: cell, precision: precision), largest) * unit)
      }
    }
    return largestLatency
  }

  /// Ends slices whose time is over. After a long silence there is nothing left to end.
  private mutating func turn(at now: Timestamp) {
    let current = now.nanoseconds / Self.sliceLength.nanoseconds
    while number < current {
      if number < current - Int64(slices.count) { number = current - Int64(slices.count) }
      number += 1
      isReady = true
      place = (place + 1) % slices.count
      if counts[place] > 0 {
        for cell in 0..<slices[place].count { slices[place][cell] = 0 }
        counts[place] = 0
      }
    }
  }
}
