// Envoy's outlier detection: test/common/upstream/outlier_detection_impl_test.cc as scripts of results, ticks and health checks,
// with the ejections, the state and the counters that follow; thresholds of success rates; and times as configured.

import FaultDetection
import MeshCore
import TestVectors

struct OutlierDetectionVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "outlier_detection" || file.vectors.contains { $0.member("ejection_log") != nil }
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let defaults = (try? file.content.member("config_defaults")?.members) ?? []
    report.runEach(file.vectors) { vector, check in
      if vector.member("script") != nil {
        try runScript(vector, defaults, &check)
      } else if vector.member("success_rates") != nil {
        try checkThreshold(vector, &check)
      } else if vector.member("config_fields") != nil {
        try checkTimes(vector, &check)
      } else {
        throw VectorError(description: "no script, success_rates or config_fields")
      }
    }
  }

  // MARK: - Scripts

  private func runScript(
    _ vector: VectorValue, _ defaults: [(key: String, value: VectorValue)], _ check: inout VectorCheck
  ) throws {
    var description = OutlierDetectionDescription()
    for (key, value) in defaults + (try vector.member("config")?.members ?? []) {
      try set(key, to: value, in: &description)
    }
    let numbers = try randoms(vector)
    try numbers.withUnsafeBufferPointer { script in
      let random = script.isEmpty ? RandomStream(state: 1) : RandomStream(script: script)
      var driver = OutlierDriver(description, hosts: try vector("hosts").int, random)
      for step in try vector("script").items { try follow(step, &driver, &check) }
      if let log = vector.member("ejection_log") {
        let expected = try log.items.map { entry in
          try entry.items.enumerated().map { place, item in place % 2 == 0 ? "\(try item.int)" : try item.string }
        }
        check.equal(driver.log, expected, "ejection log")
      }
    }
  }

  private func randoms(_ vector: VectorValue) throws -> [UInt64] {
    if let one = vector.member("random_always") { return [try one.unsigned] }
    if let one = vector.member("random") { return [try one.unsigned] }
    return try vector.member("randoms")?.unsigneds ?? []
  }

  private func follow(_ step: VectorValue, _ driver: inout OutlierDriver, _ check: inout VectorCheck) throws {
    switch try step("op").string {
    case "now": driver.now = .zero + .milliseconds(of: try step("ms").time)
    case "tick":
      driver.now = .zero + .milliseconds(of: try step("ms").time)
      driver.tick()
    case "hc":
      if try step("healthy").flag { driver.pass(try step("host").int32) }
    case "result":
      let status = try step.member("code").map { Int16(clamping: try $0.int) }
      let kind = try step.member("kind").map { try result($0.string) }
      let count = max(0, min(try step.member("n")?.int ?? 1, 1_000_000))
      let host = try step("host")
      let all = (try? host.string) == "all"
      let hosts = all ? Array(0..<driver.hosts) : [try host.int32]
      for host in hosts { for _ in 0..<count { try driver.report(kind, status, host) } }
    case "expect": try expect(step, driver, &check)
    case let name: throw VectorError(description: "no op \(name)")
    }
  }

  private func expect(_ step: VectorValue, _ driver: borrowing OutlierDriver, _ check: inout VectorCheck) throws {
    for (key, value) in try step.members {
      switch key {
      case "op", "note": break
      case "ejected":
        let expected = try value.items.map { try $0.flag }
        check.equal(driver.ejected, expected, "ejected at \(driver.milliseconds) ms")
      case "active": check.equal(Int(driver.detection.active), try value.int, "active at \(driver.milliseconds) ms")
      case "jitter_ms":
        let jitters = driver.monitors.map { Int($0.jitter.nanoseconds / 1_000_000) }
        check.equal(jitters, try value.ints, "jitter")
      case "backoff": check.equal(driver.monitors.map { Int($0.backoff) }, try value.ints, "backoff")
      case "num_ejections": check.equal(driver.monitors.map { Int($0.ejections) }, try value.ints, "ejections")
      case "sr_ext", "sr_local":
        for (host, rate) in try value.members {
          guard let slot = Int(host), slot >= 0, slot < driver.monitors.count else {
            throw VectorError(description: "no host \(host)")
          }
          let monitor = driver.monitors[slot]
          let actual = key == "sr_ext" ? monitor.external.successRate : monitor.local.successRate
          check.near(actual, try rate.double, absolute: 1e-5, "success rate of host \(host)")
        }
      case "avg_thr_ext", "avg_thr_local":
        let actual = key == "avg_thr_ext" ? driver.detection.externalThreshold : driver.detection.localThreshold
        guard try value.items.count == 2 else { throw VectorError(description: "\(key) of another length") }
        check.near(actual.mean, try value.items[0].double, absolute: 1e-5, "mean at \(driver.milliseconds) ms")
        check.near(actual.threshold, try value.items[1].double, absolute: 1e-5, "threshold")
      case "counters":
        for (name, count) in try value.members {
          check.equal(try driver.counter(name), try count.unsigned, "\(name) at \(driver.milliseconds) ms")
        }
      default: throw VectorError(description: "no expectation \(key)")
      }
    }
  }

  private func result(_ name: String) throws -> OutlierResult {
    switch name {
    case "ExtOriginRequestSuccess": .externalOriginSucceeded
    case "ExtOriginRequestFailed": .externalOriginFailed
    case "LocalOriginTimeout": .localOriginTimedOut
    case "LocalOriginConnectFailed": .localOriginConnectFailed
    case "LocalOriginConnectSuccess": .localOriginConnectSucceeded
    case "LocalOriginConnectSuccessFinal": .localOriginConnectSucceededFinally
    default: throw VectorError(description: "no result \(name)")
    }
  }

  private func set(
    _ key: String, to value: VectorValue, in description: inout OutlierDetectionDescription
  ) throws {
    switch key {
    case "interval_ms": description.interval = .milliseconds(of: try value.time)
    case "base_ms": description.baseEjectionTime = .milliseconds(of: try value.time)
    case "max_ms": description.maxEjectionTime = .milliseconds(of: try value.time)
    case "jitter_ms": description.maxEjectionTimeJitter = .milliseconds(of: try value.time)
    case "c5xx": description.consecutive5xx = try value.weight
    case "cgw": description.consecutiveGatewayFailure = try value.weight
    case "clocal": description.consecutiveLocalOriginFailure = try value.weight
    case "max_percent": description.maxEjectionPercent = try value.double
    case "always_one": description.alwaysEjectOneHost = try value.flag
    case "sr_min_hosts": description.successRateMinimumHosts = try value.weight
    case "sr_volume": description.successRateRequestVolume = try value.weight
    case "sr_factor": description.successRateStdevFactor = try value.weight
    case "fp_threshold": description.failurePercentageThreshold = try value.double
    case "fp_min_hosts": description.failurePercentageMinimumHosts = try value.weight
    case "fp_volume": description.failurePercentageRequestVolume = try value.weight
    case "e5xx": description.enforcingConsecutive5xx = try value.double
    case "egw": description.enforcingConsecutiveGatewayFailure = try value.double
    case "elocal": description.enforcingConsecutiveLocalOriginFailure = try value.double
    case "esr": description.enforcingSuccessRate = try value.double
    case "esr_local": description.enforcingLocalOriginSuccessRate = try value.double
    case "efp": description.enforcingFailurePercentage = try value.double
    case "efp_local": description.enforcingFailurePercentageLocalOrigin = try value.double
    case "split": description.splitExternalLocalOriginErrors = try value.flag
    case "hc_uneject": description.successfulActiveHealthCheckUnejectHost = try value.flag
    default: throw VectorError(description: "no setting \(key)")
    }
  }

  // MARK: - Thresholds and times

  private func checkThreshold(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let rates = try vector("success_rates").doubles
    if rates.isEmpty { throw VectorError(description: "no rates") }
    let limit = SuccessRateThreshold(of: rates, factor: try vector("factor").weight)
    let expected = try vector("expected_mean_threshold").doubles
    if expected.count != 2 { throw VectorError(description: "expected_mean_threshold of another length") }
    check.near(limit.mean, expected[0], absolute: 1e-9, "mean")
    check.near(limit.threshold, expected[1], absolute: 1e-9, "threshold")
    if let ejected = vector.member("ejected") {
      check.equal(rates.map { $0 < limit.threshold }, try ejected.items.map { try $0.flag }, "ejected")
    }
  }

  /// What is configured: durations as protobuf's JSON writes them.
  private func checkTimes(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    var description = OutlierDetectionDescription()
    var longest: TimeSpan?
    for (key, value) in try vector("config_fields").members {
      switch key {
      case "interval": description.interval = try Self.duration(value)
      case "base_ejection_time": description.baseEjectionTime = try Self.duration(value)
      case "max_ejection_time": longest = try Self.duration(value)
      case "max_ejection_time_jitter": description.maxEjectionTimeJitter = try Self.duration(value)
      default: throw VectorError(description: "no field \(key)")
      }
    }
    let expected = try vector("expected")
    let isAccepted = description.setMaxEjectionTime(longest)
    if (try? expected.string) == "rejected" {
      check.equal(isAccepted, false, "accepted")
      return
    }
    check.equal(isAccepted, true, "accepted")
    for (key, value) in try expected.members {
      let span: TimeSpan
      switch key {
      case "interval_ms": span = description.interval
      case "base_ms": span = description.baseEjectionTime
      case "max_ms": span = description.maxEjectionTime
      case "jitter_ms": span = description.maxEjectionTimeJitter
      default: throw VectorError(description: "no time \(key)")
      }
      check.equal(Int(span.nanoseconds / 1_000_000), try value.int, key)
    }
  }

  private static func duration(_ value: VectorValue) throws -> TimeSpan {
    let text = try value.string
    guard text.hasSuffix("s"), let seconds = Double(text.dropLast()), (0...1e9).contains(seconds) else {
      throw VectorError(description: "no duration \(text)")
    }
    return .seconds(of: seconds)
  }
}

