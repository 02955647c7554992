import FaultDetection
import LoadBalancing
import MeshCore
import Testing

@testable import DataPlane

/// Goal: endpoints that answer no questions are shut out, and let in again as soon as they do.
@Suite struct HeartbeatsTests {
  /// Answers all questions but those to some.
  private func answer(_ harness: inout Harness, leavingOut silent: Set<Int32> = []) {
    for probe in harness.probes.filter({ !silent.contains($0.endpoint.number) }) {
      harness.probes.removeAll { $0.probe == probe.probe }
      harness.tell(.probeAnswered(probe.probe, LoadReport()))
    }
  }

  /// Goal: everybody is asked once an interval; silence ejects at the look after phi has passed the threshold, an answer ends it.
  @Test func silenceEjects() {
    var harness = Harness(phi: PhiAccrualDescription())
    harness.list([1, 2])
    for _ in 0..<20 {
      harness.advance(by: .seconds(1))
      #expect(harness.probes.count == 2)
      answer(&harness)
    }
    for _ in 1...4 {
      harness.advance(by: .seconds(1))
      answer(&harness, leavingOut: [2])
      #expect(harness.available == 2)
    }
    harness.advance(by: .seconds(1))
    #expect(harness.available == 1 && harness.notices.last?.endpoint.number == 2)
    guard case .suspected(let phi, .seconds(5))? = harness.notices.last?.reason else {
      Issue.record("\(harness.notices)")
      return
    }
    #expect(phi > 8)
    answer(&harness)
    #expect(harness.available == 2 && harness.notices.map(\.kind) == [.ejected, .returned])
    #expect(harness.complaints.isEmpty, "\(harness.complaints)")
  }

  /// Goal: refusals are no heartbeats; questions stop when nobody is listed, leave no timer then, and begin again with who comes.
  @Test func comesAndGoes() {
    var harness = Harness(phi: PhiAccrualDescription(form: .cassandra))
    harness.list([1])
    for _ in 0..<40 {
      harness.advance(by: .seconds(1))
      for probe in harness.probes {
        harness.probes.removeAll { $0.probe == probe.probe }
        harness.tell(.probeFailed(probe.probe, .refused))
      }
    }
    #expect(harness.available == 0 && harness.notices.map(\.kind) == [.ejected])
    harness.list([])
    harness.advance(by: .seconds(20))
    #expect(harness.timers.isEmpty && harness.probes.isEmpty)
    harness.list([1])
    #expect(harness.available == 1)
    harness.advance(by: .seconds(1))
    #expect(harness.probes.count == 1 && harness.complaints.isEmpty, "\(harness.complaints)")
  }
}
