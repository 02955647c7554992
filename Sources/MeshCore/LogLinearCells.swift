// Cells whose width grows with what they hold, so that a histogram has the same relative error everywhere.
//
// The layout is HdrHistogram's (Tene): 2^precision cells of one for small values, then 2^(precision − 1) cells for each doubling.
// Integers alone, the same on every machine.

/// Where values lie among cells of a precision, 2 … 16: at 11 bits to three significant digits, at 8 to 0.4 %.
public enum LogLinearCells {
  /// The cell that `value` (0 … 2^62) falls into. Complexity: O(1).
  @inlinable
  @inline(__always)
  public static func cell(of value: Int64, precision: Int) -> Int {
    // Masking shifts: plain ones ask whether the distance is sensible, each time.
    let linear: UInt64 = 1 &<< UInt64(truncatingIfNeeded: precision &- 1)
    let topBit = 63 &- (UInt64(bitPattern: value) | linear).leadingZeroBitCount
    let doubling = topBit &- (precision &- 1)
    return (doubling &<< (precision &- 1)) &+ Int(truncatingIfNeeded: value &>> Int64(doubling))
  }

  /// The middle of a cell's values.
  public static func middle(of cell: Int, precision: Int) -> Double {
    let (lowest, width) = range(of: cell, precision: precision)
    return Double(lowest) + (Double(width) - 1) / 2
  }

  /// The largest of a cell's values.
  public static func largest(in cell: Int, precision: Int) -> Int64 {
    let (lowest, width) = range(of: cell, precision: precision)
    return lowest + (width - 1)
  }

  private static func range(of cell: Int, precision: Int) -> (lowest: Int64, width: Int64) {
    let half = 1 << (precision - 1)
    let doubling = cell < 2 * half ? 0 : cell / half - 1
    return (Int64(cell - doubling * half) << Int64(doubling), 1 << Int64(doubling))
  }
}
