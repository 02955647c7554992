// C3: rank replicas by their expected response, with the cube of their queues, and do not send faster than they answer.
//
// Suresh, Canini, Schmid, Feldmann: C3: Cutting Tail Latency in Cloud Data Stores via Adaptive Replica Selection, NSDI 2015.
// The least score wins:
//
//   Ψ = R̄ − S̄ + q̂³ · S̄    with    q̂ = 1 + inFlight · clients + q̄
//
// R̄ is the response time seen here, S̄ the server's own time for a request, q̄ its queue, all as moving averages with the share
// `smoothing` for the newest; servers report the last two with each answer. An unknown endpoint scores 0 and is tried first.
// `inFlight · clients` supposes that the other clients do as this one does. Scores that tie are decided at random.
//
// Each endpoint has a sending rate per `rateInterval` (`CubicRate`), tokens of which a request takes one. The best-ranked
// endpoint with a token is chosen. In the paper a request waits in a backlog when no replica has one; a balancer has nowhere to
// let it wait, so here it goes to the best-ranked endpoint all the same, and the spent rate shows in the next choices only.

import MeshCore

/// Chooses by cubic score among endpoints within their rates. Complexity: O(n): it was made for the few replicas of a key.
public struct C3: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "clients", .integer(minimum: 0, maximum: 1_000_000), default: .integer(0),
      "how many clients share the endpoints; 0 for the number of data planes"),
    ParameterDescriptor(
      "smoothing", .ratio, default: .number(0.9), "the share of the newest value in the moving averages"),
    ParameterDescriptor(
      "rateControl", .flag, default: .flag(true), "whether sending rates limit the choice"),
    ParameterDescriptor(
      "rateInterval", .duration(minimum: .milliseconds(1)), default: .integer(20_000_000),
      "δ: what sending rates count requests in"),
    ParameterDescriptor(
      "initialRate", .number(minimum: 0.01, maximum: 1e6), default: .number(5), "requests an interval at first"),
    ParameterDescriptor(
      "maximumTokens", .number(minimum: 1, maximum: 1e6), default: .number(50), "unused requests that are kept"),
    ParameterDescriptor(
      "decrease", .number(minimum: 0.01, maximum: 0.99), default: .number(0.2),
      "β: what is left of a rate that was too high"),
    ParameterDescriptor(
      "growth", .number(minimum: 1e-12, maximum: 1), default: .number(4e-6), "γ: the cubic's scale, with time in ms"),
    ParameterDescriptor(
      "maximumStep", .number(minimum: 0.01, maximum: 1e6), default: .number(10), "s_max: how much a rate grows at once"),
    ParameterDescriptor(
      "hysteresis", .number(minimum: 0, maximum: 1000), default: .number(2),
      "intervals after a growth in which a rate is not lowered"),
  ]

  public var wantsLoadReports: Bool { true }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "c3",
    summary:
      "the least cubic score of queue and service time, endpoints within their sending rates first; a pick asks every endpoint",
    origin: "C3, NSDI 2015", parameters: parameters
  ) { parameters, place in C3(parameters, place) }

  private struct Replica: BitwiseCopyable, Sendable {
    var rate: CubicRate
    /// Nanoseconds; R̄ and S̄.
    var response: Double = 0
    var service: Double = 0
    /// q̄.
    var queue: Double = 0
    var isKnown = false
    /// What the server said with the answer that ends next.
    var reportedService: Double = -1
    var reportedQueue: Double = 0
  }

  private struct Contents: Sendable {
    let clients: Double
    let smoothing: Double
    let hasRates: Bool
    let rules: CubicRate.Rules
    var replicas = SlotRecords<Replica>()
  }

  private var contents: Indirect<Contents>

  /// A policy with the descriptor's defaults, for the only client.
  public init() { self.init(PolicyParameters(Self.parameters), BalancerContext()) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters, _ place: BalancerContext) {
    let clients = parameters.integer("clients")
    contents = Indirect(
      Contents(
        clients: Double(clients > 0 ? Int(clamping: clients) : place.planeCount),
        smoothing: parameters.number("smoothing"), hasRates: parameters.flag("rateControl"),
        rules: CubicRate.Rules(
          interval: Double(max(parameters.span("rateInterval").nanoseconds, 1_000_000)),
          initial: parameters.number("initialRate"), maximumTokens: parameters.number("maximumTokens"),
          decrease: parameters.number("decrease"), growth: parameters.number("growth"),
          maximumStep: parameters.number("maximumStep"), hysteresis: parameters.number("hysteresis"))))
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    let fresh = Replica(rate: CubicRate(contents.value.rules, at: now))
    contents.value.replicas.update(roster.view) { _ in fresh }
  }

  /// The score, in nanoseconds.
  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    Self.score(contents.value.replicas[slot], endpoints.states[slot].inFlight, contents.value.clients)
  }

  @inline(__always)
  private static func score(_ replica: Replica, _ inFlight: Int32, _ clients: Double) -> Double {
    if !replica.isKnown { return 0 }
    let queue = 1 + Double(inFlight) * clients + replica.queue
    return replica.response - replica.service + queue * queue * queue * replica.service
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    var chosen = best(endpoints, withinRates: contents.value.hasRates, &random, at: now)
    if chosen < 0 { chosen = best(endpoints, withinRates: false, &random, at: now) }
    return chosen
  }

  /// Those within their sending rates, where that leaves anybody out.
  public mutating func candidates(
    _ endpoints: EndpointView, _ random: inout RandomStream, at now: Timestamp
  ) -> [Int32] {
    if !contents.value.hasRates { return [] }
    let slots = (0..<endpoints.availableCount).map { endpoints.available[$0] }
    let within = slots.filter { contents.value.replicas[$0].rate.mayTake(contents.value.rules, at: now) }
    return within.count == slots.count ? [] : within
  }

  private mutating func best(
    _ endpoints: EndpointView, withinRates: Bool, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let (clients, rules) = (contents.value.clients, contents.value.rules)
    var best: Int32 = -1
    var least = Double.infinity
    var ties = 0
    for place in 0..<endpoints.availableCount {
      let slot = endpoints.available[place]
      if withinRates && !contents.value.replicas[slot].rate.mayTake(rules, at: now) { continue }
      let score = Self.score(contents.value.replicas[slot], endpoints.states[slot].inFlight, clients)
      if best < 0 || score < least {
        (best, least, ties) = (slot, score, 1)
      } else if score == least {
        ties &+= 1
        if random.below(ties) == 0 { best = slot }
      }
    }
    return best
  }

  public mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) {
    if contents.value.hasRates { contents.value.replicas[slot].rate.take(contents.value.rules, at: now) }
  }

  public mutating func reported(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport, at now: Timestamp) {
    contents.value.replicas[slot].reportedService = Double(max(report.serviceTime.nanoseconds, 0))
    contents.value.replicas[slot].reportedQueue = Double(max(report.requestsInFlight, 0))
  }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) {
    if !outcome.isAnswered { return }
    let smoothing = contents.value.smoothing
    let latency = Double(max(outcome.latency.nanoseconds, 0))
    var replica = contents.value.replicas[slot]
    // A server that reports nothing is taken to have no queue: all of the response is its own time.
    let service = replica.reportedService >= 0 ? min(replica.reportedService, latency) : latency
    let share = replica.isKnown ? smoothing : 1
    replica.response += (latency - replica.response) * share
    replica.service += (service - replica.service) * share
    replica.queue += (replica.reportedQueue - replica.queue) * share
    replica.isKnown = true
    replica.reportedService = -1
    replica.reportedQueue = 0
    if contents.value.hasRates { replica.rate.answered(contents.value.rules, at: now) }
    contents.value.replicas[slot] = replica
  }
}
