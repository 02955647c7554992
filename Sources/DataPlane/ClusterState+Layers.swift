// How a cluster's endpoints are sorted into groups whenever they, or their health, change.

import LoadBalancing
import MeshCore

extension ClusterState {
  /// Sorts the listed endpoints into groups and tells the balancers of those that a change concerns: of all groups, or where there are
  /// subsets, of the groups of each subset that holds somebody who has changed.
  mutating func regroup(at now: Timestamp) {
    // Ticks that fell due before the change are those of the members before it.
    catchUpWithLoads(at: now)
    guard var layers else { return }
    // Taken out meanwhile, so that its arrays are not copied.
    self.layers = nil
    let slots = ownPart(layers)
    layers.counted = counted(byPriority(slots, layers.failover), layers.settings)
    let subsets = subsets(&layers, of: slots)
    layers.resize(toSubsets: subsets.count)
    let hasChanged = layers.hasSubsets ? layers.changes.look(at: endpoints) : []
    var isTold = [Bool](repeating: false, count: subsets.count)
    var used = [Bool](repeating: false, count: groups.count)
    for (subset, members) in subsets.enumerated() {
      let isKnown = layers.hasSubsets && layers.parts[subset].members == members
      if isKnown && !members.contains(where: { hasChanged[Int($0)] }) { continue }
      isTold[subset] = true
      layers.parts[subset].members = members
      regroup(&layers, subset: subset, members, &used, at: now)
    }
    for group in 0..<groups.count where group >= used.count || !used[group] {
      let subset = Int(groups[group].key.subset)
      // Who is not in use knows of new slots all the same: what is reported goes to all groups of a subset.
      let isConcerned = subset < isTold.count ? isTold[subset] : groups[group].members.count > 0
      if isConcerned { fill(group, with: [], all: [], newest: .distantPast, at: now) }
    }
    indexGroups(subsets)
    if layers.awareness != nil && layers.awareness?.due == nil && !slots.isEmpty {
      layers.weighByLoad(at: now)
      layers.awareness?.start(at: now)
    }
    layers.lookForPanic()
    for route in layers.orders.indices {
      soleGroups[Int32(truncatingIfNeeded: route)] = layers.soleGroup(ofRoute: route)
    }
    self.layers = layers
    regroupings &+= 1
  }

  /// The members of each subset: of one without subsets, or without anybody.
  private func subsets(_ layers: inout ClusterLayers, of slots: [Int32]) -> [[Int32]] {
    if var selection = layers.selection {
      selection.update(texts: slots.map { metadata($0) })
      layers.orders = layers.criteria.map { selection.resolve($0) }
      layers.selection = selection
      return selection.subsets.map { members in members.map { slots[Int($0)] } }
    }
    guard let placement = layers.settings.tokenAware else { return [slots] }
    layers.tokenRanges = slots.count
    if slots.isEmpty { return [[]] }
    return slots.indices.map { range in
      TokenRing.replicas(range: range, count: slots.count, replicationFactor: placement.replicationFactor)
        .map { slots[Int($0)] }
    }
  }

  private func metadata(_ slot: Int32) -> [String: String] {
    endpoints.roster.description(slot: slot)?.metadata ?? [:]
  }

  /// The listed slots that this data plane uses.
  private func ownPart(_ layers: borrowing ClusterLayers) -> [Int32] {
    let listed = (0..<endpoints.listed.count).map { endpoints.listed[$0] }
    guard let subsetting = layers.settings.subsetting else { return listed }
    let members: ContiguousArray<Int32>
    switch subsetting.method {
    case .random:
      let roster = endpoints.roster
      let seed = mix64(UInt64(layers.place.planeNumber) &+ goldenGamma)
      let places = RandomSubset.places(of: listed.map { roster.address(slot: $0) }, size: subsetting.size, seed: seed)
      members = ContiguousArray(places.map { Int32(truncatingIfNeeded: $0) })
    case .deterministic:
      members = DeterministicSubsetting.members(
        count: listed.count, client: layers.place.planeNumber, size: subsetting.size)
    }
    return members.sorted().map { listed[Int($0)] }
  }

