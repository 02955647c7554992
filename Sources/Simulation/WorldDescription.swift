// What is out there, as the simulation runs it: names resolved to indices, values checked, units in nanoseconds.
// `Experiments` makes these from the `world` part of a scenario.

import MeshCore

/// A probability distribution of lengths of time. Parameters are nanoseconds unless they say otherwise.
public indirect enum DistributionDescription: Sendable, Hashable {
  /// Always the same.
  case constant(Double)
  /// Uniform on [minimum, maximum); with a step, uniform over minimum, minimum + step, … below maximum.
  case uniform(minimum: Double, maximum: Double, step: Double?)
  /// Exponential.
  case exponential(mean: Double)
  /// The sum of `stages` exponentials of equal mean; `mean` is the sum's.
  case erlang(mean: Double, stages: Int)
  /// An exponential whose mean is drawn with the given probabilities (they sum to 1).
  case hyperexponential([HyperexponentialPhase])
  /// Normal, cut at 0 (what falls below is 0).
  case normal(mean: Double, standardDeviation: Double)
  /// exp(N(location, scale²)), of nanoseconds.
  case lognormal(location: Double, scale: Double)
  /// Gamma with the given mean; `shape` has no unit.
  case gamma(mean: Double, shape: Double)
  /// Weibull; `shape` has no unit.
  case weibull(scale: Double, shape: Double)
  /// Pareto above `minimum`; `alpha` has no unit; cut (truncated, not clamped) at `maximum` when given.
  case pareto(minimum: Double, alpha: Double, maximum: Double?)
  /// Linear between the given points of the quantile function; the first has probability 0, the last 1.
  case quantiles([QuantilePoint])
  /// One of these values, each as likely as the others. Sorted upwards.
  case empirical([Double])
  /// One of these distributions, by weight (they sum to 1).
  case mixture([MixturePart])
  /// `of` and always `by` more.
  case shifted(by: Double, of: DistributionDescription)
}

/// One phase of a hyperexponential distribution.
public struct HyperexponentialPhase: Sendable, Hashable {
  /// Its probability, 0…1.
  public var probability: Double
  /// Its mean, nanoseconds.
  public var mean: Double

  /// A phase.
  public init(probability: Double, mean: Double) {
    self.probability = probability
    self.mean = mean
  }
}

/// One point of a quantile function.
public struct QuantilePoint: Sendable, Hashable {
  /// The probability, 0…1.
  public var probability: Double
  /// The value, nanoseconds.
  public var value: Double

  /// A point.
  public init(probability: Double, value: Double) {
    self.probability = probability
    self.value = value
  }
}

/// One part of a mixture.
public struct MixturePart: Sendable, Hashable {
  /// Its probability, 0…1.
  public var weight: Double
  /// Its distribution.
  public var distribution: DistributionDescription

  /// A part.
  public init(weight: Double, distribution: DistributionDescription) {
    self.weight = weight
    self.distribution = distribution
  }
}

/// In which order a replica serves what waits.
public enum Discipline: String, Sendable, Hashable, CaseIterable {
  /// First come, first served.
  case fifo
  /// Last come, first served; what is being served is finished first.
  case lifo
  /// All at once, each at the rate min(1, workers / n).
  case processorSharing
  /// All at once, each at full rate; workers and queue do not count.
  case infinite
}

/// What a server does with work that nobody waits for any more.
public enum CancelBehaviour: String, Sendable, Hashable, CaseIterable {
  /// Finishes it all the same.
  case finish
  /// Drops it if it still waits, finishes it if it has begun.
  case dropQueued
  /// Stops it wherever it is.
  case stop
}

/// What a service does when one of its calls fails.
public enum CallErrorBehaviour: String, Sendable, Hashable, CaseIterable {
  /// Ends the list and answers 500.
  case fail
  /// Goes on.
  case ignore
}

