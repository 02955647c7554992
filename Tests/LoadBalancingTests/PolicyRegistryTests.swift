import LoadBalancing
import MeshCore
import Testing

/// A report with figures of any size, also none.
private func anyReport(_ random: inout RandomStream) -> LoadReport {
  func figure() -> Double { random.below(4) == 0 ? 0 : random.unit() * Double(1 + random.below(1000)) }
  return LoadReport(
    applicationUtilization: figure(), cpuUtilization: figure(), requestsPerSecond: figure(), errorsPerSecond: figure(),
    requestsInFlight: Int32(random.below(30)), expectedLatency: .microseconds(Int64(random.below(1000))))
}

/// What a run of random events does to a policy, as the slots it chose. Where it is asked whom it compares, its choice must be among them.
private func run(
  _ descriptor: PolicyDescriptor, _ given: [(name: String, value: ParameterValue)], seed: UInt64,
  asksForCandidates: Bool = false
) throws -> [Int32] {
  var place = BalancerContext()
  if seed % 2 == 0 { place.slowStart = SlowStartDescription(window: .seconds(1), aggression: 1.5) }
  var bench = PolicyBench(
    descriptor.make(parameters(descriptor, given), place), random: RandomStream(state: seed &* 91))
  var random = RandomStream(state: seed)
  bench.list([])
  var chosen: [Int32] = []
  var busy: [Int32] = []
  for _ in 0..<3000 {
    bench.now = bench.now + TimeSpan(nanoseconds: Int64(random.below(3)) * 7_000_000)
    bench.wakeWhenDue()
    switch random.below(46) {
    case 0:
      let identities = (0..<7 as Range<Int32>).filter { _ in random.below(3) > 0 }
      // Every other list has unequal weights.
      let largest = random.below(2) == 0 ? 1 : 5
      bench.list(
        identities.map {
          EndpointDescription(identity: EndpointIdentity($0), weight: UInt32(1 + random.below(largest)))
        })
    case 1 where random.below(4) == 0:
      bench.list([])
    case 2...4 where bench.endpoints.states.count > 0:
      bench.admit(random.below(3) > 0, slot: Int32(random.below(bench.endpoints.states.count)))
    case 5...20 where !busy.isEmpty:
      let latency = TimeSpan(nanoseconds: Int64(random.below(100_000_000)))
      let slot = busy.remove(at: random.below(busy.count))
      if bench.wantsLoadReports && random.below(4) > 0 { bench.report(anyReport(&random), slot: slot) }
      bench.end(slot, latency: latency, isSuccess: random.below(2) == 0)
    case 40...45 where !bench.probes.isEmpty:
      let place = random.below(bench.probes.count)
      bench.answerProbe(place, random.below(4) > 0 ? anyReport(&random) : nil)
    default:
      var candidates: [Int32] = []
      if asksForCandidates {
        var draws = bench.random
        candidates = bench.policy.candidates(bench.endpoints.view, &draws, at: bench.now)
      }
      let slot = bench.pick()
      chosen.append(slot)
      try #require(
        candidates.isEmpty || candidates.contains(slot), "\(descriptor.name) \(given): \(candidates), \(slot)")
      if bench.endpoints.availableCount == 0 {
        try #require(slot == -1)
      } else {
        try #require(slot >= 0)
        let state = bench.endpoints.states[slot]
        try #require(state.isListed && (state.isAdmitted || bench.endpoints.offer != .available))
        bench.begin(slot)
        busy.append(slot)
      }
    }
  }
  return chosen
}

/// Every policy with its defaults, and with each other word, flag and a few numbers of its parameters.
private let settings: [(descriptor: PolicyDescriptor, given: [(name: String, value: ParameterValue)])] =
  PolicyRegistry.policies.flatMap { descriptor in
    var all: [(PolicyDescriptor, [(name: String, value: ParameterValue)])] = [(descriptor, [])]
    for parameter in descriptor.parameters {
      let others: [ParameterValue]
      switch parameter.kind {
      case .choice(let words): others = words.map { .word($0) }
      case .flag: others = [.flag(true), .flag(false)]
      case .integer(let minimum, let maximum):
        // Tables of millions of entries are for the benchmarks.
        others = [minimum, min(minimum + 2, maximum), min(maximum, 4099)].map { .integer($0) }
      case .number(let minimum, let maximum): others = [.number(minimum), .number(maximum)]
      case .ratio: others = [.number(0), .number(1)]
      case .duration(let minimum): others = [.integer(minimum.nanoseconds), .integer(1_000_000_000)]
      }
      all += others.map { (descriptor, [(parameter.name, $0)]) }
    }
    return all
  }

