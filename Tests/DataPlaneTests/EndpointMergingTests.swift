// Goal: balancers hear of changed health and weights when Envoy's would, at exact instants, and of who comes and goes at once.

import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

@Suite struct EndpointMergingTests {
  private func endpoint(
    _ number: Int32, priority: Int32 = 0, _ health: MeshCore.EndpointHealth = .healthy
  ) -> EndpointDescription {
    EndpointDescription(identity: EndpointIdentity(number), priority: priority, health: health)
  }

  /// Goal: the vector "derived three health changes": at once, and the two that follow together one full window after the first.
  @Test func merged() {
    var harness = Harness(mergeWindow: .seconds(1))
    harness.advance(by: .seconds(5))
    harness.list([0, 1, 2, 3])
    #expect(harness.available == 4)
    harness.advance(by: .seconds(5))
    let start = harness.now
    harness.listAs([endpoint(0), endpoint(1), endpoint(2), endpoint(3, .unhealthy)])
    #expect(harness.available == 3)
    harness.advance(to: start + .milliseconds(200))
    harness.listAs([endpoint(0), endpoint(1), endpoint(2, .unhealthy), endpoint(3, .unhealthy)])
    harness.advance(to: start + .milliseconds(900))
    harness.listAs([endpoint(0), endpoint(1, .unhealthy), endpoint(2, .unhealthy), endpoint(3, .unhealthy)])
    harness.advance(to: start + .milliseconds(1199))
    #expect(harness.available == 3)
    harness.advance(to: start + .milliseconds(1200))
    #expect(harness.available == 1)
    #expect(harness.complaints.isEmpty && harness.timers.isEmpty)
  }

  /// Goal: the vector "derived membership change cancels pending merge": who comes is told at once, with all that waits.
  @Test func cancelled() {
    var harness = Harness(mergeWindow: .seconds(1))
    harness.list([0, 1, 2])
    harness.advance(by: .seconds(5))
    let start = harness.now
    harness.listAs([endpoint(0), endpoint(1), endpoint(2, .unhealthy)])
    harness.advance(to: start + .milliseconds(200))
    harness.listAs([endpoint(0), endpoint(1, .unhealthy), endpoint(2, .unhealthy)])
    #expect(harness.available == 2 && harness.timers.count == 1)
    harness.advance(to: start + .milliseconds(500))
    harness.listAs([endpoint(0), endpoint(1, .unhealthy), endpoint(2, .unhealthy), endpoint(4)])
    #expect(harness.available == 2 && harness.timers.isEmpty)
    harness.advance(to: start + .milliseconds(600))
    harness.listAs([endpoint(0), endpoint(1), endpoint(2, .unhealthy), endpoint(4)])
    harness.advance(to: start + .milliseconds(1599))
    #expect(harness.available == 2)
    harness.advance(to: start + .milliseconds(1600))
    #expect(harness.available == 3)
    #expect(harness.complaints.isEmpty)
  }

  /// Goal: priorities wait each on their own: who leaves one does not hurry the other. The first listing begins no window.
  @Test func priorities() {
    var harness = Harness(mergeWindow: .seconds(1))
    harness.listAs([endpoint(0), endpoint(1), endpoint(2, priority: 1), endpoint(3)])
    harness.listAs([endpoint(0), endpoint(1), endpoint(2, priority: 1), endpoint(3, .unhealthy)])
    #expect(harness.available == 3)
    harness.advance(by: .milliseconds(400))
    harness.listAs([endpoint(0), endpoint(1, .unhealthy), endpoint(2, priority: 1), endpoint(3, .unhealthy)])
    #expect(harness.available == 3)
    harness.advance(by: .milliseconds(100))
    harness.listAs([endpoint(0), endpoint(1, .unhealthy), endpoint(3, .unhealthy)])
    #expect(harness.available == 2)
    harness.advance(to: .zero + .milliseconds(1400))
    #expect(harness.available == 1)
    #expect(harness.complaints.isEmpty)
  }

  /// Goal: what is taken back while it waits is never told, and a window of 0 delays nothing.
  @Test func takenBackAndOff() {
    var harness = Harness(mergeWindow: .seconds(1))
    harness.list([0, 1])
    harness.advance(by: .milliseconds(100))
    harness.listAs([endpoint(0), endpoint(1, .unhealthy)])
    harness.advance(by: .milliseconds(100))
    harness.listAs([endpoint(0), endpoint(1)])
    harness.advance(by: .seconds(3))
    #expect(harness.available == 2 && harness.complaints.isEmpty)
    var off = Harness()
    off.list([0, 1])
    off.listAs([endpoint(0), endpoint(1, .unhealthy)])
    #expect(off.available == 1 && off.timers.isEmpty)
  }
}