/// Outlier detection of a few hosts, with the clock and the log that Envoy's tests have.
struct OutlierDriver: ~Copyable {
  var detection: OutlierDetection
  let hosts: Int32
  var now = Timestamp.zero
  /// What was done, as the vectors write it.
  var log: [[String]] = []
  private var random: RandomStream

  init(_ description: OutlierDetectionDescription, hosts count: Int, _ random: RandomStream) {
    detection = OutlierDetection(description)
    hosts = Int32(clamping: min(max(0, count), 100_000))
    self.random = random
    var endpoints = EndpointSet()
    endpoints.list((0..<hosts).map { EndpointDescription(identity: EndpointIdentity($0)) }, at: .zero)
    detection.list(endpoints)
  }

  var milliseconds: Int64 { now.nanoseconds / 1_000_000 }
  var ejected: [Bool] { (0..<hosts).map { detection.isEjected(slot: $0) } }
  var monitors: [OutlierMonitor] { (0..<hosts).map { detection.monitors[$0] } }

  mutating func report(_ result: OutlierResult?, _ status: Int16?, _ host: Int32) throws {
    if host < 0 || host >= hosts { throw VectorError(description: "no host \(host)") }
    if let result {
      detection.report(result, status: status, slot: host, &random, at: now)
    } else if let status {
      detection.answered(status: status, slot: host, &random, at: now)
    } else {
      throw VectorError(description: "neither code nor kind")
    }
    note()
  }

