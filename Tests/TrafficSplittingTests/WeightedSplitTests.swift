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

  // Goal: among those that are ready, a split is the list of these; and drawing, leaving out and drawing anew gives each the same share.
  @Test(arguments: 1...20) func equalsTheExpandedListOfTheReady(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let route = route((0..<5).map { _ in UInt32(random.below(6)) })
    let ready = Set((0..<5).filter { _ in random.below(2) == 0 }.map { Int32($0) })
    let split = WeightedSplit([route])
    let expanded = route.split.flatMap { Array(repeating: Int32($0.cluster), count: Int($0.weight)) }
      .filter { ready.contains($0) }
    for _ in 0..<100 {
      let draw = random.next()
      let expected = expanded.isEmpty ? nil : expanded[Int(draw % UInt64(expanded.count))]
      let chosen = split.cluster(route: 0, draw: draw) { ready.contains($0) }
      #expect(chosen == expected)
    }
  }

  // Goal: the weights of a route with a canary can change, to and from nothing, and then count as if they had always been so.
  @Test func weightsMayChange() {
    var canary = route([3, 0, 1])
    canary.canary = CanaryDescription(destination: 1, stepWeights: [10])
    var split = WeightedSplit([route([1]), canary, route([2, 2])])
    let draws: [UInt64] = Array(0..<40)
    func chosen(_ split: borrowing WeightedSplit) -> [Int32] {
      var chosen: [Int32] = []
      for draw in draws { chosen.append(split.cluster(route: 1, draw: draw)) }
      return chosen
    }
    for weights in [[3, 0, 1], [0, 5, 0], [27, 4, 9], [0, 0, 1]] as [[UInt32]] {
      split.setWeights(weights.map { UInt64($0) }, route: 1)
      let found = chosen(split)
      #expect(found == clusters(weights, draws))
    }
    let (first, last) = (split.cluster(route: 0, draw: 3), split.cluster(route: 2, draw: 3))
    #expect(first == 0 && last == 1)
  }

  // Goal: nothing with a weight is no cluster, and a single one needs no draw.
  @Test func degenerateSplits() {
    let draws = [0, 1, 2, UInt64.max]
    #expect(clusters([], draws) == [-1, -1, -1, -1])
    #expect(clusters([0, 0], draws) == [-1, -1, -1, -1])
    #expect(clusters([0, 3, 0], draws) == [1, 1, 1, 1])
  }
}
