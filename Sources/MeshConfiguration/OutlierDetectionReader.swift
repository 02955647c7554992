// A checked `outlierDetection` to the description that a data plane goes by.
//
// gRPC has two ways to say it. Its own (A50) names the parts that are on: `successRateEjection`, `failurePercentageEjection`; what is
// not named is off. By xDS it gets Envoy's fields, of which it heeds those it knows: a rule is on where it is enforced at all. Naming
// a part chooses gRPC's rules.

import MeshCore

/// Reads what a cluster says of outlier detection.
struct OutlierDetectionReader {
  let log: FaultLog

  /// Fields that only Envoy's rules know.
  private static let ofEnvoyAlone = [
    "consecutive5xx", "consecutiveGatewayFailure", "consecutiveLocalOriginFailure", "maxEjectionTimeJitter",
    "alwaysEjectOneHost", "enforcingConsecutive5xx", "enforcingConsecutiveGatewayFailure",
    "enforcingConsecutiveLocalOriginFailure", "enforcingLocalOriginSuccessRate",
    "enforcingFailurePercentageLocalOrigin", "splitExternalLocalOriginErrors",
    "successfulActiveHealthCheckUnejectHost",
  ]

  /// Outlier detection of a cluster, if it has any.
  func outlierDetection(_ value: ResolvedValue?) -> OutlierDetectionDescription? {
    guard let value, value.isValid else { return nil }
    var description = OutlierDetectionDescription()
    description.form = form(value)
    readTimes(value, &description)
    readRules(value, &description)
    if description.form == .grpc { readAsGRPC(value, &description) }
    return description
  }

  private func form(_ value: ResolvedValue) -> OutlierDetectionDescription.Form {
    let form = value["form"]?.text.flatMap(OutlierDetectionDescription.Form.init(rawValue:)) ?? .envoy
    guard let part = value["successRateEjection"] ?? value["failurePercentageEjection"], form == .envoy else {
      return form
    }
    if value["form"]?.origin.isImplied == false {
      log.add(part.origin, part.path, "is gRPC's; expected none beside form: envoy")
    }
    return .grpc
  }

  private func readTimes(_ value: ResolvedValue, _ description: inout OutlierDetectionDescription) {
    if let span = value["interval"]?.span { description.interval = span }
    if let span = value["baseEjectionTime"]?.span { description.baseEjectionTime = span }
    if let span = value["maxEjectionTimeJitter"]?.span { description.maxEjectionTimeJitter = span }
    let most = value["maxEjectionTime"]
    if !description.setMaxEjectionTime(most?.span), let most {
      log.add(
        most.origin, most.path, "maxEjectionTime \(most.written) is below baseEjectionTime; expected at least as much")
    }
    if let percent = value["maxEjectionPercent"]?.number { description.maxEjectionPercent = percent }
    if let flag = value["alwaysEjectOneHost"]?.flag { description.alwaysEjectOneHost = flag }
    if let flag = value["successfulActiveHealthCheckUnejectHost"]?.flag {
      description.successfulActiveHealthCheckUnejectHost = flag
    }
  }

  private func readRules(_ value: ResolvedValue, _ description: inout OutlierDetectionDescription) {
    func count(_ name: String, _ path: WritableKeyPath<OutlierDetectionDescription, UInt32>) {
      if let number = value[name]?.integer { description[keyPath: path] = UInt32(clamping: number) }
    }
    func percent(_ name: String, _ path: WritableKeyPath<OutlierDetectionDescription, Double>) {
      if let number = value[name]?.number { description[keyPath: path] = number }
    }
    count("consecutive5xx", \.consecutive5xx)
    count("consecutiveGatewayFailure", \.consecutiveGatewayFailure)
    count("consecutiveLocalOriginFailure", \.consecutiveLocalOriginFailure)
    percent("enforcingConsecutive5xx", \.enforcingConsecutive5xx)
    percent("enforcingConsecutiveGatewayFailure", \.enforcingConsecutiveGatewayFailure)
    percent("enforcingConsecutiveLocalOriginFailure", \.enforcingConsecutiveLocalOriginFailure)
    percent("enforcingSuccessRate", \.enforcingSuccessRate)
    percent("enforcingLocalOriginSuccessRate", \.enforcingLocalOriginSuccessRate)
    percent("enforcingFailurePercentage", \.enforcingFailurePercentage)
    percent("enforcingFailurePercentageLocalOrigin", \.enforcingFailurePercentageLocalOrigin)
    count("successRateMinimumHosts", \.successRateMinimumHosts)
    count("successRateRequestVolume", \.successRateRequestVolume)
    count("successRateStdevFactor", \.successRateStdevFactor)
    percent("failurePercentageThreshold", \.failurePercentageThreshold)
    count("failurePercentageMinimumHosts", \.failurePercentageMinimumHosts)
    count("failurePercentageRequestVolume", \.failurePercentageRequestVolume)
    if let flag = value["splitExternalLocalOriginErrors"]?.flag { description.splitExternalLocalOriginErrors = flag }
  }

  private func readAsGRPC(_ value: ResolvedValue, _ description: inout OutlierDetectionDescription) {
    for name in Self.ofEnvoyAlone {
      guard let given = value[name], !given.origin.isImplied else { continue }
      log.add(given.origin, given.path, "has no effect with gRPC's rules, which look at rates alone; expected none")
    }
    let (rate, share) = (value["successRateEjection"], value["failurePercentageEjection"])
    if rate == nil && share == nil {
      description.judgesSuccessRate = description.enforcingSuccessRate > 0
      description.judgesFailurePercentage = description.enforcingFailurePercentage > 0
      return
    }
    description.judgesSuccessRate = rate != nil
    description.judgesFailurePercentage = share != nil
    if let rate {
      if let number = rate["stdevFactor"]?.integer { description.successRateStdevFactor = UInt32(clamping: number) }
      if let percent = rate["enforcementPercentage"]?.number { description.enforcingSuccessRate = percent }
      if let number = rate["minimumHosts"]?.integer { description.successRateMinimumHosts = UInt32(clamping: number) }
      if let number = rate["requestVolume"]?.integer { description.successRateRequestVolume = UInt32(clamping: number) }
    }
    guard let share else { return }
    if let percent = share["threshold"]?.number { description.failurePercentageThreshold = percent }
    if let percent = share["enforcementPercentage"]?.number { description.enforcingFailurePercentage = percent }
    if let number = share["minimumHosts"]?.integer {
      description.failurePercentageMinimumHosts = UInt32(clamping: number)
    }
    if let number = share["requestVolume"]?.integer {
      description.failurePercentageRequestVolume = UInt32(clamping: number)
    }
  }
}
