import MeshCore
import Testing

@testable import Simulation

@Suite struct ServiceDrawsTests {
  /// Goal: what faults do to a request is what they do in the lab, also when several are alike. Method: a server of which each fault of a
  /// kind lets a share fail, or holds all up, at a client that waits for nobody: the lab's counts and exact latencies have to come out of
  /// the public functions.
  @Test func faults() throws {
    var service = ServiceDescription(
      name: "web", replicas: [ReplicaDescription(name: "web-0")], time: .exponential(mean: 5e6))
    service.discipline = .infinite
    let client = ClientDescription(name: "users", target: "web", arrivals: .poisson(rate: 100))
    let targets = [FaultTarget(service: 0)]
    let kinds: [FaultKind] = [
      .errors(targets, rate: 0.2, status: 503, time: .exponential(mean: 1e6)),
      .errors(targets, rate: 0.1, status: 500, time: nil),
      .delay(targets, .exponential(mean: 3e6)), .delay(targets, .exponential(mean: 2e6)),
    ]
    let world = WorldDescription(
      services: [service], clients: [client],
      faults: kinds.map { FaultDescription(at: .zero, duration: nil, period: nil, kind: $0, summary: "") })
    let mesh = Scene(service).mesh
    let run = RunDescription(duration: .seconds(20))
    let result = try Replication(world: world, mesh: mesh, run: run, seed: 4, number: 0).simulate().summary
    let streams = TrafficStreams(seed: 4, replication: 0)
    var schedule = ArrivalSchedule(client, streams: streams)
    let draws = ServiceDraws(world)
    var (sum, longest, count, failures) = (Int64(0), Int64(0), UInt64(0), Int64(0))
    while let at = schedule.next(), at.nanoseconds < run.duration.nanoseconds {
      let key = streams.request(client: "users", number: count)
      count += 1
      let error = draws.error(fault: 0, key) ?? draws.error(fault: 1, key)
      if error != nil { failures += 1 }
      let held = draws.delay(fault: 2, key) + draws.delay(fault: 3, key)
      let latency = (error?.demand ?? draws.demand(service: 0, replica: 0, key)).nanoseconds + held.nanoseconds
      sum += latency
      longest = max(longest, latency)
    }
    #expect(result.requests == Int64(count) && result.failures == failures && failures > 200)
    #expect(result.latencyMean == Double(sum) / Double(count) && result.latencyMaximum == Double(longest))
  }
}
