import FaultDetection
import MeshCore
import Testing

@Suite struct AccrualGateTests {
  // Goal: a gate that is open or new lets everybody pass, and nothing but a penalty's end makes a probe of an attempt.
  @Test func opensForEverybody() {
    var gate = AccrualGate()
    #expect(gate.isAdmitting && gate.state == .open)
    for _ in 0..<3 { #expect(gate.attemptSent() == false) }
    gate.attemptForgotten()
    #expect(gate.penaltyElapsed(at: .zero + .seconds(100)) == .none)
    #expect(gate == AccrualGate())
  }
}
