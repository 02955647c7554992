// What a checked route says of faults and limits, to the descriptions that a data plane goes by.

import MeshCore

/// Reads what stands before a route's balancer.
struct GateReader {
  let log: FaultLog

  /// The gates of a route, if there are any.
  func gates(_ route: ResolvedValue) -> GatesDescription? {
    var gates = GatesDescription()
    gates.fault = given(route["fault"]).map(fault)
    gates.rateLimit = given(route["rateLimit"]).flatMap(rateLimit)
    gates.admissionControl = given(route["admissionControl"]).map(admissionControl)
    gates.adaptiveThrottling = given(route["adaptiveThrottling"]).map(adaptiveThrottling)
    gates.nackAdmission = given(route["nackAdmission"]).map(nackAdmission)
    gates.adaptiveConcurrency = given(route["adaptiveConcurrency"]).map(adaptiveConcurrency)
    return gates.isEmpty ? nil : gates
  }

  private func given(_ value: ResolvedValue?) -> ResolvedValue? {
    guard let value, value.isValid else { return nil }
    return value
  }

  /// A percentage as Envoy's FractionalPercent: of 100, 10,000 or a million parts, whichever holds it.
  static func fraction(percent: Double) -> RuntimeFraction {
    for parts in [1, 100] as [Double] where (percent * parts).rounded() == percent * parts {
      return RuntimeFraction(UInt64(percent * parts), of: UInt64(100 * parts))
    }
    return RuntimeFraction(UInt64((percent * 10_000).rounded()), of: 1_000_000)
  }

  private func fault(_ value: ResolvedValue) -> InjectedFaultDescription {
    var fault = InjectedFaultDescription()
    fault.delay = part(value["delay"], "fixed") { $0.span }
    fault.abort = part(value["abort"], "status") { $0.integer.map { Int16(clamping: $0) } }
    fault.responseRate = part(value["responseRateLimit"], "limitKbps") { $0.integer.map { Int64(clamping: $0) } }
    fault.maxActiveFaults = value["maxActiveFaults"]?.integer.map { Int32(clamping: $0) }
    fault.headers = MeshReader.headers(value["headers"])
    return fault
  }

  private func part<Value>(
    _ value: ResolvedValue?, _ name: String, _ read: (ResolvedValue) -> Value?
  ) -> FaultPart<Value>? {
    guard let value = given(value) else { return nil }
    let share = Self.fraction(percent: value["percent"]?.number ?? 100)
    let fixed = value[name].flatMap(read)
    if !value.has(name) && value["header"] == nil {
      log.add(value.origin, value.path, "says no \(name); expected \(name), or header")
    } else if fixed != nil, let header = value["header"] {
      log.add(header.origin, header.path, "stands beside \(name); expected one of them")
    }
    return FaultPart(fixed, share: share)
  }

  private func rateLimit(_ value: ResolvedValue) -> RateLimitDescription? {
    let status = Int16(clamping: value["status"]?.integer ?? 429)
    if let rate = value["requestsPerSecond"]?.number {
      if let bucket = value["tokenBucket"] {
        log.add(bucket.origin, bucket.path, "stands beside requestsPerSecond; expected one of them")
      }
      let burst = value["burst"]?.integer.map { Double($0) } ?? rate.rounded(.up)
      return RateLimitDescription(tokensPerSecond: rate, maxTokens: max(1, burst), status: status)
    }
    guard let bucket = given(value["tokenBucket"]), let interval = bucket["fillInterval"]?.span, interval > .zero else {
      if value["tokenBucket"] == nil && !value.has("requestsPerSecond") {
        log.add(value.origin, value.path, "says no rate; expected requestsPerSecond, or tokenBucket")
      }
      return nil
    }
    if let burst = value["burst"] {
      log.add(burst.origin, burst.path, "stands beside tokenBucket; expected tokenBucket.maxTokens")
    }
    return RateLimitDescription(
      tokensPerSecond: Double(bucket["tokensPerFill"]?.integer ?? 1) / interval.seconds,
      maxTokens: Double(bucket["maxTokens"]?.integer ?? 1), status: status)
  }

