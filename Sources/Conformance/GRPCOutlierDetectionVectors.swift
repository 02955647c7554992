// gRPC's outlier detection (A50): cases of grpc-go's outlierdetection/balancer_test.go, and sweeps worked out from the proposal.

import FaultDetection
import MeshCore
import TestVectors

struct GRPCOutlierDetectionVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.has("upstream_cases") || file.name == "grpc_outlier_detection" }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let defaults = file.content.member("defaults")
    if let defaults {
      report.run("defaults") { check in
        try checkDefaults(defaults, &check)
      }
    }
    let cases = file.list("upstream_cases")
    report.runEach(cases, of: "upstream_cases") { vector, check in
      try runCase(vector, after: cases.first, &check)
    }
    report.runEach(file.list("derived_success_rate"), of: "derived_success_rate") { try runRates($0, &$1) }
  }

  private func standard() -> OutlierDetectionDescription {
    var description = OutlierDetectionDescription()
    description.form = .grpc
    description.enforcingFailurePercentage = 100
    return description
  }

  private func checkDefaults(_ defaults: VectorValue, _ check: inout VectorCheck) throws {
    let ours = standard()
    check.equal(ours.interval, .seconds(of: try defaults("interval_s").time), "interval")
    check.equal(ours.baseEjectionTime, .seconds(of: try defaults("base_ejection_s").time), "base ejection time")
    check.equal(ours.maxEjectionTime, .seconds(of: try defaults("max_ejection_s").time), "longest ejection time")
    check.equal(ours.maxEjectionPercent, try defaults("max_ejection_percent").double, "share")
    let (rate, share) = (try defaults("success_rate"), try defaults("failure_percentage"))
    check.equal(ours.successRateStdevFactor, try rate("stdev_factor").weight, "factor")
    check.equal(ours.enforcingSuccessRate, try rate("enforcement").double, "enforcement")
    check.equal(ours.successRateMinimumHosts, try rate("minimum_hosts").weight, "hosts")
    check.equal(ours.successRateRequestVolume, try rate("request_volume").weight, "volume")
    check.equal(ours.failurePercentageThreshold, try share("threshold").double, "threshold")
    check.equal(ours.enforcingFailurePercentage, try share("enforcement").double, "enforcement")
    check.equal(ours.failurePercentageMinimumHosts, try share("minimum_hosts").weight, "hosts")
    check.equal(ours.failurePercentageRequestVolume, try share("request_volume").weight, "volume")
  }

  /// A sweep after some hosts have failed all of their calls. What a case does not say is as in the first one.
  private func runCase(_ vector: VectorValue, after first: VectorValue?, _ check: inout VectorCheck) throws {
    func said(_ key: String) -> VectorValue? { vector.member(key) ?? first?.member(key) }
    var description = standard()
    description.judgesSuccessRate = said("success_rate") != nil
    description.judgesFailurePercentage = said("fail_pct") != nil
    for settings in [first?.member("success_rate"), vector.member("success_rate")] {
      try read(settings, ofRates: true, &description)
    }
    for settings in [first?.member("fail_pct"), vector.member("fail_pct")] {
      try read(settings, ofRates: false, &description)
    }
    if let percent = said("max_ejection_percent") { description.maxEjectionPercent = try percent.double }
    if let percent = vector.member("enforcement") {
      description.enforcingFailurePercentage = try percent.double
      description.enforcingSuccessRate = try percent.double
    }
    guard let hosts = try said("hosts")?.int, let calls = try said("calls_per_host")?.int,
      let failing = try said("failing_hosts")?.int
    else { throw VectorError(description: "hosts, calls_per_host or failing_hosts is missing") }
    var driver = OutlierDriver(description, hosts: hosts, RandomStream(state: 1))
    for host in 0..<driver.hosts {
      for _ in 0..<max(0, min(calls, 100_000)) { try driver.report(nil, Int(host) < failing ? 503 : 200, host) }
    }
    driver.now = .zero + description.interval
    driver.tick()
    check.equal(driver.ejected.count { $0 }, try vector("want_ejections").int, "ejections")
    if let expected = vector.member("want_unenforced") {
      check.equal(driver.detection.counts.unenforced, try expected.unsigned, "detected and not carried out")
    }
  }

  private func read(
    _ settings: VectorValue?, ofRates: Bool, _ description: inout OutlierDetectionDescription
  ) throws {
    for (key, value) in try settings?.members ?? [] {
      switch (key, ofRates) {
      case ("stdev_factor", true): description.successRateStdevFactor = try value.weight
      case ("threshold", false): description.failurePercentageThreshold = try value.double
      case ("enforcement", true): description.enforcingSuccessRate = try value.double
      case ("enforcement", false): description.enforcingFailurePercentage = try value.double
      case ("minimum_hosts", true): description.successRateMinimumHosts = try value.weight
      case ("minimum_hosts", false): description.failurePercentageMinimumHosts = try value.weight
      case ("request_volume", true): description.successRateRequestVolume = try value.weight
      case ("request_volume", false): description.failurePercentageRequestVolume = try value.weight
      default: throw VectorError(description: "no setting \(key)")
      }
    }
  }

  /// Who stands out by its success rate alone. Rates are fractions of 1 here.
  private func runRates(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let (successes, failures) = (try vector("success").ints, try vector("failure").ints)
    if successes.count != failures.count { throw VectorError(description: "success and failure of different lengths") }
    var description = standard()
    description.judgesFailurePercentage = false
    for (key, value) in try vector.member("overrides")?.members ?? [] {
      switch key {
      case "maxpct": description.maxEjectionPercent = try value.double
      case "factor", "stdev_factor": description.successRateStdevFactor = try value.weight
      case "hosts", "minhosts", "minimum_hosts": description.successRateMinimumHosts = try value.weight
      case "volume", "request_volume": description.successRateRequestVolume = try value.weight
      default: throw VectorError(description: "no override \(key)")
      }
    }
    var driver = OutlierDriver(description, hosts: successes.count, RandomStream(state: 1))
    for host in 0..<driver.hosts {
      for _ in 0..<max(0, min(successes[Int(host)], 1_000_000)) { try driver.report(nil, 200, host) }
      for _ in 0..<max(0, min(failures[Int(host)], 1_000_000)) { try driver.report(nil, 503, host) }
    }
    driver.now = .zero + description.interval
    driver.tick()
    let ejected = (0..<driver.hosts).filter { driver.detection.isEjected(slot: $0) }.map { Int($0) }
    check.equal(ejected, try vector("ejected").ints, "ejected")
    let limit = driver.detection.externalThreshold
    let isCompared = limit != .none
    for (key, actual) in [
      ("mean", limit.mean), ("stdev_population", limit.deviation), ("threshold", limit.threshold),
    ] {
      guard let expected = vector.member(key) else { continue }
      if let number = try? expected.double {
        check.near(actual / 100, number, absolute: 1e-9, key)
      } else {
        check.equal(isCompared, false, "\(key) is worked out")
      }
    }
  }
}
