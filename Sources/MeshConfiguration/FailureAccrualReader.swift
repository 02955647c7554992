// A checked failure accrual to the description that a data plane goes by.

import MeshCore

/// Reads what a cluster says of failure accrual.
struct FailureAccrualReader {
  let log: FaultLog

  /// The accrual of a cluster, if it has any.
  func accrual(_ value: ResolvedValue?) -> FailureAccrualDescription? {
    guard let chosen = value?.chosen else { return nil }
    switch chosen.key {
    case "consecutive": return .consecutive(consecutive(chosen.value))
    case "unified": return .unified(unified(chosen.value))
    case "consecutiveFailures": return .finagle(finagle(chosen.value, failures: true, rate: nil))
    case "successRate":
      let span = SuccessRateSpan.requests(chosen.value["requests"]?.integer ?? 1)
      return .finagle(finagle(chosen.value, failures: false, rate: span))
    case "successRateWindowed": return .finagle(finagle(chosen.value, failures: false, rate: window(chosen.value)))
    case "hybrid": return .finagle(finagle(chosen.value, failures: true, rate: window(chosen.value)))
    default: return nil
    }
  }

  /// The phi-accrual detector of a cluster, if it has one.
  func phi(_ value: ResolvedValue?) -> PhiAccrualDescription? {
    guard let chosen = value?.chosen, chosen.key == "phi" else { return nil }
    let given = chosen.value
    var phi = PhiAccrualDescription()
    if let form = given["form"]?.text.flatMap(PhiAccrualDescription.Form.init(rawValue:)) { phi.form = form }
    if let threshold = given["threshold"]?.number { phi.threshold = threshold }
    if let interval = given["heartbeatInterval"]?.span { phi.heartbeatInterval = interval }
    if let pause = given["acceptableHeartbeatPause"]?.span { phi.acceptableHeartbeatPause = pause }
    if let deviation = given["minStdDeviation"]?.span { phi.minStdDeviation = deviation }
    if let size = given["maxSampleSize"]?.integer { phi.maxSampleSize = Int32(clamping: size) }
    return phi
  }

  private func consecutive(_ value: ResolvedValue) -> ConsecutiveAccrualDescription {
    var accrual = ConsecutiveAccrualDescription()
    if let failures = value["maxFailures"]?.integer { accrual.maxFailures = UInt32(clamping: failures) }
    if let ratio = value["jitterRatio"]?.number { accrual.jitterRatio = ratio }
    if let (low, high) = spans(value, "minPenalty", "maxPenalty") {
      accrual.minPenalty = low
      accrual.maxPenalty = high
    }
    return accrual
  }

  private func unified(_ value: ResolvedValue) -> UnifiedAccrualDescription {
    if let window = value["successRateWindow"], let span = window.span, span < .milliseconds(10) {
      log.add(window.origin, window.path, "\(window.written) is too short; expected at least 10ms")
    }
    return UnifiedAccrualDescription(
      consecutive: consecutive(value), successRateThreshold: value["successRateThreshold"]?.number ?? 0.8,
      successRateWindow: value["successRateWindow"]?.span ?? .seconds(10),
      successRateMinRequests: UInt32(clamping: value["successRateMinRequests"]?.integer ?? 5))
  }

  private func window(_ value: ResolvedValue) -> SuccessRateSpan {
    .duration(
      value["window"]?.span ?? .seconds(30), minimumRequests: value["minRequestThreshold"]?.integer ?? 5)
  }

  private func finagle(_ value: ResolvedValue, failures: Bool, rate: SuccessRateSpan?) -> FinagleAccrualDescription {
    var accrual = FinagleAccrualDescription(consecutiveFailures: nil, successRate: nil)
    if failures { accrual.consecutiveFailures = value["failures"]?.integer ?? 5 }
    if let rate {
      accrual.successRate = RequiredSuccessRate(share: value["successRate"]?.number ?? 0.8, span: rate)
    }
    if let backoff = value["backoff"], let (low, high) = spans(backoff, "min", "max") {
      accrual.minimumBackoff = low
      accrual.maximumBackoff = high
    }
    return accrual
  }

  /// Two lengths of time, of which the first must not be above the second.
  private func spans(_ value: ResolvedValue, _ low: String, _ high: String) -> (TimeSpan, TimeSpan)? {
    guard let least = value[low], let most = value[high], let shortest = least.span, let longest = most.span else {
      return nil
    }
    if shortest > longest {
      let culprit = least.origin.isImplied ? most : least
      log.add(culprit.origin, culprit.path, "\(low) \(least.written) is above \(high) \(most.written)")
    }
    return (shortest, longest)
  }
}