  mutating func tick() {
    _ = detection.sweep(&random, at: now)
    note()
  }

  mutating func pass(_ host: Int32) {
    detection.healthCheckPassed(slot: host, at: now)
    note()
  }

  private mutating func note() {
    for place in 0..<detection.decisions.count {
      switch detection.decisions[place] {
      case .ejected(let slot, let cause, _):
        log.append(["\(milliseconds)", "eject", "\(slot)", Self.name(cause.rule)])
      case .returned(let slot, _, _): log.append(["\(milliseconds)", "uneject", "\(slot)"])
      }
    }
    detection.decisions.removeAll()
  }

  private static func name(_ rule: OutlierRule) -> String {
    switch rule {
    case .consecutive5xx: "5xx"
    case .consecutiveGatewayFailure: "gw"
    case .consecutiveLocalOriginFailure: "local"
    case .successRate: "sr"
    case .successRateLocalOrigin: "sr_local"
    case .failurePercentage: "fp"
    case .failurePercentageLocalOrigin: "fp_local"
    }
  }

  /// A counter by its name in the vectors.
  func counter(_ name: String) throws -> UInt64 {
    switch name {
    case "total": return detection.counts.total
    case "enforced_total": return detection.counts.enforcedTotal
    case "overflow": return detection.counts.overflow
    default:
      for rule in OutlierRule.allCases {
        if name == "detected_" + Self.name(rule) { return detection.counts.detected[Int(rule.rawValue)] }
        if name == "enforced_" + Self.name(rule) { return detection.counts.enforced[Int(rule.rawValue)] }
      }
      throw VectorError(description: "no counter \(name)")
    }
  }
}
