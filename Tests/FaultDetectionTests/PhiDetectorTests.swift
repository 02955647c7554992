import Foundation
import FaultDetection
import MeshCore
import Testing

@Suite struct PhiDetectorTests {
  /// The history as a list, and the laws as their papers and systems write them.
  private struct Reference {
    var settings: PhiAccrualDescription
    var times: [Double] = []
    var last = 0.0

    mutating func heartbeat(at second: Double) {
      let interval = settings.heartbeatInterval.seconds
      times += times.isEmpty ? [interval * 0.75, interval * 1.25] : [second - last]
      times = Array(times.suffix(Int(settings.maxSampleSize)))
      last = second
    }

    var mean: Double { times.reduce(0, +) / Double(times.count) }
    var deviation: Double {
      let variance = times.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(times.count)
      return max(variance.squareRoot(), settings.minStdDeviation.seconds)
    }

    func phi(at second: Double) -> Double {
      let silence = second - last
      if settings.form == .cassandra { return silence / mean / log(10) }
      let y = (silence - mean - settings.acceptableHeartbeatPause.seconds) / deviation
      let e = exp(-y * (1.5976 + 0.070566 * y * y))
      return y > 0 ? -log10(e / (1 + e)) : -log10(1 - 1 / (1 + e))
    }

    /// The normal law itself.
    func exactPhi(at second: Double) -> Double {
      let y = (second - last - mean - settings.acceptableHeartbeatPause.seconds) / deviation
      return -log10(erfc(y / 2.squareRoot()) / 2)
    }
  }

  // Goal: through random heartbeats and looks a detector says what the reference says, and the normal law is near.
  @Test(arguments: 1...30) func equalsTheReference(_ round: Int) throws {
    var random = RandomStream(state: UInt64(round))
    let settings = PhiAccrualDescription(
      form: round % 2 == 0 ? .akka : .cassandra, heartbeatInterval: .milliseconds(Int64(100 + random.below(2000))),
      acceptableHeartbeatPause: .milliseconds(Int64(random.below(1000))), minStdDeviation: .milliseconds(20),
      maxSampleSize: Int32(2 + random.below(60)))
    var samples = Pool<UInt32>(repeating: 0, count: 3 + Int(settings.maxSampleSize))
    var detector = PhiDetector(at: .zero)
    var reference = Reference(settings: settings)
    var milliseconds: Int64 = 0
    for _ in 0..<300 {
      milliseconds += Int64(1 + random.below(Int(settings.heartbeatInterval.nanoseconds / 500_000)))
      let now = Timestamp.zero + .milliseconds(milliseconds)
      if random.below(2) == 0 || reference.times.isEmpty {
        detector.heartbeat(at: now, samples: &samples, from: 3, settings)
        reference.heartbeat(at: Double(milliseconds) / 1e3)
      }
      let second = Double(milliseconds) / 1e3
      let (measured, expected) = (detector.phi(at: now, settings), reference.phi(at: second))
      // Below the mean by far it is the difference of two numbers that are nearly one.
      try #require(abs(measured - expected) <= 1e-6 * max(expected, 1e-3) || expected > 290 || expected < 1e-9)
      // The approximation is within 1.4e-4 of a chance, which is a seventh of one in a thousand.
      if settings.form == .akka && expected < 3 {
        try #require(abs(measured - reference.exactPhi(at: second)) <= 0.1)
      }
    }
    #expect(samples[0] == 0 && samples[1] == 0 && samples[2] == 0)
  }

  // Goal: suspicion grows with silence, and is past every bound in the end; who was never heard is suspected too.
  @Test(arguments: PhiAccrualDescription.Form.allCases) func growsWithSilence(_ form: PhiAccrualDescription.Form) {
    let settings = PhiAccrualDescription(form: form)
    var samples = Pool<UInt32>(repeating: 0, count: 1000)
    for heartbeats in [0, 1, 50] {
      var detector = PhiDetector(at: .zero)
      for second in 0..<heartbeats {
        detector.heartbeat(at: .zero + .seconds(Int64(second)), samples: &samples, from: 0, settings)
      }
      var phi = 0.0
      for tenth in 0..<2000 {
        let next = detector.phi(at: detector.last + .milliseconds(Int64(tenth) * 100), settings)
        #expect(next >= phi)
        phi = next
      }
      #expect(phi > 80)
    }
  }

  // Goal: steady heartbeats a second apart are suspected when Akka's and Cassandra's arithmetic says so.
  @Test func thresholds() {
    for (form, seconds) in [(PhiAccrualDescription.Form.akka, 4.5225), (.cassandra, 18.4207)] {
      let settings = PhiAccrualDescription(form: form, maxSampleSize: 10)
      var samples = Pool<UInt32>(repeating: 0, count: 10)
      var detector = PhiDetector(at: .zero)
      for second in 0..<20 {
        detector.heartbeat(at: .zero + .seconds(Int64(second)), samples: &samples, from: 0, settings)
      }
      func phi(_ silence: Double) -> Double {
        detector.phi(at: detector.last + TimeSpan(nanoseconds: Int64(silence * 1e9)), settings)
      }
      #expect(phi(seconds - 0.01) < 8 && phi(seconds + 0.01) > 8, "\(form)")
    }
  }
}