  func isWell(_ slot: Int32, _ health: EndpointHealth) -> Bool {
    endpoints.states[slot].isAdmitted && endpoints.states[slot].health == health
  }

  private mutating func regroup(
    _ layers: inout ClusterLayers, subset: Int, _ slots: [Int32], _ used: inout [Bool], at now: Timestamp
  ) {
    let byPriority = byPriority(slots, layers.failover)
    let counted = counted(byPriority, layers.settings)
    if layers.failover == .spillOver {
      layers.parts[subset].load.update(counted)
    } else {
      layers.parts[subset].load.updateToFirst(counted)
    }
    layers.parts[subset].see(slots, endpoints, at: now)
    let newest = layers.parts[subset].newest ?? now
    var parts: [PriorityPart] = []
    var reporters: [[LocalityReporters]] = []
    var firstZones: [ZoneMembers] = []
    for (priority, members) in byPriority.enumerated() {
      let isInPanic = layers.parts[subset].load.isInPanic[priority]
      var part = PriorityPart()
      func key(_ source: EndpointSource, _ zone: Int32) -> GroupKey {
        GroupKey(subset: Int32(subset), priority: Int32(priority), zone: zone, source: source)
      }
      func take(_ source: EndpointSource, _ zone: Int32, _ all: [Int32]) -> Int32 {
        group(key(source, zone), offered(source, of: all), all, newest, &used, at: now)
      }
      part.healthy = take(.healthy, GroupKey.allZones, members)
      part.degraded = take(.degraded, GroupKey.allZones, members)
      if isInPanic { part.all = take(.all, GroupKey.allZones, members) }
      if layers.hasZones {
        let zones = byZone(members, own: layers.place.zone)
        if priority == 0 { firstZones = zones }
        part.zones = zones.map { zone in
          var part = ZonePart(
            zone: zone.zone, healthy: take(.healthy, zone.zone, zone.slots),
            degraded: take(.degraded, zone.zone, zone.slots))
          if layers.awareness != nil && isInPanic { part.all = take(.all, zone.zone, zone.slots) }
          return part
        }
        if layers.awareness != nil { reporters.append(self.reporters(zones)) }
        weigh(&part, layers.settings, zones)
      }
      parts.append(part)
    }
    layers.parts[subset].priorities = parts
    layers.arrangeByLoad(reporters, subset: subset)
    if layers.settings.zoneAware != nil { compareZones(&layers, subset: subset, firstZones) }
  }

  /// How many do not count for availability.
  func excluded(_ members: [Int32]) -> Int32 { Int32(members.count { !counts($0) }) }

  /// Whether an endpoint counts for availability: it does not drain, and its health checks do not leave it out of account.
  private func counts(_ slot: Int32) -> Bool {
    endpoints.states[slot].status != .draining && !endpoints.states[slot].exclusions.contains(.uncounted)
  }

  private func counted(_ byPriority: [[Int32]], _ settings: LayersDescription) -> [PriorityGroup] {
    byPriority.map { members in
      var group = PriorityGroup(
        total: Int32(members.count), healthy: Int32(members.count { isWell($0, .healthy) }),
        degraded: Int32(members.count { isWell($0, .degraded) }), excluded: excluded(members),
        overprovisioning: settings.overprovisioningFactor)
      if settings.weightedPriorityHealth {
        group.weigh(
          healthy: weight(members) { isWell($0, .healthy) }, degraded: weight(members) { isWell($0, .degraded) },
          eligible: weight(members) { counts($0) })
      }
      return group
    }
  }

  private func weight(_ members: [Int32], where counts: (Int32) -> Bool) -> UInt64 {
    members.reduce(0) { counts($1) ? $0 + UInt64(endpoints.states[$1].weight) : $0 }
  }

