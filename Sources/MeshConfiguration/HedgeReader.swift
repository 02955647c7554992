// A checked hedge and checked mirrors to the descriptions that a data plane goes by.

import MeshCore

/// Reads what a route says of sending a request more than once at a time.
struct HedgeReader {
  let log: FaultLog

  /// The hedges of a route, if it has any.
  func hedge(_ value: ResolvedValue?, retry: RetryDescription?) -> HedgeDescription? {
    guard let value, value.isValid else { return nil }
    let isOnTimeout = value["hedgeOnPerTryTimeout"]?.flag ?? false
    guard let after = trigger(value, isOnTimeout: isOnTimeout) else { return nil }
    if isOnTimeout && (retry?.perTryTimeout == nil || retry?.attempts == 0) {
      log.add(
        value.origin, ConfigurationPath.joined(value.path, "hedgeOnPerTryTimeout"),
        "has no effect without retries that have a perTryTimeout; expected both")
    }
    var hedge = HedgeDescription(after: after, maxExtraLoad: value["maxExtraLoad"]?.number)
    if case .quantile(let quantile) = after, hedge.maxExtraLoad == nil { hedge.maxExtraLoad = 1 - quantile }
    hedge.maxAttempts = Int32(clamping: value["maxAttempts"]?.integer ?? 2)
    hedge.nonFatalStatusCodes = value["nonFatalStatusCodes"].map {
      $0.items.compactMap { $0.integer.map { Int16(clamping: $0) } }
    }
    return hedge
  }

  private func trigger(_ value: ResolvedValue, isOnTimeout: Bool) -> HedgeDescription.Trigger? {
    guard let after = value["after"] else {
      if isOnTimeout { return .perTryTimeout }
      if !value.has("after") {
        log.add(
          value.origin, ConfigurationPath.joined(value.path, "after"),
          "missing; expected how long a try is waited for, or hedgeOnPerTryTimeout")
      }
      return nil
    }
    if isOnTimeout {
      log.add(after.origin, after.path, "stands beside hedgeOnPerTryTimeout; expected one of them")
      return nil
    }
    if let span = after.span { return .delay(span) }
    return after.number.map { .quantile($0) }
  }

  /// The mirrors of a route; what copies nothing is left out.
  func mirrors(_ value: ResolvedValue?, clusters: NameIndex) -> [MirrorDescription] {
    (value?.items ?? []).compactMap { item in
      guard let to = item["to"], let name = to.text, let percent = item["percent"]?.number else { return nil }
      guard let cluster = clusters.number(of: name) else {
        log.addUnknown(to.origin, to.path, "unknown cluster", name, among: clusters.names)
        return nil
      }
      return percent > 0 ? MirrorDescription(cluster: cluster, percent: percent) : nil
    }
  }
}
