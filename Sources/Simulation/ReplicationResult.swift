// What one replication of one variant has to tell: plain values, the rows of the result files before they are written.

import MeshCore

/// Counts and latencies of a set of requests. Latencies are nanoseconds.
public struct RequestStatistics: Sendable, Hashable {
  /// Requests wanted in [warm-up, duration).
  public var requests: Int64 = 0
  /// Those that succeeded.
  public var successes: Int64 = 0
  /// Those that did not: `requests` − `successes`.
  public var failures: Int64 = 0
  /// Answers given in [warm-up, duration), per second of that span.
  public var throughput: Double = 0
  /// Mean, exact; nil without requests.
  public var latencyMean: Double?
  /// Quantiles 0.5, 0.9, 0.95, 0.99, 0.999, to 3 significant digits.
  public var latencyP50: Double?
  /// See `latencyP50`.
  public var latencyP90: Double?
  /// See `latencyP50`.
  public var latencyP95: Double?
  /// See `latencyP50`.
  public var latencyP99: Double?
  /// See `latencyP50`.
  public var latencyP999: Double?
  /// The longest, exact.
  public var latencyMaximum: Double?
  /// Median of the successful ones.
  public var successLatencyP50: Double?
  /// 0.99 quantile of the successful ones.
  public var successLatencyP99: Double?
  /// Attempts after the first.
  public var retries: Int64 = 0
  /// Hedged attempts.
  public var hedges: Int64 = 0
  /// Mirrored requests.
  public var mirrors: Int64 = 0
  /// Ended by the route timeout.
  public var timeouts: Int64 = 0
  /// 429 or 503 that reached no worker.
  public var rejected: Int64 = 0
  /// Endpoints ejected by the client's data planes, or by all of them together, the warm-up left out.
  public var ejections: Int64 = 0
  /// Largest attempts ÷ weight over the mean, of the first client's target; nil without attempts.
  public var imbalance: Double?
  /// Still open at the end of the drain.
  public var unanswered: Int64 = 0
  /// By what stood in their way.
  public var refusals = RefusalCounts()

  /// Nothing counted.
  public init() {}
}

/// One endpoint of one cluster.
public struct EndpointStatistics: Sendable, Hashable {
  /// The cluster's name.
  public var cluster: String
  /// The replica's name.
  public var endpoint: String
  /// Attempts sent to it.
  public var requests: Int64 = 0
  /// Its share of the cluster's attempts.
  public var share: Double?
  /// Attempts that succeeded.
  public var successes: Int64 = 0
  /// Attempts that did not.
  public var failures: Int64 = 0
  /// Mean latency of attempts, nanoseconds.
  public var latencyMean: Double?
  /// 0.99 quantile of the latency of attempts, nanoseconds.
  public var latencyP99: Double?
  /// Held workers over workers, on average; nil where workers do not count.
  public var utilization: Double?
  /// How long it was ejected, all data planes averaged, nanoseconds.
  public var ejected: Double = 0

  /// Nothing counted.
  public init(cluster: String, endpoint: String) {
    self.cluster = cluster
    self.endpoint = endpoint
  }
}

/// One window of the time line.
public struct TimelineRow: Sendable, Hashable {
  /// When the window begins.
  public var time: Timestamp
  /// Requests wanted in it.
  public var requests: Int64 = 0
  /// Successes answered in it.
  public var successes: Int64 = 0
  /// Failures answered in it.
  public var failures: Int64 = 0
  /// Mean latency of what was answered in it, nanoseconds, exact.
  public var latencyMean: Double?
  /// Median latency of what was answered in it, nanoseconds.
  public var latencyP50: Double?
  /// 0.99 quantile of the same.
  public var latencyP99: Double?
  /// Client requests open at its end.
  public var inFlight: Int64 = 0
  /// Endpoints of the first client's target that its first data plane may choose, at the window's end.
  public var healthyEndpoints: Int64 = 0

