// Peak EWMA as Envoy's contrib extension has it, quirks kept (contrib/peak_ewma/load_balancing_policies).
//
// The cost is an average round trip in milliseconds times (active + 1); without a measurement, `defaultRtt` while idle and
// 10^6 + active while not. It is an average of another kind than its namesakes': samples are gathered, up to 1,000 an
// endpoint, and taken in every 100 ms, each with the share 1 − exp(−age / decay) by its own age at that moment, not by the
// time since the one before; a higher sample does not become the average at once, so there is no peak. Whole milliseconds are
// measured and 0 is dropped: an endpoint faster than a millisecond looks unmeasured for ever.
//
// One random number r makes the two candidates, r modulo n and (r >> 16) modulo n, the next place when they are the same, and
// its lowest bit decides ties. That bit is the parity of the first candidate when n is even: of two equal endpoints the second
// always wins, of four the odd places get 43.75 % each and the even ones 6.25 %.
//
// Envoy measures the time to the first byte in a filter of its own; here it is the attempt's, when it is answered.

import MeshCore

/// Chooses the cheaper of two, as Envoy's contrib extension does. Complexity: a pick O(1); every 100 ms O(n + samples).
public struct EnvoyPeakEWMA: LoadBalancer {
  /// Between two rounds of taking samples in.
  private static let aggregation = TimeSpan.milliseconds(100)
  /// What an endpoint keeps between two rounds; older ones give way.
  private static let sampleCapacity = 1000

  public var hasWishes: Bool { true }

  private struct Sample: BitwiseCopyable, Sendable {
    var milliseconds: Double
    var taken: Timestamp
  }

  private struct Host: Sendable {
    /// Milliseconds; 0 before the first sample.
    var roundTrip: Double = 0
    var samples: ContiguousArray<Sample> = []
    /// The oldest of a full ring.
    var oldest = 0
  }

  private struct Contents: Sendable {
    /// Nanoseconds.
    let decay: Double
    /// Milliseconds.
    let defaultRtt: Double
    var hosts = SlotRecords<Host>()
    /// When samples are taken in.
    var wake = PeriodicWake(every: EnvoyPeakEWMA.aggregation)
  }

  private var contents: Indirect<Contents>

  /// A policy with `decay` and `defaultRtt` of `peakEwma`'s parameters.
  public init(_ parameters: PolicyParameters) {
    contents = Indirect(
      Contents(
        decay: Double(max(parameters.span("decay").nanoseconds, 1)),
        defaultRtt: max(parameters.span("defaultRtt").milliseconds, 0)))
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    contents.value.hosts.update(roster.view) { _ in Host() }
    contents.value.wake.begin(at: now)
  }

  /// What one more request costs, in milliseconds times requests; `penalty` is the cost of an unmeasured endpoint with requests.
  public static func cost(
    roundTrip: Double, active: Int32, defaultRtt: Double, penalty: Double = 1_000_000
  ) -> Double {
    if roundTrip > 0 { return roundTrip * Double(active + 1) }
    return active > 0 ? penalty + Double(active) : defaultRtt * Double(active + 1)
  }

  /// The two places, below `count`, that the number `r` leads to.
  @inline(__always)
  private static func places(_ r: UInt64, count: Int) -> (first: Int, second: Int) {
    let n = UInt64(count)
    let first = Int(r % n)
    let second = Int((r >> 16) % n)
    return (first, second == first ? (second + 1) % count : second)
  }

  /// The place, below `count`, that the number `r` leads to when places cost what `cost` says.
  @inline(__always)
  public static func place(_ r: UInt64, count: Int, cost: (_ place: Int) -> Double) -> Int {
    let (first, second) = places(r, count: count)
    let (firstCost, secondCost) = (cost(first), cost(second))
    if firstCost == secondCost { return r & 1 == 1 ? first : second }
    return firstCost < secondCost ? first : second
  }

  /// The share of a sample that is `age` nanoseconds old when it is taken in.
  public static func share(age: Double, decay: Double) -> Double {
    age > 0 ? 1 - Elementary.exponential(-age / decay) : 1
  }

  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    cost(endpoints, slot)
  }

  @inline(__always)
  private func cost(_ endpoints: EndpointView, _ slot: Int32) -> Double {
    Self.cost(
      roundTrip: contents.value.hosts[slot].roundTrip, active: endpoints.states[slot].inFlight,
      defaultRtt: contents.value.defaultRtt)
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count < 2 { return count == 0 ? -1 : endpoints.available[0] }
    return endpoints.available[
      Self.place(random.next(), count: count) { cost(endpoints, endpoints.available[$0]) }]
  }

  public func candidates(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) -> [Int32] {
    let count = endpoints.availableCount
    if count < 2 { return [] }
    let (first, second) = Self.places(random.next(), count: count)
    return [endpoints.available[first], endpoints.available[second]]
  }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) {
    if !outcome.isAnswered { return }
    let milliseconds = outcome.latency.nanoseconds / 1_000_000
    if milliseconds <= 0 { return }
    let sample = Sample(milliseconds: Double(milliseconds), taken: now)
    if contents.value.hosts[slot].samples.count < Self.sampleCapacity {
      contents.value.hosts[slot].samples.append(sample)
    } else {
      let oldest = contents.value.hosts[slot].oldest
      contents.value.hosts[slot].samples[oldest] = sample
      contents.value.hosts[slot].oldest = (oldest + 1) % Self.sampleCapacity
    }
  }

  public mutating func woken(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) {
    for slot in contents.value.hosts.slots { takeIn(slot, at: now) }
    contents.value.wake.restart(at: now)
  }

  /// Takes in an endpoint's samples, the oldest first.
  private mutating func takeIn(_ slot: Int32, at now: Timestamp) {
    let count = contents.value.hosts[slot].samples.count
    if count == 0 { return }
    let oldest = contents.value.hosts[slot].oldest
    var roundTrip = contents.value.hosts[slot].roundTrip
    for number in 0..<count {
      let sample = contents.value.hosts[slot].samples[(oldest + number) % count]
      let age = Double((now - sample.taken).nanoseconds)
      let share = roundTrip == 0 ? 1 : Self.share(age: age, decay: contents.value.decay)
      roundTrip = share * sample.milliseconds + (1 - share) * roundTrip
    }
    contents.value.hosts[slot].roundTrip = roundTrip
    contents.value.hosts[slot].samples.removeAll(keepingCapacity: true)
    contents.value.hosts[slot].oldest = 0
  }

  public mutating func nextWish(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> BalancerWish? {
    contents.value.wake.isAwaited ? nil : contents.value.wake.nextWish()
  }
}
