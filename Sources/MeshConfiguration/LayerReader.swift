// Checked layers to their description.

import MeshCore

/// Makes the layers of a cluster.
struct LayerReader {
  let zones: NameIndex
  let log: FaultLog

  /// The layers that a cluster asks for; `nil` when it asks for none.
  func layers(_ value: ResolvedValue) -> LayersDescription? {
    var layers = LayersDescription()
    var isAsked = false
    func take<Given>(_ given: Given?, _ use: (Given) -> Void) {
      guard let given else { return }
      isAsked = true
      use(given)
    }
    take(value["panicThreshold"]?.number) { layers.panicThreshold = Int32($0.rounded(.down)) }
    take(value["overprovisioningFactor"]?.integer) { layers.overprovisioningFactor = Int32(clamping: $0) }
    take(value["weightedPriorityHealth"]?.flag) { layers.weightedPriorityHealth = $0 }
    take(value["failTrafficOnPanic"]?.flag) { layers.failTrafficOnPanic = $0 }
    take(value["localityWeights"]) { layers.localityWeights = shares($0) }
    take(value["zoneAwareLbConfig"]) { layers.zoneAware = zoneAware($0) }
    take(value["loadAwareLocality"]) { layers.loadAwareLocality = loadAware($0) }
    take(value["lbSubsetConfig"]) { layers.subsets = subsets($0) }
    take(value["randomSubsetting"]?["subsetSize"]?.integer) {
      layers.subsetting = SubsettingDescription(size: Int($0), method: .random)
    }
    take(value["deterministicSubsetting"]?["subsetSize"]?.integer) {
      layers.subsetting = SubsettingDescription(size: Int($0), method: .deterministic)
    }
    take(value["tokenAware"]) {
      layers.tokenAware = TokenAwareDescription(
        replicationFactor: Int($0["replicationFactor"]?.integer ?? 3),
        readRepairChance: $0["readRepairChance"]?.number ?? 0)
    }
    take(value["penalizeFailures"]?.span) { layers.failurePenalty = $0 }
    if let random = value["randomSubsetting"], value["deterministicSubsetting"] != nil {
      log.add(random.origin, random.path, "stands beside deterministicSubsetting; expected one of them")
    }
    for other in ["lbSubsetConfig", "randomSubsetting", "deterministicSubsetting"] where value[other] != nil {
      guard let placement = value["tokenAware"] else { break }
      log.add(placement.origin, placement.path, "stands beside \(other); expected one of them")
    }
    let rivals = ["localityWeights", "zoneAwareLbConfig", "loadAwareLocality"].filter { value[$0] != nil }
    if rivals.count > 1, let first = value[rivals[0]] {
      log.add(
        first.origin, first.path, "stands beside \(rivals.dropFirst().joined(separator: " and ")); expected one of them"
      )
    }
    return isAsked ? layers : nil
  }

  /// Slow start, if the cluster asks for it.
  func slowStart(_ value: ResolvedValue) -> SlowStartDescription? {
    guard let given = value["slowStart"], let window = given["window"]?.span, window > .zero else {
      return nil
    }
    return SlowStartDescription(
      window: window, aggression: given["aggression"]?.number ?? 1,
      minWeightPercent: given["minWeightPercent"]?.number ?? 10)
  }

  /// How an endpoint may be that a request names itself.
  func overrideHostStatus(_ value: ResolvedValue) -> [HostStatus] {
    guard let words = value["overrideHostStatus"]?.items.compactMap(\.text) else { return HostStatus.accepted }
    return HostStatus.allCases.filter { words.contains($0.word) }
  }

  /// Sessions, if the route has any.
  static func statefulSession(_ value: ResolvedValue?) -> StatefulSessionDescription? {
    value.map {
      StatefulSessionDescription(
        ttl: $0["cookie"]?["ttl"]?.span ?? .zero, isStrict: $0["strict"]?.flag ?? false,
        cookie: $0["cookie"]?["name"]?.text ?? "session")
    }
  }

  /// Names and values, sorted by name.
  static func pairs(_ value: ResolvedValue?) -> [NamedValue] {
    (value?.entries ?? []).compactMap { entry in entry.value.text.map { NamedValue(entry.key, $0) } }
      .sorted { $0.name < $1.name }
  }

  private func shares(_ value: ResolvedValue) -> [LocalityShare] {
    value.entries.compactMap { entry in
      guard let weight = entry.value.integer else { return nil }
      guard let zone = zones.number(of: entry.key) else {
        log.addUnknown(entry.keyOrigin, entry.value.path, "unknown zone", entry.key, among: zones.names)
        return nil
      }
      return LocalityShare(zone: Int32(zone), weight: UInt32(clamping: weight))
    }
  }

  private func zoneAware(_ value: ResolvedValue) -> ZoneAwareDescription {
    var zones = ZoneAwareDescription(
      routingEnabled: Int32((value["routingEnabled"]?.number ?? 100).rounded(.down)),
      minClusterSize: Int32(clamping: value["minClusterSize"]?.integer ?? 6),
      forceLocalZoneMinSize: value["forceLocalZone"]?["minSize"]?.integer.map { Int32(clamping: $0) })
    zones.goesByWeight = value["localityBasis"]?.text == "healthyHostsWeight"
    return zones
  }

  private func loadAware(_ value: ResolvedValue) -> LoadAwareLocalityDescription {
    var given = LoadAwareLocalityDescription()
    if let period = value["weightUpdatePeriod"]?.span { given.weightUpdatePeriod = period }
    if let threshold = value["utilizationVarianceThreshold"]?.number { given.utilizationVarianceThreshold = threshold }
    if let alpha = value["ewmaAlpha"]?.number { given.ewmaAlpha = alpha }
    if let fraction = value["remoteProbeFraction"]?.number { given.remoteProbeFraction = fraction }
    if let period = value["weightExpirationPeriod"]?.span { given.weightExpirationPeriod = period }
    return given
  }

  private func subsets(_ value: ResolvedValue) -> SubsetsDescription {
    let selectors = (value["subsetSelectors"]?.items ?? []).map { item in
      let kept = (item["fallbackKeysSubset"]?.items ?? []).compactMap(\.text)
      if item["fallbackPolicy"]?.text == "keysSubset" && kept.isEmpty {
        log.add(item.origin, item.path, "fallbackPolicy keysSubset needs fallbackKeysSubset; expected the keys to keep")
      }
      var selector = SubsetSelectorDescription(
        keys: (item["keys"]?.items ?? []).compactMap(\.text), fallback: fallback(item["fallbackPolicy"]?.text, kept))
      selector.isSingleHost = item["singleHostPerSubset"]?.flag ?? false
      if selector.isSingleHost && selector.keys.count > 1, let given = item["singleHostPerSubset"] {
        log.add(given.origin, given.path, "needs a single key (Envoy); expected one in keys")
      }
      return selector
    }
    var subsets = SubsetsDescription(
      selectors: selectors, fallback: fallback(value["fallbackPolicy"]?.text, []),
      defaultSubset: Self.pairs(value["defaultSubset"]))
    subsets.panicModeAny = value["panicModeAny"]?.flag ?? false
    subsets.allowsRedundantKeys = value["allowRedundantKeys"]?.flag ?? false
    return subsets
  }

  private func fallback(_ word: String?, _ kept: [String]) -> SubsetFallbackDescription {
    switch word {
    case "noFallback": return .noFallback
    case "anyEndpoint": return .anyEndpoint
    case "defaultSubset": return .defaultSubset
    case "keysSubset": return .keysSubset(kept)
    default: return .notDefined
    }
  }
}
