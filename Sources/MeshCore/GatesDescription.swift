// What stands before a route's balancer: faults that the proxy injects, and limits of what may pass.
//
// Names and defaults are those of the filters of Envoy (envoy.extensions.filters.http.fault, local_ratelimit, admission_control and
// adaptive_concurrency), of the throttling of Google's SRE book (chapter 21) and of Finagle's NackAdmissionFilter.

/// One kind of injected fault: how much of it, and for which share of requests.
public struct FaultPart<Value: Sendable & Hashable>: Sendable, Hashable {
  /// How much; nil where the request's headers say it (`x-envoy-fault-…`), and without them there is none.
  public var value: Value?
  /// For which share of requests, at most.
  public var share: RuntimeFraction

  /// A fault.
  public init(_ value: Value?, share: RuntimeFraction = RuntimeFraction(100)) {
    self.value = value
    self.share = share
  }
}

/// Delays and failures that a proxy injects (Envoy's fault filter).
public struct InjectedFaultDescription: Sendable, Hashable {
  /// How long requests are held up.
  public var delay: FaultPart<TimeSpan>?
  /// With which status requests are answered in the endpoint's place, 200…599.
  public var abort: FaultPart<Int16>?
  /// How fast answers are handed on, KiB/s from 1.
  public var responseRate: FaultPart<Int64>?
  /// How many requests may suffer a fault at a time, per data plane; nil for any number.
  public var maxActiveFaults: Int32?
  /// Headers that a request must carry with these values to suffer any; names in lower case.
  public var headers: [HeaderField] = []

  /// No faults.
  public init() {}
}

/// A bucket of tokens that fills evenly (Envoy's local rate limit).
public struct RateLimitDescription: Sendable, Hashable {
  /// Tokens a second, above 0.
  public var tokensPerSecond: Double
  /// How many tokens it holds, at least 1; it starts full.
  public var maxTokens: Double
  /// What a request without a token is answered.
  public var status: Int16

  /// A bucket.
  public init(tokensPerSecond: Double, maxTokens: Double, status: Int16 = 429) {
    self.tokensPerSecond = tokensPerSecond
    self.maxTokens = maxTokens
    self.status = status
  }
}

/// Rejections by the success rate of the recent past (Envoy's admission control).
public struct AdmissionControlDescription: Sendable, Hashable {
  /// How long an answer counts; whole seconds, at least one.
  public var samplingWindow: TimeSpan = .seconds(30)
  /// How steeply rejections grow, from 1: p = base^(1/aggression).
  public var aggression: Double = 1
  /// The success rate below which requests are rejected, above 0 and up to 1.
  public var successRateThreshold: Double = 0.95
  /// Requests a second below which none is rejected.
  public var minimumRate: UInt32 = 0
  /// The largest share of requests that is rejected, 0…1.
  public var maxRejectionProbability: Double = 0.8
  /// Statuses that are successes; those below 500 by default.
  public var successStatuses: [ClosedRange<Int16>] = [100...499]

  /// Envoy's defaults.
  public init() {}
}

/// A limit of requests in flight that follows latency (Envoy's adaptive concurrency, gradient controller).
public struct AdaptiveConcurrencyDescription: Sendable, Hashable {
  /// Which percentile of latencies counts, 0…1.
  public var sampleAggregatePercentile: Double = 0.5
  /// The largest limit.
  public var maxConcurrencyLimit: UInt32 = 1000
  /// From one new limit to the next.
  public var concurrencyUpdateInterval: TimeSpan = .milliseconds(100)
  /// From one measurement of the least latency to the next.
  public var minRTTInterval: TimeSpan = .seconds(60)
  /// The least latency, where it is known; then it is never measured.
  public var fixedMinRTT: TimeSpan?
  /// Requests that a measurement takes.
  public var minRTTRequestCount: UInt32 = 50
  /// Up to this share of the interval more, drawn, 0…1.
  public var minRTTJitter: Double = 0.15
  /// The limit while it is measured, and the smallest there is.
  public var minConcurrency: UInt32 = 3
  /// What of the least latency a latency may exceed it by before the limit falls, 0…1.
  public var buffer: Double = 0.25
  /// What a request beyond the limit is answered.
  public var status: Int16 = 503

  /// Envoy's defaults, and intervals, which it has none for.
  public init() {}
}

/// Throttling at the client: requests against accepts (Google, Site Reliability Engineering, chapter 21).
public struct AdaptiveThrottlingDescription: Sendable, Hashable {
  /// How many requests there may be per accepted one (the book's K), from 1.
  public var multiplier: Double = 2
  /// How long a request counts.
  public var window: TimeSpan = .seconds(120)

  /// The book's values.
  public init() {}
}

/// Throttling at the client by an average of accepts (Finagle's NackAdmissionFilter).
public struct NackAdmissionDescription: Sendable, Hashable {
  /// The average's window.
  public var window: TimeSpan = .seconds(120)
  /// The share of rejections from which requests are dropped, above 0 and below 1.
  public var nackRateThreshold: Double = 0.5
  /// The largest share of requests that is dropped, 0…1.
  public var maxDropProbability: Double = 0.75
  /// Requests a second below which none is dropped.
  public var minimumRate: Int64 = 5

  /// Finagle's defaults.
  public init() {}
}

/// What stands before a route's balancer, in the order in which a request meets it.
public struct GatesDescription: Sendable, Hashable {
  /// Injected faults.
  public var fault: InjectedFaultDescription?
  /// A bucket of tokens.
  public var rateLimit: RateLimitDescription?
  /// Rejections by success rate.
  public var admissionControl: AdmissionControlDescription?
  /// Throttling by requests and accepts.
  public var adaptiveThrottling: AdaptiveThrottlingDescription?
  /// Throttling by an average of accepts.
  public var nackAdmission: NackAdmissionDescription?
  /// A limit of requests in flight.
  public var adaptiveConcurrency: AdaptiveConcurrencyDescription?

  /// Nothing.
  public init() {}

  /// Whether nothing stands there.
  public var isEmpty: Bool { self == GatesDescription() }
}