  /// The endpoints in the order in which they are used. HAProxy's backups know no priorities among themselves: they come one by
  /// one or all together, in the order of the configuration.
  private func byPriority(_ slots: [Int32], _ failover: FailoverRule) -> [[Int32]] {
    let last = slots.map { endpoints.states[$0].priority }.max() ?? -1
    let byPriority = (0..<max(0, last + 1)).map { priority in slots.filter { endpoints.states[$0].priority == priority }
    }
    switch failover {
    case .spillOver, .firstUsable: return byPriority
    case .allBackups: return [byPriority.first ?? [], slots.filter { endpoints.states[$0].priority > 0 }]
    case .firstBackup:
      return [byPriority.first ?? []] + slots.filter { endpoints.states[$0].priority > 0 }.map { [$0] }
    }
  }

  /// Those of `all` that a balancer of this kind of health is offered. To one that sees who may not be chosen, they count as
  /// healthy.
  private func offered(_ source: EndpointSource, of all: [Int32]) -> [Int32] {
    switch source {
    case .none: return []
    case .all: return all
    case .degraded: return all.filter { isWell($0, .degraded) }
    case .healthy:
      if endpoints.offer == .all { return all.filter { !isWell($0, .degraded) } }
      let healthy = all.filter { isWell($0, .healthy) }
      let isInNeed = endpoints.offer == .allWhenNoneIsAvailable && !all.contains { endpoints.states[$0].mayBeChosen }
      return isInNeed ? all : healthy
    }
  }

  /// The number of the group `key` with these members; -1 for none where it has none.
  private mutating func group(
    _ key: GroupKey, _ members: [Int32], _ all: [Int32], _ newest: Timestamp, _ used: inout [Bool], at now: Timestamp
  ) -> Int32 {
    var number = groupNumbers[key] ?? -1
    if number < 0 {
      if members.isEmpty { return -1 }
      number = Int32(truncatingIfNeeded: addGroup(key))
      groupNumbers[key] = number
    }
    while used.count <= Int(number) { used.append(false) }
    used[Int(number)] = true
    fill(Int(number), with: members, all: all, newest: newest, at: now)
    return members.isEmpty ? -1 : number
  }

  private mutating func fill(
    _ group: Int, with members: [Int32], all: [Int32], newest: Timestamp, at now: Timestamp
  ) {
    groups[group].members.removeAll()
    for slot in members { groups[group].members.append(slot) }
    var pool = Pool<Int32>()
    for slot in all { pool.append(slot) }
    let roster = endpoints.roster(of: groups[group].members.view, all: pool.view, newest: newest)
    groups.modify(group) { group in group.balancer.endpointsChanged(roster, &group.random, at: now) }
  }

  /// Notes by slot in which groups it is, and which groups are to know what it reports: all of its subsets, since in Envoy a report is
  /// kept with the endpoint and goes along when that comes into another of a subset's groups.
  private mutating func indexGroups(_ subsets: [[Int32]]) {
    var lists = [[Int32]](repeating: [], count: endpoints.states.count)
    var ofSubset = [[Int32]](repeating: [], count: wantsLoadReports ? subsets.count : 0)
    for group in 0..<groups.count {
      for place in 0..<groups[group].members.count {
        lists[Int(groups[group].members[place])].append(Int32(truncatingIfNeeded: group))
      }
      let subset = Int(groups[group].key.subset)
      if subset < ofSubset.count { ofSubset[subset].append(Int32(truncatingIfNeeded: group)) }
    }
    groupLists.assign(lists)
    if !wantsLoadReports { return }
    var hearers = [[Int32]](repeating: [], count: endpoints.states.count)
    for (subset, members) in subsets.enumerated() {
      for slot in members { hearers[Int(slot)] += ofSubset[subset] }
    }
    reportLists.assign(hearers)
  }
}