@Suite struct PolicyRegistryTests {
  // Goal: the policies that people know are there, each with a name of its own that a scenario can say. A new one needs no line here.
  @Test func listsThePolicies() {
    let names = PolicyRegistry.policies.map(\.name)
    let promised: Set = [
      "random", "roundRobin", "leastRequest", "peakEwma", "leastResponseTime", "joinShortestQueue", "joinIdleQueue",
      "leastWorkLeft", "ringHash", "maglev", "rendezvous", "jumpHash", "multiProbeHash", "anchorHash",
      "clientSideWeightedRoundRobin", "prequal", "c3", "leastConnections", "weightedResponseTime", "aperture",
    ]
    #expect(promised.subtracting(names).isEmpty && Set(names).count == names.count)
    for name in names { #expect(PolicyRegistry.policy(named: name)?.name == name) }
    #expect(PolicyRegistry.policy(named: "peakEWMA") == nil)
    #expect(PolicyRegistry.policies.filter(\.needsOracle).map(\.name).contains("leastWorkLeft"))
  }

  // Goal: who grows linearly with the number of endpoints says so where people choose: in the policy's line, or the parameter's.
  @Test func linearPoliciesSaySo() {
    let words = "a pick asks every endpoint"
    let linear: Set = ["leastResponseTime", "joinShortestQueue", "leastWorkLeft", "rendezvous", "c3"]
    #expect(linear.isSubset(of: PolicyRegistry.policies.filter { $0.summary.contains(words) }.map(\.name)))
    let forms = PolicyRegistry.policies.flatMap { policy in
      policy.parameters.filter { $0.summary.contains(words) }.map { "\(policy.name).\($0.name)" }
    }
    #expect(forms == ["roundRobin.schedule", "leastRequest.fullScan"])
  }

  // Goal: defaults lie within their own ranges, and every policy says what it is and where it comes from.
  @Test func defaultsAreValid() {
    for descriptor in PolicyRegistry.policies {
      #expect(!descriptor.summary.isEmpty && !descriptor.origin.isEmpty)
      for parameter in descriptor.parameters {
        #expect(!parameter.summary.isEmpty)
        switch (parameter.kind, parameter.defaultValue) {
        case (.integer(let minimum, let maximum), .integer(let value)): #expect(value >= minimum && value <= maximum)
        case (.number(let minimum, let maximum), .number(let value)): #expect(value >= minimum && value <= maximum)
        case (.ratio, .number(let value)): #expect(value >= 0 && value <= 1)
        case (.duration(let minimum), .integer(let value)): #expect(value >= minimum.nanoseconds)
        case (.flag, .flag): break
        case (.choice(let words), .word(let word)): #expect(words.contains(word))
        default: Issue.record("\(descriptor.name).\(parameter.name): the default is of another kind")
        }
      }
    }
  }

  // Goal: endpoints come, go, are shut out and change weight, none at times: every policy chooses an available one or says
  // −1, and chooses the same again with the same draws.
  @Test(arguments: settings.indices) func survivesAnything(_ index: Int) throws {
    let (descriptor, given) = settings[index]
    for seed in 1...4 as ClosedRange<UInt64> {
      let first = try run(descriptor, given, seed: seed)
      #expect(first == (try run(descriptor, given, seed: seed)), "\(descriptor.name) \(given)")
      #expect(first.contains(-1) && Set(first).count > 3)
    }
  }

  // Goal: who is compared is told before a choice, by whoever draws a few; the choice is among them, and telling changes nothing.
  @Test(arguments: settings.indices) func tellsWhomItCompares(_ index: Int) throws {
    let (descriptor, given) = settings[index]
    let chosen = try run(descriptor, given, seed: 7, asksForCandidates: true)
    #expect(chosen == (try run(descriptor, given, seed: 7)), "\(descriptor.name) \(given)")
  }

  // Goal: every policy that samples says so, with its defaults or in the form that does.
  @Test func samplersSaySo() {
    let samplers: [(String, [(name: String, value: ParameterValue)])] = [
      ("leastRequest", []), ("leastRequest", [("choices", .integer(3))]),
      ("leastRequest", [("sampling", .word("withReplacement"))]), ("leastRequest", [("maxEffort", .integer(4))]),
      ("peakEwma", []), ("peakEwma", [("form", .word("envoy"))]), ("peakEwma", [("maxEffort", .integer(4))]),
      ("random", [("form", .word("haproxy"))]), ("aperture", []), ("aperture", [("kind", .word("random"))]),
    ]
    for (name, given) in samplers {
      guard let descriptor = PolicyRegistry.policy(named: name) else {
        Issue.record("no \(name)")
        continue
      }
      var bench = PolicyBench(descriptor.make(parameters(descriptor, given), BalancerContext()), count: 8)
      bench.go(to: .zero + .seconds(1))
      // An aperture of its own begins with one server.
      for slot in 0..<8 as Range<Int32> { for _ in 0..<3 { bench.begin(slot) } }
      bench.go(to: .zero + .seconds(100))
      bench.begin(0)
      var draws = bench.random
      let expected = name == "leastRequest" && given.first?.name == "choices" ? 3 : 2
      #expect(
        bench.policy.candidates(bench.endpoints.view, &draws, at: bench.now).count == expected, "\(name) \(given)")
    }
    // By weight too.
    guard let descriptor = PolicyRegistry.policy(named: "leastRequest") else { return }
    let compare: [(name: String, value: ParameterValue)] = [("weighting", .word("compare"))]
    var weighted = PolicyBench(descriptor.make(parameters(descriptor, compare), BalancerContext()))
    weighted.list(weights: [1, 2, 3, 4])
    var draws = weighted.random
    #expect(weighted.policy.candidates(weighted.endpoints.view, &draws, at: .zero).count == 2)
  }

  // Goal: policies fit into an existential in place: a box would cost 2 ns at each of three calls a request.
  @Test func policiesAreNotBoxed() {
    for descriptor in PolicyRegistry.policies {
      let size = inlineSize(of: descriptor.make(parameters(descriptor, []), BalancerContext()))
      #expect(size <= 24, "\(descriptor.name): \(size) bytes")
    }
  }

  private func inlineSize<Policy: LoadBalancer & ~Copyable>(of policy: borrowing Policy) -> Int {
    MemoryLayout<Policy>.size
  }
}
