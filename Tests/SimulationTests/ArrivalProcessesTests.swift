// When requests come: exact instants where they are prescribed, rates and spreads where they are drawn.

import MeshCore
import Testing

@testable import Simulation

@Suite("arrivals")
struct ArrivalProcessesTests {
  /// The first `count` arrivals, in seconds; fewer when there are no more.
  private func arrivals(_ description: ArrivalDescription, count: Int, seed: UInt64 = 1) -> [Double] {
    var processes = ArrivalProcesses()
    func key(_ purpose: RandomPurpose) -> RandomKey {
      RandomKey(seed: seed, replication: 0, purpose: purpose, entity: 1)
    }
    var entries: [TraceEntry] = []
    if case .trace(let rows, _) = description {
      entries = rows.map {
        TraceEntry(time: $0.time.nanoseconds, route: 0, kind: 0, hasKey: false, key: 0, demand: -1, size: 0)
      }
    }
    processes.add(description, key: key(.arrival), burstKey: key(.burst), entries: entries)
    var instants: [Double] = []
    for number in 0..<UInt64(count) {
      let instant = processes.next(client: 0, number: number)
      if instant == .max { break }
      instants.append(Double(instant) / 1e9)
    }
    return instants
  }

  private func count(_ instants: [Double], from: Double, to: Double) -> Double {
    Double(instants.filter { $0 >= from && $0 < to }.count)
  }

