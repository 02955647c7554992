// Conditions on requests, from a checked value.

import MeshCore
import TrafficSplitting

/// Reads what a route asks of a request.
struct RouteMatchReader {
  let profile: MeshProfile
  let log: FaultLog

  /// The match in `value`, of requests that name `host`.
  func match(_ value: ResolvedValue, host: String) -> RouteMatch {
    var match = RouteMatch(host: host, method: value["method"]?.text)
    if let name = value["host"], !Self.isPattern(host) {
      log.add(name.origin, name.path, "\(quoted(host)) has a star amid; expected one at its beginning or end, or *")
    }
    if let path = value["path"]?.chosen, let text = path.value.text {
      switch path.key {
      case "exact": match.path = .exact(text)
      case "regex":
        check(text, path.value)
        match.path = .regex(text)
      case "prefix" where profile.takesFirstMatchingRoute: match.path = .textPrefix(text)
      default: match.path = .prefix(text)
      }
    }
    match.headers = fields(value["headers"]) { $0.lowercased() }
    match.query = fields(value["query"]) { $0 }
    // In millionths, the finest of Envoy's fractions.
    match.fraction = value["runtimeFraction"]?.number.map {
      RuntimeFraction(UInt64((min(max($0, 0), 100) * 10_000).rounded()), of: 1_000_000)
    }
    return match
  }

  /// Conditions on named values, sorted by name.
  func fields(_ value: ResolvedValue?, _ name: (String) -> String) -> [FieldMatch] {
    (value?.entries ?? []).compactMap { entry in
      field(entry.value).map { FieldMatch(name: name(entry.key), value: $0.value, isInverted: $0.isInverted) }
    }.sorted { $0.name < $1.name }
  }

  private func field(_ value: ResolvedValue) -> (value: TextMatch, isInverted: Bool)? {
    guard let chosen = value.chosen else { return nil }
    if chosen.key == "present" || chosen.key == "absent" { return (.present, chosen.key == "absent") }
    guard let text = chosen.value.text else { return nil }
    switch chosen.key {
    case "prefix": return (.prefix(text), false)
    case "suffix": return (.suffix(text), false)
    case "contains": return (.contains(text), false)
    case "regex":
      check(text, chosen.value)
      return (.regex(text), false)
    default: return (.exact(text), false)
    }
  }

  private func check(_ expression: String, _ value: ResolvedValue) {
    if let fault = RegularExpression.fault(in: expression) {
      log.add(
        value.origin, value.path, "\(quoted(expression)): \(fault); expected a regular expression as RE2 takes it")
    }
  }

  private static func isPattern(_ host: String) -> Bool {
    let stars = host.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "*") ? 1 : 0) }
    return stars == 0 || stars == 1 && (host.hasPrefix("*") || host.hasSuffix("*"))
  }
}
