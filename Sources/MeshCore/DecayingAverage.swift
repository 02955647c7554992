// An average that fades with time, and can leap to a peak: Linkerd's (linkerd2-proxy, linkerd/ewma).
//
// A sample that comes after a time Δ counts 1 − exp(−Δ/decay), the average so far the rest; so samples far apart count
// more than samples close together. Reading lets the value fade toward 0 without changing it. A new average has no value
// and reads as infinity: what nobody knows is taken to be bad. A decay below a millisecond counts as a millisecond.

/// An exponentially weighted moving average over irregular samples. Complexity: every operation O(1).
@frozen
public struct DecayingAverage: BitwiseCopyable, Sendable {
  /// The average as of `stamp`, in the unit of the samples; infinity before the first.
  public private(set) var value: Double
  /// When it was last changed.
  public private(set) var stamp: Timestamp
  /// Nanoseconds until a value fades to 1/e.
  private let decay: Double

  /// An average that starts from `value` at `now`, or from nothing known.
  public init(decay: TimeSpan, value: Double = .infinity, at now: Timestamp) {
    self.decay = Double(max(decay.nanoseconds, 1_000_000))
    self.value = value
    self.stamp = now
  }

  /// Takes in a sample. One that is not newer than the last change is ignored.
  public mutating func add(_ sample: Double, at now: Timestamp) {
    if value == .infinity {
      reset(sample, at: now)
      return
    }
    if now <= stamp { return }
    let kept = fading(until: now)
    value = value * kept + sample * (1 - kept)
    stamp = now
  }

  /// Takes in a sample; one above what is left of the average replaces it.
  public mutating func addPeak(_ sample: Double, at now: Timestamp) {
    if value == .infinity || value(at: now) < sample {
      reset(sample, at: now)
    } else {
      add(sample, at: now)
    }
  }

  /// Forgets the past: the average is `sample`.
  public mutating func reset(_ sample: Double, at now: Timestamp) {
    value = sample
    stamp = now
  }

  /// What is left of the average at `now`. Before the last change it is the value at that change.
  public func value(at now: Timestamp) -> Double { value == .infinity ? value : value * fading(until: now) }

  /// The share that is left at `now`.
  private func fading(until now: Timestamp) -> Double {
    now > stamp ? Elementary.exponential(-Double((now - stamp).nanoseconds) / decay) : 1
  }
}
