import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite struct LoadAwarenessTests {
  // Goal: ticks come once a period from the start on, those that are late one after the other while there is any news, then one for
  // all of them.
  @Test func ticksAreCaughtUpWith() {
    var awareness = LoadAwareness(LoadAwareLocalityDescription())
    func ticks(by second: Int64) -> [Int64] {
      var ticks: [Int64] = []
      while let tick = awareness.takeTick(by: .zero + .seconds(second)) {
        ticks.append(tick.nanoseconds / 1_000_000_000)
      }
      return ticks
    }
    #expect(ticks(by: 5) == [])
    awareness.start(at: .zero + .seconds(5))
    awareness.report(0.5, slot: 0, incarnation: 1, at: .zero + .seconds(5))
    #expect(ticks(by: 5) == [] && ticks(by: 6) == [6])
    #expect(ticks(by: 9) == [7, 8, 9] && ticks(by: 9) == [])
    let late = ticks(by: 1_000_000)
    // The report counts up to 185 s.
    #expect(late == Array(10...185) + [1_000_000] && ticks(by: 1_000_002) == [1_000_002])
  }

  // Goal: a report counts for its own endpoint alone, until it expires.
  @Test func reportsExpire() {
    var awareness = LoadAwareness(LoadAwareLocalityDescription())
    awareness.report(0.7, slot: 3, incarnation: 2, at: .zero)
    #expect(awareness.utilization(slot: 3, incarnation: 2, at: .zero + .seconds(180)) == 0.7)
    #expect(awareness.utilization(slot: 3, incarnation: 2, at: .zero + .seconds(181)) == nil)
    #expect(awareness.utilization(slot: 3, incarnation: 3, at: .zero) == nil)
    #expect(awareness.utilization(slot: 9, incarnation: 1, at: .zero) == nil)
  }

  /// The share of the own zone, the first half of eight endpoints, once all have reported these utilizations for a while.
  private func localShare(_ own: Double, _ other: Double, zone: Int32 = 0) -> Double {
    var layers = LayersDescription()
    layers.loadAwareLocality = LoadAwareLocalityDescription()
    var harness = Harness(layers: layers, place: BalancerContext(zone: zone, peerZones: [0, 1]))
    harness.listAs(
      (0..<8 as Range<Int32>).map { EndpointDescription(identity: EndpointIdentity($0), zone: $0 < 4 ? 0 : 1) })
    var local = 0.0
    for step in 0..<30_000 {
      harness.request()
      guard let start = harness.attempts.last?.start else { continue }
      let isOwn = start.endpoint.number < 4
      if step >= 10_000 { local += isOwn ? 1 / 20_000 : 0 }
      harness.advance(by: .milliseconds(2))
      let report = LoadReport(applicationUtilization: isOwn ? own : other, requestsPerSecond: 1)
      harness.tell(.loadReported(start.attempt, report))
      harness.answer()
    }
    #expect(harness.complaints.isEmpty)
    return local
  }

  // Goal: all but the probes stays while the own zone is not busier than the other by more than the threshold; beyond it shares
  // follow what is left.
  @Test(arguments: [(0.5, 0.45, 0.97), (0.9, 0.3, 0.1 / 0.8), (0.9, 0.9, 0.97), (1.2, 0.5, 0.0), (1.05, 0.97, 0.97)])
  func followsTheHeadroom(_ own: Double, _ other: Double, _ share: Double) {
    #expect(abs(localShare(own, other) - share) < 0.012)
  }

  // Goal: without a zone of one's own shares always follow what is left.
  @Test func withoutAZoneHeadroomDecides() {
    #expect(abs(localShare(0.2, 0.6, zone: -1) - 0.8 / 1.2) < 0.012)
  }
}
