// How strongly requests in flight lower a weight: weight / (active + 1)^bias.
//
// Envoy's least-request policy with unequal weights. A bias of 1 divides the weight by what the endpoint would hold, 0
// leaves plain weighted round robin; what is below 0 or not a number counts as 1 (least_request_lb.cc). The powers are
// tabled up to `tableSize`, since a power costs two elementary functions.

import MeshCore

/// Weights lowered by requests in flight. Complexity: O(1).
public struct ActiveRequestBias: Sendable {
  private static let tableSize = 256

  /// The exponent in use, at least 0.
  public let bias: Double
  /// (active + 1)^bias by active.
  private let powers: ContiguousArray<Double>

  /// The bias, 1 for what is below 0 or not a number.
  public init(_ bias: Double) {
    let checked = bias >= 0 ? min(bias, .greatestFiniteMagnitude) : 1
    self.bias = checked
    self.powers = ContiguousArray((0..<Self.tableSize).map { Self.power($0, bias: checked) })
  }

  /// `weight` as lowered by `active` requests in flight; above 0 for a weight above 0.
  @inline(__always)
  public func effectiveWeight(_ weight: Double, active: Int32) -> Double {
    let active = Int(active)
    if active < Self.tableSize { return weight / powers[active] }
    return max(weight / Self.power(active, bias: bias), .leastNormalMagnitude)
  }

  /// (active + 1)^bias.
  private static func power(_ active: Int, bias: Double) -> Double {
    let base = Double(active + 1)
    if bias == 0 { return 1 }
    if bias == 1 { return base }
    if bias == 2 { return base * base }
    return Elementary.power(base, bias)
  }
}
