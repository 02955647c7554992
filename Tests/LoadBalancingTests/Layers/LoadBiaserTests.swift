import LoadBalancing
import MeshCore
import Testing

@Suite struct LoadBiaserTests {
  // Goal: successes count as they are, failures as the penalty, or as what the server asks for within bounds.
  @Test func recordsFailuresAsSlow() {
    let biaser = LoadBiaser()
    let recorded = { (failure: LoadBiaser.Failure?, retryAfter: TimeSpan?) in
      biaser.recordedLatency(.milliseconds(2), failure, retryAfter: retryAfter)
    }
    #expect(recorded(nil, .seconds(9)) == .milliseconds(2))
    for failure in [LoadBiaser.Failure.rateLimited, .serviceUnavailable] {
      #expect(recorded(failure, nil) == .seconds(5) && recorded(failure, .seconds(1)) == .seconds(5))
      #expect(recorded(failure, .seconds(30)) == .seconds(30) && recorded(failure, .seconds(9999)) == .seconds(300))
    }
    #expect(recorded(.internalError, .seconds(30)) == .seconds(5))
  }

  // Goal: HTTP statuses come first; gRPC's count with 200 alone.
  @Test func classifies() {
    #expect(LoadBiaser.failure(status: 404) == nil && LoadBiaser.failure(status: 404, grpcStatus: 14) == nil)
    #expect(LoadBiaser.failure(status: 503, grpcStatus: 0) == .serviceUnavailable)
    #expect(LoadBiaser.failure(status: 200, grpcStatus: 7) == nil)
    #expect(LoadBiaser.failure(status: 200, grpcStatus: 4) == .internalError)
    #expect(LoadBiaser.failure(status: 600) == nil && LoadBiaser.failure(status: 0) == nil)
  }

  // Goal: the black hole: an endpoint that fails at once looks dearer than one that serves in 50 ms, for 10 s · ln(5 s
  // / 50 ms).
  @Test func fastFailuresAttractNobody() {
    let biaser = LoadBiaser()
    var hole = BiasedEstimate(at: .zero)
    var good = BiasedEstimate(at: .zero)
    let start = Timestamp.zero + .seconds(1)
    hole.record(biaser.recordedLatency(.milliseconds(1), .internalError), at: start)
    let later = { (seconds: Double) in start + TimeSpan(nanoseconds: Int64(seconds * 1e9)) }
    let even = 10 * 4.605170185988092
    for (seconds, isDearer) in [(0.0, true), (even - 0.1, true), (even + 0.1, false)] {
      good = BiasedEstimate(initial: .milliseconds(50), at: later(seconds))
      #expect((hole.load(inFlight: 0, at: later(seconds)) > good.load(inFlight: 0, at: later(seconds))) == isDearer)
    }
    // Reading has changed nothing.
    #expect(hole.latency(at: start) == 5e9)
    #expect(hole.load(inFlight: 2, at: start) == 15e9)
  }
}
