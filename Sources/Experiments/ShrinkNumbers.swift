// The numbers that make a scenario large: how many there are of something, and how long it goes on.

import MeshConfiguration
import MeshCore

enum ScenarioNumbers {
  /// The paths of counts above 1 in `root`, those that save most first.
  static func counts(in root: ConfigurationNode) -> [[String]] {
    var paths = [["run", "replications"], ["run", "maxReplications"], ["run", "requests"]]
    for service in root.value(at: ["world", "services"])?.entries ?? [] {
      let own = ["world", "services", service.key]
      paths.append(own + ["replicas"])
      paths += numbered(service.value["replicas"], own + ["replicas"]).map { $0 + ["count"] }
      for call in numbered(service.value["calls"], own + ["calls"]) {
        paths.append(call + ["count"])
        paths += numbered(root.value(at: call), call).map { $0 + ["count"] }
      }
    }
    for client in root.value(at: ["world", "clients"])?.entries ?? [] {
      let own = ["world", "clients", client.key]
      paths.append(own + ["arrivals", "closed", "users"])
      paths.append(own + ["arrivals", "closed", "requests"])
      paths.append(own + ["proxies"])
      paths += numbered(client.value["proxies"], own + ["proxies"]).map { $0 + ["count"] }
    }
    return paths.filter { (count(at: $0, in: root) ?? 0) > 1 }
  }

  /// The count at `path`.
  static func count(at path: [String], in root: ConfigurationNode) -> Int? {
    root.value(at: path)?.text.flatMap { Int($0) }
  }

  /// `root` with another count at `path`.
  static func setting(_ count: Int, at path: [String], in root: ConfigurationNode) -> ConfigurationNode {
    guard let old = root.value(at: path) else { return root }
    return root.replacing(path, with: .word(String(count), old.origin))
  }

  /// `root` with all times that belong together, from the run's duration to those of faults and of steps of the load, taken
  /// `numerator / denominator` times.
  static func scalingTimes(
    _ numerator: Int64, _ denominator: Int64, in root: ConfigurationNode
  ) -> ConfigurationNode {
    var copy = withDuration(root)
    for path in [["run", "duration"], ["run", "warmUp"]] + eventTimes(in: root) {
      copy = scaling(path, numerator, denominator, in: copy)
    }
    return copy
  }

  /// `root` with its duration alone taken so many times.
  static func scalingDuration(
    _ numerator: Int64, _ denominator: Int64, in root: ConfigurationNode
  ) -> ConfigurationNode {
    scaling(["run", "duration"], numerator, denominator, in: withDuration(root))
  }

  /// `root` with faults striking the first replicas, as many as they strike now: the others may go then.
  static func lowestReplicas(in root: ConfigurationNode) -> ConfigurationNode {
    var copy = root
    for path in numbered(root.value(at: ["world", "faults"]), ["world", "faults"]) {
      guard let replicas = root.value(at: path + ["replicas"]), let items = replicas.items,
        items.allSatisfy({ $0.text.flatMap { Int($0) } != nil })
      else { continue }
      let numbers = items.indices.map { ConfigurationNode.word(String($0), replicas.origin) }
      copy = copy.replacing(path + ["replicas"], with: ConfigurationNode(.list(numbers), origin: replicas.origin))
    }
    return copy
  }

  /// `root` with the number of replications that it has by default, where it says none.
  static func withReplications(_ root: ConfigurationNode) -> ConfigurationNode {
    var run = root["run"] ?? .emptyMap(root.origin)
    if run.isNull { run = .emptyMap(run.origin) }
    if run.entries == nil || run["replications"] != nil { return root }
    run["replications"] = .word("5", run.origin)
    return root.replacing(["run"], with: run)
  }

  /// `root` with a number of replications in place of a precision; as it is where it has none.
  static func withoutPrecision(_ root: ConfigurationNode, replications: Int) -> ConfigurationNode {
    let path = ["run", "replications"]
    guard let old = root.value(at: path), old.text == "auto" else { return root }
    return root.removing([["run", "precision"], ["run", "maxReplications"]])
      .replacing(path, with: .word(String(replications), old.origin))
  }

  /// The duration that a run has which says nothing.
  private static func withDuration(_ root: ConfigurationNode) -> ConfigurationNode {
    var run = root["run"] ?? .emptyMap(root.origin)
    if run.isNull { run = .emptyMap(run.origin) }
    if run.entries == nil || run["duration"] != nil || run["requests"] != nil { return root }
    run["duration"] = .word("60s", run.origin)
    return root.replacing(["run"], with: run)
  }

  private static func scaling(
    _ path: [String], _ numerator: Int64, _ denominator: Int64, in root: ConfigurationNode
  ) -> ConfigurationNode {
    guard let old = root.value(at: path), let text = old.text, let span = try? Quantity.span(text) else { return root }
    let (product, overflow) = span.nanoseconds.multipliedReportingOverflow(by: numerator)
    // A time that is 0 means something else than a short one.
    if overflow || product < denominator { return root }
    var nanoseconds = product / denominator
    // Halves of halves are hard to read: from four of a unit on they are whole ones.
    for unit: Int64 in [1_000_000_000, 1_000_000, 1_000] where nanoseconds >= 4 * unit {
      nanoseconds -= nanoseconds % unit
      break
    }
    return root.replacing(path, with: .word(QuantityText.span(TimeSpan(nanoseconds: nanoseconds)), old.origin))
  }

  /// The paths of times at which something begins, and of how long it lasts.
  private static func eventTimes(in root: ConfigurationNode) -> [[String]] {
    var paths: [[String]] = []
    for fault in numbered(root.value(at: ["world", "faults"]), ["world", "faults"]) {
      paths += ["at", "for", "repeat"].map { fault + [$0] }
    }
    for client in root.value(at: ["world", "clients"])?.entries ?? [] {
      for kind in ["steps", "ramp"] {
        let list = ["world", "clients", client.key, "arrivals", kind]
        paths += numbered(root.value(at: list), list).map { $0 + ["at"] }
      }
    }
    return paths
  }

  /// The paths of a list's items.
  private static func numbered(_ list: ConfigurationNode?, _ path: [String]) -> [[String]] {
    (list?.items ?? []).indices.map { path + [String($0)] }
  }
}
