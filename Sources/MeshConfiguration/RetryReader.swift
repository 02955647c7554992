// A checked retry to the description that a data plane goes by.

import MeshCore
import TrafficSplitting

/// Reads what a route says of trying again.
struct RetryReader {
  let profile: MeshProfile
  let log: FaultLog

  /// The retries of a route, if it has any.
  func retry(_ value: ResolvedValue?) -> RetryDescription? {
    guard let value, value.isValid else { return nil }
    var retry = RetryDescription(on: failures(value))
    if let codes = value["retriableStatusCodes"] {
      retry.retriableStatusCodes = codes.items.compactMap { $0.integer.map { Int16(clamping: $0) } }
      if !retry.on.contains("retriable-status-codes") && !retry.retriableStatusCodes.isEmpty {
        log.add(codes.origin, codes.path, "has no effect; expected retriable-status-codes among what is retried on")
      }
    }
    retry.attempts = Int32(clamping: value["attempts"]?.integer ?? 1)
    if let limit = value["perTryTimeout"]?.span, limit > .zero { retry.perTryTimeout = limit }
    if let idle = value["perTryIdleTimeout"]?.span, idle > .zero {
      retry.perTryTimeout = min(idle, retry.perTryTimeout ?? idle)
    }
    retry.backoff = backoff(value["backoff"])
    retry.longestReset = longestReset(value["rateLimitedRetryBackOff"])
    retry.budget = value["budget"].map { given in
      var budget = RetryBudgetDescription()
      if let ratio = given["ratio"]?.number { budget.ratio = ratio }
      if let least = given["minPerSecond"]?.integer { budget.minPerSecond = Int64(clamping: least) }
      if let ttl = given["ttl"], let span = ttl.span {
        budget.ttl = span
        if span < .seconds(1) || span > .seconds(60) {
          log.add(ttl.origin, ttl.path, "\(ttl.written) is out of range; expected 1s to 60s")
        }
      }
      return budget
    }
    let given = ["budget", "tokenBucket", "throttling"].compactMap { value[$0] }.filter { !$0.origin.isImplied }
    if given.count > 1 {
      log.add(given[1].origin, given[1].path, "stands beside \(given[0].path); expected one of them")
    }
    if let bucket = value["tokenBucket"], let capacity = bucket["capacity"]?.number,
      let income = bucket["perRequest"]?.number
    {
      retry.budget = RetryBudgetDescription()
      retry.budget?.tokenBucket = TokenBucketDescription(capacity: capacity, perRequest: income)
    }
    if let throttle = value["throttling"], let most = throttle["maxTokens"]?.number,
      let ratio = throttle["tokenRatio"]?.number
    {
      retry.budget = RetryBudgetDescription()
      retry.budget?.throttling = RetryThrottlingDescription(maxTokens: most, tokenRatio: ratio)
    }
    if !(value["retryHostPredicate"]?.items ?? []).isEmpty {
      retry.hostSelectionRetries = Int32(clamping: value["hostSelectionRetryMaxAttempts"]?.integer ?? 1)
    }
    if let frequency = value["retryPriority"]?["previousPriorities"]?["updateFrequency"]?.integer {
      retry.priorityUpdateFrequency = Int32(clamping: frequency)
    }
    return retry
  }

  /// Envoy takes the first of the headers that an answer has; simulated ones have one.
  private func longestReset(_ value: ResolvedValue?) -> TimeSpan {
    guard let value else { return .zero }
    for header in value["resetHeaders"]?.items ?? [] {
      guard let name = header["name"], let text = name.text else { continue }
      if text.lowercased() != "retry-after" {
        log.add(name.origin, name.path, "no simulated answer carries \(quoted(text)); expected retry-after")
      } else if let format = header["format"], format.text == "unixTimestamp" {
        log.add(format.origin, format.path, "simulated answers carry seconds; expected seconds")
      }
    }
    return value["maxInterval"]?.span ?? .seconds(300)
  }

  private func failures(_ value: ResolvedValue) -> [String] {
    guard let given = value["on"] else { return ["5xx"] }
    var failures: [String] = []
    for item in given.items {
      guard let name = item.text else { continue }
      do throws(RetryConditionError) {
        _ = try profile == .linkerd ? RetryConditions(linkerd: [name]) : RetryConditions(names: [name])
        failures.append(name)
      } catch {
        let known =
          profile == .linkerd
          ? "one of Linkerd's (5xx, gateway-error, unavailable, …)" : "Envoy's name of one (5xx, connect-failure, …)"
        log.add(
          item.origin, item.path,
          "unknown failure \(quoted(name)); expected \(known), a status, or a range such as 502-504")
      }
    }
    return failures
  }

  private func backoff(_ value: ResolvedValue?) -> RetryBackoffDescription {
    var backoff = RetryBackoffDescription()
    switch profile {
    case .grpc: backoff.jitter = .around
    case .linkerd: backoff.jitter = .added(ratio: 1)
    default: break
    }
    guard let value else { return backoff }
    if let base = value["base"]?.span {
      backoff.base = base
      backoff.maximum = TimeSpan(nanoseconds: base.nanoseconds.multipliedReportingOverflow(by: 10).partialValue)
    }
    if let most = value["max"], let span = most.span {
      backoff.maximum = span
      // A profile's longest pause gives way to a first one that somebody wrote.
      if span < backoff.base && most.origin.isImplied {
        backoff.maximum = backoff.base
      } else if span < backoff.base {
        log.add(most.origin, most.path, "max \(most.written) is below the first pause; expected at least as much")
      }
    }
    if let ratio = value["jitter"]?.number { backoff.jitter = .added(ratio: ratio) }
    return backoff
  }
}