  private func admissionControl(_ value: ResolvedValue) -> AdmissionControlDescription {
    var control = AdmissionControlDescription()
    if let window = value["samplingWindow"], let span = window.span {
      control.samplingWindow = .seconds(span.nanoseconds / 1_000_000_000)
      if span > .seconds(86_400) {
        log.add(window.origin, window.path, "\(window.written) is out of range; expected up to 24h")
      }
    }
    if let aggression = value["aggression"]?.number { control.aggression = aggression }
    if let threshold = value["srThreshold"], let percent = threshold.number {
      control.successRateThreshold = percent / 100
      if percent < 1 { log.add(threshold.origin, threshold.path, "is below 1%; expected from 1% to 100%") }
    }
    if let rate = value["rpsThreshold"]?.integer { control.minimumRate = UInt32(clamping: rate) }
    if let percent = value["maxRejectionProbability"]?.number { control.maxRejectionProbability = percent / 100 }
    if let ranges = value["httpSuccessStatus"] {
      control.successStatuses = ranges.items.compactMap { range in
        guard let start = range["start"]?.integer, let end = range["end"]?.integer else { return nil }
        if end <= start {
          log.add(range.origin, range.path, "ends at \(end), not behind \(start); expected the one behind the last")
          return nil
        }
        return Int16(clamping: start)...Int16(clamping: end - 1)
      }
    }
    return control
  }

  private func adaptiveThrottling(_ value: ResolvedValue) -> AdaptiveThrottlingDescription {
    var throttling = AdaptiveThrottlingDescription()
    if let multiplier = value["multiplier"]?.number { throttling.multiplier = multiplier }
    if let window = value["window"]?.span { throttling.window = window }
    return throttling
  }

  private func nackAdmission(_ value: ResolvedValue) -> NackAdmissionDescription {
    var nacks = NackAdmissionDescription()
    if let window = value["window"]?.span { nacks.window = window }
    if let threshold = value["nackRateThreshold"], let ratio = threshold.number {
      nacks.nackRateThreshold = ratio
      if ratio <= 0 || ratio >= 1 {
        log.add(threshold.origin, threshold.path, "\(threshold.written) is out of range; expected above 0 and below 1")
        nacks.nackRateThreshold = 0.5
      }
    }
    return nacks
  }

  private func adaptiveConcurrency(_ value: ResolvedValue) -> AdaptiveConcurrencyDescription {
    var limit = AdaptiveConcurrencyDescription()
    if let percent = value["sampleAggregatePercentile"]?.number { limit.sampleAggregatePercentile = percent / 100 }
    let (moves, least) = (value["concurrencyLimitParams"], value["minRttCalcParams"])
    if let most = moves?["maxConcurrencyLimit"]?.integer { limit.maxConcurrencyLimit = UInt32(clamping: most) }
    if let interval = moves?["concurrencyUpdateInterval"]?.span { limit.concurrencyUpdateInterval = interval }
    if let interval = least?["interval"]?.span { limit.minRTTInterval = interval }
    limit.fixedMinRTT = least?["fixedValue"]?.span
    if let count = least?["requestCount"]?.integer { limit.minRTTRequestCount = UInt32(clamping: count) }
    if let percent = least?["jitter"]?.number { limit.minRTTJitter = percent / 100 }
    if let percent = least?["buffer"]?.number { limit.buffer = percent / 100 }
    if let count = least?["minConcurrency"] {
      limit.minConcurrency = UInt32(clamping: count.integer ?? 3)
      if limit.minConcurrency > limit.maxConcurrencyLimit {
        log.add(count.origin, count.path, "is above maxConcurrencyLimit \(limit.maxConcurrencyLimit)")
      }
    }
    limit.status = Int16(clamping: value["concurrencyLimitExceededStatus"]?.integer ?? 503)
    return limit
  }
}
