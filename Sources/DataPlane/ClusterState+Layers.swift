// How a cluster's endpoints are sorted into groups whenever they, or their health, change.

import LoadBalancing
import MeshCore

extension ClusterState {
  /// Sorts the listed endpoints into groups and tells each group's balancer.
  mutating func regroup(at now: Timestamp) {
    // Ticks that fell due before the change are those of the members before it.
    catchUpWithLoads(at: now)
    guard var layers else { return }
    // Taken out meanwhile, so that its arrays are not copied.
    self.layers = nil
    let slots = ownPart(layers)
    layers.counted = counted(byPriority(slots, layers.failover), layers.settings)
    var used = [Bool](repeating: false, count: groups.count)
    if var selection = layers.selection {
      selection.update(texts: slots.map { metadata($0) })
      let subsets = selection.subsets
      while layers.parts.count < subsets.count { layers.parts.append(SubsetPart(layers.settings)) }
      // A subset that nobody is in any more is emptied: neither its shares nor its panic are to outlive its endpoints.
      for number in 0..<layers.parts.count {
        let members = number < subsets.count ? subsets[number].map { slots[Int($0)] } : []
        regroup(&layers, subset: number, members, &used, at: now)
      }
      layers.orders = layers.criteria.map { selection.resolve($0) }
      layers.selection = selection
    } else if let placement = layers.settings.tokenAware {
      layers.tokenRanges = slots.count
      while layers.parts.count < slots.count { layers.parts.append(SubsetPart(layers.settings)) }
      for range in 0..<layers.parts.count {
        let places =
          range < slots.count
          ? TokenRing.replicas(range: range, count: slots.count, replicationFactor: placement.replicationFactor) : []
        regroup(&layers, subset: range, places.map { slots[Int($0)] }, &used, at: now)
      }
    } else {
      regroup(&layers, subset: 0, slots, &used, at: now)
    }
    // Who is not in use knows of new slots all the same: reports go to all.
    for group in 0..<groups.count where group >= used.count || !used[group] {
      fill(group, with: [], all: [], newest: .distantPast, at: now)
    }
    indexGroups()
    if layers.awareness != nil && layers.awareness?.due == nil && !slots.isEmpty {
      layers.weighByLoad(at: now)
      layers.awareness?.start(at: now)
    }
    self.layers = layers
    regroupings &+= 1
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
    for (priority, members) in byPriority.enumerated() {
      var part = PriorityPart()
      func key(_ source: EndpointSource, _ zone: Int32) -> GroupKey {
        GroupKey(subset: Int32(subset), priority: Int32(priority), zone: zone, source: source)
      }
      func take(_ source: EndpointSource, _ zone: Int32, _ all: [Int32]) -> Int32 {
        group(key(source, zone), offered(source, of: all), all, newest, &used, at: now)
      }
      part.healthy = take(.healthy, GroupKey.allZones, members)
      part.degraded = take(.degraded, GroupKey.allZones, members)
      if layers.parts[subset].load.isInPanic[priority] {
        part.all = take(.all, GroupKey.allZones, members)
      }
      let hasZones =
        layers.settings.zoneAware != nil || layers.settings.localityWeights != nil || layers.awareness != nil
      if hasZones {
        part.zones = zones(of: members, own: layers.place.zone).map { zone in
          let inZone = members.filter { endpoints.states[$0].zone == zone }
          var part = ZonePart(
            zone: zone, healthy: take(.healthy, zone, inZone), degraded: take(.degraded, zone, inZone))
          if layers.awareness != nil && layers.parts[subset].load.isInPanic[priority] {
            part.all = take(.all, zone, inZone)
          }
          return part
        }
        if layers.awareness != nil { reporters.append(self.reporters(members, zones: part.zones.map(\.zone))) }
        weigh(&part, layers.settings, members)
      }
      parts.append(part)
    }
    layers.parts[subset].priorities = parts
    layers.arrangeByLoad(reporters, subset: subset)
    if layers.settings.zoneAware != nil { compareZones(&layers, subset: subset, byPriority.first ?? []) }
  }

  /// How many do not count for availability: those that drain.
  private func excluded(_ members: [Int32]) -> Int32 {
    Int32(members.count { endpoints.states[$0].status == .draining })
  }

  private func counted(_ byPriority: [[Int32]], _ settings: LayersDescription) -> [PriorityGroup] {
    byPriority.map { members in
      PriorityGroup(
        total: Int32(members.count), healthy: Int32(members.count { isWell($0, .healthy) }),
        degraded: Int32(members.count { isWell($0, .degraded) }), excluded: excluded(members),
        overprovisioning: settings.overprovisioningFactor)
    }
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

  /// The zones of some endpoints, the data plane's own first if it is among them, the others by number.
  private func zones(of slots: [Int32], own: Int32) -> [Int32] {
    Self.distinct(slots.map { endpoints.states[$0].zone }, own: own)
  }

  /// Each zone once, `own` first if it is there, the others ascending.
  private static func distinct(_ zones: [Int32], own: Int32) -> [Int32] {
    var found: [Int32] = zones.contains(own) ? [own] : []
    for zone in zones.sorted() where zone != own && found.last != zone { found.append(zone) }
    return found
  }

  private mutating func weigh(_ part: inout PriorityPart, _ settings: LayersDescription, _ members: [Int32]) {
    guard let shares = settings.localityWeights else { return }
    let localities = part.zones.map { zone in
      let own = members.filter { endpoints.states[$0].zone == zone.zone }
      return LocalityGroup(
        weight: shares.first { $0.zone == zone.zone }?.weight ?? 0, total: Int32(own.count),
        healthy: Int32(own.count { isWell($0, .healthy) }), degraded: Int32(own.count { isWell($0, .degraded) }),
        excluded: excluded(own))
    }
    part.turns.rebuild(
      localities, overprovisioning: settings.overprovisioningFactor, seed: layerRandom.next())
  }

  private mutating func compareZones(_ layers: inout ClusterLayers, subset: Int, _ members: [Int32]) {
    let own = layers.place.zone
    let upstream = zones(of: members, own: own).map { zone in
      let inZone = members.filter { endpoints.states[$0].zone == zone }
      return ZoneGroup(
        zone: zone, healthy: Int32(inZone.count { isWell($0, .healthy) }), total: Int32(inZone.count),
        healthyWeight: inZone.reduce(0) { isWell($1, .healthy) ? $0 + UInt64(endpoints.states[$1].weight) : $0 })
    }
    let peers = layers.place.peerZones
    let local = Self.distinct(peers, own: own).map { zone in
      ZoneGroup(zone: zone, healthy: Int32(peers.count { $0 == zone }))
    }
    layers.parts[subset].zoneAware.update(
      upstream: ZoneSet(upstream, hasLocal: upstream.first?.zone == own),
      local: ZoneSet(local, hasLocal: local.first?.zone == own),
      fleet: PriorityGroup(total: Int32(peers.count), healthy: Int32(peers.count)))
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

  /// Notes by slot in which groups it is.
  private mutating func indexGroups() {
    var lists = [[Int32]](repeating: [], count: endpoints.states.count)
    for group in 0..<groups.count {
      for place in 0..<groups[group].members.count {
        lists[Int(groups[group].members[place])].append(Int32(truncatingIfNeeded: group))
      }
    }
    groupLists.assign(lists)
  }
}
