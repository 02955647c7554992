// Weighted response time: turns in proportion to how fast an endpoint answers (what some documents call RWMR, a "weight based on
// the shortest response time").
//
//   latency ← latency + (answer − latency) · smoothing                   successful answers, and attempts that ran out of time
//   weight = clamp(mean latency of all / latency, 1 / maximumRatio, maximumRatio)
//
// No proxy has just this; it is the dynamic counterpart of weights by hand. Weights are computed once an `updatePeriod` and act
// when an endpoint's turn comes (earliest deadline first). The clamp keeps the slowest in sight: it gets enough requests to
// be seen when it recovers. Failed answers do not count, so that who fails fast does not look fast. An endpoint without an answer
// has weight 1, the mean. Nothing here looks at requests in flight: in a burst it is as blind as round robin.

import MeshCore

/// Chooses in turn, by inverse latency. Complexity: a pick O(log n); O(n) once an update period.
public struct WeightedResponseTime: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "smoothing", .ratio, default: .number(0.1), "the share of the newest latency in the moving average"),
    ParameterDescriptor(
      "maximumRatio", .number(minimum: 1, maximum: 1e6), default: .number(10),
      "how many times the mean's turns an endpoint gets at most, and the mean its at most"),
    ParameterDescriptor(
      "updatePeriod", .duration(minimum: .milliseconds(1)), default: .integer(1_000_000_000),
      "how often weights are computed"),
  ]

  public var hasWishes: Bool { true }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "weightedResponseTime",
    summary: "each endpoint in turn, in proportion to 1 / average latency, smoothed and clamped",
    origin: "folklore (RWMR)", parameters: parameters
  ) { parameters, _ in WeightedResponseTime(parameters) }

  private struct Average: BitwiseCopyable, Sendable {
    /// Nanoseconds; below 0 before the first answer.
    var latency: Double = -1
    var weight: Double = 1
  }

  private struct Contents: Sendable {
    let smoothing: Double
    let maximumRatio: Double
    /// When weights are due.
    var wake: PeriodicWake
    var averages = SlotRecords<Average>()
    var schedule = SeededSchedule()
  }

  private var contents: Indirect<Contents>

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters) {
    contents = Indirect(
      Contents(
        smoothing: parameters.number("smoothing"), maximumRatio: max(1, parameters.number("maximumRatio")),
        wake: PeriodicWake(every: TimeSpan(nanoseconds: max(parameters.span("updatePeriod").nanoseconds, 1_000_000)))))
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let endpoints = roster.view
    contents.value.schedule.drawSeed(&random)
    contents.value.averages.update(endpoints) { _ in Average() }
    updateWeights(endpoints)
    var weights: ContiguousArray<Double> = []
    for place in 0..<endpoints.availableCount {
      weights.append(contents.value.averages[endpoints.available[place]].weight)
    }
    contents.value.schedule.rebuild(weights: weights)
    contents.value.wake.begin(at: now)
  }

  /// The average latency in nanoseconds; turns decide, by its inverse. `nil` while there is none.
  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    let latency = contents.value.averages[slot].latency
    return latency < 0 ? nil : latency
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    if endpoints.availableCount == 0 { return -1 }
    let slot = endpoints.available[contents.value.schedule.earliest]
    contents.value.schedule.takeTurn(weight: contents.value.averages[slot].weight)
    return slot
  }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) {
    if !outcome.isSuccess && outcome.ending != .timedOut { return }
    let latency = Double(max(outcome.latency.nanoseconds, 1))
    let average = contents.value.averages[slot].latency
    contents.value.averages[slot].latency =
      average < 0 ? latency : average + (latency - average) * contents.value.smoothing
  }

  public mutating func woken(_ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp) {
    updateWeights(endpoints)
    contents.value.wake.restart(at: now)
  }

  public mutating func nextWish(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> BalancerWish? {
    contents.value.wake.isAwaited ? nil : contents.value.wake.nextWish()
  }

  private mutating func updateWeights(_ endpoints: EndpointView) {
    var total: Double = 0
    var known: Double = 0
    for place in 0..<endpoints.availableCount {
      let latency = contents.value.averages[endpoints.available[place]].latency
      if latency < 0 { continue }
      total += latency
      known += 1
    }
    let mean = known > 0 ? total / known : 1
    let ratio = contents.value.maximumRatio
    for place in 0..<endpoints.availableCount {
      let slot = endpoints.available[place]
      let latency = contents.value.averages[slot].latency
      contents.value.averages[slot].weight = latency < 0 ? 1 : min(max(mean / latency, 1 / ratio), ratio)
    }
  }
}
