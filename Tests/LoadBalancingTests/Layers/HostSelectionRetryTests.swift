import LoadBalancing
import MeshCore
import Testing

@Suite struct HostSelectionRetryTests {
  // Goal: a choice is made again only while it is rejected and attempts are left; the last one stands.
  @Test func choosesAgain() {
    for maximum in Int32(-1)...4 {
      var retry = HostSelectionRetry(maximumAttempts: maximum)
      var choices: Int32 = 1
      while retry.again(isRejected: true) { choices += 1 }
      #expect(choices == max(0, maximum) + 1)
      var lucky = HostSelectionRetry(maximumAttempts: maximum)
      let isAgain = lucky.again(isRejected: false)
      #expect(!isAgain)
    }
  }

  // Goal: what was tried is known, nobody else is, and the oldest of more than fifteen is forgotten.
  @Test func remembersAttempts() {
    var tried = AttemptedEndpoints()
    #expect((-1..<40).allSatisfy { !tried.contains(EndpointIdentity(Int32($0))) })
    for number in Int32(0)..<15 { tried.record(EndpointIdentity(number)) }
    #expect((0..<15).allSatisfy { tried.contains(EndpointIdentity(Int32($0))) })
    #expect(!tried.contains(EndpointIdentity(15)) && !tried.contains(EndpointIdentity(-1)))
    tried.record(EndpointIdentity(99))
    #expect(tried.contains(EndpointIdentity(99)) && !tried.contains(EndpointIdentity(0)))
    #expect(MemoryLayout<AttemptedEndpoints>.size == 64)
  }
}
