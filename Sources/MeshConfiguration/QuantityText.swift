// Numbers back to text, as one would write them.

import MeshCore

/// Writes quantities.
public enum QuantityText {
  /// A span in the largest unit that keeps it whole: `250us`, `90s`; `0s` for none.
  public static func span(_ span: TimeSpan) -> String {
    let nanoseconds = span.nanoseconds
    if nanoseconds == 0 { return "0s" }
    for (unit, size) in [
      ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000),
    ]
      as [(String, Int64)]
    where nanoseconds % size == 0 { return "\(nanoseconds / size)\(unit)" }
    return "\(nanoseconds)ns"
  }

  /// A number without a needless decimal point.
  public static func number(_ number: Double) -> String {
    if number == number.rounded() && abs(number) < 0x1p53 { return String(Int64(number)) }
    return "\(number)"
  }
}
