// Envoy's weighted clusters: config_impl_test.cc, WeightedClusters*. The draw modulo the total says the cluster.

import MeshCore
import TestVectors
import TrafficSplitting

struct WeightedClusterVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "weighted clusters" || (file.name == "weighted_cluster" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let weights = try vector("weights").weights
    let split = WeightedSplit([
      RouteDescription(
        match: RouteMatch(host: "web"),
        split: weights.enumerated().map { WeightedCluster(cluster: $0.offset, weight: $0.element) })
    ])
    func choose(_ draw: UInt64) -> Int { Int(split.cluster(route: 0, draw: draw)) }
    if let counts = vector.member("expected_counts") {
      let bounds = try vector("values").string.split(separator: ".").compactMap { UInt64($0) }
      guard bounds.count == 2, bounds[0] <= bounds[1], bounds[1] - bounds[0] < 10_000_000 else {
        throw VectorError(description: "values that are no range")
      }
      var counted = [Int](repeating: 0, count: weights.count)
      for draw in bounds[0]...bounds[1] {
        let cluster = choose(draw)
        if counted.indices.contains(cluster) { counted[cluster] += 1 }
      }
      check.equal(counted, try counts.ints)
    }
    for item in try vector.member("cases")?.items ?? [] {
      // Which value is used, the header's or the stream's, is the world's decision; the split takes it as the draw.
      let header = try? item.member("header_value")?.unsigned
      check.equal(choose(try header ?? item("stream_random").unsigned), try item("expected_index").int, "\(item)")
    }
    let names = try vector.member("clusters")?.strings
    for pick in try vector.member("picks")?.items ?? [] {
      let draw = try pick("random").unsigned
      if let expected = try pick.member("expected_index")?.int {
        check.equal(choose(draw), expected, "draw \(draw)")
      } else if let names {
        let place = choose(draw)
        let name = names.indices.contains(place) ? names[place] : ""
        // A destination that a header names is not carried; that it is the one to be chosen still shows.
        let chosen = name.hasPrefix("header ") ? (try? pick.member("header")?.string) ?? "" : name
        check.equal(chosen, try pick("expected").string, "draw \(draw)")
      }
    }
  }
}