  /// An empty window.
  public init(time: Timestamp) { self.time = time }
}

/// One line of the event list.
public struct EventRow: Sendable, Hashable {
  /// When.
  public var time: Timestamp
  /// `faultBegan`, `faultEnded`, `ejected`, `returned`, `probation`, `scaled`, `ready`, `unready`, …
  public var event: String
  /// The cluster or service concerned; empty when none is.
  public var cluster: String
  /// The endpoint concerned; empty when none is.
  public var endpoint: String
  /// Why, in words.
  public var detail: String
  /// The data plane that decided (`users/0`, `web-3`); empty when none did.
  public var proxy: String

  /// A line.
  public init(
    time: Timestamp, event: String, cluster: String = "", endpoint: String = "", detail: String = "", proxy: String = ""
  ) {
    self.time = time
    self.event = event
    self.cluster = cluster
    self.endpoint = endpoint
    self.detail = detail
    self.proxy = proxy
  }
}

/// One client's figures.
public struct ClientStatistics: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// Its figures.
  public var statistics: RequestStatistics

  /// A client's figures.
  public init(name: String, statistics: RequestStatistics) {
    self.name = name
    self.statistics = statistics
  }
}

/// One service's figures.
public struct ServiceStatistics: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// Attempts that reached it.
  public var requests: Int64 = 0
  /// Those answered with success.
  public var successes: Int64 = 0
  /// Those answered otherwise.
  public var failures: Int64 = 0
  /// Those nobody waited for any more.
  public var abandoned: Int64 = 0
  /// Service spent on them, nanoseconds.
  public var wastedWork: Double = 0
  /// Held workers over workers, on average; nil where workers do not count.
  public var utilization: Double?
  /// Requests waiting for a worker in the whole service, on average.
  public var queueMean: Double = 0

  /// Nothing counted.
  public init(name: String) { self.name = name }
}

/// Everything one replication of one variant has to tell.
public struct ReplicationResult: Sendable {
  /// The replication's number, from 0.
  public var replication: Int
  /// The scenario's seed.
  public var seed: UInt64
  /// All clients together.
  public var summary: RequestStatistics
  /// Latency of every counted request, for pooling.
  public var latency: LatencyHistogram
  /// Each endpoint of each cluster.
  public var endpoints: [EndpointStatistics]
  /// The time line, the warm-up included.
  public var timeline: [TimelineRow]
  /// The event list, the warm-up included.
  public var events: [EventRow]
  /// Each client.
  public var clients: [ClientStatistics]
  /// Each service.
  public var services: [ServiceStatistics]
  /// From the first fault's beginning to the first time after it that an endpoint is ejected or found unhealthy by its checks,
  /// nanoseconds; nil without either.
  public var detectionTime: Double?
  /// How far the clock went.
  public var simulated: TimeSpan
  /// How many events ran.
  public var eventCount: UInt64
  /// All of them, folded.
  public var traceDigest: UInt64
  /// What a reader of the figures has to know (saturation, requests that still wait), one line each.
  public var notes: [String]

  /// A result.
  public init(
    replication: Int, seed: UInt64, summary: RequestStatistics, latency: LatencyHistogram,
    endpoints: [EndpointStatistics], timeline: [TimelineRow], events: [EventRow], clients: [ClientStatistics],
    services: [ServiceStatistics], detectionTime: Double?, simulated: TimeSpan, eventCount: UInt64,
    traceDigest: UInt64, notes: [String]
  ) {
    self.replication = replication
    self.seed = seed
    self.summary = summary
    self.latency = latency
    self.endpoints = endpoints
    self.timeline = timeline
    self.events = events
    self.clients = clients
    self.services = services
    self.detectionTime = detectionTime
    self.simulated = simulated
    self.eventCount = eventCount
    self.traceDigest = traceDigest
    self.notes = notes
  }
}
