import MeshCore
import Testing

@testable import Simulation

@Suite struct TrafficStreamsTests {
  /// Goal: the schedule and the demands that the testbed goes by are the lab's, to the nanosecond. Method: one server with one worker
  /// is Lindley's recursion over arrivals and demands, so mean and maximum of the lab's latencies, which are exact, have to come out of
  /// the public functions alone; likewise which requests fail.
  @Test(arguments: [
    ArrivalDescription.poisson(rate: 150), .constant(rate: 120),
    .steps(
      [RatePoint(at: .zero, rate: 50), RatePoint(at: Timestamp(nanoseconds: 5_000_000_000), rate: 180)], even: false),
    .bursts(low: 20, high: 300, meanLow: .seconds(1), meanHigh: .milliseconds(300), even: false),
  ])
  func sameAsTheLab(arrivals: ArrivalDescription) throws {
    var service = ServiceDescription(
      name: "web", replicas: [ReplicaDescription(name: "web-0")], time: .lognormal(location: 15.2, scale: 0.6))
    service.errorRate = 0.1
    let client = ClientDescription(name: "users", target: "web", arrivals: arrivals)
    let world = WorldDescription(services: [service], clients: [client])
    let mesh = Scene(service).mesh
    let run = RunDescription(duration: .seconds(20))
    let result = try Replication(world: world, mesh: mesh, run: run, seed: 77, number: 3).simulate().summary
    let streams = TrafficStreams(seed: 77, replication: 3)
    var schedule = ArrivalSchedule(client, streams: streams)
    let draws = ServiceDraws(world)
    var (free, sum, longest, count, failures) = (Int64(0), Int64(0), Int64(0), UInt64(0), Int64(0))
    while let at = schedule.next(), at.nanoseconds < run.duration.nanoseconds {
      let key = streams.request(client: "users", number: count)
      count += 1
      free = max(free, at.nanoseconds) + draws.demand(service: 0, replica: 0, key).nanoseconds
      sum += free - at.nanoseconds
      longest = max(longest, free - at.nanoseconds)
      if draws.fails(service: 0, key) { failures += 1 }
    }
    #expect(count > 500 && failures > 50)
    #expect(result.requests == Int64(count) && result.failures == failures)
    #expect(result.latencyMean == Double(sum) / Double(count) && result.latencyMaximum == Double(longest))
  }

  /// Goal: the keys that requests carry are those the lab hashes.
  @Test func keys() {
    let streams = TrafficStreams(seed: 5, replication: 0)
    let table = ZipfTable(keys: 100, exponent: 1.1)
    let keys = RequestKeys(.zipf(keys: 100, exponent: 1.1))
    for number in 0..<200 as Range<UInt64> {
      let key = streams.request(client: "users", number: number)
      #expect(keys.text(key) == String(table.sample(key.key(for: .key)) + 1))
      #expect(RequestKeys(.constant("a")).text(key) == "a" && RequestKeys(nil).text(key) == nil)
    }
  }
}
