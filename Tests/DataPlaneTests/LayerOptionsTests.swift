// Options of subsets and zones that few need.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite("options of layers")
struct LayerOptionsTests {
  // Goal: a single-host subset is its first endpoint; any endpoint will do for an empty default subset where that is said; a route may
  // demand more than a selector has where that is said.
  @Test func optionsOfSubsets() {
    func counted(_ wanted: [NamedValue], _ change: (inout SubsetsDescription) -> Void) -> [Int] {
      var subsets = SubsetsDescription(
        selectors: [SubsetSelectorDescription(keys: ["version"])], fallback: .defaultSubset,
        defaultSubset: [NamedValue("version", "9")])
      change(&subsets)
      var harness = Harness(layers: LayersDescription(subsets: subsets), metadataMatch: wanted)
      harness.listAs(endpoints(4) { $0.metadata = ["version": $1 < 2 ? "1" : "2"] })
      return counts(&harness, endpoints: 4, requests: 100)
    }
    let (two, three) = ([NamedValue("version", "2")], [NamedValue("version", "3")])
    #expect(counted(two) { $0.selectors[0].isSingleHost = true } == [0, 0, 100, 0, 0])
    #expect(counted(three) { _ in } == [0, 0, 0, 0, 100])
    #expect(counted(three) { $0.panicModeAny = true } == [25, 25, 25, 25, 0])
    let more = [NamedValue("stage", "prod"), NamedValue("version", "2")]
    #expect(counted(more) { _ in } == [0, 0, 0, 0, 100])
    #expect(counted(more) { $0.allowsRedundantKeys = true } == [0, 0, 50, 50, 0])
  }

  // Goal: zones go by their endpoints' weights where that is said: of weights 1 and 3 here and there, a zone that is half of the peers
  // keeps half of its own requests' share, and all of it by number.
  @Test func zonesMayGoByWeight() {
    for (byWeight, own) in [(false, 1.0), (true, 0.5)] {
      var zones = ZoneAwareDescription(minClusterSize: 1)
      zones.goesByWeight = byWeight
      var harness = Harness(
        layers: LayersDescription(zoneAware: zones),
        place: BalancerContext(planeNumber: 0, planeCount: 2, zone: 0, peerZones: [0, 1]))
      harness.listAs(
        endpoints(4) { endpoint, number in
          endpoint.zone = number < 2 ? 0 : 1
          endpoint.weight = number < 2 ? 1 : 3
        })
      let counts = counts(&harness, endpoints: 4, requests: 20_000)
      #expect(abs(Double(counts[0] + counts[1]) / 20_000 - own) < 0.015, "\(counts)")
    }
  }
}
