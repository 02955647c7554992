import LoadBalancing
import MeshCore
import Testing

private func localities(_ given: (healthy: Int32, utilization: Double)...) -> [LocalityUtilization] {
  given.map { LocalityUtilization(healthy: $0.healthy, utilization: $0.utilization) }
}

@Suite struct LoadAwareLocalityTests {
  // Goal: everything but the probes stays local until the local locality is busier than the others by more than the
  // threshold.
  @Test func staysLocalWhileItCan() {
    var chooser = LoadAwareLocality()
    chooser.update(localities((10, 0.55), (10, 0.4), (20, 0.5)), hasLocal: true)
    #expect(abs(chooser.weights[0] - 0.97) < 1e-12)
    #expect(abs(chooser.weights[1] - 0.01) < 1e-12 && abs(chooser.weights[2] - 0.02) < 1e-12)
    var busy = LoadAwareLocality()
    busy.update(localities((10, 0.9), (10, 0.4), (20, 0.5)), hasLocal: true)
    #expect(abs(busy.weights[0] - 1) < 1e-9 && abs(busy.weights[1] - 6) < 1e-9 && abs(busy.weights[2] - 10) < 1e-9)
  }

  // Goal: nobody known, nobody there and nobody with headroom each have their answer.
  @Test func fallsBack() {
    var chooser = LoadAwareLocality()
    chooser.update(localities((0, 0), (0, 0)), hasLocal: true)
    #expect(chooser.weights == [1, 0])
    chooser = LoadAwareLocality()
    chooser.update(localities((3, 1.5), (1, 1)), hasLocal: true)
    #expect(chooser.weights == [3, 1])
    chooser = LoadAwareLocality()
    chooser.update(localities((3, 0)), hasLocal: true)
    #expect(chooser.weights == [1])
    chooser.update([], hasLocal: true)
    var random = RandomStream(state: 1)
    #expect(chooser.weights.isEmpty && chooser.choose(&random) == 0)
  }

  // Goal: the first report counts whole, later ones by the smoothing factor, and silence changes nothing.
  @Test func smooths() {
    var chooser = LoadAwareLocality()
    chooser.update(localities((10, 0.5), (10, 0.5)), hasLocal: false)
    chooser.update(localities((10, 1), (10, 0.5)), hasLocal: false)
    #expect(abs(chooser.weights[0] - 10 * (1 - 0.65)) < 1e-9)
    let silent = LocalityUtilization(healthy: 10, utilization: 9, isKnown: false)
    chooser.update([silent, silent], hasLocal: false)
    #expect(abs(chooser.weights[0] - 3.5) < 1e-9)
  }

  // Goal: choices follow the weights.
  @Test func choicesFollowWeights() {
    var chooser = LoadAwareLocality()
    chooser.update(localities((10, 0.2), (10, 0.8), (5, 0)), hasLocal: false)
    var random = RandomStream(state: 3)
    var counts = [Double](repeating: 0, count: 3)
    for _ in 0..<30_000 { counts[Int(chooser.choose(&random))] += 1 }
    for (count, weight) in zip(counts, chooser.weights) {
      #expect(abs(count / 30_000 - weight / chooser.total) < 0.01)
    }
  }
}