/// One kind of call that a service makes.
public struct CallDescription: Sendable, Hashable {
  /// The host it names, which routes match.
  public var target: String
  /// How many times.
  public var count: Int
  /// Whether its copies go out at once rather than one after another.
  public var isParallel: Bool
  /// What a failure does.
  public var onError: CallErrorBehaviour

  /// A call.
  public init(target: String, count: Int = 1, isParallel: Bool = false, onError: CallErrorBehaviour = .fail) {
    self.target = target
    self.count = count
    self.isParallel = isParallel
    self.onError = onError
  }
}

/// One replica of a service.
public struct ReplicaDescription: Sendable, Hashable {
  /// Its name, `<service>-<number>` unless given.
  public var name: String
  /// The number of its zone in `WorldDescription.zones`, or -1.
  public var zone: Int
  /// Its share of traffic, at least 1.
  public var weight: UInt32
  /// How fast it serves; 2 is twice as fast.
  public var speed: Double
  /// Its own service demand, when not the service's.
  public var time: DistributionDescription?
  /// Its own number of parallel servers, when not the service's.
  public var workers: Int?
  /// Its priority, from 0, which is used first.
  public var priority: Int
  /// What the control plane says of it while it is ready.
  public var status: HostStatus = .healthy
  /// What subsets are selected by.
  public var metadata: [String: String]

  /// A replica.
  public init(
    name: String, zone: Int = -1, weight: UInt32 = 1, speed: Double = 1, time: DistributionDescription? = nil,
    priority: Int = 0, metadata: [String: String] = [:]
  ) {
    self.name = name
    self.zone = zone
    self.weight = weight
    self.speed = speed
    self.time = time
    self.priority = priority
    self.metadata = metadata
  }
}

/// A service's speed that changes by chance: every `every`, each replica draws one of `factors`, and serves that many times
/// as fast until the next draw. Work whose service has begun keeps its speed.
public struct FluctuationDescription: Sendable, Hashable {
  /// From draw to draw.
  public var every: TimeSpan
  /// The speeds, equally likely, above 0.
  public var factors: [Double]

  /// A fluctuation.
  public init(every: TimeSpan, factors: [Double]) {
    self.every = every
    self.factors = factors
  }
}

/// A replica that is slow when young: service takes min(factor, over / age) times as long until the age of `over`
/// (Finagle's balancersim).
public struct ColdStartDescription: Sendable, Hashable {
  /// How many times as long at first, at least 1.
  public var factor: Double
  /// How long it takes to get warm.
  public var over: TimeSpan

  /// A cold start.
  public init(factor: Double, over: TimeSpan) {
    self.factor = factor
    self.over = over
  }
}

/// A neighbour on the same machine: once a period, at a drawn moment, it takes the whole replica for `share` of the period.
public struct AntagonistDescription: Sendable, Hashable {
  /// The share of time taken, 0…1.
  public var share: Double
  /// How often.
  public var period: TimeSpan

  /// An antagonist.
  public init(share: Double, period: TimeSpan) {
    self.share = share
    self.period = period
  }
}

