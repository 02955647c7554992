import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

/// How many of 3,000 requests each of the endpoints gets when number 1 always fails, each answered at once.
private func counts(_ harness: inout Harness) -> [Int] {
  var counts = [Int](repeating: 0, count: 4)
  for _ in 0..<3000 {
    harness.request()
    let endpoint = harness.lastEndpoint
    counts[Int(endpoint)] += 1
    harness.answer(endpoint == 1 ? 503 : 200)
  }
  return counts
}

@Suite struct FewestFailuresTests {
  private func harness() -> Harness {
    Harness(
      balancer: "fewestFailures", parameters: [("memory", .number(0.5))],
      policies: PolicyRegistry.policies + [FewestFailures.descriptor])
  }

  // Goal: the example of CONTRIBUTING works in a data plane: who fails is left alone, the others share what there is.
  @Test func leavesAloneWhoFails() {
    var plane = harness()
    plane.list([0, 1, 2, 3])
    let counts = counts(&plane)
    #expect(counts[1] < 5, "\(counts)")
    for endpoint in [0, 2, 3] { #expect(abs(counts[endpoint] - 1000) < 350, "\(counts)") }
    #expect(plane.complaints.isEmpty)
  }

  // Goal: who takes a slot over starts without the failures of whom it follows.
  @Test func newcomersStartAfresh() {
    var plane = harness()
    plane.list([0, 1, 2, 3])
    _ = counts(&plane)
    plane.list([0, 7, 2, 3])
    var asked = 0
    for _ in 0..<300 {
      plane.request()
      if plane.lastEndpoint == 7 { asked += 1 }
      plane.answer()
    }
    #expect(asked > 30)
  }
}
