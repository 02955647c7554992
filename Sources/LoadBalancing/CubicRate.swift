// A sending rate that follows the rate of answers: cut when it is higher, grown along a cubic when it is lower (C3, NSDI 2015,
// algorithm 2; the curve is that of CUBIC TCP).
//
//   on an answer:  sending > answering and no growth lately  →  R0 = rate, rate = β · rate
//                  sending < answering  →  rate = min(rate + s_max, γ · (ΔT − ∛(β · R0 / γ))³ + R0),  ΔT since the cut, in ms
//
// The curve climbs fast back to where it was cut, lingers there, and then probes on. Rates count requests an interval.

import MeshCore

/// One endpoint's sending rate with its tokens. Complexity: O(1).
struct CubicRate: BitwiseCopyable, Sendable {
  /// What all endpoints of a policy share.
  struct Rules: BitwiseCopyable, Sendable {
    /// Nanoseconds.
    var interval: Double
    var initial: Double
    var maximumTokens: Double
    var decrease: Double
    var growth: Double
    var maximumStep: Double
    /// Intervals.
    var hysteresis: Double
  }

  /// Below this, a rate could not find back: the paper's floor.
  private static let floor = 0.001

  /// Requests an interval.
  private(set) var rate: Double
  private var tokens: Double
  /// When tokens were last counted.
  private var counted: Timestamp
  /// The rate before the last cut, and when that was.
  private var formerRate: Double
  private var cut: Timestamp
  private var grown: Timestamp
  /// The interval that answers are counted in, and how many the last whole one had.
  private var window: Timestamp
  private var answers: Double = 0
  private var answerRate: Double = 0

  init(_ rules: Rules, at now: Timestamp) {
    rate = rules.initial
    tokens = rules.initial
    formerRate = rules.initial
    counted = now
    cut = now
    grown = now
    window = now
  }

  /// Whether a request may go.
  @inline(__always)
  func mayTake(_ rules: Rules, at now: Timestamp) -> Bool { available(rules, at: now) >= 1 }

  /// A request goes; one that may not leaves no token rather than a debt.
  mutating func take(_ rules: Rules, at now: Timestamp) {
    tokens = max(0, available(rules, at: now) - 1)
    counted = now
  }

  @inline(__always)
  private func available(_ rules: Rules, at now: Timestamp) -> Double {
    min(rules.maximumTokens, tokens + rate * Double((now - counted).nanoseconds) / rules.interval)
  }

  /// An answer came.
  mutating func answered(_ rules: Rules, at now: Timestamp) {
    tokens = available(rules, at: now)
    counted = now
    answers += 1
    let span = Double((now - window).nanoseconds)
    if span < rules.interval { return }
    answerRate = answers * rules.interval / span
    answers = 0
    window = now
    if rate > answerRate {
      if Double((now - grown).nanoseconds) > rules.hysteresis * rules.interval {
        formerRate = rate
        rate = max(Self.floor, rate * rules.decrease)
        cut = now
      }
    } else if rate < answerRate {
      grown = now
      let elapsed = Double((now - cut).nanoseconds) / 1e6
      let offset = elapsed - Self.cubeRoot(rules.decrease * formerRate / rules.growth)
      let target = rules.growth * offset * offset * offset + formerRate
      rate = max(Self.floor, min(rate + rules.maximumStep, target))
    }
  }

  private static func cubeRoot(_ x: Double) -> Double { x > 0 ? Elementary.power(x, 1.0 / 3) : 0 }
}
