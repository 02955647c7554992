// Load-aware locality: traffic leaves the local locality when it is busier than the others, in proportion to what each
// has left.
//
// A locality's weight is its healthy endpoints times their headroom, 1 − utilisation, where utilisation is the mean
// that endpoints report (ORCA), smoothed. While the local locality is not busier than the remote ones on average plus a
// threshold, everything stays local but for a small share that keeps the remote utilisation known. Where nobody has
// headroom, numbers of endpoints decide. Envoy's `load_aware_locality`, which is newer than version 1.37.
//
// Needs every `updatePeriod` (1 s): each locality's healthy endpoints and the mean of what they report. Per request:
// one random number.

import MeshCore

/// One locality's endpoints and what they reported since they were last looked at.
@frozen
public struct LocalityUtilization: BitwiseCopyable, Hashable, Sendable {
  /// How many of its endpoints are healthy.
  public var healthy: Int32
  /// The mean utilisation of healthy endpoints that report one, from 0; may exceed 1.
  public private(set) var utilization: Double
  /// Whether any of them reports one that has not expired.
  public private(set) var isKnown: Bool

  /// A locality's report.
  public init(healthy: Int32, utilization: Double, isKnown: Bool = true) {
    self.healthy = healthy
    self.utilization = isKnown ? utilization : 0
    self.isKnown = isKnown
  }

  /// What its healthy endpoints have left at a utilisation: the locality's weight.
  func headroom(at utilization: Double) -> Double { Double(healthy) * max(0, 1 - utilization) }

  /// What its healthy endpoints have left, in whole endpoints.
  public var headroom: Double { headroom(at: utilization) }
}

/// Chooses a locality by headroom. Complexity: a choice O(localities).
public struct LoadAwareLocality: Sendable {
  /// How much busier than the remote average the local locality may be and still keep its traffic (0.1).
  public var utilizationVarianceThreshold = 0.1
  /// The weight of what is reported now against what was known (0.3).
  public var smoothing = 0.3
  /// The share of traffic that remote localities get at least (3 %).
  public var probeFraction = 0.03

  /// By locality, its weight. Relative to `total`, its share.
  public private(set) var weights: ContiguousArray<Double> = []
  /// The sum of the weights.
  public private(set) var total = 0.0
  private var smoothed: ContiguousArray<Double> = []

  /// A chooser that knows no locality, with Envoy's defaults.
  public init() {}

  /// Weighs the localities anew. `hasLocal` says whether the first one is the data plane's own.
  public mutating func update(_ localities: [LocalityUtilization], hasLocal: Bool) {
    smooth(localities)
    let isSmoothed = smoothed.count == localities.count
    let utilization = localities.indices.map { isSmoothed ? smoothed[$0] : localities[$0].utilization }
    weights.removeAll(keepingCapacity: true)
    var endpoints = 0.0
    for (place, locality) in localities.enumerated() {
      weights.append(locality.headroom(at: utilization[place]))
      endpoints += Double(locality.healthy)
    }
    if hasLocal && !localities.isEmpty {
      var remoteUtilization = 0.0
      var remote = 0.0
      for place in localities.indices.dropFirst() {
        remoteUtilization += utilization[place] * Double(localities[place].healthy)
        remote += Double(localities[place].healthy)
      }
      let target = (remote > 0 ? remoteUtilization / remote : 0) + utilizationVarianceThreshold
      if endpoints == 0 || weights[0] > 0 && utilization[0] <= target { keepLocal() }
      if remote > 0 { probe(localities, remote) }
    }
    total = weights.reduce(0, +)
    if total == 0 && endpoints > 0 {
      for (place, locality) in localities.enumerated() { weights[place] = Double(locality.healthy) }
      total = endpoints
    }
  }

  /// The first reports count as they are; later ones are blended in where there are any.
  private mutating func smooth(_ localities: [LocalityUtilization]) {
    if !localities.contains(where: \.isKnown) { return }
    if smoothed.count != localities.count {
      smoothed = ContiguousArray(localities.map { $0.utilization })
      return
    }
    for (place, locality) in localities.enumerated() where locality.isKnown {
      smoothed[place] = smoothing * locality.utilization + (1 - smoothing) * smoothed[place]
    }
  }

  private mutating func keepLocal() {
    for place in weights.indices { weights[place] = place == 0 ? 1 : 0 }
  }

  private mutating func probe(_ localities: [LocalityUtilization], _ remote: Double) {
    let sum = weights.reduce(0, +)
    let deficit = sum * probeFraction - (sum - weights[0])
    if sum <= 0 || deficit <= 0 { return }
    weights[0] = max(0, weights[0] - deficit)
    for place in localities.indices.dropFirst() {
      weights[place] += deficit * Double(localities[place].healthy) / remote
    }
  }

  /// The locality for a request; 0 when there is nothing to go by. Draws one number when there are two localities and
  /// more.
  public func choose(_ random: inout RandomStream) -> Int32 {
    if weights.count < 2 || total <= 0 { return 0 }
    let target = Double(random.next()) / Double(UInt64.max) * total
    var sum = 0.0
    for place in 0..<weights.count {
      sum += weights[place]
      if target < sum { return Int32(truncatingIfNeeded: place) }
    }
    return Int32(truncatingIfNeeded: weights.count - 1)
  }
}
