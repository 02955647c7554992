// What a server says of shedding by how long its queue is, in time: CoDel (RFC 8289), or as Facebook's servers shed.

/// Who is shed from a server's queue.
public struct ControlledDelayDescription: Sendable, Hashable {
  /// A wait that is fine, above 0.
  public var target: TimeSpan = .milliseconds(5)
  /// How long waits may stay above it, above 0.
  public var interval: TimeSpan = .milliseconds(100)
  /// Whether all who wait too long are shed while the queue stands, in place of some by the control law.
  public var sloughs = false
  /// Whether the youngest is served first while the queue stands (adaptive LIFO).
  public var isAdaptive = false

  /// RFC 8289's target and interval.
  public init() {}
}
