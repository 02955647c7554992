// What servers say of their own load: Open Request Cost Aggregation (ORCA), as gRPC (A51, A58) and Envoy read it from answers'
// trailers, and what Prequal's probes ask for (Wydrowski et al., NSDI 2024: requests in flight and a latency estimate).

/// A server's report of its load, with an answer or in answer to a probe. A figure that a server does not give is 0.
@frozen
public struct LoadReport: BitwiseCopyable, Hashable, Sendable {
  /// The busy share as the application sees it, from 0; above 1 in an overload.
  public var applicationUtilization: Double
  /// The largest of the server's own metrics that the balancer's configuration names (Envoy's
  /// `metric_names_for_computing_utilization`), from 0. Servers in the lab have none.
  public var namedUtilization: Double
  /// The busy share of the processor, from 0.
  public var cpuUtilization: Double
  /// The used share of the memory, 0…1.
  public var memoryUtilization: Double
  /// Requests a second that it answers.
  public var requestsPerSecond: Double
  /// Errors a second that it answers.
  public var errorsPerSecond: Double
  /// Requests that wait or are served.
  public var requestsInFlight: Int32
  /// How long a request takes that comes in now: the median of late ones that met about as many others.
  public var expectedLatency: TimeSpan
  /// How long the server worked at the request that it answers, without its waiting; zero in answer to a probe.
  public var serviceTime: TimeSpan

  /// A report.
  @inlinable
  public init(
    applicationUtilization: Double = 0, namedUtilization: Double = 0, cpuUtilization: Double = 0,
    memoryUtilization: Double = 0,
    requestsPerSecond: Double = 0, errorsPerSecond: Double = 0, requestsInFlight: Int32 = 0,
    expectedLatency: TimeSpan = .zero, serviceTime: TimeSpan = .zero
  ) {
    self.applicationUtilization = applicationUtilization
    self.namedUtilization = namedUtilization
    self.cpuUtilization = cpuUtilization
    self.memoryUtilization = memoryUtilization
    self.requestsPerSecond = requestsPerSecond
    self.errorsPerSecond = errorsPerSecond
    self.requestsInFlight = requestsInFlight
    self.expectedLatency = expectedLatency
    self.serviceTime = serviceTime
  }

  /// The busy share that weights go by: the application's if it gives one, else a named metric (Envoy), else the processor's
  /// (A58).
  @inlinable
  public var utilization: Double {
    if applicationUtilization > 0 { return applicationUtilization }
    return namedUtilization > 0 ? namedUtilization : cpuUtilization
  }
}
