import LoadBalancing
import MeshCore
import Testing

@Suite struct LoadBandTests {
  // Goal: under a steady load the aperture settles where each server's load lies within the band, from above and below.
  @Test(arguments: [(20, 1), (20, 60), (3, 10), (100, 1)]) func settlesInTheBand(_ inFlight: Int, _ initial: Int) {
    var band = LoadBand(smoothingWindow: .seconds(1))
    var aperture = initial
    var now = Timestamp.zero
    for _ in 0..<inFlight {
      aperture += band.adjust(by: 1, aperture: aperture, minimum: 1, maximum: 200, at: now)
    }
    for step in 0..<20_000 {
      now = now + .milliseconds(1)
      let change: Int64 = step % 2 == 0 ? -1 : 1
      aperture += band.adjust(by: change, aperture: aperture, minimum: 1, maximum: 200, at: now)
    }
    let load = Double(inFlight) / Double(aperture)
    #expect(load > 0.8 && load < 1.25, "\(aperture)")
  }

  // Goal: it keeps within its bounds and moves by one at a time.
  @Test func keepsItsBounds() {
    var band = LoadBand(smoothingWindow: .zero)
    #expect(band.adjust(by: 5, aperture: 3, minimum: 1, maximum: 3, at: .zero) == 0)
    #expect(band.adjust(by: 50, aperture: 3, minimum: 1, maximum: 4, at: .zero + .seconds(1)) == 1)
    #expect(band.adjust(by: -55, aperture: 2, minimum: 2, maximum: 4, at: .zero + .seconds(2)) == 0)
    #expect(band.adjust(by: 0, aperture: 0, minimum: 0, maximum: 0, at: .zero + .seconds(3)) == 0)
    #expect(band.offeredLoad == 0)
  }

  // Goal: smoothing forgets with its time constant.
  @Test func smooths() {
    var band = LoadBand(smoothingWindow: .seconds(10))
    _ = band.adjust(by: 1, aperture: 1, minimum: 1, maximum: 1, at: .zero)
    _ = band.adjust(by: 9, aperture: 1, minimum: 1, maximum: 1, at: .zero + .seconds(10))
    #expect(abs(band.offeredLoad - (10 - 9 * 0.36787944117144233)) < 1e-12)
  }
}
