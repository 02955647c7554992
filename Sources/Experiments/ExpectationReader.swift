// `expect` rows as written to bounds on figures.

import MeshConfiguration
import MeshCore
import Simulation

struct ExpectationReader {
  let log: FaultLog
  let variants: [Variant]

  /// The expectation in `value`; nil when something is wrong, which has then been told.
  func expectation(_ value: ResolvedValue) -> Expectation? {
    let metric = metric(value["metric"])
    let variant = variant(value)
    let other = value["ratioTo"].map { self.variant(named: $0) }
    let bound = bound(value, metric: metric)
    guard let metric, let variant, let bound else { return nil }
    var text = bound.text
    var ratioTo: String?
    if let other {
      guard let name = other else { return nil }
      ratioTo = name
      text += " × \(name)"
    }
    return Expectation(metric: metric.name, variant: variant, ratioTo: ratioTo, bound: bound.bound, text: text)
  }

  /// The metric called by a name of `expect`; latencies have units.
  static func metric(_ value: ResolvedValue, log: FaultLog, variants: [Variant]) -> Metric? {
    ExpectationReader(log: log, variants: variants).metric(value)
  }

  private func metric(_ value: ResolvedValue?) -> Metric? {
    guard let value, let name = value.text else { return nil }
    guard let metric = Metric(named: name) else {
      let names =
        Metric.names + Metric.prefixes.map { "\($0)<endpoint>" } + Metric.clusterPrefixes.map { "\($0)<cluster>" }
      log.addUnknown(
        value.origin, value.path, "unknown metric", name, among: Metric.names,
        expected: "one of \(names.joined(separator: ", "))")
      return nil
    }
    switch metric {
    case .share(let endpoint), .utilization(let endpoint): tellUnknownEndpoint(value, endpoint)
    case .traffic(let cluster): tellUnknownCluster(value, cluster)
    default: break
    }
    return metric
  }

  private func tellUnknownCluster(_ value: ResolvedValue, _ name: String) {
    let known = variants.flatMap { $0.mesh.clusters.map(\.name) }
    if variants.isEmpty || known.contains(name) { return }
    log.addUnknown(value.origin, value.path, "no cluster is called", name, among: known, expected: "a cluster's name")
  }

  private func tellUnknownEndpoint(_ value: ResolvedValue, _ name: String) {
    var known: [String] = []
    for service in variants.flatMap(\.world.services) {
      if service.replicas.contains(where: { $0.name == name }) { return }
      // A scaled service has replicas that the file does not list.
      if name.hasPrefix("\(service.name)-"), Int(name.dropFirst(service.name.count + 1)) != nil,
        variants.contains(where: { scales(service.name, in: $0) })
      {
        return
      }
      known += service.replicas.prefix(1000).map(\.name)
    }
    if variants.isEmpty { return }
    log.addUnknown(
      value.origin, value.path, "no endpoint is called", name, among: known, expected: "a replica's name")
  }

  private func scales(_ service: String, in variant: Variant) -> Bool {
    variant.world.faults.contains {
      if case .scale(let index, _) = $0.kind { return variant.world.services[index].name == service }
      return false
    }
  }

  private func variant(_ value: ResolvedValue) -> String? {
    if let name = value["variant"] { return variant(named: name) }
    if value.has("variant") || variants.isEmpty { return nil }
    if variants.count == 1 { return variants[0].name }
    log.add(
      value.origin, ConfigurationPath.joined(value.path, "variant"),
      "missing; expected one of \(variants.map(\.name).joined(separator: ", "))")
    return nil
  }

  private func variant(named value: ResolvedValue) -> String? {
    guard let name = value.text else { return nil }
    let names = variants.map(\.name)
    if names.contains(name) { return name }
    log.addUnknown(value.origin, value.path, "unknown variant", name, among: names)
    return nil
  }

  // MARK: - Bounds

  private func bound(_ value: ResolvedValue, metric: Metric?) -> (bound: ExpectationBound, text: String)? {
    let given = value.entries.filter { ["max", "min", "equals"].contains($0.key) }
    guard let entry = given.first else {
      log.add(value.origin, value.path, "no bound; expected max, min, or equals and within")
      return nil
    }
    if given.count > 1 {
      log.add(
        given[1].keyOrigin, value.path,
        "two alternatives, \(given.map(\.key).joined(separator: " and ")); expected one bound")
      return nil
    }
    let within = value["within"]
    if entry.key != "equals", let within {
      log.add(within.origin, within.path, "\(entry.key) has no within; expected it with equals")
    }
    guard let metric, let number = number(entry.value, metric, isRatio: value.has("ratioTo")) else { return nil }
    let written = entry.value.written
    switch entry.key {
    case "max": return (.maximum(number), "max \(written)")
    case "min": return (.minimum(number), "min \(written)")
    default:
      guard let within, let tolerance = within.number else {
        if !value.has("within") {
          log.add(
            value.origin, ConfigurationPath.joined(value.path, "within"), "missing; expected a ratio such as 2%")
        }
        return nil
      }
      return (.equals(target: number, within: tolerance), "equals \(written) within \(within.written)")
    }
  }

  private func number(_ value: ResolvedValue, _ metric: Metric, isRatio: Bool) -> Double? {
    guard let text = value.text else { return nil }
    func tell(_ reason: String, _ expected: String) -> Double? {
      log.add(value.origin, value.path, "\(quoted(text)) \(reason); expected \(expected)")
      return nil
    }
    do throws(QuantityFault) {
      if isRatio {
        let ratio = try Quantity.fraction(text)
        return ratio < 0 ? tell("is negative", "a plain ratio such as 0.5") : ratio
      }
      switch metric.unit {
      case .time: return Double(try Quantity.span(text).nanoseconds)
      case .fraction:
        let fraction = try Quantity.fraction(text)
        if fraction < 0 { return tell("is negative", "a ratio such as 99.9%") }
        let mayExceedOne = metric == .retryRatio || metric == .hedgeRatio
        if fraction > 1 && !mayExceedOne { return tell("is above 1", "a ratio such as 99.9%, from 0 to 1") }
        return fraction
      case .number:
        if text.contains("/") { return try Quantity.rate(text) }
        return try Quantity.number(text)
      }
    } catch {
      let expected: String
      switch (isRatio, metric.unit) {
      case (true, _): expected = "a plain ratio such as 0.5"
      case (_, .time): expected = "a duration such as 60ms"
      case (_, .fraction): expected = "a ratio such as 99.9%"
      case (_, .number): expected = "a number"
      }
      return tell(error.reason, expected)
    }
  }
}
