// Splits as each system has them: who takes the place of a destination that cannot take a request, and what decides instead of chance.

import LoadBalancing
import MeshCore
import Testing
import TrafficSplitting

@testable import DataPlane

/// A data plane with one route to several clusters of one endpoint each, numbered as their cluster.
private struct Split: ~Copyable {
  var plane: DataPlane
  var actions = ActionBuffer()
  var wanted: UInt64 = 0

  init(
    _ weights: [UInt32], listed: [Int], profile: MeshProfile = .weir, queue: QueueDescription? = nil,
    _ change: (inout RouteDescription) -> Void
  ) {
    let clusters = weights.indices.map { number in
      var cluster = ClusterDescription(
        name: "c\(number)", service: "c\(number)",
        balancer: PolicyChoice(name: "random", parameters: PolicyParameters([])))
      cluster.queue = queue
      return cluster
    }
    var route = RouteDescription(
      match: RouteMatch(host: "web"),
      split: weights.enumerated().map { WeightedCluster(cluster: $0, weight: $1) })
    change(&route)
    plane = DataPlane(
      MeshDescription(profile: profile, clusters: clusters, routes: [route]),
      key: RandomKey(seed: 1, replication: 0, purpose: .balancer, entity: 7))
    for cluster in listed {
      let endpoint = EndpointDescription(identity: EndpointIdentity(Int32(cluster)))
      plane.endpointsChanged(cluster: cluster, [endpoint], at: .zero, into: &actions)
    }
    actions.removeAll()
  }

  /// Where a request goes, or its status.
  mutating func send(key: UInt64? = nil, headers: Int32 = 0, at now: Timestamp = .zero) -> (to: Int32, status: Int16) {
    wanted += 1
    plane.requestArrived(
      RequestArrival(
        caller: CallerToken(wanted), route: 0, randomness: RandomKey(value: mix64(wanted)), key: key ?? 0,
        hasKey: key != nil, headers: headers), at: now, into: &actions)
    var found: (Int32, Int16) = (-1, 0)
    for place in 0..<actions.count {
      switch actions[place] {
      case .startAttempt(let start):
        found = (start.cluster, 0)
        plane.attemptAnswered(start.attempt, status: 200, at: now, into: &actions)
      case .respond(_, _, let status, _): if found.0 < 0 { found = (-1, status) }
      default: break
      }
    }
    actions.removeAll()
    return found
  }

  mutating func count(_ requests: Int, key: UInt64? = nil) -> (clusters: [Int32: Int], statuses: [Int16: Int]) {
    var (clusters, statuses): ([Int32: Int], [Int16: Int]) = ([:], [:])
    for _ in 0..<requests {
      let (to, status) = send(key: key)
      if to >= 0 { clusters[to, default: 0] += 1 } else { statuses[status, default: 0] += 1 }
    }
    return (clusters, statuses)
  }
}

@Suite("splits of a data plane")
struct SplitsTests {
  // Goal: where shares are fixed, a cluster without endpoints fails its share with 503, and a destination that there is not with 500,
  // or 503 in Envoy's mode; all shares together are all requests.
  @Test(arguments: [SplitMode.gatewayApi, .envoy]) func sharesAreFixed(_ mode: SplitMode) {
    var split = Split([5, 3, 2], listed: [0, 1]) { route in
      route.splitMode = mode
      route.split[1].cluster = WeightedCluster.nowhere
    }
    let (clusters, statuses) = split.count(10_000)
    // sd 50, 46 and 40.
    #expect(Set(clusters.keys) == [0] && abs((clusters[0] ?? 0) - 5000) < 250)
    if mode == .envoy {
      #expect(statuses == [503: 10_000 - (clusters[0] ?? 0)])
    } else {
      #expect(Set(statuses.keys) == [500, 503])
      let (nowhere, nobody) = (statuses[500] ?? 0, statuses[503] ?? 0)
      #expect(abs(nowhere - 3000) < 230 && abs(nobody - 2000) < 200)
    }
    let open = split.plane.openRequests
    #expect(open == 0)
  }

  // Goal: Linkerd draws anew among the ready ones by their weights; a destination that there is not keeps its share of these.
  @Test func linkerdDrawsAnew() {
    var split = Split([4, 3, 2, 1], listed: [0, 2]) { route in
      route.splitMode = .linkerd
      route.split[3].cluster = WeightedCluster.nowhere
    }
    let (clusters, statuses) = split.count(14_000)
    // 4 : 2 : 1 of 14,000: 8,000, 4,000 and 2,000; sd 58, 53 and 41.
    let (first, third, failed) = (clusters[0] ?? 0, clusters[2] ?? 0, statuses[500] ?? 0)
    #expect(abs(first - 8000) < 300 && abs(third - 4000) < 270)
    #expect(Set(clusters.keys) == [0, 2] && Set(statuses.keys) == [500])
    #expect(first + third + failed == 14_000)
  }

