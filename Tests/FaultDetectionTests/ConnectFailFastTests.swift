import FaultDetection
import MeshCore
import Testing

@Suite struct ConnectFailFastTests {
  // Goal: the first failure shuts out for a second, later ones change nothing; a trial that succeeds lets in, and the series begins anew.
  @Test func oneFailureIsEnough() {
    var endpoint = ConnectFailFast()
    #expect(!endpoint.isDown)
    #expect(endpoint.connectionFailed(draw: 7) == .seconds(1) && endpoint.isDown)
    #expect(endpoint.connectionFailed(draw: 7) == nil && endpoint.isDown)
    #expect(endpoint.trialFailed(draw: .max) > .seconds(1) && endpoint.isDown)
    endpoint.trialSucceeded()
    #expect(!endpoint.isDown)
    #expect(endpoint.connectionFailed(draw: 7) == .seconds(1))
  }

  // Goal: waits are drawn below the previous one · 2^k and never above 32 s; the 17th and all behind it are 32 s, whatever is drawn.
  @Test func waits() {
    for draw in [UInt64.max, UInt64.max / 2, 1 << 40, 0] as [UInt64] {
      var endpoint = ConnectFailFast()
      var previous = endpoint.connectionFailed(draw: draw) ?? .zero
      for number in 2...40 {
        let wait = endpoint.trialFailed(draw: draw)
        #expect(wait <= .seconds(32))
        if number == 2 { #expect(previous == .seconds(1) && wait < .seconds(2)) }
        if number > 16 { #expect(wait == .seconds(32)) }
        previous = wait
      }
    }
    // By hand: half of each bound: 1 s, then 1/2 · 2 s, 1/2 · 4 · 1 s, 1/2 · 8 · 2 s, and 16 · 8 s is beyond 32 s.
    var endpoint = ConnectFailFast()
    var waits = [endpoint.connectionFailed(draw: 1 << 63) ?? .zero]
    for _ in 0..<5 { waits.append(endpoint.trialFailed(draw: 1 << 63)) }
    #expect(waits == [.seconds(1), .seconds(1), .seconds(2), .seconds(8), .seconds(32), .seconds(32)])
  }
}