/// A service and its replicas.
public struct ServiceDescription: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// Its replicas at the start.
  public var replicas: [ReplicaDescription]
  /// Parallel servers in one replica, at least 1.
  public var workers: Int
  /// How many workers busy are a utilization of 1 in load reports; nil for all of the replica's own.
  public var allocation: Int?
  /// Waiting places in one replica; nil for no limit.
  public var queueLimit: Int?
  /// Who is shed from its queue, if anybody.
  public var codel: ControlledDelayDescription?
  /// In which order it serves.
  public var discipline: Discipline
  /// The demand of one request.
  public var time: DistributionDescription
  /// The share of requests answered 500 after their service, 0…1.
  public var errorRate: Double
  /// What it calls after its own service: groups one after another, the calls of a group at once.
  public var calls: [[CallDescription]]
  /// Whether the worker is held until the last call has answered.
  public var holdsWorker: Bool
  /// What it does with work nobody waits for.
  public var onCancel: CancelBehaviour
  /// The size of an answer in bytes.
  public var responseSize: Int64
  /// How much longer a service takes for each request in service when it begins, itself included.
  public var perConcurrent: TimeSpan
  /// Changing speed, when there is any.
  public var fluctuation: FluctuationDescription?
  /// Slowness of the young, when there is any.
  public var coldStart: ColdStartDescription?
  /// A neighbour that takes capacity, when there is one.
  public var antagonist: AntagonistDescription?
  /// Whether the callers inside this service share one data plane rather than one per replica.
  public var sharesDataPlane: Bool
  /// When a replica counts as ready; nil for from its start to its end, whatever befalls it.
  public var readinessProbe: ReadinessProbeDescription?
  /// How late what is ready is published.
  public var endpointSlice = EndpointSliceDescription()

  /// A service with the defaults of the scenario file.
  public init(name: String, replicas: [ReplicaDescription], time: DistributionDescription) {
    self.name = name
    self.replicas = replicas
    self.workers = 1
    self.queueLimit = nil
    self.discipline = .fifo
    self.time = time
    self.errorRate = 0
    self.calls = []
    self.holdsWorker = true
    self.onCancel = .finish
    self.responseSize = 0
    self.perConcurrent = .zero
    self.fluctuation = nil
    self.coldStart = nil
    self.antagonist = nil
    self.sharesDataPlane = false
  }
}

/// A rate that holds from an instant on, or is reached at it.
public struct RatePoint: Sendable, Hashable {
  /// When.
  public var at: Timestamp
  /// Requests per second.
  public var rate: Double

  /// A point.
  public init(at: Timestamp, rate: Double) {
    self.at = at
    self.rate = rate
  }
}

/// One row of a recorded trace.
public struct TraceRow: Sendable, Hashable {
  /// When the request was wanted.
  public var time: Timestamp
  /// The host it names, when the trace says.
  public var target: String?
  /// Its method, when the trace says.
  public var method: String?
  /// Its path, when the trace says.
  public var path: String?
  /// The hash of its key, when the trace says.
  public var key: String?
  /// The demand at the first service, when the trace says.
  public var demand: TimeSpan?
  /// The request's size in bytes, when the trace says.
  public var size: Int64?

  /// A row.
  public init(
    time: Timestamp, target: String? = nil, method: String? = nil, path: String? = nil, key: String? = nil,
    demand: TimeSpan? = nil, size: Int64? = nil
  ) {
    self.time = time
    self.target = target
    self.method = method
    self.path = path
    self.key = key
    self.demand = demand
    self.size = size
  }
}

/// How a client's requests come.
public enum ArrivalDescription: Sendable, Hashable {
  /// Poisson, requests per second.
  case poisson(rate: Double)
  /// Evenly spaced from time 0, requests per second.
  case constant(rate: Double)
  /// Rates that hold from their instants on (0 before the first). Poisson, or even.
  case steps([RatePoint], even: Bool)
  /// Rates joined by straight lines; the first and last hold before and after. Poisson, or even.
  case ramp([RatePoint], even: Bool)
  /// A Poisson (or even) process whose rate is one of two, changing after exponential times (MMPP).
  case bursts(low: Double, high: Double, meanLow: TimeSpan, meanHigh: TimeSpan, even: Bool)
  /// Users who wait for their answer, think and ask again; `requests` in all, nil for no limit.
  case closed(users: Int, think: DistributionDescription, requests: Int?)
  /// What was recorded; with `period`, again and again.
  case trace([TraceRow], period: TimeSpan?)
}

/// Keys that requests carry.
public enum KeyDescription: Sendable, Hashable {
  /// One of `keys` keys, key k with probability proportional to 1 / k^exponent.
  case zipf(keys: Int, exponent: Double)
  /// One of `keys` keys, all alike.
  case uniform(keys: Int)
  /// Always this one.
  case constant(String)
}

/// A group of data planes that a client's load is spread over.
public struct DataPlaneGroup: Sendable, Hashable {
  /// The number of its zone, or -1.
  public var zone: Int
  /// How many.
  public var count: Int

