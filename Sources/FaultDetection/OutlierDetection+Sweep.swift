// The sweep: once an interval, who has been out for long enough returns, and the results of the interval are judged.
//
// Envoy's order (DetectorImpl::onIntervalTimer): returns, and buckets change places; then rates of what endpoints answered, by success
// rate and by share of failures; then the same of reaching them; last, multipliers of those in use shrink. Who is out is
// not judged, and who has been let in at this sweep is. With fewer endpoints than both rules ask for nothing is judged at all.
//
// gRPC's order (A50; grpc-go, outlierdetection/balancer.go): buckets, success rates, shares of failures, then multipliers and returns,
// for which more than the time must have passed. Its bound lets one more out while out / endpoints < share: so there is always
// one that may, unless the share is 0. A share of failures has to be above the threshold, where Envoy's may be equal.
//
// A sweep is needed only while there is something for it: results since the last one, somebody out, or a multiplier to shrink.

import MeshCore

/// An endpoint with enough requests to be judged.
private struct RatedEndpoint: BitwiseCopyable {
  var slot: Int32
  /// Per cent.
  var rate: Double
}

extension OutlierDetection {
  /// A sweep. Returns whether the next one has something to do even if there are no results until then.
  public mutating func sweep(_ random: inout RandomStream, at now: Timestamp) -> Bool {
    if description.form == .grpc {
      sweepAsGRPC(&random, at: now)
    } else {
      sweepAsEnvoy(&random, at: now)
    }
    for place in 0..<members.count {
      let monitor = monitors[members[place]]
      if monitor.isEjected || monitor.backoff > 0 { return true }
    }
    return false
  }

  // MARK: - Envoy

  private mutating func sweepAsEnvoy(_ random: inout RandomStream, at now: Timestamp) {
    for place in 0..<members.count {
      let slot = members[place]
      let monitor = monitors[slot]
      let span = description.ejectionTime(backoff: monitor.backoff, jitter: monitor.jitter)
      if monitor.isEjected && span <= now - monitor.ejectedAt { readmit(slot, isByHealthCheck: false, at: now) }
      beginInterval(slot)
    }
    judge(isLocal: false, &random, at: now)
    judge(isLocal: true, &random, at: now)
    for place in 0..<members.count {
      monitors.modify(members[place]) { monitor in
        let isCalm =
          !monitor.isEjected && monitor.returnedAt != .distantPast && now - monitor.returnedAt >= description.interval
        if isCalm && monitor.backoff > 0 { monitor.backoff -= 1 }
      }
    }
  }

  private mutating func beginInterval(_ slot: Int32) {
    monitors.modify(slot) { monitor in
      monitor.external.beginInterval()
      monitor.local.beginInterval()
    }
  }

  /// Judges what endpoints answered, or how reaching them went, in the interval before.
  private mutating func judge(isLocal: Bool, _ random: inout RandomStream, at now: Timestamp) {
    setThreshold(.none, isLocal: isLocal)
    if members.count < Int(description.successRateMinimumHosts)
      && members.count < Int(description.failurePercentageMinimumHosts)
    {
      return
    }
    let least = UInt64(min(description.successRateRequestVolume, description.failurePercentageRequestVolume))
    for place in 0..<members.count where !monitors[members[place]].isEjected {
      monitors.modify(members[place]) { monitor in
        let bucket = isLocal ? monitor.local.previous : monitor.external.previous
        guard let rate = bucket.successRate, bucket.total >= least else { return }
        if isLocal { monitor.local.successRate = rate } else { monitor.external.successRate = rate }
      }
    }
    // Both lists are made before anybody is ejected: that is how one endpoint can be ejected twice.
    let rated = self.rated(isLocal: isLocal, volume: description.successRateRequestVolume)
    let suspects = self.rated(isLocal: isLocal, volume: description.failurePercentageRequestVolume)
    if !rated.isEmpty && rated.count >= Int(description.successRateMinimumHosts) {
      let limit = SuccessRateThreshold(of: rated.map(\.rate), factor: description.successRateStdevFactor)
      setThreshold(limit, isLocal: isLocal)
      for endpoint in rated where endpoint.rate < limit.threshold {
        let cause = OutlierCause(
          isLocal ? .successRateLocalOrigin : .successRate, value: Float(endpoint.rate),
          threshold: Float(limit.threshold), mean: Float(limit.mean))
        eject(endpoint.slot, cause, &random, at: now)
      }
    }
    if suspects.isEmpty || suspects.count < Int(description.failurePercentageMinimumHosts) { return }
    for endpoint in suspects where 100 - endpoint.rate >= description.failurePercentageThreshold {
      let cause = OutlierCause(
        isLocal ? .failurePercentageLocalOrigin : .failurePercentage, value: Float(100 - endpoint.rate),
        threshold: Float(description.failurePercentageThreshold))
      eject(endpoint.slot, cause, &random, at: now)
    }
  }

