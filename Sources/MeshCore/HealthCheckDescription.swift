// What a cluster says of active health checks: Envoy's `health_checks`, one of them.

/// How endpoints are asked how they are.
public struct HealthCheckDescription: Sendable, Hashable {
  /// What is asked.
  public enum Question: Sendable, Hashable {
    /// An HTTP request: the status decides.
    case http
    /// A connection, which is enough; or bytes that have to come back over it.
    case tcp(awaitsAnswer: Bool)
    /// gRPC's health service: serving or not.
    case grpc
  }

  /// Whose rules say what a failure counts.
  public enum Form: String, Sendable, Hashable, CaseIterable {
    /// Envoy: an endpoint is out until its first check passes; an answer that says no is enough at once.
    case envoy
    /// HAProxy: an endpoint is in until its first check fails; after that every failure counts alike.
    case haproxy
  }

  /// What is asked.
  public var question: Question
  /// Whose rules hold.
  public var form: Form
  /// From the end of a check to the next one, above 0.
  public var interval: TimeSpan
  /// How long an answer may take, above 0.
  public var timeout: TimeSpan
  /// Failures in a row that make an endpoint unhealthy, where one alone does not; at least 1.
  public var unhealthyThreshold: UInt32
  /// Successes in a row that make it healthy again; at least 1.
  public var healthyThreshold: UInt32
  /// Up to this late is the first check of an endpoint.
  public var initialJitter = TimeSpan.zero
  /// Up to this later is each other one.
  public var intervalJitter = TimeSpan.zero
  /// Up to this share of its interval later, per cent.
  public var intervalJitterPercent: UInt32 = 0
  /// The interval after a failure of an endpoint that is unhealthy.
  public var unhealthyInterval: TimeSpan
  /// The interval after a failure that did not suffice.
  public var unhealthyEdgeInterval: TimeSpan
  /// The interval after a success that did not suffice.
  public var healthyEdgeInterval: TimeSpan
  /// The interval as long as the cluster has had no request.
  public var noTrafficInterval: TimeSpan
  /// The same after a success that changes nothing or suffices.
  public var noTrafficHealthyInterval: TimeSpan
  /// What a check over HTTP asks for, and by which host; the lab's servers answer whatever is asked.
  public var path = "/"
  public var host: String?
  public var method = "GET"
  /// Which statuses pass.
  public var expectedStatuses: [Range<Int16>] = [200..<201]
  /// Which others fail, but not at once.
  public var retriableStatuses: [Range<Int16>] = []
  /// Whether an endpoint that nobody has checked yet counts neither as there nor as missing (Envoy's
  /// `ignore_new_hosts_until_first_hc`).
  public var ignoresNewHosts = false
  /// Whether an endpoint that discovery takes away stays as long as its checks pass (Envoy, unless `ignore_health_on_host_removal`).
  public var keepsRemovedHosts = false
  /// Whether checks of an endpoint go over one connection, as long as it stands; always false for TCP.
  public var reusesConnection = true

  /// A check with one interval for all cases.
  public init(
    _ question: Question, form: Form = .envoy, interval: TimeSpan, timeout: TimeSpan, unhealthyThreshold: UInt32,
    healthyThreshold: UInt32
  ) {
    self.question = question
    self.form = form
    self.interval = interval
    self.timeout = timeout
    self.unhealthyThreshold = unhealthyThreshold
    self.healthyThreshold = healthyThreshold
    unhealthyInterval = interval
    unhealthyEdgeInterval = interval
    healthyEdgeInterval = interval
    noTrafficInterval = interval
    noTrafficHealthyInterval = interval
  }
}
