// A checked `healthCheck` to the description that a data plane goes by.

import MeshCore

/// Reads what a cluster says of active health checks.
struct HealthCheckReader {
  let profile: MeshProfile
  let log: FaultLog

  /// The health check of a cluster, if it has one.
  func healthCheck(ofCluster cluster: ResolvedValue) -> HealthCheckDescription? {
    guard let value = cluster["healthCheck"], value.isValid else { return nil }
    let form = value["form"]?.text.flatMap(HealthCheckDescription.Form.init(rawValue:)) ?? .envoy
    guard let question = question(value), let interval = value["interval"]?.span,
      let timeout = timeout(value, form, interval),
      let unhealthy = value["unhealthyThreshold"]?.integer, let healthy = value["healthyThreshold"]?.integer
    else { return nil }
    var check = HealthCheckDescription(
      question, form: form, interval: interval, timeout: timeout, unhealthyThreshold: UInt32(clamping: unhealthy),
      healthyThreshold: UInt32(clamping: healthy))
    readIntervals(value, &check)
    readStatuses(value, &check)
    check.path = value["http"]?["path"]?.text ?? check.path
    check.method = value["http"]?["method"]?.text ?? check.method
    check.host = value["http"]?["host"]?.text
    check.ignoresNewHosts = cluster["ignoreNewHostsUntilFirstHc"]?.flag ?? false
    check.keepsRemovedHosts = !(cluster["ignoreHealthOnHostRemoval"]?.flag ?? true)
    check.reusesConnection = value["reuseConnection"]?.flag ?? true
    if case .tcp = question { check.reusesConnection = false }
    return check
  }

  private func readIntervals(_ value: ResolvedValue, _ check: inout HealthCheckDescription) {
    check.initialJitter = value["initialJitter"]?.span ?? .zero
    check.intervalJitter = value["intervalJitter"]?.span ?? .zero
    // Envoy's is a whole number.
    check.intervalJitterPercent = UInt32(value["intervalJitterPercent"]?.number ?? 0)
    check.unhealthyInterval = value["unhealthyInterval"]?.span ?? check.interval
    check.unhealthyEdgeInterval = value["unhealthyEdgeInterval"]?.span ?? check.unhealthyInterval
    check.healthyEdgeInterval = value["healthyEdgeInterval"]?.span ?? check.interval
    check.noTrafficInterval = value["noTrafficInterval"]?.span ?? check.interval
    check.noTrafficHealthyInterval = value["noTrafficHealthyInterval"]?.span ?? check.noTrafficInterval
  }

  private func readStatuses(_ value: ResolvedValue, _ check: inout HealthCheckDescription) {
    // `option httpchk`: 2xx and 3xx are valid.
    if check.form == .haproxy { check.expectedStatuses = [200..<400] }
    if let given = value["http"]?["expectedStatuses"] { check.expectedStatuses = statuses(given) }
    if let given = value["http"]?["retriableStatuses"] { check.retriableStatuses = statuses(given) }
  }

  /// HAProxy's check lasts until the next one where nothing is said; Envoy demands a timeout.
  private func timeout(
    _ value: ResolvedValue, _ form: HealthCheckDescription.Form, _ interval: TimeSpan
  ) -> TimeSpan? {
    if value.has("timeout") { return value["timeout"]?.span }
    if form == .haproxy { return interval }
    log.add(
      value.origin, ConfigurationPath.joined(value.path, "timeout"), "missing; expected how long an answer may take")
    return nil
  }

  private func question(_ value: ResolvedValue) -> HealthCheckDescription.Question? {
    let kinds = ["http", "tcp", "grpc"].filter { value.has($0) }
    guard let kind = kinds.first, kinds.count == 1 else {
      let what = kinds.isEmpty ? "nothing to ask" : "\(kinds.joined(separator: " and ")) at once"
      log.add(value.origin, value.path, "\(what); expected one of http, tcp, grpc")
      return nil
    }
    switch kind {
    case "http": return .http
    case "grpc": return .grpc
    default: return .tcp(awaitsAnswer: !(value["tcp"]?["receive"]?.items ?? []).isEmpty)
    }
  }

  private func statuses(_ value: ResolvedValue) -> [Range<Int16>] {
    value.items.compactMap { item in
      guard let start = item["start"]?.integer else { return nil }
      let end = item["end"]?.integer ?? start + 1
      if end <= start {
        log.add(item.origin, item.path, "end \(end) is not after start \(start); expected the one after the last")
        return nil
      }
      return Int16(clamping: start)..<Int16(clamping: end)
    }
  }
}
