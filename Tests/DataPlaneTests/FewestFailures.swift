// Fewest failures: of two endpoints drawn at random, the one that has failed less of late.
//
// failures ← failures · memory, and one more when an attempt has failed. Newcomers start with none. An example, of no system.

@testable import LoadBalancing
import MeshCore

/// Chooses who fails less, of two. Complexity: O(1).
struct FewestFailures: LoadBalancer {
  private static let parameters = [
    ParameterDescriptor("memory", .ratio, default: .number(0.9), "what each attempt leaves of the failures before it")
  ]

  /// How it is registered.
  static let descriptor = PolicyDescriptor(
    name: "fewestFailures", summary: "of two, the one that has failed less of late", origin: "an example",
    parameters: parameters
  ) { parameters, _ in FewestFailures(memory: parameters.number("memory")) }

  let memory: Double
  var failures = SlotRecords<Double>()

  mutating func endpointsChanged(_ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp) {
    failures.update(roster.view) { _ in 0 }
  }

  mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let count = endpoints.availableCount
    if count < 2 { return count == 0 ? -1 : endpoints.available[0] }
    let pair = random.distinctPair(below: count)
    let (first, second) = (endpoints.available[pair.first], endpoints.available[pair.second])
    return failures[first] <= failures[second] ? first : second
  }

  mutating func ended(_ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp) {
    failures[slot] = failures[slot] * memory + (outcome.isSuccess ? 0 : 1)
  }
}
