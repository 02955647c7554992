// The policies that place keys, together: what each of them promises, held against the promise itself.

import LoadBalancing
import MeshCore
import Testing

private let names = ["ringHash", "maglev", "rendezvous", "jumpHash", "multiProbeHash", "anchorHash"]
private let keys = (0..<6000).map { mix64(UInt64($0) &* 77) }

private func bench(_ name: String, _ given: [(name: String, value: ParameterValue)] = []) throws -> PolicyBench {
  let descriptor = try #require(PolicyRegistry.policy(named: name))
  return PolicyBench(descriptor.make(parameters(descriptor, given), BalancerContext()))
}

private func described(_ numbers: [Int32], weight: (Int32) -> UInt32 = { _ in 1 }) -> [EndpointDescription] {
  numbers.map {
    EndpointDescription(identity: EndpointIdentity($0), weight: weight($0), address: "10.0.0.\($0):8080")
  }
}

@Suite struct HashingPoliciesTests {
  // Goal: a key keeps its endpoint, all endpoints get about their share, and a key is no draw.
  @Test(arguments: names) func keysStick(_ name: String) throws {
    var bench = try bench(name)
    bench.list(described(Array(0..<10)))
    bench.random = scripted([5])
    let first = keys.map { bench.pick(key: $0) }
    #expect(first == keys.map { bench.pick(key: $0) })
    #expect(bench.random.drawnFromScript == 0)
    for slot in 0..<10 as Range<Int32> {
      let share = Double(first.count { $0 == slot }) / Double(keys.count)
      // Multi-probe hashing bounds the largest share alone.
      #expect(share < 0.135 && (share > 0.065 || name == "multiProbeHash"), "\(share)")
    }
  }

  // Goal: without a key the choice is random, by the stream's draws.
  @Test(arguments: names) func choosesAtRandomWithoutAKey(_ name: String) throws {
    var bench = try bench(name)
    bench.list(described(Array(0..<10)))
    for share in bench.shares(of: 10, picks: 20_000) {
      #expect(share < 0.135 && share > (name == "multiProbeHash" ? 0.01 : 0.065))
    }
    bench.random = scripted([keys[3]])
    #expect(bench.pick() == bench.pick(key: keys[3]))
  }

  // Goal: an endpoint that is shut out loses its keys, the others keep theirs but for few, and all come back with it.
  @Test(arguments: names + ["grpc"]) func disruptsLittle(_ name: String) throws {
    var bench = try name == "grpc" ? bench("ringHash", [("form", .word("grpc"))]) : bench(name)
    bench.list(described(Array(0..<10)))
    let before = keys.map { bench.pick(key: $0) }
    bench.admit(false, slot: 4)
    let during = keys.map { bench.pick(key: $0) }
    #expect(!during.contains(4))
    let strays = zip(before, during).count { $0 != 4 && $0 != $1 }
    // The two of Envoy build their tables anew; the others promise that nothing else moves.
    #expect(["ringHash", "maglev"].contains(name) ? strays < keys.count / 12 : strays == 0, "\(strays)")
    var heirs: Set<Int32> = []
    for (old, new) in zip(before, during) where old == 4 { heirs.insert(new) }
    #expect(heirs.count == 9)
    bench.admit(true, slot: 4)
    #expect(before == keys.map { bench.pick(key: $0) })
  }

  // Goal: one endpoint more takes keys from all, and none moves between the others.
  @Test(arguments: ["rendezvous", "jumpHash", "multiProbeHash", "anchorHash"]) func growsMonotonically(_ name: String)
    throws
  {
    var bench = try bench(name)
    bench.list(described(Array(0..<10)))
    let before = keys.map { bench.pick(key: $0) }
    bench.list(described(Array(0...10)))
    let after = keys.map { bench.pick(key: $0) }
    for (old, new) in zip(before, after) where old != new { #expect(new == 10) }
    let share = Double(after.count { $0 == 10 }) / Double(keys.count)
    #expect(abs(share - 1 / 11.0) < 0.03)
  }

  // Goal: shares follow weights where a policy says that they do.
  @Test(arguments: ["ringHash", "maglev", "rendezvous"]) func sharesFollowWeights(_ name: String) throws {
    var bench = try bench(name)
    bench.list(described([0, 1, 2]) { [1, 2, 5][Int($0)] })
    let chosen = keys.map { bench.pick(key: $0) }
    for (slot, share) in [0.125, 0.25, 0.625].enumerated() {
      #expect(abs(Double(chosen.count { $0 == Int32(slot) }) / Double(keys.count) - share) < 0.05)
    }
  }

  // Goal: what is chosen goes by address, not by the order in which endpoints are listed or which slots they have.
  @Test(arguments: ["ringHash", "maglev", "rendezvous", "multiProbeHash"]) func goesByAddress(_ name: String) throws {
    var one = try bench(name)
    one.list(described(Array(0..<8)))
    var other = try bench(name)
    other.list(described([9, 3, 7, 0]))
    other.list(described((0..<8).reversed()))
    for key in keys.prefix(1000) {
      let (first, second) = (one.pick(key: key), other.pick(key: key))
      #expect(one.endpoints.states[first].identity == other.endpoints.states[second].identity)
    }
  }

  // Goal: with more probes the fullest endpoint is less full, as the paper says: 1 + 1/k or so.
  @Test func moreProbesAreMoreEven() throws {
    func peak(_ probes: Int64) throws -> Double {
      var bench = try bench("multiProbeHash", [("probes", .integer(probes))])
      bench.list(described(Array(0..<50)))
      var counts = [Int](repeating: 0, count: 50)
      for key in 0..<50_000 { counts[Int(bench.pick(key: mix64(UInt64(key))))] += 1 }
      return Double(counts.max() ?? 0) / 1000
    }
    #expect(try peak(1) > 2 && peak(21) < 1.2)
  }

  // Goal: settings that contradict each other are told with the one at fault, good ones are not.
  @Test func tellsFaults() throws {
    func fault(_ name: String, _ given: [(name: String, value: ParameterValue)]) throws -> String? {
      let descriptor = try #require(PolicyRegistry.policy(named: name))
      return descriptor.fault(parameters(descriptor, given))?.parameter
    }
    #expect(
      try fault("ringHash", [("minimumRingSize", .integer(20)), ("maximumRingSize", .integer(10))]) == "minimumRingSize"
    )
    #expect(try fault("ringHash", [("hashBalanceFactor", .integer(99))]) == "hashBalanceFactor")
    #expect(try fault("maglev", [("hashBalanceFactor", .integer(1))]) == "hashBalanceFactor")
    #expect(try fault("maglev", [("tableSize", .integer(8))]) == "tableSize")
    for name in names { #expect(try fault(name, []) == nil) }
    #expect(try fault("maglev", [("tableSize", .integer(7)), ("hashBalanceFactor", .integer(100))]) == nil)
  }
}
