import FaultDetection
import MeshCore
import Testing

@Suite struct FailFastQueueTests {
  // Goal: the queue takes its capacity and one more, then sheds; a timeout fails all and sheds whoever comes until somebody is ready.
  @Test func capacityAndStates() {
    var queue = FailFastQueue(QueueDescription(capacity: 2, failfastTimeout: .seconds(3)))
    #expect(queue.admit() == .waitsFirst && queue.timeout == .seconds(3))
    #expect(queue.admit() == .waits && queue.admit() == .waits && queue.admit() == .shed)
    queue.left()
    #expect(queue.admit() == .waits && queue.count == 3)
    queue.timeoutElapsed()
    #expect(queue.count == 0 && queue.admit() == .shed && queue.state == .failingFast)
    queue.becameReady()
    #expect(queue.admit() == .waitsFirst)
  }

  // Goal: who gives up leaves the queue waiting, so that its timer goes on; who finds nobody again lets it wait anew.
  @Test func waitingOutlastsRequests() {
    var queue = FailFastQueue(QueueDescription())
    _ = queue.admit()
    queue.left()
    #expect(queue.count == 0 && queue.state == .waiting && queue.admit() == .waits)
    queue.becameReady()
    queue.findsNobody()
    #expect(queue.count == 1 && queue.state == .waiting)
  }
}
