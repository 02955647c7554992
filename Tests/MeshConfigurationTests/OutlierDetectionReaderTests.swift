// Outlier detection as a cluster says it.

import MeshCore
import Testing

@testable import MeshConfiguration

@Suite("reading outlier detection")
struct OutlierDetectionReaderTests {
  private func read(
    _ settings: String, profile: String = "weir"
  ) -> (settings: OutlierDetectionDescription?, faults: [String]) {
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let text = "{profile: \(profile), clusters: {web: {outlierDetection: \(settings)}}}"
    let node = ConfigurationParser.parse(text, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let mesh = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    return (mesh.clusters.first?.outlierDetection, log.diagnostics?.lines ?? [])
  }

  // Goal: its presence turns it on, with Envoy's defaults; Istio turns success rates off, gRPC has rules of its own.
  @Test func defaults() throws {
    #expect(read("{}").faults == [])
    #expect(read("{}").settings == OutlierDetectionDescription())
    #expect(read("{}", profile: "envoy").settings == OutlierDetectionDescription())
    #expect(read("{}", profile: "istio").settings?.enforcingSuccessRate == 0)
    let grpc = try #require(read("{}", profile: "grpc").settings)
    #expect(grpc.form == .grpc && grpc.judgesSuccessRate && !grpc.judgesFailurePercentage)
  }

  // Goal: every field of Envoy's arrives.
  @Test func everyField() {
    let (settings, faults) = read(
      "{consecutive5xx: 1, consecutiveGatewayFailure: 2, consecutiveLocalOriginFailure: 3, interval: 1s, baseEjectionTime: 2s, "
        + "maxEjectionTime: 20s, maxEjectionTimeJitter: 30ms, maxEjectionPercent: 40%, alwaysEjectOneHost: true, "
        + "enforcingConsecutive5xx: 11, enforcingConsecutiveGatewayFailure: 12, "
        + "enforcingConsecutiveLocalOriginFailure: 13, enforcingSuccessRate: 14, enforcingLocalOriginSuccessRate: 15, "
        + "enforcingFailurePercentage: 16, enforcingFailurePercentageLocalOrigin: 17, successRateMinimumHosts: 4, "
        + "successRateRequestVolume: 50, successRateStdevFactor: 1500, failurePercentageThreshold: 60, "
        + "failurePercentageMinimumHosts: 7, failurePercentageRequestVolume: 8, splitExternalLocalOriginErrors: true, "
        + "successfulActiveHealthCheckUnejectHost: false}")
    #expect(faults == [])
    var expected = OutlierDetectionDescription()
    expected.consecutive5xx = 1
    expected.consecutiveGatewayFailure = 2
    expected.consecutiveLocalOriginFailure = 3
    expected.interval = .seconds(1)
    expected.baseEjectionTime = .seconds(2)
    expected.maxEjectionTime = .seconds(20)
    expected.maxEjectionTimeJitter = .milliseconds(30)
    expected.maxEjectionPercent = 40
    expected.alwaysEjectOneHost = true
    expected.enforcingConsecutive5xx = 11
    expected.enforcingConsecutiveGatewayFailure = 12
    expected.enforcingConsecutiveLocalOriginFailure = 13
    expected.enforcingSuccessRate = 14
    expected.enforcingLocalOriginSuccessRate = 15
    expected.enforcingFailurePercentage = 16
    expected.enforcingFailurePercentageLocalOrigin = 17
    expected.successRateMinimumHosts = 4
    expected.successRateRequestVolume = 50
    expected.successRateStdevFactor = 1500
    expected.failurePercentageThreshold = 60
    expected.failurePercentageMinimumHosts = 7
    expected.failurePercentageRequestVolume = 8
    expected.splitExternalLocalOriginErrors = true
    expected.successfulActiveHealthCheckUnejectHost = false
    #expect(settings == expected)
  }

  // Goal: the longest ejection is 300 s, or the first one's time if that is more, and never less than it.
  @Test func longestEjection() {
    #expect(read("{baseEjectionTime: 400s}").settings?.maxEjectionTime == .seconds(400))
    #expect(read("{baseEjectionTime: 10s}").settings?.maxEjectionTime == .seconds(300))
    let faults = read("{baseEjectionTime: 10s, maxEjectionTime: 3s}").faults
    #expect(faults.count == 1 && faults.allSatisfy { $0.contains("below baseEjectionTime") }, "\(faults)")
    #expect(read("{baseEjectionTime: 10s, maxEjectionTime: 3s}", profile: "grpc").faults == [])
  }

  // Goal: naming gRPC's parts chooses its rules, and what is not named is off; what its rules do not know is a fault.
  @Test func grpc() throws {
    let (settings, faults) = read(
      "{failurePercentageEjection: {threshold: 50, enforcementPercentage: 80, minimumHosts: 3, requestVolume: 4}}")
    #expect(faults == [])
    let shares = try #require(settings)
    #expect(shares.form == .grpc && !shares.judgesSuccessRate && shares.judgesFailurePercentage)
    #expect(shares.failurePercentageThreshold == 50 && shares.enforcingFailurePercentage == 80)
    #expect(shares.failurePercentageMinimumHosts == 3 && shares.failurePercentageRequestVolume == 4)
    let rates = try #require(read("{successRateEjection: {stdevFactor: 1000, minimumHosts: 2}}").settings)
    #expect(rates.judgesSuccessRate && !rates.judgesFailurePercentage && rates.successRateStdevFactor == 1000)
    #expect(rates.successRateMinimumHosts == 2 && rates.enforcingSuccessRate == 100)
    #expect(read("{consecutive5xx: 3}", profile: "grpc").faults.first?.contains("no effect") == true)
    #expect(read("{form: envoy, successRateEjection: {}}").faults.first?.contains("gRPC's") == true)
  }
}