  /// A group.
  public init(zone: Int = -1, count: Int) {
    self.zone = zone
    self.count = count
  }
}

/// Somebody who asks.
public struct ClientDescription: Sendable, Hashable {
  /// The client's name.
  public var name: String
  /// The host its requests name.
  public var target: String
  /// How its requests come.
  public var arrivals: ArrivalDescription
  /// Later answers count as failures; nil for no limit.
  public var successWithin: TimeSpan?
  /// The data planes its load is spread over, at least one.
  public var dataPlanes: [DataPlaneGroup]
  /// The requests' path.
  public var path: String
  /// The requests' method.
  public var method: String
  /// The requests' headers, names in lower case.
  public var headers: [HeaderField]
  /// The requests' size in bytes.
  public var requestSize: Int64
  /// The requests' keys, when they carry any.
  public var key: KeyDescription?
  /// The header that the key stands in, in lower case; `x-weir-key` by default.
  public var keyHeader: String

  /// A client with the defaults of the scenario file.
  public init(name: String, target: String, arrivals: ArrivalDescription) {
    self.name = name
    self.target = target
    self.arrivals = arrivals
    self.successWithin = nil
    self.dataPlanes = [DataPlaneGroup(count: 1)]
    self.path = "/"
    self.method = "GET"
    self.headers = []
    self.requestSize = 0
    self.key = nil
    self.keyHeader = Self.usualKeyHeader
  }

  /// The header that keys stand in where nothing else is said.
  public static let usualKeyHeader = "x-weir-key"
}

/// One end of a link or of a partition.
public enum Place: Sendable, Hashable {
  /// A client, by index.
  case client(Int)
  /// A service, by index.
  case service(Int)
  /// A replica, by service and number.
  case replica(service: Int, number: Int)
  /// Everything in a zone, by number.
  case zone(Int)
}

/// What messages from one place to another, and their answers, go through.
public struct LinkDescription: Sendable, Hashable {
  /// Where requests come from.
  public var from: Place
  /// Where they go.
  public var to: Place
  /// One way, drawn each way.
  public var delay: DistributionDescription
  /// The share of messages lost, per direction, 0…1; 1 is a partition.
  public var loss: Double
  /// Bits per second, one queue per direction; nil for no limit.
  public var bandwidth: Double?
  /// After how long a lost message is sent again the first time; doubles from try to try.
  public var retransmission: TimeSpan

  /// A link.
  public init(
    from: Place, to: Place, delay: DistributionDescription = .constant(0), loss: Double = 0, bandwidth: Double? = nil,
    retransmission: TimeSpan = .milliseconds(200)
  ) {
    self.from = from
    self.to = to
    self.delay = delay
    self.loss = loss
    self.bandwidth = bandwidth
    self.retransmission = retransmission
  }
}

/// Which replicas a fault strikes: those of a service that are listed, or all of it.
public struct FaultTarget: Sendable, Hashable {
  /// The service's index.
  public var service: Int
  /// Which replicas, by number; nil for all, those that come later included.
  public var replicas: [Int]?

  /// A target.
  public init(service: Int, replicas: [Int]? = nil) {
    self.service = service
    self.replicas = replicas
  }
}

