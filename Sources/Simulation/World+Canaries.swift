// Releases that are watched: one controller for a route, as Flagger is one beside all proxies.
//
// At each check it sums what all data planes were answered by the new version since the last one, decides (`CanaryAnalysis`), and gives
// every data plane the new weights at once: how late a control plane tells them is far below the interval of any analysis.

import DataPlane
import MeshCore
import TrafficSplitting

/// A route's release.
struct CanaryState {
  var route: Int32
  var description: CanaryDescription
  var analysis: CanaryAnalysis
}

extension World {
  /// Puts the first check of each release on the wheel.
  mutating func beginCanaries() {
    for (route, description) in mesh.routes.enumerated() {
      guard let canary = description.canary else { continue }
      canaries.append(
        CanaryState(route: Int32(route), description: canary, analysis: CanaryAnalysis(canary)))
      awaitCheck(canaries.count - 1, at: canary.start.nanoseconds)
    }
  }

  private mutating func awaitCheck(_ number: Int, at time: Int64) {
    if time < stop { _ = wheel.schedule(at: time, .canaryChecked, UInt64(number)) }
  }

  /// A check of a release is due.
  @inline(never)
  mutating func canaryChecked(_ number: Int) {
    let canary = canaries[number]
    var sample = CanarySample()
    for proxy in 0..<proxyCount { proxies[proxy].plane.takeCanarySample(ofRoute: canary.route, into: &sample) }
    guard let verdict = canaries[number].analysis.check(sample) else { return }
    let split = mesh.routes[Int(canary.route)].split
    let weight = canaries[number].analysis.weight
    if weight != canary.analysis.weight {
      let weights = CanaryAnalysis.weights(split, canary: canary.description.destination, weight: weight)
      for proxy in 0..<proxyCount { proxies[proxy].plane.setWeights(weights, ofRoute: canary.route) }
    }
    let cluster = split[canary.description.destination].cluster
    let aggregate = cluster - mesh.clusters.count
    let isFirst = canary.analysis.weight == 0
    measurement.events.append(
      EventRow(
        time: Timestamp(nanoseconds: now), event: verdict.event,
        cluster: aggregate < 0 ? mesh.clusters[cluster].name : mesh.aggregates[aggregate].name,
        detail: verdict.words(isFirst ? nil : sample, canary.description)))
    if canaries[number].analysis.phase == .progressing {
      awaitCheck(number, at: now.addingClamped(canary.description.interval.nanoseconds))
    }
  }
}

extension CanaryVerdict {
  /// What it is called in the list of events.
  var event: String {
    switch self {
    case .advanced, .promoted: return "promoted"
    case .halted: return "halted"
    case .aborted: return "aborted"
    }
  }

  /// The decision and the figures that it was taken on, for people.
  func words(_ sample: CanarySample?, _ canary: CanaryDescription) -> String {
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