  private func second(_ seconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(seconds * 1e9)) }

  /// Goal: exponential gaps of the right mean and spread, in order.
  @Test("poisson")
  func poisson() {
    let instants = arrivals(.poisson(rate: 100), count: 100_000)
    let gaps = zip(instants, [0] + instants).map { $0 - $1 }
    #expect(gaps.allSatisfy { $0 >= 0 })
    let mean = gaps.reduce(0, +) / 1e5
    #expect(abs(mean - 0.01) < 4 * 0.01 / 316)
    let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1e5
    #expect(abs(variance / 1e-4 - 1) < 4 * 0.009)
    // Memoryless: e^-2 of the gaps are longer than two means.
    let long = Double(gaps.filter { $0 > 0.02 }.count)
    #expect(abs(long / 1e5 - 0.135335) < 4 * 0.00108)
  }

  /// Goal: evenly spaced from time 0, without drift.
  @Test("constant")
  func constant() {
    let instants = arrivals(.constant(rate: 3), count: 3_000_001)
    #expect(instants[0] == 0)
    #expect(instants[1] == 0.333333333)
    #expect(instants[3_000_000] == 1e6)
  }

  /// Goal: even steps lay their requests off exactly, carry the rest of an interval over a change of rate, and stop at rate 0.
  @Test("even steps")
  func evenSteps() {
    let steps = [
      RatePoint(at: second(1), rate: 10), RatePoint(at: second(2.05), rate: 20), RatePoint(at: second(3), rate: 0),
    ]
    let instants = arrivals(.steps(steps, even: true), count: 100)
    // 11 up to 2.0 s; half an interval is left at 2.05 s and takes 25 ms more.
    #expect(alike(Array(instants.prefix(2)), [1, 1.1], within: 1e-9))
    #expect(abs(instants[10] - 2) < 1e-9)
    #expect(abs(instants[11] - 2.075) < 1e-9)
    #expect(abs(instants[12] - 2.125) < 1e-9)
    #expect(instants.count == 30)
    #expect((instants.last ?? 9) < 3)
  }

  /// Goal: Poisson steps have each step's rate; nothing comes before the first.
  @Test("poisson steps")
  func poissonSteps() {
    let steps = [
      RatePoint(at: second(10), rate: 100), RatePoint(at: second(60), rate: 0), RatePoint(at: second(70), rate: 400),
    ]
    let instants = arrivals(.steps(steps, even: false), count: 20_000)
    #expect(count(instants, from: 0, to: 10) == 0)
    #expect(abs(count(instants, from: 10, to: 60) - 5_000) < 4 * 71)
    #expect(count(instants, from: 60, to: 70) == 0)
    #expect(abs(count(instants, from: 70, to: 90) - 8_000) < 4 * 90)
  }

  /// Goal: an even ramp follows the integral of its rate; first and last rates hold before and after.
  @Test("even ramp")
  func evenRamp() {
    let up = [RatePoint(at: .zero, rate: 0), RatePoint(at: second(10), rate: 100)]
    let instants = arrivals(.ramp(up, even: true), count: 700)
    // ∫ 10 t = 5 t²: request n comes at √(n / 5), from n = 500 on every 10 ms.
    var farthest = 0.0
    for number in 0...500 { farthest = max(farthest, abs(instants[number] - (Double(number) / 5).squareRoot())) }
    #expect(farthest < 2e-9)
    #expect(abs(instants[600] - 11) < 1e-6)
    let down = [RatePoint(at: second(1), rate: 10), RatePoint(at: second(3), rate: 0)]
    let falling = arrivals(.ramp(down, even: true), count: 700)
    // Ten in the first second, then 10 t − 2.5 t²: ten more, the last where the rate comes to 0.
    #expect(abs(falling[5] - 0.5) < 1e-9)
    let fifteenth = 3 - 2.0.squareRoot()
    #expect(abs(falling[15] - fifteenth) < 1e-8)
    #expect(falling.count == 20 || falling.count == 21)
    let jump = [
      RatePoint(at: .zero, rate: 10), RatePoint(at: second(1), rate: 10), RatePoint(at: second(1), rate: 20),
      RatePoint(at: second(2), rate: 20),
    ]
    let jumping = arrivals(.ramp(jump, even: true), count: 40)
    #expect(jumping.count == 40)
    #expect(abs(jumping[30] - 2) < 1e-8)
  }

  /// Goal: a Poisson ramp has the ramp's rate everywhere.
  @Test("poisson ramp")
  func poissonRamp() {
    let points = [RatePoint(at: .zero, rate: 0), RatePoint(at: second(100), rate: 200)]
    let instants = arrivals(.ramp(points, even: false), count: 30_000)
    #expect(abs(count(instants, from: 0, to: 50) - 2_500) < 4 * 50)
    #expect(abs(count(instants, from: 50, to: 100) - 7_500) < 4 * 87)
    #expect(abs(count(instants, from: 100, to: 150) - 10_000) < 4 * 100)
  }

  /// Goal: bursts have the mean rate of their two states, weighted by their stays, and far more spread than Poisson arrivals.
  @Test("bursts")
  func bursts() {
    var counts: [Double] = []
    for seed in 1...20 as ClosedRange<UInt64> {
      let bursts = ArrivalDescription.bursts(
        low: 10, high: 100, meanLow: .seconds(3), meanHigh: .seconds(1), even: false)
      let instants = arrivals(bursts, count: 30_000, seed: seed)
      for start in stride(from: 0.0, to: 500, by: 10) { counts.append(count(instants, from: start, to: start + 10)) }
    }
    let mean = counts.reduce(0, +) / Double(counts.count)
    let variance = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(counts.count - 1)
    // 10 × 0.75 + 100 × 0.25 = 32.5/s. The rate's variance is 90² × 3/16 and forgets itself at 4/3 per second: the variance
    // of a count over 10 s is 325 + 2 × 1518.75 × (10 / (4/3) − (1 − e^(−40/3)) / (16/9)) = 21 400.
    let deviation = 146 / Double(counts.count).squareRoot()
    #expect(abs(mean - 325) < 4 * deviation)
    #expect(abs(variance / 21_400 - 1) < 0.25)
    let silent = ArrivalDescription.bursts(
      low: 0, high: 100, meanLow: .seconds(1), meanHigh: .seconds(1), even: true)
    let gaps = zip(arrivals(silent, count: 5_000).dropFirst(), arrivals(silent, count: 5_000)).map { $0 - $1 }
    #expect(gaps.allSatisfy { $0 > 0.0099 })
    #expect(gaps.filter { $0 < 0.0101 }.count > 4_800)
  }

  /// Goal: a trace comes as recorded, again and again when asked to.
  @Test("trace")
  func trace() {
    let rows = [0, 0.5, 0.5, 2].map { TraceRow(time: second($0)) }
    #expect(arrivals(.trace(rows, period: nil), count: 9) == [0, 0.5, 0.5, 2])
    #expect(
      arrivals(.trace(rows, period: .seconds(3)), count: 10) == [0, 0.5, 0.5, 2, 3, 3.5, 3.5, 5, 6, 6.5])
    #expect(arrivals(.trace([], period: nil), count: 3).isEmpty)
  }

  /// Goal: what can never come ends the process instead of the run.
  @Test("rates of nothing")
  func nothing() {
    #expect(arrivals(.poisson(rate: 0), count: 3).isEmpty)
    #expect(arrivals(.poisson(rate: 1e-12), count: 3).isEmpty)
    #expect(arrivals(.constant(rate: 0), count: 3).isEmpty)
    #expect(arrivals(.steps([RatePoint(at: .zero, rate: 0)], even: true), count: 3).isEmpty)
    let bursts = ArrivalDescription.bursts(
      low: 0, high: 0, meanLow: .milliseconds(1), meanHigh: .milliseconds(1), even: false)
    #expect(arrivals(bursts, count: 3).isEmpty)
  }

  /// Goal: closed-loop users start after a think time, think after each answer, share the client's requests, and stay with
  /// data plane i mod N.
  @Test("closed loop")
  func closedLoop() throws {
    var scene = Scene(service("web") { $0.discipline = .infinite })
    scene.world.zones = ["near", "far"]
    scene.client(.closed(users: 3, think: ms(90), requests: nil)) {
      $0.dataPlanes = [DataPlaneGroup(zone: 0, count: 1), DataPlaneGroup(zone: 1, count: 1)]
    }
    scene.link(delay: 50, from: .zone(1))
    scene.run.duration = .seconds(1)
    let result = try scene.result()
    // Users 0 and 2: 90 ms, then every 100 ms: 10 requests each. User 1: 90 ms, 210 + 90 ms with the connection, then 110 + 90:
    // at 90, 390, 590, 790 and 990 ms.
    #expect(result.summary.requests == 25)
    #expect(result.summary.latencyMaximum == 210e6)
    let sum = 20 * 10e6 + 210e6 + 4 * 110e6
    #expect(result.summary.latencyMean == sum / 25)
    scene.world.clients[0].arrivals = .closed(users: 3, think: ms(90), requests: 8)
    #expect(try scene.result().summary.requests == 8)
  }

  /// Goal: each request of an open client goes to a data plane drawn uniformly, and each data plane has a state of its own.
  @Test("several data planes")
  func dataPlanes() throws {
    var scene = Scene(service("web", replicas: 2) { $0.discipline = .infinite })
    scene.world.services[0].errorRate = 0
    scene.client(.constant(rate: 400)) { $0.dataPlanes = [DataPlaneGroup(count: 4)] }
    scene.mesh.clusters[0].failureAccrual = .consecutive(
      ConsecutiveAccrualDescription(
        maxFailures: 20, minPenalty: .seconds(60), jitterRatio: 0))
    scene.fault(.errors([FaultTarget(service: 0, replicas: [1])], rate: 1, status: 500, time: nil), at: 0)
    let result = try scene.result()
    #expect(result.summary.ejections == 4)
    let proxies = result.events.filter { $0.event == "ejected" }.map(\.proxy).sorted()
    #expect(proxies == ["users/0", "users/1", "users/2", "users/3"])
    // Each trips after 20 failures; what is in flight then comes on top.
    #expect(result.summary.failures >= 80 && result.summary.failures <= 90)
  }
}
