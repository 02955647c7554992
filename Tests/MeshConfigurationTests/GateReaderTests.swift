// What stands before a route, as the route says it.

import MeshCore
import Testing

@testable import MeshConfiguration

@Suite("reading gates")
struct GateReaderTests {
  private func read(_ route: String) -> (gates: GatesDescription?, faults: [String]) {
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let text = "{clusters: {web: {}}, routes: [{match: web, \(route)}]}"
    let node = ConfigurationParser.parse(text, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let mesh = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    return (mesh.routes.first?.gates, log.diagnostics?.lines ?? [])
  }

  // Goal: what is not said is what the systems take, and a route that says nothing has nothing before it.
  @Test func defaults() throws {
    #expect(read("timeout: 1s").gates == nil)
    let (gates, faults) = read(
      "admissionControl: {}, adaptiveThrottling: {}, nackAdmission: {}, adaptiveConcurrency: {}, "
        + "rateLimit: {requestsPerSecond: 2.5}")
    #expect(faults == [])
    var expected = GatesDescription()
    expected.admissionControl = AdmissionControlDescription()
    expected.adaptiveThrottling = AdaptiveThrottlingDescription()
    expected.nackAdmission = NackAdmissionDescription()
    expected.adaptiveConcurrency = AdaptiveConcurrencyDescription()
    expected.rateLimit = RateLimitDescription(tokensPerSecond: 2.5, maxTokens: 3)
    #expect(try #require(gates) == expected)
  }

  // Goal: every field arrives.
  @Test func everyField() throws {
    let (gates, faults) = read(
      "fault: {delay: {percent: 0.5, fixed: 200ms}, abort: {percent: 0.0025, header: {}}, "
        + "responseRateLimit: {percent: 3, limitKbps: 64}, maxActiveFaults: 5, headers: {X-Tenant: test}}, "
        + "rateLimit: {tokenBucket: {maxTokens: 10, tokensPerFill: 5, fillInterval: 50ms}, status: 503}, "
        + "admissionControl: {samplingWindow: 10s, aggression: 2, srThreshold: 90%, rpsThreshold: 5, "
        + "maxRejectionProbability: 50, httpSuccessStatus: [{start: 200, end: 400}]}, "
        + "adaptiveThrottling: {multiplier: 1.1, window: 60s}, nackAdmission: {window: 10s, nackRateThreshold: 0.4}, "
        + "adaptiveConcurrency: {sampleAggregatePercentile: 90, concurrencyLimitParams: {maxConcurrencyLimit: 50, "
        + "concurrencyUpdateInterval: 1s}, minRttCalcParams: {interval: 5s, fixedValue: 3ms, requestCount: 9, "
        + "jitter: 10%, minConcurrency: 2, buffer: 50%}, concurrencyLimitExceededStatus: 429}")
    #expect(faults == [])
    var fault = InjectedFaultDescription()
    fault.delay = FaultPart(.milliseconds(200), share: RuntimeFraction(50, of: 10_000))
    fault.abort = FaultPart(nil, share: RuntimeFraction(25, of: 1_000_000))
    fault.responseRate = FaultPart(64, share: RuntimeFraction(3))
    fault.maxActiveFaults = 5
    fault.headers = [HeaderField(name: "x-tenant", value: "test")]
    #expect(gates?.fault == fault)
    #expect(gates?.rateLimit == RateLimitDescription(tokensPerSecond: 100, maxTokens: 10, status: 503))
    var control = AdmissionControlDescription()
    control.samplingWindow = .seconds(10)
    control.aggression = 2
    control.successRateThreshold = 0.9
    control.minimumRate = 5
    control.maxRejectionProbability = 0.5
    control.successStatuses = [200...399]
    #expect(gates?.admissionControl == control)
    #expect(gates?.adaptiveThrottling?.multiplier == 1.1 && gates?.adaptiveThrottling?.window == .seconds(60))
    #expect(gates?.nackAdmission?.nackRateThreshold == 0.4 && gates?.nackAdmission?.window == .seconds(10))
    let limit = try #require(gates?.adaptiveConcurrency)
    #expect(limit.sampleAggregatePercentile == 0.9 && limit.maxConcurrencyLimit == 50)
    #expect(limit.concurrencyUpdateInterval == .seconds(1) && limit.minRTTInterval == .seconds(5))
    #expect(limit.fixedMinRTT == .milliseconds(3) && limit.minRTTRequestCount == 9 && limit.minRTTJitter == 0.1)
    #expect(limit.minConcurrency == 2 && limit.buffer == 0.5 && limit.status == 429)
  }

  // Goal: what is wrong is told once, with what was expected.
  @Test(arguments: [
    ("fault: {delay: {percent: 5}}", "expected fixed, or header"),
    ("fault: {abort: {status: 500, header: {}}}", "stands beside status"),
    ("fault: {abort: {status: 100}}", "from 200 to 599"),
    ("rateLimit: {}", "expected requestsPerSecond, or tokenBucket"),
    ("rateLimit: {requestsPerSecond: 0}", "above 0"),
    (
      "rateLimit: {requestsPerSecond: 5, tokenBucket: {maxTokens: 1, fillInterval: 1s}}",
      "stands beside requestsPerSecond"
    ),
    ("rateLimit: {tokenBucket: {maxTokens: 1, fillInterval: 1ms}}", "duration"),
    ("admissionControl: {srThreshold: 0}", "from 1% to 100%"),
    ("admissionControl: {httpSuccessStatus: [{start: 300, end: 200}]}", "behind the last"),
    ("nackAdmission: {nackRateThreshold: 1}", "below 1"),
    ("adaptiveConcurrency: {concurrencyLimitParams: {maxConcurrencyLimit: 2}}", "above maxConcurrencyLimit"),
  ]) func faults(route: String, word: String) {
    let (_, faults) = read(route)
    #expect(faults.count == 1 && faults[0].contains(word), "\(faults)")
  }
}
