import MeshCore
import Testing

@testable import MeshConfiguration

@Suite struct HedgeReaderTests {
  private func read(_ fields: String) -> (route: RouteDescription?, faults: [String]) {
    let log = FaultLog(file: "mesh.yaml")
    let origin = Origin(.standard)
    let text = "{clusters: {web: {}, shadow: {service: web}}, routes: [{match: web, \(fields)}]}"
    let node = ConfigurationParser.parse(text, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let mesh = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    return (mesh.routes.first, log.diagnostics?.lines ?? [])
  }

  // Goal: a delay, a percentile with the load above it, and Envoy's way arrive.
  @Test func triggers() {
    #expect(read("hedge: 50ms").route?.hedge == HedgeDescription(after: .delay(.milliseconds(50))))
    let quantile = read("hedge: {after: 95%}").route?.hedge
    #expect(quantile?.after == .quantile(0.95) && abs((quantile?.maxExtraLoad ?? 0) - 0.05) < 1e-12)
    #expect(read("hedge: {after: 95%, maxExtraLoad: 2%}").route?.hedge?.maxExtraLoad == 0.02)
    let envoys = read("retry: {perTryTimeout: 1s}, hedge: {hedgeOnPerTryTimeout: true}")
    #expect(envoys.faults == [] && envoys.route?.hedge?.after == .perTryTimeout)
    let grpc = read("hedge: {after: 10ms, maxAttempts: 4, nonFatalStatusCodes: [503]}").route?.hedge
    #expect(grpc?.maxAttempts == 4 && grpc?.nonFatalStatusCodes == [503])
  }

  // Goal: mirrors arrive, those that copy nothing are left out.
  @Test func mirrors() {
    let read = read("mirror: [shadow, {to: shadow, percent: 5}, {to: shadow, percent: 0}]")
    #expect(read.faults == [])
    #expect(read.route?.mirrors == [MirrorDescription(cluster: 1), MirrorDescription(cluster: 1, percent: 5)])
  }

  // Goal: budgets of other kinds arrive, and two at a time are a fault.
  @Test func budgets() {
    let bucket = read("retry: {tokenBucket: {perRequest: 0.2}}").route?.retry?.budget?.tokenBucket
    #expect(bucket == TokenBucketDescription(capacity: 5, perRequest: 0.2))
    let throttle = read("retry: {throttling: {maxTokens: 10, tokenRatio: 0.1}}").route?.retry?.budget?.throttling
    #expect(throttle == RetryThrottlingDescription(maxTokens: 10, tokenRatio: 0.1))
    #expect(read("retry: {budget: {}, tokenBucket: {}}").faults.first?.contains("expected one of them") == true)
  }

  // Goal: what says nothing, or two things, or nothing that has an effect, is told.
  @Test(arguments: [
    ("hedge: {}", "missing"), ("hedge: {maxAttempts: 3}", "missing"),
    ("hedge: {after: 10ms, hedgeOnPerTryTimeout: true}", "expected one of them"),
    ("hedge: {hedgeOnPerTryTimeout: true}", "without retries"), ("mirror: [nobody]", "unknown cluster"),
    ("hedge: {after: 10ms, maxAttempts: 1}", "2"),
  ]) func faults(_ fields: String, _ part: String) {
    let faults = read(fields).faults
    #expect(faults.count == 1 && faults.allSatisfy { $0.contains(part) }, "\(faults)")
  }
}
