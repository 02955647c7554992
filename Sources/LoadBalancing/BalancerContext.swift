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
  /// The zones of all data planes of the same client or service, its own among them: the local fleet of zone-aware routing.
  public var peerZones: [Int32]
  /// How young endpoints are spared, if they are; a cluster's own setting.
  public var slowStart: SlowStartDescription?
  /// The shares of localities, where they have any; a cluster's own setting.
  public var localityWeights: [LocalityShare]?

  /// A place; by default that of the only data plane.
  public init(planeNumber: Int = 0, planeCount: Int = 1, zone: Int32 = -1, peerZones: [Int32] = []) {
    self.planeNumber = planeNumber
    self.planeCount = max(1, planeCount)
    self.zone = zone
    self.peerZones = peerZones.isEmpty ? [zone] : peerZones
    self.slowStart = nil
    self.localityWeights = nil
  }
}
