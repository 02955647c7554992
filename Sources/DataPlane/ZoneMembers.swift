// The endpoints of one zone, found once for all layers that go by zones.

import LoadBalancing
import MeshCore

/// A priority's endpoints in one zone.
struct ZoneMembers {
  var zone: Int32
  /// In discovery's order.
  var slots: [Int32]
  /// How many of them are healthy and degraded, and admitted.
  var healthy: Int32
  var degraded: Int32
  /// How many of them do not count for availability.
  var excluded: Int32
}

extension ClusterState {
  /// Some endpoints by zone, the data plane's own first if it is among them, the others by number. Complexity: O(slots · zones).
  func byZone(_ slots: [Int32], own: Int32) -> [ZoneMembers] {
    Self.distinct(slots.map { endpoints.states[$0].zone }, own: own).map { zone in
      let members = slots.filter { endpoints.states[$0].zone == zone }
      return ZoneMembers(
        zone: zone, slots: members, healthy: Int32(members.count { isWell($0, .healthy) }),
        degraded: Int32(members.count { isWell($0, .degraded) }), excluded: excluded(members))
    }
  }

  /// Each zone once, `own` first if it is there, the others ascending.
  private static func distinct(_ zones: [Int32], own: Int32) -> [Int32] {
    var found: [Int32] = zones.contains(own) ? [own] : []
    for zone in zones.sorted() where zone != own && found.last != zone { found.append(zone) }
    return found
  }

  /// Makes the turns of a priority's weighted localities anew.
  mutating func weigh(_ part: inout PriorityPart, _ settings: LayersDescription, _ zones: [ZoneMembers]) {
    guard let shares = settings.localityWeights else { return }
    let localities = zones.map { zone in
      LocalityGroup(
        weight: shares.first { $0.zone == zone.zone }?.weight ?? 0, total: Int32(zone.slots.count),
        healthy: zone.healthy, degraded: zone.degraded, excluded: zone.excluded)
    }
    part.turns.rebuild(
      localities, overprovisioning: settings.overprovisioningFactor, seed: layerRandom.next())
  }

  /// Compares the first priority's zones with those of the data plane's peers.
  func compareZones(_ layers: inout ClusterLayers, subset: Int, _ zones: [ZoneMembers]) {
    let own = layers.place.zone
    let upstream = zones.map { zone in
      ZoneGroup(
        zone: zone.zone, healthy: zone.healthy, total: Int32(zone.slots.count),
        healthyWeight: zone.slots.reduce(0) { isWell($1, .healthy) ? $0 + UInt64(endpoints.states[$1].weight) : $0 })
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

  /// Who may report from a priority's localities.
  func reporters(_ zones: [ZoneMembers]) -> [LocalityReporters] {
    // A policy that takes anybody when nobody is well does so in all zones alike.
    let takesAll = endpoints.offer != .available && !zones.contains { $0.healthy > 0 }
    return zones.map { zone in
      LocalityReporters(
        zone: zone.zone,
        members: zone.slots.map { slot in
          LoadReporter(
            slot: slot, incarnation: endpoints.states[slot].incarnation,
            isHealthy: takesAll ? true : isWell(slot, .healthy), isDegraded: isWell(slot, .degraded))
        })
    }
  }
}
