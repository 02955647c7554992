import Foundation
import MeshCore
import Testing
import TrafficSplitting

/// The clusters that a split of these weights gives these draws.
private func clusters(_ weights: [UInt32], _ draws: [UInt64]) -> [Int32] {
  let split = WeightedSplit([route(weights)])
  var chosen: [Int32] = []
  for draw in draws { chosen.append(split.cluster(route: 0, draw: draw)) }
  return chosen
}

private func route(_ weights: [UInt32]) -> RouteDescription {
  RouteDescription(
    match: RouteMatch(host: "web"),
    split: weights.enumerated().map { WeightedCluster(cluster: $0.offset, weight: $0.element) })
}

@Suite struct WeightedSplitTests {
  // Goal: a split is the list in which each cluster stands as often as its weight says, indexed by draw modulo length.
  @Test(arguments: 1...50) func equalsTheExpandedList(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let routes = (0..<1 + random.below(5)).map { _ in
      route((0..<1 + random.below(6)).map { _ in UInt32(random.below(6)) })
    }
    let split = WeightedSplit(routes)
    let count = split.routeCount
    #expect(count == routes.count)
    for (index, route) in routes.enumerated() {
      let expanded = route.split.flatMap { Array(repeating: Int32($0.cluster), count: Int($0.weight)) }
      for _ in 0..<100 {
        let draw = random.next()
        let expected = expanded.isEmpty ? -1 : expanded[Int(draw % UInt64(expanded.count))]
        let chosen = split.cluster(route: Int32(index), draw: draw)
        #expect(chosen == expected)
      }
    }
  }

  // Goal: the largest total, 2^32 − 1 and beyond, keeps its half-open borders.
  @Test func keepsBordersOfLargeWeights() {
    let total = UInt64(UInt32.max)
    #expect(clusters([.max - 1, 0, 1], [total - 2, total - 1, total]) == [0, 2, 0])
    #expect(clusters([.max, .max], [total - 1, total, 2 * total]) == [0, 1, 0])
  }

  // Goal: nothing with a weight is no cluster, and a single one needs no draw.
  @Test func degenerateSplits() {
    let draws = [0, 1, 2, UInt64.max]
    #expect(clusters([], draws) == [-1, -1, -1, -1])
    #expect(clusters([0, 0], draws) == [-1, -1, -1, -1])
    #expect(clusters([0, 3, 0], draws) == [1, 1, 1, 1])
  }
}
