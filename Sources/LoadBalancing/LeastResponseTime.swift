// Least response time, the naive way: whoever was fastest on average gets the request.
//
//   average ← average + (latency − average) · smoothing         after each attempt, answered or not
//
// The average neither fades nor counts what is in flight, so between two answers every request goes to the same
// endpoint: it herds. It is here as the contrast to `peakEwma`, which adds just these two things. Endpoints without an
// answer come first; ties are broken at random.

import MeshCore

/// Chooses the lowest average latency. Complexity: O(n): a pick asks every endpoint.
public struct LeastResponseTime: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor(
      "smoothing", .ratio, default: .number(0.1), "the share of the newest latency in the moving average")
  ]

  /// How it is registered.
  public static let descriptor = PolicyDescriptor(
    name: "leastResponseTime",
    summary: "the lowest average latency, whatever is in flight; herds, as a contrast; a pick asks every endpoint",
    origin: "folklore", parameters: parameters
  ) { parameters, _ in LeastResponseTime(parameters) }

  private let smoothing: Double
  /// Average latencies in nanoseconds; below 0 before the first answer.
  private var averages = SlotRecords<Double>()

  /// A policy with the descriptor's defaults.
  public init() { self.init(PolicyParameters(Self.parameters)) }

  /// A policy with the descriptor's parameters.
  public init(_ parameters: PolicyParameters) {
    smoothing = parameters.number("smoothing")
  }

  public mutating func endpointsChanged(
    _ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp
  ) {
    averages.update(roster.view) { _ in -1 }
  }

  /// The average latency in nanoseconds, below 0 while there is none.
  public mutating func rank(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) -> Double? {
    averages[slot]
  }

  public mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    LeastSearch.slot(of: endpoints, &random) { slot in rank(slot: slot) }
  }

  public mutating func ended(
    _ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp
  ) {
    let latency = Double(max(outcome.latency.nanoseconds, 0))
    let average = averages[slot]
    averages[slot] = average < 0 ? latency : average + (latency - average) * smoothing
  }

  /// A whole number that orders as the average does: the bits of doubles from 0 up do, and those of a negative one, which
  /// stands for no answer yet, are a negative number.
  @inline(__always)
  private func rank(slot: Int32) -> Int64 { Int64(bitPattern: averages[slot].bitPattern) }
}