/// What a fault does.
public enum FaultKind: Sendable, Hashable {
  /// Connections are refused; queued and running work is reset.
  case crash([FaultTarget])
  /// Accepts, never answers.
  case hang([FaultTarget])
  /// Service takes `factor` times as long: for work that begins meanwhile, or (with `affectsRunning`) also for work that runs.
  case slow([FaultTarget], factor: Double, affectsRunning: Bool)
  /// Each request is held up by this much more before it reaches the queue.
  case delay([FaultTarget], DistributionDescription)
  /// This share of requests is answered `status` instead, after `time` (the service time when nil), maybe with a `Retry-After`.
  case errors(
    [FaultTarget], rate: Double, status: Int, time: DistributionDescription?, retryAfter: TimeSpan? = nil)
  /// Every answer carries `x-envoy-immediate-health-check-fail`, and health checks are answered 503.
  case healthCheckFail([FaultTarget])
  /// Every `every`, all work stands still for `length`.
  case pause([FaultTarget], every: TimeSpan, length: TimeSpan)
  /// Nothing passes between the two, either way.
  case partition(from: Place, to: Place)
  /// This share of messages between the two is lost on top of the links' own; nil stands for everywhere.
  case loss(from: Place?, to: Place?, rate: Double)
  /// The service has this many replicas.
  case scale(service: Int, count: Int)
  /// The replicas stop at once and come back, fresh, after `down`.
  case restart([FaultTarget], down: TimeSpan)
  /// No data plane hears of endpoint changes: of a service's, or of any when that is nil.
  case discoveryFrozen(service: Int?)
  /// New TLS connections to the service fail.
  case certificateExpired(service: Int)
}

/// A fault with its times.
public struct FaultDescription: Sendable, Hashable {
  /// When it begins first.
  public var at: Timestamp
  /// How long it lasts; nil for to the end.
  public var duration: TimeSpan?
  /// From start to start; nil for once.
  public var period: TimeSpan?
  /// What it does.
  public var kind: FaultKind
  /// What to call it in the event list, as in the file (`slow 20 on web-3`).
  public var summary: String

  /// A fault.
  public init(at: Timestamp, duration: TimeSpan?, period: TimeSpan?, kind: FaultKind, summary: String) {
    self.at = at
    self.duration = duration
    self.period = period
    self.kind = kind
    self.summary = summary
  }
}

/// The cost of a sidecar on either side of each attempt.
public struct HopDescription: Sendable, Hashable {
  /// Added at the caller's side.
  public var outbound: DistributionDescription
  /// Added at the server's side.
  public var inbound: DistributionDescription

  /// A hop.
  public init(outbound: DistributionDescription = .constant(0), inbound: DistributionDescription = .constant(0)) {
    self.outbound = outbound
    self.inbound = inbound
  }
}

/// All that is out there.
public struct WorldDescription: Sendable, Hashable {
  /// The zones' names; places name them by index.
  public var zones: [String]
  /// The services, in file order.
  public var services: [ServiceDescription]
  /// The clients, in file order.
  public var clients: [ClientDescription]
  /// The links, in file order.
  public var links: [LinkDescription]
  /// The faults, in file order.
  public var faults: [FaultDescription]
  /// The cost of the sidecars.
  public var hop: HopDescription

  /// A world.
  public init(
    zones: [String] = [], services: [ServiceDescription], clients: [ClientDescription], links: [LinkDescription] = [],
    faults: [FaultDescription] = [], hop: HopDescription = .init()
  ) {
    self.zones = zones
    self.services = services
    self.clients = clients
    self.links = links
    self.faults = faults
    self.hop = hop
  }
}

/// How long to run and what to count.
public struct RunDescription: Sendable, Hashable {
  /// When arrivals stop.
  public var duration: TimeSpan
  /// Stop arrivals after this many requests of all clients together; nil for no such limit. Then `duration` is when the last
  /// of them was wanted.
  public var requests: Int?
  /// Requests wanted before are not counted.
  public var warmUp: TimeSpan
  /// How long after `duration` answers are waited for.
  public var drain: TimeSpan
  /// The length of a row of the time line.
  public var window: TimeSpan
  /// Whether retries, hedges and mirrors repeat the first attempt's demand.
  public var repeatsDemand: Bool

  /// The scenario file's defaults.
  public init(
    duration: TimeSpan = .seconds(60), requests: Int? = nil, warmUp: TimeSpan = .zero, drain: TimeSpan = .seconds(60),
    window: TimeSpan = .seconds(1), repeatsDemand: Bool = false
  ) {
    self.duration = duration
    self.requests = requests
    self.warmUp = warmUp
    self.drain = drain
    self.window = window
    self.repeatsDemand = repeatsDemand
  }
}
