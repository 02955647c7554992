// Fewest failures: of two endpoints drawn at random, the one that has failed less of late. Complexity: O(1). An example.

@testable import LoadBalancing
import MeshCore

struct FewestFailures: LoadBalancer {
  static let descriptor = PolicyDescriptor(
    name: "fewestFailures", summary: "of two, the one that has failed less of late", origin: "an example",
    parameters: [ParameterDescriptor("memory", .ratio, default: .number(0.9), "what is left of earlier failures")]
  ) { parameters, _ in FewestFailures(memory: parameters.number("memory")) }

  let memory: Double
  var failures = SlotRecords<Double>()

  mutating func endpointsChanged(_ roster: EndpointRoster, _ random: inout RandomStream, at now: Timestamp) {
    failures.update(roster.view) { _ in 0 }  // What a newcomer starts with.
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
