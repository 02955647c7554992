// The traffic of one replication as pure functions: which random numbers belong to which request, whoever asks.
//
// The lab draws from these streams, and so does the testbed, whose load and servers are real: request `number` of a client comes at the
// same instant, asks for the same key and demands the same service in both worlds (common random numbers; Law, Simulation Modeling
// and Analysis, 2015, 11.2).

import DataPlane
import MeshCore

/// Whose random numbers are whose.
public struct TrafficStreams: Sendable, Hashable {
  /// The scenario's seed.
  public let seed: UInt64
  /// The replication's number, from 0.
  public let replication: Int

  /// The streams of one replication.
  public init(seed: UInt64, replication: Int) {
    self.seed = seed
    self.replication = replication
  }

  /// The key of one purpose of a client.
  public func key(_ purpose: RandomPurpose, client: String) -> RandomKey {
    RandomKey(seed: seed, replication: replication, purpose: purpose, entity: nameHash(client))
  }

  /// Everything that is drawn for request `number` (from 0) of an open-loop client, its first attempt included.
  public func request(client: String, number: UInt64) -> RandomKey {
    key(.demand, client: client).key(number)
  }

  /// Everything that is drawn for request `number` (from 0) of a closed-loop client's user, its first attempt included.
  public func request(client: String, user: UInt64, number: UInt64) -> RandomKey {
    key(.demand, client: client).key(user).key(number)
  }

  /// The root of what data plane `number` (from 0) of a client draws for itself, such as where it begins to go round.
  public func dataPlane(client: String, number: Int) -> RandomKey {
    RandomKey(
      seed: seed, replication: replication, purpose: .balancer,
      entity: Self.dataPlaneEntity(client: client, number: number))
  }

  static func dataPlaneEntity(client: String, number: Int) -> UInt64 { mix64(nameHash(client) &+ UInt64(number)) }

  /// Everything that is drawn for an attempt other than the first: `number` counts those of its kind, from 1.
  @inline(__always)
  public static func attempt(of request: RandomKey, kind: AttemptKind, number: Int32) -> RandomKey {
    if kind == .first { return request }
    return request.key(UInt64(kind.rawValue) << 32 | UInt64(UInt32(bitPattern: number)))
  }
}

/// When an open-loop client's requests come: the schedule of a replication, one instant after the other.
public struct ArrivalSchedule: ~Copyable {
  private var processes = ArrivalProcesses()
  private var number: UInt64 = 0

  /// The schedule of `client`; one of a closed loop has none.
  public init(_ client: ClientDescription, streams: TrafficStreams) {
    var entries: [TraceEntry] = []
    if case .trace(let rows, _) = client.arrivals {
      entries = rows.map {
        TraceEntry(time: $0.time.nanoseconds, route: -1, kind: 0, hasKey: false, key: 0, demand: -1, size: 0)
      }
    }
    processes.add(
      client.arrivals, key: streams.key(.arrival, client: client.name),
      burstKey: streams.key(.burst, client: client.name), entries: entries)
  }

  /// When the next request comes; nil when none does any more.
  public mutating func next() -> Timestamp? {
    let at = processes.next(client: 0, number: number)
    number &+= 1
    return at == .max ? nil : Timestamp(nanoseconds: at)
  }
}

/// How long a closed-loop client's users think.
public struct ThinkTimes: ~Copyable {
  private var distributions = DistributionTable()
  private let think: Int32
  private let key: RandomKey

  /// The times of `client`; nil when its loop is open.
  public init?(_ client: ClientDescription, streams: TrafficStreams) {
    guard case .closed(_, let distribution, _) = client.arrivals else { return nil }
    key = streams.key(.think, client: client.name)
    think = distributions.add(distribution)
  }

  /// How long user `user` thinks before its request `number`, both from 0.
  public func time(user: UInt64, before number: UInt64) -> TimeSpan {
    TimeSpan(nanoseconds: distributions.sample(think, key.key(user).key(number)))
  }
}

/// Which keys a client's requests carry.
public struct RequestKeys: ~Copyable {
  private let description: KeyDescription?
  private let zipf: ZipfTables

  /// The keys of a client.
  public init(_ description: KeyDescription?) {
    self.description = description
    zipf = ZipfTables(description.map { [$0] } ?? [])
  }

  /// The text of the header that carries a request's key, if it carries one.
  public func text(_ request: RandomKey) -> String? {
    switch description {
    case nil: return nil
    case .zipf: return String(zipf.rank(0, request.key(for: .key)) &+ 1)
    case .uniform(let keys):
      return String(request.key(for: .key).draw(0).multipliedFullWidth(by: UInt64(keys)).high &+ 1)
    case .constant(let text): return text
    }
  }
}
