// A share of requests as Envoy draws it: a random number modulo a denominator, below the numerator.
//
// Envoy has two forms. A fraction (`FractionalPercent`: of 100, 10,000 or a million) draws a number whatever the share. A whole
// percentage (`zone_aware_lb_config.routing_enabled`, a runtime key) draws none at 0 or 100 and above. Both keep the bias of the
// remainder (source/common/runtime/runtime_impl.cc, source/common/protobuf/utility.cc).

/// A share of requests, in parts of a denominator.
@frozen
public struct RuntimeFraction: BitwiseCopyable, Hashable, Sendable {
  /// How many parts; as many as there are or more is always.
  public var numerator: UInt64
  /// Of how many, at least 1.
  public var denominator: UInt64

  /// A share; a `denominator` of 0 counts as 1.
  @inlinable
  public init(_ numerator: UInt64, of denominator: UInt64 = 100) {
    self.numerator = numerator
    self.denominator = max(1, denominator)
  }

  /// Whether a number falls within it.
  @inlinable
  public func contains(_ number: UInt64) -> Bool { number % denominator < numerator }

  /// Draws: one number, always.
  @inlinable
  public func draw(_ random: inout RandomStream) -> Bool { contains(random.next()) }

  /// Draws as a whole percentage does: no number where the answer is known.
  @inlinable
  public func drawUnlessKnown(_ random: inout RandomStream) -> Bool {
    if numerator == 0 { return false }
    if numerator >= denominator { return true }
    return draw(&random)
  }
}
