// What hashing tables are built from: names with shares of the traffic that sum to 1.

import MeshCore

/// One endpoint of a hashing table.
public struct WeightedMember: Sendable, Hashable {
  /// What it is hashed by: its address as text, `ip:port`.
  public var key: String
  /// Its share of the whole, above 0; all shares sum to 1.
  public var share: Double

  /// An endpoint with its share.
  public init(key: String, share: Double) {
    self.key = key
    self.share = share
  }

  /// Endpoints whose shares are their weights over the sum of weights, as Envoy normalises them. A weight of 0 counts as 1.
  public static func normalised(_ weights: [(key: String, weight: UInt32)]) -> [WeightedMember] {
    let sum = weights.reduce(UInt64(0)) { $0 + UInt64(max(1, $1.weight)) }
    return weights.map { WeightedMember(key: $0.key, share: Double(max(1, $0.weight)) / Double(sum)) }
  }
}
