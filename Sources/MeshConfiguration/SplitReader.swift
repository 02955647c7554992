// Where a route's requests go, from a checked value.

import MeshCore
import TrafficSplitting

/// Reads splits, slices and canaries.
struct SplitReader {
  let clusters: NameIndex
  let matches: RouteMatchReader
  let log: FaultLog

  /// Reads what `route` says of its destinations into `description`, whose split stands.
  func read(_ route: ResolvedValue, into description: inout RouteDescription) {
    description.splitMode = route["splitMode"]?.text.flatMap(SplitMode.init(rawValue:)) ?? .envoy
    if let source = route["splitBy"]?.chosen {
      switch source.key {
      case "key": description.splitSource = .key
      case "header": description.splitSource = source.value.text.map { .header($0.lowercased()) } ?? .random
      default: break
      }
    }
    description.slices = (route["slices"]?.items ?? []).enumerated().compactMap { slice($1, number: $0) }
    description.canary = canary(route, description.split)
  }

  /// The destinations of a route to `host`, by default the cluster of its name.
  func split(_ route: ResolvedValue, host: String, match: ResolvedValue) -> [WeightedCluster] {
    guard let split = route["split"] else {
      if route.has("split") { return [] }
      if let cluster = clusters.number(of: host) { return [WeightedCluster(cluster: cluster)] }
      log.add(
        match.origin, ConfigurationPath.joined(route.path, "split"),
        "missing, and there is no cluster \(quoted(host)); expected where the requests go")
      return []
    }
    var parts: [WeightedCluster] = []
    var sum: UInt64 = 0
    var isWhole = true
    for item in split.items {
      guard let to = item["to"], let name = to.text, let weight = item["weight"]?.integer else {
        isWhole = false
        continue
      }
      sum += UInt64(clamping: weight)
      guard let cluster = cluster(to, name, isInvalid: item["invalid"]?.flag ?? false) else {
        isWhole = false
        continue
      }
      parts.append(WeightedCluster(cluster: cluster, weight: UInt32(clamping: weight)))
    }
    if sum > UInt64(UInt32.max) {
      log.add(split.origin, split.path, "weights sum to \(sum); expected at most 4294967295")
    } else if sum == 0 && isWhole {
      log.add(split.origin, split.path, "all weights are 0; expected at least one above")
    }
    return parts
  }

  private func cluster(_ to: ResolvedValue, _ name: String, isInvalid: Bool = false) -> Int? {
    let cluster = clusters.number(of: name)
    if isInvalid {
      if cluster == nil { return WeightedCluster.nowhere }
      log.add(to.origin, to.path, "\(quoted(name)) is a cluster; expected none beside invalid: true")
    } else if cluster == nil {
      log.addUnknown(to.origin, to.path, "unknown cluster", name, among: clusters.names)
    }
    return cluster
  }

  // MARK: - Slices

  private func slice(_ value: ResolvedValue, number: Int) -> SliceDescription? {
    guard let to = value["to"], let name = to.text, let cluster = cluster(to, name) else { return nil }
    var slice = SliceDescription(name: value["name"]?.text ?? "\(number)", cluster: cluster)
    slice.headers = matches.fields(value["headers"]) { $0.lowercased() }
    slice.cookies = matches.fields(value["cookies"]) { $0 }
    if let keys = value["keys"], let from = keys["from"]?.number, let end = keys["to"]?.number {
      if from > end {
        log.add(keys.origin, keys.path, "from \(from) % is above to \(end) %; expected them in order")
      } else {
        slice.keys = Self.parts(from)..<Self.parts(end)
      }
    }
    slice.fraction = value["percentage"]?.number.map { RuntimeFraction(UInt64(Self.parts($0)), of: 1_000_000) }
    slice.isSticky = value["sticky"]?.flag ?? false
    if let sticky = value["sticky"], slice.isSticky && slice.fraction == nil {
      log.add(sticky.origin, sticky.path, "has no effect without a percentage; expected one")
    }
    return slice
  }

  /// Per cent to parts of a million.
  private static func parts(_ percent: Double) -> UInt32 { UInt32((percent * 10_000).rounded()) }

  // MARK: - Canaries

  private func canary(_ route: ResolvedValue, _ split: [WeightedCluster]) -> CanaryDescription? {
    guard let value = route["canary"], let to = value["to"], let name = to.text,
      let cluster = cluster(to, name)
    else { return nil }
    guard let place = split.firstIndex(where: { $0.cluster == cluster }) else {
      log.add(to.origin, to.path, "\(quoted(name)) is no destination of the split; expected one of them")
      return nil
    }
    if !split.indices.contains(where: { $0 != place && split[$0].weight > 0 }) {
      log.add(value.origin, value.path, "nothing else has a weight; expected another destination to begin with")
      return nil
    }
    var canary = CanaryDescription(destination: place, stepWeights: steps(value))
    canary.start = value["start"]?.span ?? canary.start
    canary.interval = value["interval"]?.span ?? canary.interval
    canary.threshold = Int32(clamping: value["threshold"]?.integer ?? 1)
    canary.minSuccessRate = value["requestSuccessRate"]?["min"]?.number.map(Self.share)
    canary.maxDuration = value["requestDuration"]?["max"]?.span
    canary.durationQuantile = Self.share(value["requestDuration"]?["quantile"]?.number ?? 99)
    return canary
  }

  /// Per cent to a share; 99.9 becomes the number nearest to 0.999.
  private static func share(_ percent: Double) -> Double { (percent * 10_000).rounded() / 1_000_000 }

  private func steps(_ value: ResolvedValue) -> [Int32] {
    if let weights = value["stepWeights"] {
      let steps = weights.items.compactMap { $0.integer.map { Int32(clamping: $0) } }
      if zip(steps, steps.dropFirst()).contains(where: { $0 >= $1 }) {
        log.add(weights.origin, weights.path, "not rising; expected each step above the one before")
      }
      if let given = value["stepWeight"] {
        log.add(given.origin, given.path, "stands beside stepWeights; expected one of them")
      }
      return steps
    }
    guard let step = value["stepWeight"]?.integer else {
      if !value.has("stepWeight") && value.isValid {
        log.add(
          value.origin, ConfigurationPath.joined(value.path, "stepWeight"),
          "missing; expected what each step adds, or stepWeights")
      }
      return []
    }
    // Flagger's last step may go past the maximum, not past everything.
    let most = value["maxWeight"]?.integer ?? 100
    let below = stride(from: step, to: most, by: Int(step)).map { Int32(clamping: $0) }
    return below + [Int32(clamping: min(100, Int64(below.count + 1) * step))]
  }
}
