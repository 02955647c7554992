// A set of HTTP statuses as one bit each, so that asking costs a shift and the set lies in its owner.
//
// The statuses that RFC 9110 knows are 100 … 599: 500 bits in eight words of 64.

/// HTTP statuses from 100 to 599. Asking for any other is allowed, and answered with no.
@frozen
public struct StatusSet: BitwiseCopyable, Sendable, Hashable {
  /// Bit `status − 100`.
  private var words = SIMD8<UInt64>(repeating: 0)

  /// Nothing.
  public init() {}

  /// These statuses; those outside 100 … 599 are left out.
  public init(_ statuses: ClosedRange<Int16>) {
    for status in Int16(100)...599 where statuses.contains(status) { insert(status) }
  }

  /// Whether there is none.
  public var isEmpty: Bool { words == SIMD8(repeating: 0) }

  /// Whether `status` is among them. Complexity: O(1).
  @inline(__always)
  public func contains(_ status: Int16) -> Bool {
    let bit = UInt16(bitPattern: status &- 100)
    return bit < 500 && (words[Int(bit >> 6)] >> UInt64(bit & 63)) & 1 == 1
  }

  /// Adds `status`, when it is one from 100 to 599.
  public mutating func insert(_ status: Int16) {
    let bit = UInt16(bitPattern: status &- 100)
    if bit < 500 { words[Int(bit >> 6)] |= 1 << UInt64(bit & 63) }
  }

  /// Adds all of `other`.
  public mutating func formUnion(_ other: StatusSet) { words |= other.words }
}
