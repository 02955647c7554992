// What a cluster says of requests that find nobody to serve them.

/// Linkerd's queue before a balancer, which is failed fast when nobody becomes ready (`queue` of the outbound policy API).
public struct QueueDescription: Sendable, Hashable {
  /// How many requests may wait, beside the one that is next; at least 1.
  public var capacity: Int32
  /// How long the first of them waits before all fail, and those that come later at once.
  public var failfastTimeout: TimeSpan

  /// A queue; the control plane's by default.
  public init(capacity: Int32 = 100, failfastTimeout: TimeSpan = .seconds(3)) {
    self.capacity = capacity
    self.failfastTimeout = failfastTimeout
  }
}
