// Load-aware locality: traffic leaves the local locality when it is busier than the others, in proportion to what each
// has left.
//
// A locality's weight is its endpoints times their headroom, 1 − utilisation, where utilisation is the mean that endpoints
// report (ORCA), smoothed from tick to tick. While the local locality is not busier than the remote ones on average plus a
// threshold, everything stays local but for a small share that keeps the remote utilisation known. Where nobody has headroom,
// numbers of endpoints decide; so they do for a locality whose reports have all expired. Envoy's `load_aware_locality`, as of
// version 1.40.
//
// The rule has no hysteresis. A local locality that is left falls below the threshold again when what it got by its headroom
// is little, as with few local endpoints beside many: then it is left and gone back to by turns.
//
// Needs every `updatePeriod` (1 s): each locality's endpoints and the mean of what they report. Averages and weights belong to
// localities, not to places in a list: when localities come and go, `arrange` takes over what the last tick gave those that
// stay. Per request: the number that has chosen the priority.

import MeshCore

/// One locality's endpoints and what they reported since they were last looked at.
@frozen
public struct LocalityUtilization: BitwiseCopyable, Hashable, Sendable {
  /// Which locality it is.
  public var locality: Int32
  /// How many of its endpoints may be chosen.
  public var endpoints: Int32
  /// The mean utilisation of those that report one, from 0; may exceed 1.
  public private(set) var utilization: Double
  /// Whether any of them reports one that has not expired.
  public private(set) var isKnown: Bool

  /// A locality's report.
  public init(locality: Int32, endpoints: Int32, utilization: Double, isKnown: Bool = true) {
    self.locality = locality
    self.endpoints = endpoints
    self.utilization = isKnown ? utilization : 0
    self.isKnown = isKnown
  }

  /// What its endpoints have left at a utilisation: the locality's weight.
  func headroom(at utilization: Double) -> Double { Double(endpoints) * max(0, 1 - utilization) }

  /// What its endpoints have left, in whole endpoints.
  public var headroom: Double { headroom(at: utilization) }
}

/// Chooses a locality by headroom. Complexity: a choice O(localities).
public struct LoadAwareLocality: Sendable {
  /// A figure of a locality.
  private struct Figure: BitwiseCopyable {
    var locality: Int32
    var value: Double
  }

  /// How much busier than the remote average the local locality may be and still keep its traffic (0.1).
  public var utilizationVarianceThreshold = 0.1
  /// The weight of what is reported now against what was known (0.3).
  public var smoothing = 0.3
  /// The share of traffic that remote localities get at least (3 %).
  public var probeFraction = 0.03

  /// By place of the locality, its weight. Relative to `total`, its share.
  public private(set) var weights: ContiguousArray<Double> = []
  /// The sum of the weights.
  public private(set) var total = 0.0
  private var averages: [Figure] = []
  private var weighed: [Figure] = []

  /// A chooser that knows no locality, with Envoy's defaults.
  public init() {}

  /// Weighs the localities anew: a tick. `hasLocal` says whether the first one is the data plane's own.
  public mutating func weigh(_ localities: [LocalityUtilization], hasLocal: Bool) {
    var known: [Figure] = []
    var utilization: [Double] = []
    weights.removeAll(keepingCapacity: true)
    var endpoints = 0.0
    for locality in localities {
      let before = averages.first { $0.locality == locality.locality }?.value
      var average = before
      if locality.isKnown {
        average = before.map { smoothing * locality.utilization + (1 - smoothing) * $0 } ?? locality.utilization
      }
      if let average { known.append(Figure(locality: locality.locality, value: average)) }
      utilization.append(average ?? 0)
      // What has expired says no more how much is left.
      let isStale = !locality.isKnown && before != nil
      weights.append(isStale ? Double(locality.endpoints) : locality.headroom(at: average ?? 0))
      endpoints += Double(locality.endpoints)
    }
    averages = known
    if weights.reduce(0, +) > 0 {
      if hasLocal { preferLocal(localities, utilization) }
    } else if endpoints > 0 {
      for (place, locality) in localities.enumerated() { weights[place] = Double(locality.endpoints) }
    }
    total = weights.reduce(0, +)
    weighed = zip(localities, weights).map { Figure(locality: $0.locality, value: $1) }
  }

  private mutating func preferLocal(_ localities: [LocalityUtilization], _ utilization: [Double]) {
    var remoteUtilization = 0.0
    var remote = 0.0
    for place in localities.indices.dropFirst() {
      remoteUtilization += utilization[place] * Double(localities[place].endpoints)
      remote += Double(localities[place].endpoints)
    }
    if remote == 0 { return }
    let target = remoteUtilization / remote + utilizationVarianceThreshold
    if localities[0].endpoints > 0 && utilization[0] <= target {
      for place in weights.indices { weights[place] = place == 0 ? 1 : 0 }
    }
    let sum = weights.reduce(0, +)
    let deficit = min(sum * probeFraction - (sum - weights[0]), weights[0])
    if deficit <= 0 { return }
    weights[0] -= deficit
    for place in localities.indices.dropFirst() {
      weights[place] += deficit * Double(localities[place].endpoints) / remote
    }
  }

  /// These are the localities now. Who was there when localities were weighed last keeps that weight, others have none until
  /// the next time.
  public mutating func arrange(_ localities: [Int32]) {
    weights = ContiguousArray(
      localities.map { locality in weighed.first { $0.locality == locality }?.value ?? 0 })
    total = weights.reduce(0, +)
  }

  /// The place of the locality for a request, by the number that has chosen its priority; 0 when there is nothing to go by.
  public func choose(_ number: UInt64) -> Int32 {
    if weights.count < 2 || total <= 0 { return 0 }
    // As in Envoy: mixed once more, so that it does not depend on the priority.
    let target = Double(mix64(number &+ goldenGamma)) / Double(UInt64.max) * total
    var sum = 0.0
    for place in 0..<weights.count {
      sum += weights[place]
      if target < sum { return Int32(truncatingIfNeeded: place) }
    }
    return Int32(truncatingIfNeeded: weights.count - 1)
  }
}
