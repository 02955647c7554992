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
    let isFirst = canary.analysis.weight == 0
    measurement.events.append(
      EventRow(
        time: Timestamp(nanoseconds: now), event: verdict.event,
        cluster: mesh.name(ofDestination: split[canary.description.destination].cluster) ?? "",
        detail: verdict.words(isFirst ? nil : sample, canary.description)))
    if canaries[number].analysis.phase == .progressing {
      awaitCheck(number, at: now.addingClamped(canary.description.interval.nanoseconds))
    }
  }
}
