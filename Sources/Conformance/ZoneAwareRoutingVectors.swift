// Envoy's zone-aware routing: round_robin_lb_test.cc, and the layouts of its simulation with values from an independent
// oracle.

import LoadBalancing
import MeshCore
import TestVectors

struct ZoneAwareRoutingVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic.hasPrefix("zone aware routing") || (file.name == "zone_aware" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      if vector.member("expected_per_zone") != nil {
        try runLayout(vector, &check)
      } else if let prose = try? vector.member("expected")?.string {
        try runProse(prose, &check)
      } else {
        try run(vector, &check)
      }
    }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let local = try vector("local_cluster").items
    let upstream = try vector("upstream").items
    var names: [String] = []
    for zone in local + upstream {
      let name = try zone("zone").string
      if !names.contains(name) { names.append(name) }
    }
    func zones(_ items: [VectorValue]) throws -> [ZoneGroup] {
      try items.map { item in
        let name = try item("zone").string
        let healthy = try Int32((item.member("healthy") ?? item("count")).count)
        // Weights of endpoints, their sum, or a weight that all of them have.
        var weight = try item.member("weights")?.unsigneds.reduce(0) { try Self.sum($0, $1) }
        if let each = try item.member("weight")?.weight { weight = UInt64(each) * UInt64(healthy) }
        if let sum = try item.member("total_weight")?.weight { weight = UInt64(sum) }
        return ZoneGroup(
          zone: Int32(names.firstIndex(of: name) ?? -1), healthy: healthy, healthyWeight: weight)
      }
    }
    var settings = ZoneAwareRouting.Settings()
    settings.minimumClusterSize = Int64(try vector.member("min_cluster_size")?.count ?? 0)
    settings.forceLocalZoneMinimumSize = try vector.member("force_local_zone_min_size")?.int32
    settings.routingEnabled = Int32(try vector.member("routing_enabled")?.count ?? 100)
    if try vector.member("locality_basis")?.string.hasSuffix("WEIGHT") ?? false { settings.basis = .healthyHostsWeight }
    let router = try router(
      settings, upstream: ZoneSet(zones(upstream), hasLocal: vector("upstream_first_is_local_zone").flag),
      local: ZoneSet(zones(local), hasLocal: true))
    try compare(router, vector("expected"), &check)
    for pick in try vector.member("picks")?.items ?? [] {
      let numbers = ScriptedNumbers(try pick("randoms_after_priority_draw").unsigneds)
      var random = numbers.stream
      let choice = router.choose(&random)
      check.equal(Int(choice.place), try pick("expected_locality_index").int, "\(pick)")
      if let kind = try pick.member("kind")?.string { check.equal(Self.kind(choice.reason), kind, "\(pick)") }
    }
  }

  /// Why zones do not count, in words: a set-up of which just that holds, and one of which it does not.
  private func runProse(_ prose: String, _ check: inout VectorCheck) throws {
    let isRegular = prose.contains("-> ") && prose.contains("regular routing")
    let isNone = prose.contains("-> null") || prose.contains("-> no host")
    guard isRegular || isNone else { throw VectorSkip("in prose: \(prose)") }
    var settings = ZoneAwareRouting.Settings()
    let number = { (mark: String) -> Int32? in
      prose.range(of: mark).flatMap { Int32(prose[$0.upperBound...].prefix { $0.isNumber }) }
    }
    // Three zones of four healthy endpoints and two callers each, the first being the caller's own.
    var upstream = [Int32](repeating: 4, count: 3)
    var callers = [Int32](repeating: 2, count: 3)
    var hasLocal = true
    var livingCallers: Int32 = 6
    if let zones = number("upstream has "), prose.contains("localit"), (0...3).contains(zones) {
      upstream = Array(upstream.prefix(Int(zones)))
    } else if prose.hasPrefix("local cluster list lacks the local locality") {
      hasLocal = false
    } else if prose.hasPrefix("upstream local-zone list has no healthy host") {
      // In Envoy's test the local cluster's hosts are the upstream's: nobody in the first zone.
      (upstream, callers) = ([0, 4], [0, 4])
    } else if prose.hasPrefix("local cluster"),
      ["panic", "empty", "no healthy"].contains(where: { prose.contains($0) })
    {
      livingCallers = 0
      settings.failsTrafficOnPanic = isNone
    } else if prose.hasPrefix("healthy upstream hosts < min_cluster_size"), let least = number("default ") {
      check.equal(settings.minimumClusterSize, Int64(least), "min_cluster_size")
      guard (3...1000).contains(least) else { throw VectorSkip("in prose: \(prose)") }
      upstream = [least - 3, 1, 1]
      settings.minimumClusterSize = Int64(least)
    } else {
      throw VectorSkip("in prose: \(prose)")
    }
    for isAsItSays in [true, false] {
      let zones = isAsItSays ? upstream : [4, 4, 4]
      let router = try router(
        settings,
        upstream: ZoneSet(zones.enumerated().map { ZoneGroup(zone: Int32($0), healthy: $1) }, hasLocal: true),
        local: ZoneSet(
          (isAsItSays ? callers : [2, 2, 2]).enumerated().map { ZoneGroup(zone: Int32($0), healthy: $1) },
          hasLocal: hasLocal || !isAsItSays), living: isAsItSays ? livingCallers : nil)
      var random = RandomStream(state: 1)
      let reason = router.choose(&random).reason
      check.equal(
        reason == (isNone ? .failed : .regular), isAsItSays, isAsItSays ? "as it says" : "by zone otherwise")
      if isAsItSays && prose.contains("lb_local_cluster_not_ok") {
        check.equal(router.state, .off(.localClusterNotOk), "lb_local_cluster_not_ok")
      } else if isAsItSays && prose.contains("lb_zone_cluster_too_small") {
        check.equal(router.state, .off(.clusterTooSmall), "lb_zone_cluster_too_small")
      }
    }
  }

  private static func sum(_ left: UInt64, _ right: UInt64) throws -> UInt64 {
    if right > 4_294_967_295 { throw VectorError(description: "\(right) is no weight") }
    return left + right
  }

  private static func kind(_ reason: ZoneChoice.Reason) -> String {
    switch reason {
    case .regular: "regular"
    case .failed: "failed"
    case .direct: "direct"
    case .sampled: "sampled"
    case .crossZone: "cross"
    case .noCapacityLeft: "no_capacity"
    }
  }

  private func router(
    _ settings: ZoneAwareRouting.Settings, upstream: ZoneSet, local: ZoneSet, living: Int32? = nil
  ) throws -> ZoneAwareRouting {
    var router = ZoneAwareRouting(settings)
    let callers = Int32(truncatingIfNeeded: min(local.healthy, 1_000_000_000))
    router.update(upstream: upstream, local: local, fleet: PriorityGroup(total: callers, healthy: living ?? callers))
    return router
  }

  private static func name(_ state: ZoneAwareRouting.State) -> String {
    switch state {
    case .off: "off"
    case .direct: "direct"
    case .residual: "residual"
    }
  }

  private func compare(_ router: ZoneAwareRouting, _ expected: VectorValue, _ check: inout VectorCheck) throws {
    check.equal(Self.name(router.state), try expected("state").string, "state")
    if let shares = expected.member("percentages_local_upstream") {
      check.equal(
        router.percentages.map { [$0.local, $0.upstream] }, try shares.items.map { try $0.unsigneds }, "percentages")
    }
    if let share = expected.member("local_percent_to_route"), share != .null {
      check.equal(router.localPercentToRoute, try share.unsigned, "local_percent_to_route")
    }
    if let capacity = expected.member("residual_capacity_cumulative"), capacity != .null {
      check.equal(Array(router.residualCapacity), try capacity.unsigneds, "residual_capacity_cumulative")
    }
  }

  /// Callers and endpoints by zone stand in the vector's name; each zone in turn is the caller's own, and comes first.
  private func runLayout(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let name = try vector("id").string
    let callers = try list("originating", in: name)
    let endpoints = try list("healthy_upstream", in: name)
    guard callers.count == endpoints.count else { throw VectorError(description: "unlike numbers of zones") }
    for view in try vector("expected_per_zone").items {
      let own = try view("from_zone").int
      guard callers.indices.contains(own) else { throw VectorError(description: "no zone \(own)") }
      let order = [own] + callers.indices.filter { $0 != own }
      func zones(_ counts: [Int32]) -> ZoneSet {
        ZoneSet(order.map { ZoneGroup(zone: Int32($0), healthy: counts[$0]) }, hasLocal: true)
      }
      var settings = ZoneAwareRouting.Settings()
      settings.minimumClusterSize = 0
      let router = try router(settings, upstream: zones(endpoints), local: zones(callers))
      try compare(router, view, &check)
      for (zone, capacity) in try view("residual").members {
        guard let number = Int(zone), let place = order.firstIndex(of: number), place < router.residualCapacity.count
        else { throw VectorError(description: "no zone \(zone)") }
        check.equal(router.residualCapacity[place], try capacity.unsigned, "capacity up to zone \(zone)")
      }
    }
  }

  private func list(_ key: String, in text: String) throws -> [Int32] {
    guard let start = text.range(of: key + "=[")?.upperBound, let end = text[start...].firstIndex(of: "]") else {
      throw VectorError(description: "no \(key) in \(text)")
    }
    return try text[start..<end].split(separator: ",").map { part in
      guard let value = Int32(part.filter { $0 != " " }), (0...1_000_000).contains(value) else {
        throw VectorError(description: "\(part) is no count")
      }
      return value
    }
  }
}
