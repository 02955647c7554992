// Logarithm, exponential and normal quantile from + − × ÷ √ and bit operations alone.
//
// The C library's functions differ in the last bit from one processor to the next (with and without fused
// multiply-add), so a simulation that calls them is not the same simulation everywhere. IEEE 754 fixes the operations
// used here to the last bit, and the compiler fuses none of them.
//
// Both functions are table-driven (Tang, ACM TOMS 15:144, 1989; 16:378, 1990): a slot of a table takes the argument close
// to 0, where a short polynomial does, and the parts that carry the result's leading bits are kept exact. Errors, measured
// against 200-bit arithmetic, stay below 0.51 ulp. The tables are global constants of this module and what reads them is not
// inlinable: elsewhere each access would go through a lazy initialiser. It stands outside the type, whose name costs a
// static function one more jump a call.

/// Elementary functions that give the same bits on every machine.
public enum Elementary {
  /// The natural logarithm, within 0.51 ulp: −∞ at 0 and not a number below.
  @inlinable
  @inline(__always)
  public static func logarithm(_ x: Double) -> Double { naturalLogarithm(x) }

  /// The exponential, within 0.51 ulp: 0 below −745.14, ∞ above 709.79.
  @inlinable
  @inline(__always)
  public static func exponential(_ x: Double) -> Double { naturalExponential(x) }

  /// `base` to the power `exponent`, for positive bases: exp(exponent · ln base). The relative error grows with the result's
  /// logarithm, to 2^-53 times its magnitude.
  public static func power(_ base: Double, _ exponent: Double) -> Double {
    exponential(exponent * logarithm(base))
  }

  /// (e^x − 1) / x, 1 at 0, to a relative 2^-43: what is left when formulas with an exponent meet their limit.
  public static func exponentialQuotient(_ x: Double) -> Double {
    if x.magnitude < 1e-3 { return 1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5))) }
    return (exponential(x) - 1) / x
  }

  /// ln(1 + x) / x, 1 at 0, to a relative 2^-43.
  public static func logarithmQuotient(_ x: Double) -> Double {
    if x.magnitude < 1e-3 { return 1 - x * (1 / 2 - x * (1 / 3 - x * (1 / 4 - x * (1 / 5 - x / 6)))) }
    return logarithm(1 + x) / x
  }
}

@usableFromInline
@inline(never)
func naturalLogarithm(_ x: Double) -> Double {
  let pattern = x.bitPattern
  // One comparison finds what is not positive, normal and finite.
  if pattern &- 0x0010_0000_0000_0000 >= 0x7fe0_0000_0000_0000 { return irregularLogarithm(x) }
  return logarithm(ofPattern: pattern, shift: 0)
}

@inline(never)
private func irregularLogarithm(_ x: Double) -> Double {
  if x == 0 { return -.infinity }
  if !(x > 0) { return .nan }
  if x == .infinity { return x }
  return logarithm(ofPattern: (x * 0x1p52).bitPattern, shift: 52)
}

/// The logarithm of 2^-shift times the normal positive double of that bit pattern.
@inline(__always)
private func logarithm(ofPattern pattern: UInt64, shift: Int64) -> Double {
  // 2^exponent · z with z in [0.705, 1.41), and the number of z's slot.
  let offset = pattern &- 0x3fe6_9000_0000_0000
  let exponent = (Int64(bitPattern: offset) >> 52) &- shift
  let slot = Int(truncatingIfNeeded: (offset >> 45) & 127) &* 3
  let z = pattern &- (offset & 0xfff0_0000_0000_0000)
  let inverse = logarithmTable[slot]

  // r = z · inverse − 1 in two exact parts: 26 and 27 bits of z by the 14 of the inverse. In the slot around x = 1, number 75,
  // where the inverse is 1 too, the first part is r itself.
  let mask: UInt64 = offset >> 45 == 75 ? ~0 : 0xffff_ffff_f800_0000
  let head = Double(bitPattern: z & mask)
  let coarse = head * inverse - 1
  let fine = (Double(bitPattern: z) - head) * inverse
  let r = coarse + fine

  // All three are multiples of 2^-42 below 2^10, or the first two are 0: the sum is exact.
  let scale = Double(bitPattern: 0x4338_0000_0000_0000 &+ UInt64(bitPattern: exponent)) - 0x1.8p52
  let high = scale * ElementaryConstants.naturalLogarithmOf2High + logarithmTable[slot &+ 1] + coarse
  let low = scale * ElementaryConstants.naturalLogarithmOf2Low + logarithmTable[slot &+ 2]

  let square = r * r
  let tail =
    (ElementaryConstants.logarithm3 + r * ElementaryConstants.logarithm4)
    + square
    * (ElementaryConstants.logarithm5 + r * ElementaryConstants.logarithm6 + square * ElementaryConstants.logarithm7)
  return high + ((fine + low) + square * (r * tail - 0.5))
}

@usableFromInline
@inline(never)
func naturalExponential(_ x: Double) -> Double {
  // Beyond, the result is 0 or infinite. Catches not a number too.
  if !(x.magnitude < 760) {
    if x.isNaN { return x }
    return x < 0 ? 0 : .infinity
  }
  // x = (steps · ln 2 / 128) + r. Adding 1.5 · 2^52 rounds to a whole number and leaves it in the low bits.
  let shifted = x * ElementaryConstants.stepsPerUnit + 0x1.8p52
  let steps = shifted - 0x1.8p52
  let number = Int64(bitPattern: shifted.bitPattern &- 0x4338_0000_0000_0000)
  let r = (x - steps * ElementaryConstants.stepHigh) - steps * ElementaryConstants.stepLow

  let slot = Int(truncatingIfNeeded: number & 127) &* 2
  let square = r * r
  let tail =
    (powerTable[slot &+ 1] + square * 0.5) + square * r
    * (ElementaryConstants.exponential3 + r * ElementaryConstants.exponential4
      + square * ElementaryConstants.exponential5)
  let sum = r + tail
  let exponent = number >> 7
  let base = powerTable[slot].bitPattern
  if exponent &+ 1021 < 0 || exponent > 1022 {
    return exponential(base: base, exponent: exponent, relative: sum)
  }
  let scale = Double(bitPattern: base &+ UInt64(bitPattern: exponent) << 52)
  return scale + scale * sum
}

/// 2^exponent · base · (1 + relative) where that may be subnormal or too large: rounded once.
@inline(never)
private func exponential(base: UInt64, exponent: Int64, relative: Double) -> Double {
  if exponent > 0 {
    let scale = Double(bitPattern: base &+ UInt64(bitPattern: exponent &- 1009) << 52)
    return (scale + scale * relative) * 0x1p1009
  }
  let scale = Double(bitPattern: base &+ UInt64(bitPattern: exponent &+ 1022) << 52)
  let sum = scale + scale * relative
  if sum >= 1 { return sum * 0x1p-1022 }
  // Next to 1 the last bit counts 2^-52, which is the last bit of a subnormal: round there, then scale exactly.
  let rest = (scale - sum) + scale * relative
  let high = 1 + sum
  let low = (1 - high) + sum + rest
  return ((high + low) - 1) * 0x1p-1022
}
