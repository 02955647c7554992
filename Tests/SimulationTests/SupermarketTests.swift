// The supermarket model's queue lengths, which no result file shows.

import MeshCore
import Testing

@testable import Simulation

@Suite("supermarket model")
struct SupermarketTests {
  /// Goal: behind two choices the share of servers with at least k requests is ρ^(2^k − 1), published as 0.729, 0.478, 0.206 and
  /// 0.038 for k = 2 … 5 at load 0.9 (Mitzenmacher 1996). Method: 300 servers, looked at every 10 ms for 3 s.
  @Test("tails of the queue lengths")
  func tails() {
    var scene = Scene(service("web", replicas: 300, time: .exponential(mean: 10e6)), balancer: "leastRequest")
    scene.client(.poisson(rate: 27_000))
    scene.run = RunDescription(duration: .seconds(4), drain: .zero)
    var world = World(scene.replication)
    world.begin()
    var counts = [Int](repeating: 0, count: 6)
    var looks = 0
    while let event = world.wheel.next(until: world.horizon) {
      while event.time >= 1_000_000_000 + Int64(looks) * 10_000_000 {
        looks += 1
        for replica in 0..<Int32(300) {
          let length = Int(world.replicas[replica].inService + world.replicas[replica].waiting)
          for least in 1...5 where length >= least { counts[least] += 1 }
        }
      }
      world.now = event.time
      world.perform(event)
    }
    let shares = counts.map { Double($0) / Double(looks * 300) }
    for (least, published, tolerance) in [(2, 0.729, 0.03), (3, 0.478, 0.03), (4, 0.206, 0.03), (5, 0.038, 0.015)] {
      #expect(abs(shares[least] - published) < tolerance, "at least \(least): \(shares[least])")
    }
  }
}
