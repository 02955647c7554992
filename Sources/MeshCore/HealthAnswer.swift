// What an endpoint says when it is asked how it is, over HTTP, TCP or gRPC alike.

/// An endpoint's answer to a health check.
@frozen
public struct HealthAnswer: BitwiseCopyable, Hashable, Sendable {
  /// The HTTP status; of bytes over TCP, 200 when they are those awaited; of gRPC's health service, 200 when it says `SERVING`.
  public var status: Int16
  /// Whether it carries `x-envoy-immediate-health-check-fail`: the endpoint wants to be left alone, and not to be missed.
  public var asksToBeLeft: Bool

  /// An answer.
  @inlinable
  public init(status: Int16, asksToBeLeft: Bool = false) {
    self.status = status
    self.asksToBeLeft = asksToBeLeft
  }
}
