// Finagle's series of waits, some of which go on from the wait before.
//
//   exponential          start · multiplier^k, up to `maximum`
//   linear               start + k · offset, up to `maximum`
//   equal jittered       start; then h + U[0, h) with h = min(maximum, start · 2^(k−1)), up to `maximum`, where it stays
//   exponential jittered start; then U[0, previous · 2^k), until that bound reaches `maximum`, where it stays. The bound grows
//                        from the wait that was drawn, so a short draw holds the series down.
//   decorrelated         start; then U[previous, min(maximum, 3 · previous))
//
// Follows finagle-core/src/main/scala/com/twitter/finagle/Backoff.scala, its guards against overflow included.

/// One series of waits; its state is what its own last wait was.
@frozen
public struct FinagleBackoff: BitwiseCopyable, Sendable, Hashable {
  /// The rule of a series.
  @frozen
  public enum Growth: BitwiseCopyable, Sendable, Hashable {
    /// By a factor, at least 0.
    case exponential(multiplier: Int64)
    /// By an amount.
    case linear(offset: TimeSpan)
    /// Half of it certain, half drawn.
    case equalJittered
    /// All of it drawn.
    case exponentialJittered
    /// Drawn between the last one and three times that.
    case decorrelatedJittered
  }

  private let growth: Growth
  private let start: Int64
  private let maximum: Int64
  private var wait: Int64
  private var given: Int64 = 0
  private var isConstant = false

  /// The series that begins with `start`. Negative spans count as none.
  public init(_ growth: Growth, start: TimeSpan, maximum: TimeSpan = TimeSpan(nanoseconds: .max)) {
    self.growth = growth
    self.maximum = max(maximum.nanoseconds, 0)
    self.start = min(max(start.nanoseconds, 0), self.maximum)
    self.wait = self.start
    switch growth {
    case .exponential(1), .linear(.zero): isConstant = true
    default: isConstant = self.start == self.maximum
    }
  }

  /// The next wait; draws nothing from `draw` where the rule has no jitter. Complexity: O(1).
  public mutating func next(draw: UInt64) -> TimeSpan {
    if given > 0 && !isConstant { advance(draw) }
    if given < 64 { given += 1 }
    return TimeSpan(nanoseconds: wait)
  }

  private mutating func advance(_ draw: UInt64) {
    switch growth {
    case .exponential(let multiplier):
      if multiplier <= 0 {
        stay(at: 0)
      } else if wait >= maximum / multiplier {
        stay(at: maximum)
      } else {
        wait *= multiplier
      }
    case .linear(let offset):
      if offset.nanoseconds > 0 && wait >= maximum - offset.nanoseconds {
        stay(at: maximum)
      } else {
        wait = max(wait + offset.nanoseconds, 0)
      }
    case .equalJittered:
      let half = doubled(start, times: given - 1)
      let random = Self.below(half, draw)
      if half == maximum || half >= maximum - random {
        stay(at: maximum)
      } else {
        wait = half + random
      }
    case .exponentialJittered:
      let bound = doubled(wait, times: given)
      if bound == maximum {
        stay(at: maximum)
      } else {
        wait = Self.below(bound, draw)
      }
    case .decorrelatedJittered:
      let bound = wait >= maximum / 3 ? maximum : wait * 3
      wait += Self.below(bound - wait, draw)
      isConstant = wait == maximum
    }
  }

  private mutating func stay(at wait: Int64) {
    self.wait = wait
    isConstant = true
  }

  /// `span` · 2^`times`, at most the longest wait.
  private func doubled(_ span: Int64, times: Int64) -> Int64 {
    let factor: Int64 = 1 << min(times, 62)
    return span >= maximum / factor ? maximum : span * factor
  }

  /// From 0 up to but without `bound`; 0 when there is no room.
  private static func below(_ bound: Int64, _ draw: UInt64) -> Int64 {
    bound > 0 ? Int64(draw.multipliedFullWidth(by: UInt64(bound)).high) : 0
  }
}
