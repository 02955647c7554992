// What a load generator has measured: latencies from the instants at which requests were wanted, and how late it was itself.

import Histogram
import MeshCore
import Simulation

/// One client's figures; latencies are nanoseconds.
public struct ClientLoad: Sendable {
  /// The client's name.
  public var name: String
  /// Requests wanted after the warm-up.
  public var requests = 0
  /// Those that succeeded, by the rule of the lab.
  public var successes = 0
  /// Those that nobody had answered when the run ended; their latency is cut there.
  public var unanswered = 0
  /// Latencies of all of them.
  public var latency = LatencyHistogram()
  /// How many there were of each status; 0 is a connection that broke.
  public var statuses: [Int: Int] = [:]

  /// Nothing measured yet.
  public init(name: String) { self.name = name }
}

/// What a run of a load generator has measured.
public struct LoadResult: Sendable {
  /// The clients, in the order of the file.
  public var clients: [ClientLoad]
  /// How long after their instants requests were handed to a socket, nanoseconds, by the generator's own fault alone.
  public var lag = LatencyHistogram()
  /// The latencies of all clients, for other tools.
  fileprivate var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)

  /// Nothing measured yet.
  public init(clients: [String]) { self.clients = clients.map { ClientLoad(name: $0) } }

  /// Nanoseconds of its own lag that a generator may have at the 0.99 quantile.
  public static let lagLimit: Double = 1e6

  /// The 0.99 quantile of the generator's own lag, nanoseconds.
  public var lagP99: Double { lag.quantile(0.99) ?? 0 }

  /// Whether the generator itself was too late for its figures to be trusted.
  public var hasLagged: Bool { lagP99 > Self.lagLimit }

  /// All clients' latencies together.
  public var latency: LatencyHistogram {
    clients.reduce(into: LatencyHistogram()) { $0.add($1.latency) }
  }

  /// Requests of all clients.
  public var requests: Int { clients.reduce(0) { $0 + $1.requests } }

  /// Successes of all clients.
  public var successes: Int { clients.reduce(0) { $0 + $1.successes } }

  /// The share of requests that succeeded; nil without requests.
  public var successRate: Double? { requests == 0 ? nil : Double(successes) / Double(requests) }

  mutating func count(client: Int, latency: Int64, status: Int, isSuccess: Bool) {
    clients[client].requests += 1
    if isSuccess { clients[client].successes += 1 }
    clients[client].statuses[status, default: 0] += 1
    clients[client].latency.record(latency)
    histogram.record(UInt64(max(1, latency)))
  }

  /// The latencies in the percentile format of HdrHistogram (`.hgrm`), in milliseconds.
  public var percentiles: String {
    var text = ""
    histogram.outputPercentileDistribution(to: &text, outputValueUnitScalingRatio: 1e6)
    return text
  }
}
