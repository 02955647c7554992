import LoadBalancing
import MeshCore
import Testing

private func localities(_ given: (endpoints: Int32, utilization: Double)...) -> [LocalityUtilization] {
  given.enumerated().map { place, locality in
    LocalityUtilization(
      locality: Int32(place), endpoints: locality.endpoints, utilization: locality.utilization)
  }
}

@Suite struct LoadAwareLocalityTests {
  // Goal: everything but the probes stays local until the local locality is busier than the others by more than the
  // threshold.
  @Test func staysLocalWhileItCan() {
    var chooser = LoadAwareLocality()
    chooser.weigh(localities((10, 0.55), (10, 0.4), (20, 0.5)), hasLocal: true)
    #expect(abs(chooser.weights[0] - 0.97) < 1e-12)
    #expect(abs(chooser.weights[1] - 0.01) < 1e-12 && abs(chooser.weights[2] - 0.02) < 1e-12)
    var busy = LoadAwareLocality()
    busy.weigh(localities((10, 0.9), (10, 0.4), (20, 0.5)), hasLocal: true)
    #expect(abs(busy.weights[0] - 1) < 1e-9 && abs(busy.weights[1] - 6) < 1e-9 && abs(busy.weights[2] - 10) < 1e-9)
  }

  // Goal: nobody known, nobody there and nobody with headroom each have their answer.
  @Test func fallsBack() {
    var chooser = LoadAwareLocality()
    chooser.weigh(localities((0, 0), (0, 0)), hasLocal: true)
    #expect(chooser.weights == [0, 0] && chooser.choose(7) == 0)
    chooser = LoadAwareLocality()
    chooser.weigh(localities((3, 1.5), (1, 1)), hasLocal: true)
    #expect(chooser.weights == [3, 1])
    chooser = LoadAwareLocality()
    chooser.weigh(localities((3, 0)), hasLocal: true)
    #expect(chooser.weights == [3])
    chooser.weigh([], hasLocal: true)
    #expect(chooser.weights.isEmpty && chooser.choose(7) == 0)
  }

  // Goal: a local locality without headroom keeps its traffic while the others are as busy, and gets none where it has no endpoint.
  @Test func staysLocalWithoutHeadroom() {
    var chooser = LoadAwareLocality()
    chooser.weigh(localities((10, 1.02), (10, 0.95)), hasLocal: true)
    #expect(abs(chooser.weights[0] - 0.97) < 1e-12 && abs(chooser.weights[1] - 0.03) < 1e-12)
    chooser = LoadAwareLocality()
    chooser.weigh(localities((0, 0), (10, 0.95), (5, 0.9)), hasLocal: true)
    #expect(chooser.weights[0] == 0 && abs(chooser.weights[1] - chooser.weights[2]) < 1e-12)
  }

  // Goal: the first report counts whole, later ones by the smoothing factor; once all have expired numbers of endpoints count, and
  // what comes after that is blended in again.
  @Test func smooths() {
    var chooser = LoadAwareLocality()
    chooser.weigh(localities((10, 0.5), (10, 0.5)), hasLocal: false)
    chooser.weigh(localities((10, 1), (10, 0.5)), hasLocal: false)
    #expect(abs(chooser.weights[0] - 10 * (1 - 0.65)) < 1e-9)
    let silent = LocalityUtilization(locality: 0, endpoints: 10, utilization: 9, isKnown: false)
    chooser.weigh([silent, LocalityUtilization(locality: 1, endpoints: 10, utilization: 0.5)], hasLocal: false)
    #expect(chooser.weights[0] == 10 && abs(chooser.weights[1] - 5) < 1e-9)
    chooser.weigh(localities((10, 1), (10, 0.5)), hasLocal: false)
    #expect(abs(chooser.weights[0] - 10 * (1 - 0.755)) < 1e-9)
  }

  // Goal: averages and weights go with localities wherever they stand in the list; of who comes nothing is known.
  @Test func keepsWhatBelongsToALocality() {
    var chooser = LoadAwareLocality()
    chooser.weigh(localities((10, 0.9), (10, 0.1)), hasLocal: false)
    chooser.arrange([1, 2])
    #expect(chooser.weights.count == 2 && abs(chooser.weights[0] - 9) < 1e-9 && chooser.weights[1] == 0)
    #expect(chooser.choose(1) == 0 && chooser.choose(.max) == 0)
    chooser.weigh(
      [
        LocalityUtilization(locality: 1, endpoints: 10, utilization: 0.2),
        LocalityUtilization(locality: 2, endpoints: 10, utilization: 0, isKnown: false),
      ], hasLocal: false)
    #expect(abs(chooser.weights[0] - 10 * (1 - 0.13)) < 1e-9 && chooser.weights[1] == 10)
    chooser.weigh([LocalityUtilization(locality: 0, endpoints: 10, utilization: 0.3)], hasLocal: false)
    #expect(abs(chooser.weights[0] - 7) < 1e-9)
  }

  // Goal: shares are those of a real Envoy 1.40.0, whose endpoints reported `application_utilization` in a header: the first locality's
  // of 3000 requests.
  @Test(arguments: [
    (4 as Int32, 0.5, 4 as Int32, 0.45, true, 0.9743), (4, 0.9, 4, 0.3, true, 0.131), (4, 1.05, 4, 0.97, true, 0.972),
    (4, 1.2, 4, 0.5, true, 0), (4, 0.2, 4, 0.6, false, 0.6547), (3, 1.5, 1, 1.1, true, 0.747),
    (2, 0.5, 4, 0.5, false, 0.337),
  ])
  func sharesAreEnvoys(
    _ first: Int32, _ busy: Double, _ second: Int32, _ other: Double, _ hasLocal: Bool, _ measured: Double
  ) {
    var chooser = LoadAwareLocality()
    chooser.weigh(localities((first, busy), (second, other)), hasLocal: hasLocal)
    #expect(abs(chooser.weights[0] / chooser.total - measured) < 0.03)
  }

  // Goal: choices follow the weights, and do not depend on what the same number says of the priority.
  @Test func choicesFollowWeights() {
    var chooser = LoadAwareLocality()
    chooser.weigh(localities((10, 0.2), (10, 0.8), (5, 0)), hasLocal: false)
    var random = RandomStream(state: 3)
    var counts = [Double](repeating: 0, count: 3)
    var first = 0.0
    for _ in 0..<30_000 {
      let number = random.next()
      let place = Int(chooser.choose(number))
      counts[place] += 1
      if number % 100 < 50 && place == 0 { first += 1 }
    }
    for (count, weight) in zip(counts, chooser.weights) {
      #expect(abs(count / 30_000 - weight / chooser.total) < 0.01)
    }
    #expect(abs(first / counts[0] - 0.5) < 0.015)
  }
}
