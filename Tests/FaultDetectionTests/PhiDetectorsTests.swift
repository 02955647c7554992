import FaultDetection
import MeshCore
import Testing

@Suite struct PhiDetectorsTests {
  // Goal: endpoints do not share times: who is silent is suspected, beside one who is not, and a new one starts afresh.
  @Test func keepsEndpointsApart() {
    var detectors = PhiDetectors(PhiAccrualDescription(maxSampleSize: 5))
    detectors.resize(to: 2, at: .zero)
    for second in 1...30 {
      detectors.heartbeat(slot: 0, at: .zero + .seconds(Int64(second)))
      if second <= 10 { detectors.heartbeat(slot: 1, at: .zero + .seconds(Int64(second))) }
    }
    let now = Timestamp.zero + .seconds(30)
    let phis = [detectors.phi(slot: 0, at: now), detectors.phi(slot: 1, at: now)]
    #expect(phis[0] < 0.01 && phis[1] > 100)
    let silence = detectors.silence(slot: 1, at: now)
    detectors.reset(slot: 1, at: now)
    let fresh = detectors.phi(slot: 1, at: now + .seconds(2))
    #expect(silence == .seconds(20) && fresh < 1)
  }
}
