// gRPC's retry throttling: no retries while too many of a server's answers are failures.
//
// A client keeps tokens for each server name, `maxTokens` at first. A failure that could be retried costs one, a success
// brings `tokenRatio`, and a retry, or a hedge, goes out only while more than half of the tokens are left, the failure's own
// paid. The costs are paid whether or not a retry follows, so the first tries alone open and close the throttle.
// Tokens are counted in thousandths: further decimals of the ratio are dropped. (gRFC A6)

import MeshCore

/// The tokens of one server name.
///
/// Complexity: every operation O(1), without allocation.
@frozen
public struct GRPCRetryThrottle: BitwiseCopyable, Sendable, Hashable {
  /// In thousandths.
  private var thousandths: Int64
  private let most: Int64
  private let ratio: Int64

  /// A full throttle.
  ///
  /// - Parameters:
  ///   - maxTokens: above 0, up to 1000.
  ///   - tokenRatio: tokens of a success, above 0; a service's configuration with others is invalid.
  /// - Returns: nil when one is out of its bounds.
  public init?(maxTokens: Double, tokenRatio: Double) {
    guard maxTokens > 0, maxTokens <= 1000, tokenRatio > 0, tokenRatio <= 1e9 else { return nil }
    most = Self.thousandths(maxTokens)
    ratio = Self.thousandths(tokenRatio)
    thousandths = most
  }

  /// What is left, 0 … `maxTokens`.
  public var tokens: Double { Double(thousandths) / 1000 }

  /// Whether retries may go out as things stand.
  public var isOpen: Bool { 2 * thousandths > most }

  /// An attempt succeeded. Time does not matter.
  public mutating func deposit(at now: Timestamp = .zero) { thousandths = min(thousandths + ratio, most) }

  /// An attempt failed in a way that could be retried, or its server asked for no retry. Returns whether a retry may be made.
  /// Time does not matter.
  public mutating func withdraw(at now: Timestamp = .zero) -> Bool {
    thousandths = max(thousandths - 1000, 0)
    return isOpen
  }

  /// The decimals that count. A decimal is a little off as a double; that must not cost it a thousandth.
  private static func thousandths(_ tokens: Double) -> Int64 { Int64(tokens * 1000 + 1e-6) }
}
