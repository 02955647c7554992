// What a check of a canary has led to, for people.

import MeshCore

extension CanaryVerdict {
  /// What it is called in the list of events.
  public var event: String {
    switch self {
    case .advanced, .promoted: return "promoted"
    case .halted: return "halted"
    case .aborted: return "aborted"
    }
  }

  /// The decision and the figures that it was taken on, for people.
  public func words(_ sample: CanarySample?, _ canary: CanaryDescription) -> String {
    switch self {
    case .advanced(let weight): return "to \(weight) %: \(Self.figures(sample, canary))"
    case .promoted: return "to 100 %: \(Self.figures(sample, canary))"
    case .aborted(let failed): return "to 0 %: \(failed) failed check\(failed == 1 ? "" : "s")"
    case .halted(.noAnswers): return "no answers to go by"
    case .halted(.lowSuccessRate(let rate, let least)):
      return
        "a success rate of \(Self.percent(rate)) of \(Self.answers(sample)); at least \(Self.percent(least)) expected"
    case .halted(.longDuration(let duration, let most)):
      return
        "\(Self.quantile(canary)) of \(Self.answers(sample)) took \(Self.milliseconds(duration)); "
        + "at most \(Self.milliseconds(most)) expected"
    }
  }

  private static func figures(_ sample: CanarySample?, _ canary: CanaryDescription) -> String {
    guard let sample else { return "the analysis begins" }
    var words = answers(sample)
    if let rate = sample.successRate { words += ", \(percent(rate)) successes" }
    if let duration = sample.duration(quantile: canary.durationQuantile) {
      words += ", \(quantile(canary)) \(milliseconds(duration))"
    }
    return words
  }

  private static func answers(_ sample: CanarySample?) -> String {
    let count = sample?.count ?? 0
    return "\(count) answer\(count == 1 ? "" : "s")"
  }

  private static func quantile(_ canary: CanaryDescription) -> String {
    let tenths = Int((canary.durationQuantile * 1000).rounded())
    return tenths % 10 == 0 ? "p\(tenths / 10)" : "p\(tenths / 10).\(tenths % 10)"
  }

  private static func percent(_ rate: Double) -> String {
    let hundredths = Int((rate * 10_000).rounded(.down))
    let rest = hundredths % 100
    if rest == 0 { return "\(hundredths / 100) %" }
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) %"
  }

  private static func milliseconds(_ span: TimeSpan) -> String {
    let tenths = (span.nanoseconds + 50_000) / 100_000
    return tenths % 10 == 0 ? "\(tenths / 10) ms" : "\(tenths / 10).\(tenths % 10) ms"
  }
}
