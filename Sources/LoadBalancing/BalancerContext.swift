// Where a policy will work: what some policies need to know of their data plane before the first request.

import MeshCore

/// A balancer's place: which data plane it is in, and what its cluster says of young endpoints.
public struct BalancerContext: Sendable, Hashable {
  /// The data plane's number among those of its client or service, from 0.
  public var planeNumber: Int
  /// How many there are.
  public var planeCount: Int
  /// The data plane's zone, or -1.
  public var zone: Int32

  /// A place; by default that of the only data plane.
  public init(planeNumber: Int = 0, planeCount: Int = 1, zone: Int32 = -1) {
    self.planeNumber = planeNumber
    self.planeCount = max(1, planeCount)
    self.zone = zone
  }
}