  /// Endpoints in use that had at least `volume` results, and some, in the interval before.
  private func rated(isLocal: Bool, volume: UInt32) -> [RatedEndpoint] {
    var rated: [RatedEndpoint] = []
    for place in 0..<members.count {
      let monitor = monitors[members[place]]
      let bucket = isLocal ? monitor.local.previous : monitor.external.previous
      guard !monitor.isEjected, let rate = bucket.successRate, bucket.total >= UInt64(volume) else { continue }
      rated.append(RatedEndpoint(slot: members[place], rate: rate))
    }
    return rated
  }

  private mutating func setThreshold(_ limit: SuccessRateThreshold, isLocal: Bool) {
    if isLocal { localThreshold = limit } else { externalThreshold = limit }
  }

  // MARK: - gRPC

  private mutating func sweepAsGRPC(_ random: inout RandomStream, at now: Timestamp) {
    for place in 0..<members.count { beginInterval(members[place]) }
    externalThreshold = .none
    // A double ejection, which grpc-go makes, is left out: who is out already is not looked at again.
    if description.judgesSuccessRate {
      let rated = self.rated(isLocal: false, volume: description.successRateRequestVolume)
      if !rated.isEmpty && rated.count >= Int(description.successRateMinimumHosts) {
        let limit = SuccessRateThreshold(of: rated.map(\.rate), factor: description.successRateStdevFactor)
        externalThreshold = limit
        for endpoint in rated where endpoint.rate < limit.threshold {
          let cause = OutlierCause(
            .successRate, value: Float(endpoint.rate), threshold: Float(limit.threshold), mean: Float(limit.mean))
          ejectAsGRPC(endpoint.slot, cause, enforcing: description.enforcingSuccessRate, &random, at: now)
        }
      }
    }
    if description.judgesFailurePercentage {
      let suspects = self.rated(isLocal: false, volume: description.failurePercentageRequestVolume)
      if suspects.count >= Int(description.failurePercentageMinimumHosts) {
        for endpoint in suspects where 100 - endpoint.rate > description.failurePercentageThreshold {
          let cause = OutlierCause(
            .failurePercentage, value: Float(100 - endpoint.rate),
            threshold: Float(description.failurePercentageThreshold))
          ejectAsGRPC(endpoint.slot, cause, enforcing: description.enforcingFailurePercentage, &random, at: now)
        }
      }
    }
    for place in 0..<members.count {
      let slot = members[place]
      let monitor = monitors[slot]
      if !monitor.isEjected {
        if monitor.backoff > 0 { monitors[slot].backoff -= 1 }
      } else if now > monitor.ejectedAt + description.ejectionTime(backoff: monitor.backoff, jitter: .zero) {
        readmit(slot, isByHealthCheck: false, at: now)
      }
    }
  }

  private mutating func ejectAsGRPC(
    _ slot: Int32, _ cause: OutlierCause, enforcing: Double, _ random: inout RandomStream, at now: Timestamp
  ) {
    counts.detected[Int(cause.rule.rawValue)] += 1
    let share = 100 * Double(active) / Double(max(1, members.count))
    // A number is drawn for everybody who is not too many, whatever it decides.
    if share >= description.maxEjectionPercent {
      counts.overflow += 1
      counts.unenforced += 1
    } else if Double(random.modulo(100)) < enforcing {
      carryOut(slot, cause, at: now) { _ in .zero }
    } else {
      counts.unenforced += 1
    }
  }
}
