// Random: each request to an endpoint drawn uniformly, whatever its load or weight.
//
// The baseline of the supermarket model (d = 1) and Envoy's `RANDOM`. Weights are ignored, as in Envoy.
//
// Envoy takes a number modulo n, the very number whose remainder by 100 has chosen the priority (load_balancing_policies/random).
// So the two are not independent: of 100 endpoints in a priority that gets half of the traffic, half never get any. The form
// `envoy` has this too; ours multiplies and draws anew. HAProxy's `random` is another policy by the same name: `LeastOfDraws`.

import MeshCore

/// Chooses uniformly at random. Complexity: O(1).
public struct RandomChoice: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "form", .choice(["scaled", "envoy", "haproxy"]), default: .word("scaled"),
      "scaled: a draw of its own times n; envoy: the draw that chose the priority, modulo n; haproxy: the least loaded of a few drawn by weight"
    ),
    ParameterDescriptor(
      "draws", .integer(minimum: 1, maximum: 100), default: .integer(2), "haproxy: how many endpoints are drawn"),
  ]

  public var observesAttempts: Bool { false }

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "random", summary: "a uniformly drawn endpoint; ignores load and weight, but for HAProxy's form",
    origin: "Envoy RANDOM; HAProxy random", parameters: parameters
  ) { parameters, _ in
    if parameters.word("form") == "haproxy" { return LeastOfDraws(draws: Int(parameters.integer("draws"))) }
    return RandomChoice(parameters)
  }

  public let sharesDraws: Bool

  /// A policy with the descriptor's defaults.
  public init() { sharesDraws = false }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters) { sharesDraws = parameters.word("form") == "envoy" }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count == 0 { return -1 }
    if !sharesDraws { return endpoints.available[random.below(count)] }
    let number = context.origin == .layers ? context.key : random.next()
    return endpoints.available[Int(truncatingIfNeeded: number % UInt64(truncatingIfNeeded: count))]
  }
}
