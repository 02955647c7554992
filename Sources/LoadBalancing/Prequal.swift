// Prequal: probe a few servers beside each request, send it where the latest answers promise the least latency.
//
// Wydrowski, Kleinberg, Rumble, Archer: Load is not what you should balance: Introducing Prequal, NSDI 2024. Each request
// sends `probesPerRequest` probes to distinct random endpoints; their answers (requests in flight and expected latency) come
// too late for it and serve later ones, from a pool (`ProbePool`, which holds the rule of choice). An answer leaves the pool
// when it is older than `maximumAge`, pushed out, used up, or removed: `removalsPerRequest`, the worst and the oldest by
// turns, so that the pool does not silt up with answers that nobody wants. An answer may be used
//
//   b = max(1, (1 + δ) / ((1 − m/n) · probesPerRequest − removalsPerRequest))
//
// times for a pool of m and n endpoints, rounded at random; where the denominator is not above 0 (few endpoints, all of which
// the pool holds) nothing limits its use but age. With fewer than `minimumPool` answers a random endpoint is chosen. What the
// paper does beside is left out: probing while idle, the avoidance of servers that fail fast, the synchronous mode.

import MeshCore

/// Chooses by probed requests in flight and latency. Complexity: O(pool size).
public struct Prequal: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "probesPerRequest", .number(minimum: 0, maximum: 16), default: .number(3),
      "probes beside each request; of a fraction, one more now and then"),
    ParameterDescriptor(
      "removalsPerRequest", .number(minimum: 0, maximum: 16), default: .number(1),
      "answers that each request removes from the pool, the worst and the oldest by turns"),
    ParameterDescriptor(
      "poolSize", .integer(minimum: 2, maximum: 256), default: .integer(16), "how many answers are kept"),
    ParameterDescriptor(
      "minimumPool", .integer(minimum: 1, maximum: 256), default: .integer(2),
      "with fewer answers a random endpoint is chosen"),
    ParameterDescriptor(
      "maximumAge", .duration(minimum: TimeSpan(nanoseconds: 1)), default: .integer(1_000_000_000),
      "how long an answer may be used"),
    ParameterDescriptor(
      "probeTimeout", .duration(minimum: TimeSpan(nanoseconds: 1)), default: .integer(3_000_000),
      "how long an answer may take"),
    ParameterDescriptor(
      "hotQuantile", .ratio, default: .number(0.840_896_415_253_714_5),
      "above this quantile of lately seen requests in flight an endpoint is hot; the paper's 2^-0.25"),
    ParameterDescriptor(
      "reuseSurplus", .number(minimum: 0, maximum: 1000), default: .number(1),
      "the δ of the reuse budget: how much faster answers come than they go"),
  ]

  /// How many answers the quantile is taken of: the paper says "recent" only.
  private static let quantileWindow = 128

  public var observesAttempts: Bool { false }
  public var hasWishes: Bool { true }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "prequal",
    summary: "probes endpoints all the time: the fastest of those that are not hot, else the least busy",
    origin: "Prequal (YouTube), NSDI 2024", parameters: parameters
  ) { parameters, _ in Prequal(parameters) }

  private struct Contents: Sendable {
    let probesPerRequest: Double
    let removalsPerRequest: Double
    let poolSize: Int
    let minimumPool: Int
    let maximumAge: TimeSpan
    let probeTimeout: TimeSpan
    let hotQuantile: Double
    let reuseSurplus: Double
    var pool: ProbePool
    var loads = RecentQuantile(size: Prequal.quantileWindow)
    /// Whether a slot may be chosen.
    var isMember = SlotRecords<Bool>()
    /// How often an answer may be used, infinite for any number.
    var budget: Double = 1
    /// Fractions of probes and removals that are owed.
    var probesOwed: Double = 0
    var removalsOwed: Double = 0
    /// Slots to probe, the next one last.
    var targets: ContiguousArray<Int32> = []
  }

  private var contents: Indirect<Contents>

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters) {
    let poolSize = Int(min(max(parameters.integer("poolSize"), 2), 256))
    contents = Indirect(
      Contents(
        probesPerRequest: min(max(parameters.number("probesPerRequest"), 0), 16),
        removalsPerRequest: min(max(parameters.number("removalsPerRequest"), 0), 16), poolSize: poolSize,
        minimumPool: Int(min(max(parameters.integer("minimumPool"), 1), 256)),
        maximumAge: parameters.span("maximumAge"), probeTimeout: parameters.span("probeTimeout"),
        hotQuantile: parameters.number("hotQuantile"), reuseSurplus: max(parameters.number("reuseSurplus"), 0),
        pool: ProbePool(size: poolSize)))
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let endpoints = roster.view
    var isMember = contents.value.isMember
    isMember.update(endpoints) { slot in
      // What the slot's former endpoint said does not hold for the one that has it now.
      contents.value.pool.forget(slot: slot)
      return false
    }
    for slot in isMember.slots { isMember[slot] = false }
    for place in 0..<endpoints.availableCount { isMember[endpoints.available[place]] = true }
    contents.value.pool.keep { isMember[$0] }
    contents.value.targets.removeAll { !isMember[$0] }
    contents.value.isMember = isMember
    contents.value.budget = Self.reuseBudget(
      poolSize: contents.value.poolSize, endpoints: endpoints.availableCount,
      probes: contents.value.probesPerRequest, removals: contents.value.removalsPerRequest,
      surplus: contents.value.reuseSurplus)
  }

  /// How often an answer may be used, at least 1; infinite when probes bring no more than removals take.
  static func reuseBudget(
    poolSize: Int, endpoints: Int, probes: Double, removals: Double, surplus: Double
  ) -> Double {
    let kept = (1 - Double(poolSize) / Double(max(1, endpoints))) * probes - removals
    return kept > 0 ? max(1, (1 + surplus) / kept) : .infinity
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    contents.value.pool.forget(before: now - contents.value.maximumAge)
    let slot: Int32
    if contents.value.pool.count < contents.value.minimumPool {
      slot = endpoints.available[random.below(count)]
    } else {
      slot = useBest(&random)
    }
    removeOwed()
    drawTargets(endpoints, &random)
    return slot
  }

  /// The slot of the best answer, which is one use poorer then.
  private mutating func useBest(_ random: inout RandomStream) -> Int32 {
    let place = contents.value.pool.best(threshold: threshold)
    let answer = contents.value.pool.answers[place]
    // ⌊b⌋ uses, and one more with the probability of b's fraction.
    let left = contents.value.budget - Double(answer.uses + 1)
    let isSpent = left <= 0 || (left < 1 && random.unit() >= left)
    contents.value.pool.use(place, isSpent: isSpent)
    return answer.slot
  }

  private var threshold: Int32 { contents.value.loads.value(contents.value.hotQuantile) }

  private mutating func removeOwed() {
    contents.value.removalsOwed += contents.value.removalsPerRequest
    while contents.value.removalsOwed >= 1 {
      contents.value.removalsOwed -= 1
      contents.value.pool.removeOne(threshold: threshold)
    }
  }

  /// Draws distinct endpoints to probe (Floyd's sampling).
  private mutating func drawTargets(_ endpoints: EndpointView, _ random: inout RandomStream) {
    contents.value.probesOwed += contents.value.probesPerRequest
    let wanted = Int(contents.value.probesOwed)
    contents.value.probesOwed -= Double(wanted)
    let count = endpoints.availableCount
    contents.value.targets.removeAll(keepingCapacity: true)
    for last in max(0, count &- wanted)..<count {
      let drawn = endpoints.available[random.below(last &+ 1)]
      let isTaken = contents.value.targets.contains(drawn)
      contents.value.targets.append(isTaken ? endpoints.available[last] : drawn)
    }
  }

  public mutating func nextWish(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> BalancerWish? {
    guard let slot = contents.value.targets.popLast() else { return nil }
    return .probe(slot: slot, timeout: contents.value.probeTimeout)
  }

  public mutating func probed(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport?, at now: Timestamp) {
    guard let report, contents.value.isMember[slot] else {
      // Who does not answer in time is no better than what it said before.
      contents.value.pool.forget(slot: slot)
      return
    }
    let inFlight = max(0, report.requestsInFlight)
    contents.value.loads.add(inFlight)
    contents.value.pool.add(
      ProbeAnswer(
        slot: slot, inFlight: inFlight, latency: report.expectedLatency.nanoseconds, received: now, uses: 0))
  }

  /// Whose answers are in the pool; of too few answers none counts.
  public mutating func candidates(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> [Int32] {
    let fresh = contents.value.pool.answers.filter { $0.received >= now - contents.value.maximumAge }
    return endpoints.availableCount < 2 || fresh.count < contents.value.minimumPool ? [] : fresh.map(\.slot)
  }

  /// The expected latency in nanoseconds of an endpoint that is cold; of a hot one its requests in flight, beyond all
  /// latencies; `nil` when nothing is known.
  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    guard let answer = contents.value.pool.answers.first(where: { $0.slot == slot }) else { return nil }
    return answer.inFlight > threshold ? 0x1p63 + Double(answer.inFlight) * 0x1p20 : Double(answer.latency)
  }
}