  // Goal: a Linkerd backend with a queue is drawn anew only once the queue fails fast: till then its requests wait.
  @Test func linkerdWaitsBeforeItDrawsAnew() {
    let queue = QueueDescription(capacity: 100, failfastTimeout: .seconds(3))
    var split = Split([1, 1], listed: [0], profile: .linkerd, queue: queue) { $0.splitMode = .linkerd }
    let (clusters, statuses) = split.count(60)
    let waiting = split.plane.openRequests
    #expect(clusters[0] == 60 - waiting && waiting > 15 && statuses.isEmpty == false)
    split.plane.failFast(cluster: 1, at: .zero + .seconds(3), into: &split.actions)
    split.actions.removeAll()
    #expect(split.count(60).clusters == [0: 60])
  }

  // Goal: nobody ready: the one that was drawn first answers for it, and the shares are those of the weights.
  @Test func nobodyIsReady() {
    var split = Split([1, 1], listed: []) { $0.splitMode = .linkerd }
    let (clusters, statuses) = split.count(100)
    #expect(clusters.isEmpty && statuses == [503: 100])
  }

  // Goal: a key keeps its destination and lies on the weights by its hash; without one chance decides. A header's number is taken as it
  // is, and is nothing when it is none or there are two.
  @Test func keysAndHeadersDecide() {
    var byKey = Split([3, 1], listed: [0, 1]) { $0.splitSource = .key }
    for key in [0, 1, 2, 3, 4, 7, UInt64.max] {
      #expect(byKey.count(20, key: key).clusters == [key % 4 < 3 ? 0 : 1: 20])
    }
    #expect(byKey.count(200).clusters.count == 2)
    var byHeader = Split([3, 1], listed: [0, 1]) { $0.splitSource = .header("x-slot") }
    func header(_ values: String...) -> [HeaderField] { values.map { HeaderField(name: "x-slot", value: $0) } }
    let known: [([HeaderField], Int32?)] = [
      (header("2"), 0), (header("3"), 1), (header("7"), 1), (header("-1"), nil), (header("2", "2"), nil), ([], nil),
    ]
    for (headers, expected) in known {
      let number = byHeader.plane.know(headers: headers)
      let found = Set((0..<100).map { _ in byHeader.send(headers: number).to })
      #expect(found == (expected.map { [$0] } ?? [0, 1]), "\(headers)")
    }
    byHeader.plane.assume(headers: header("3"))
    #expect(byHeader.count(20).clusters == [1: 20])
  }

  // Goal: a slice goes before the weights, with the only destination of a route too.
  @Test func slicesGoFirst() {
    var split = Split([1, 0], listed: [0, 1]) { route in
      var slice = SliceDescription(name: "tenth", cluster: 1)
      slice.fraction = RuntimeFraction(100_000, of: 1_000_000)
      route.slices = [slice]
    }
    let counted = split.count(10_000).clusters
    // sd 30.
    #expect(abs((counted[1] ?? 0) - 1000) < 150 && counted.values.reduce(0, +) == 10_000)
  }

  // Goal: a canary gets nothing before its first step, then what it is given; its answers, and nobody else's, are in its sample.
  @Test func canariesAreWatched() {
    var split = Split([3, 5, 1], listed: [0, 1, 2]) { route in
      route.canary = CanaryDescription(destination: 1, stepWeights: [10])
    }
    var before = split.count(4000).clusters
    #expect(before[1] == nil && abs((before[0] ?? 0) - 3000) < 140)
    var sample = CanarySample()
    split.plane.takeCanarySample(ofRoute: 0, into: &sample)
    #expect(sample.count == 0)
    split.plane.setWeights([3, 4, 1], ofRoute: 0)
    before = split.count(4000).clusters
    split.plane.takeCanarySample(ofRoute: 0, into: &sample)
    let answered = before[1] ?? 0
    #expect(sample.count == UInt64(answered) && abs(answered - 2000) < 160 && sample.successRate == 1)
    sample.clear()
    split.plane.takeCanarySample(ofRoute: 0, into: &sample)
    #expect(sample.count == 0)
  }
}
