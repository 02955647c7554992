// Where a request goes that its route's weights alone do not settle: slices first, then the weights, and in Linkerd's mode another
// destination when the drawn one is not ready.
//
// A Linkerd backend is a balancer behind a queue, and it is unready once that queue fails fast; where there is no queue, while no endpoint
// may be chosen.

import LoadBalancing
import MeshCore
import TrafficSplitting

/// How a request got its destination.
public struct SplitStory: Sendable, Hashable {
  /// The slice that took it, if one did.
  public var slice: String?
  /// Where it fell on the weights laid end to end, and their sum.
  public var place: UInt64
  public var total: UInt64
  /// The destination that lies there, -1 for one that there is not, and the one that it went to: another when the drawn one was not ready.
  public var drawn: Int32
  public var chosen: Int32
}

extension DataPlane {
  /// A destination that there is not.
  static var nowhere: Int32 { -1 }

  /// Slices and redraws have random numbers of their own, behind those of tries.
  private static var sliceDraws: UInt64 { 1 << 40 }
  private static var redraws: UInt64 { 1 << 41 }

  /// The destination of a request whose route has a rule.
  mutating func ruledDestination(of arrival: RequestArrival, rule number: Int32, draw: UInt64) -> Int32 {
    let rule = Int(number)
    if !splitRules.rules[rule].slices.isEmpty, let slice = slice(of: arrival, rule: rule) {
      return splitRules.rules[rule].slices.cluster(of: slice)
    }
    let place = self.place(of: arrival, rule: rule, draw: draw)
    let drawn = splits.cluster(route: arrival.route, draw: place)
    return splitRules.rules[rule].mode == .linkerd ? ready(drawn, arrival, draw: draw) : drawn
  }

  /// The drawn destination if it is ready, or another one that is.
  @inline(never)
  private func ready(_ drawn: Int32, _ arrival: RequestArrival, draw: UInt64) -> Int32 {
    if isReady(drawn) { return drawn }
    let place = arrival.randomness.key(for: .split).draw(Self.redraws + draw)
    return splits.cluster(route: arrival.route, draw: place) { isReady($0) } ?? drawn
  }

  /// The slice that takes a request, if one does. Mutating, as all that each request asks: a borrowing method would get a copy.
  private mutating func slice(of arrival: RequestArrival, rule: Int) -> Int? {
    let key = arrival.randomness.key(for: .split)
    return splitRules.rules[rule].slices.place(headers: arrival.headers, key: arrival.hasKey ? arrival.key : nil) {
      key.draw(Self.sliceDraws + UInt64(truncatingIfNeeded: $0))
    }
  }

  /// What places a request on its route's weights.
  private mutating func place(of arrival: RequestArrival, rule: Int, draw: UInt64) -> UInt64 {
    let place = arrival.randomness.key(for: .split).draw(draw)
    if splitRules.rules[rule].goesByKey { return arrival.hasKey ? arrival.key : place }
    if splitRules.rules[rule].goesByHeader {
      return splitRules.rules[rule].headerNumbers[Int(arrival.headers)] ?? place
    }
    return place
  }

  /// How a request's first try got its destination, for people; nil where its route has only one. `draw` counts its draws, from 0.
  public mutating func story(ofSplit arrival: RequestArrival, draw: UInt64) -> SplitStory? {
    let plan = routes[arrival.route]
    if plan.rule < 0 && plan.onlyCluster >= 0 { return nil }
    let chosen = destination(of: arrival, plan, draw: draw)
    var story = SplitStory(place: 0, total: splits.total(route: arrival.route), drawn: chosen, chosen: chosen)
    var place = arrival.randomness.key(for: .split).draw(draw)
    if plan.rule >= 0 {
      let rule = Int(plan.rule)
      story.slice = slice(of: arrival, rule: rule).map { splitRules.rules[rule].slices.name(of: $0) }
      place = self.place(of: arrival, rule: rule, draw: draw)
    }
    if story.total == 0 || story.slice != nil { return story }
    story.place = place % story.total
    story.drawn = splits.cluster(route: arrival.route, draw: place)
    return story
  }

  /// Whether a destination takes requests. One that there is not answers at once, and so is always ready.
  private func isReady(_ destination: Int32) -> Bool {
    if destination < 0 { return true }
    let aggregate = Int(destination) - clusterCount
    if aggregate >= 0 { return aggregates[aggregate].clusters.contains { isReady(cluster: $0) } }
    return isReady(cluster: Int(destination))
  }

  private func isReady(cluster: Int) -> Bool {
    if let queue = clusters[cluster].queue { return queue.machine.state != .failingFast }
    return clusters[cluster].endpoints.availableCount > 0
  }

  /// What a request is answered whose destination there is not.
  func statusOfNowhere(_ route: Int32) -> Int16 {
    let rule = splitRules.number(ofRoute: route)
    return rule >= 0 && splitRules.rules[Int(rule)].mode != .envoy ? 500 : 503
  }

  // MARK: - Canaries

  /// Gives the destinations of a route that has a canary other weights, in the order of its split; at least one above 0.
  public mutating func setWeights(_ weights: [UInt64], ofRoute route: Int32) {
    splits.setWeights(weights, route: route)
  }

  /// Takes out what the canary of a route was answered since the last time.
  public mutating func takeCanarySample(ofRoute route: Int32, into sample: inout CanarySample) {
    let rule = Int(splitRules.number(ofRoute: route))
    sample.merge(splitRules.rules[rule].sample)
    splitRules.rules[rule].sample.clear()
  }

  /// A try has ended, or its request's time: its answer counts for the canary that it went to.
  mutating func watchCanary(
    _ pursuit: Int32, _ attempt: Int32, _ ending: AttemptEnding, status: Int16, at now: Timestamp
  ) {
    let rule = Int(splitRules.number(ofRoute: pursuits[pursuit].arrival.route))
    if rule < 0 || splitRules.rules[rule].watched != pursuits[pursuit].destination { return }
    let isSuccess = ending == .answered && status < 500
    splitRules.rules[rule].sample.insert(latency: now - requests[attempt].sent, isSuccess: isSuccess)
  }
}
