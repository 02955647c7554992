// Where copies of a route's requests go.

/// Copies of some of a route's requests, whose answers nobody sees (Envoy's `request_mirror_policies`, Gateway API's
/// `RequestMirror`).
public struct MirrorDescription: Sendable, Hashable {
  /// The index of a cluster or, behind those, of an aggregate, as in `WeightedCluster`.
  public var cluster: Int
  /// The share of requests that are copied, per cent.
  public var percent: Double

  /// Copies of all requests unless said.
  public init(cluster: Int, percent: Double = 100) {
    self.cluster = cluster
    self.percent = percent
  }

  /// The share in millionths, as an integer.
  public var fraction: RuntimeFraction {
    RuntimeFraction(UInt64((min(max(percent, 0), 100) * 10_000).rounded()), of: 1_000_000)
  }
}
