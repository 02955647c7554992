// The services of a scenario as real servers: each replica listens on a port of its own and serves as the lab says it would, with the
// very draws of the lab. One event loop carries them all, so nothing in it is locked.

import DataPlane
import Experiments
import MeshConfiguration
import MeshCore
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import Proxy
import Simulation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A replica that listens.
public struct BackendAddress: Sendable, Hashable {
  /// The service's name.
  public var service: String
  /// The replica's name.
  public var replica: String
  /// Where it listens.
  public var address: SocketName
}

/// What came to a replica, of the requests that count.
public struct BackendCount: Sendable, Hashable {
  /// The service's name.
  public var service: String
  /// The replica's name.
  public var replica: String
  /// Attempts that came.
  public var requests: Int
  /// Those answered with success.
  public var successes: Int
}

/// Real servers of a scenario's services. Safe to use from anywhere; what it holds is confined to its event loop.
public final class Backend: @unchecked Sendable {
  /// Which replicas it is.
  public struct Selection: Sendable, Hashable {
    /// The service's name; nil for all.
    public var service: String?
    /// The replica's number; nil for all.
    public var replica: Int?
    /// Where the replicas listen, in their order; where nothing is said, at the address of 127.0.0.1 that a replica has for its name, or
    /// at any free port.
    public var addresses: [SocketName]

    /// A selection.
    public init(service: String? = nil, replica: Int? = nil, addresses: [SocketName] = []) {
      self.service = service
      self.replica = replica
      self.addresses = addresses
    }
  }

  private let group: MultiThreadedEventLoopGroup
  private let loop: any EventLoop
  private let world: WorldDescription
  private let seed: UInt64
  private let warmUp: TimeSpan
  private let clock: RunClock
  private let replicas: [ReplicaServer]
  private let wishes: [SocketName]
  private var listeners: [(any Channel)?] = []
  private var addresses: [SocketAddress] = []
  private var connections: [[ObjectIdentifier: any Channel]] = []
  private var attempts: [RequestName: Int] = [:]
  private var kinds: [AttemptKind: Int] = [:]
  private var strangers: UInt64 = 0
  private var bodies: [ByteBuffer] = []

  /// The servers of a variant, which do not listen yet.
  ///
  /// - Throws: `TestbedError` when real servers cannot be what the world says, or there is none of that name.
  public init(
    _ variant: Variant, seed: UInt64, selection: Selection = Selection(), clock: RunClock = RunClock()
  ) throws {
    world = variant.world
    self.seed = seed
    self.clock = clock
    warmUp = variant.run.warmUp
    let faults = TestbedLimits.serverFaults(variant.world)
    if !faults.isEmpty { throw TestbedError(faults) }
    let named = try Self.named(selection, in: variant.world)
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    self.loop = loop
    let table = DrawTable(variant.world)
    let world = variant.world
    replicas = named.map { ReplicaServer(service: $0, number: $1, of: world, table: table, loop: loop, clock: clock) }
    wishes = selection.addresses
    for service in variant.world.services {
      bodies.append(ByteBuffer(repeating: UInt8(ascii: "."), count: Int(min(max(0, service.responseSize), 1 << 26))))
    }
  }

  private static func named(_ selection: Selection, in world: WorldDescription) throws -> [(Int, Int)] {
    var named: [(Int, Int)] = []
    for (index, service) in world.services.enumerated() where selection.service ?? service.name == service.name {
      for number in service.replicas.indices where selection.replica ?? number == number {
        named.append((index, number))
      }
    }
    if named.isEmpty {
      let known = world.services.map { "\($0.name) (\($0.replicas.count))" }.joined(separator: ", ")
      throw TestbedError(["--service, --replica: no such replica; expected one of \(known)"])
    }
    if selection.addresses.count > named.count {
      throw TestbedError(["--listen: \(selection.addresses.count) addresses for \(named.count) replicas"])
    }
    return named
  }

  // MARK: - Beginning and ending

  /// Begins to listen, and returns where.
  ///
  /// - Throws: what the system says when an address cannot be listened on; nothing listens then.
  public func start() async throws -> [BackendAddress] {
    var names: [BackendAddress] = []
    var bound: [any Channel] = []
    for (place, replica) in replicas.enumerated() {
      let wish = place < wishes.count ? wishes[place] : Self.ownAddress(replica.name)
      do {
        bound.append(try await bootstrap(place).bind(host: wish.host, port: wish.port).get())
      } catch {
        for channel in bound { try? await channel.close() }
        try? await group.shutdownGracefully()
        throw error
      }
      let port = bound[place].localAddress?.port ?? wish.port
      names.append(
        BackendAddress(
          service: world.services[replica.service].name, replica: replica.name,
          address: SocketName(host: wish.host, port: port)))
    }
    let channels = bound
    try await loop.submit { [self] in
      listeners = channels
      addresses = channels.compactMap(\.localAddress)
      connections = channels.map { _ in [:] }
    }.get()
    return names
  }

  /// Where a replica listens of which nobody says so: a replica whose name is an address of this machine listens there, so that a hash
  /// ring of addresses is the same in both worlds.
  private static func ownAddress(_ name: String) -> SocketName {
    if let own = SocketName(name), own.host == "127.0.0.1", own.port > 0 { return own }
    return SocketName(host: "127.0.0.1", port: 0)
  }

  /// Ends at once.
  public func stop() async {
    try? await loop.submit { [self] in
      for channel in listeners { channel?.close(promise: nil) }
      for some in connections { for channel in some.values { channel.close(promise: nil) } }
    }.get()
    try? await group.shutdownGracefully()
  }

  /// What came so far, replica by replica.
  public func counts() async -> [BackendCount] {
    (try? await loop.submit { [self] in
      replicas.map {
        BackendCount(
          service: world.services[$0.service].name, replica: $0.name, requests: $0.requests, successes: $0.successes)
      }
    }.get()) ?? []
  }

  /// How many attempts of a kind came so far, of requests that count.
  func count(of kind: AttemptKind) async -> Int {
    (try? await loop.submit { [self] in kinds[kind, default: 0] }.get()) ?? 0
  }

  private func bootstrap(_ place: Int) -> ServerBootstrap {
    let replica = replicas[place]
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          if place < connections.count {
            let name = ObjectIdentifier(channel)
            connections[place][name] = channel
            channel.closeFuture.whenComplete { [self] _ in connections[place][name] = nil }
          }
          try channel.pipeline.syncOperations.addHandler(
            FirstBytes(limit: .seconds(3600), FirstBytes.isHTTP2) { isHTTP2 in
              try BackendHandler.install(self, replica, on: channel, isHTTP2: isHTTP2)
            })
        }
      }
  }

  // MARK: - Requests

  /// The work that a request's headers ask for. On the loop.
  func work(_ headers: HTTPHeaders, answer: @escaping (ServerAnswer) -> Void) -> ReplicaServer.Work {
    let name = RequestName(headers)
    if let name, !areFaultsScheduled {
      clock.begin(at: name.wanted)
      scheduleFaults()
    }
    guard let name else {
      // Of nobody whom the scenario knows: one after the other.
      strangers &+= 1
      let key = TrafficStreams(seed: seed, replication: 0).request(client: "", number: strangers &- 1)
      return ReplicaServer.Work(key: key, isCounted: true, entered: clock.now, answer: answer)
    }
    let attempt = AttemptName(headers) ?? AttemptName(place: nextAttempt(of: name))
    let isCounted = name.wanted.nanoseconds >= warmUp.nanoseconds
    if isCounted { kinds[attempt.kind, default: 0] += 1 }
    return ReplicaServer.Work(
      key: name.key(seed: seed, attempt: attempt), isCounted: isCounted, entered: clock.now, answer: answer)
  }

  /// Which attempt it is when nobody says so: one more than came before to any replica of this process.
  private func nextAttempt(of name: RequestName) -> Int {
    if attempts.count > 1_000_000 { attempts.removeAll() }
    attempts[name, default: 0] += 1
    return attempts[name] ?? 1
  }

  /// What a replica answers with.
  func body(of replica: ReplicaServer) -> ByteBuffer { bodies[replica.service] }

  // MARK: - Faults

  private var areFaultsScheduled = false

  private func scheduleFaults() {
    if areFaultsScheduled { return }
    areFaultsScheduled = true
    for (index, fault) in world.faults.enumerated() { schedule(index, fault, from: fault.at) }
  }

  private func schedule(_ index: Int, _ fault: FaultDescription, from start: Timestamp) {
    at(start) { [self] in
      strike(index, fault.kind, isBeginning: true)
      if let period = fault.period { schedule(index, fault, from: start + period) }
    }
    guard let duration = fault.duration else { return }
    at(start + duration) { [self] in strike(index, fault.kind, isBeginning: false) }
  }

  /// Calls `body` at an instant, at once when that is over.
  private func at(_ instant: Timestamp, _ body: @escaping () -> Void) {
    if instant <= clock.now { return body() }
    loop.assumeIsolated().scheduleTask(deadline: clock.deadline(instant), body)
  }

  private func strike(_ index: Int, _ kind: FaultKind, isBeginning: Bool) {
    let targets: [FaultTarget]
    switch kind {
    case .crash(let struck), .hang(let struck), .slow(let struck, _, _), .delay(let struck, _),
      .errors(let struck, _, _, _, _):
      targets = struck
    default: return
    }
    for (place, replica) in replicas.enumerated() {
      let isMeant = targets.contains {
        $0.service == replica.service && $0.replicas?.contains(replica.number) ?? true
      }
      if !isMeant { continue }
      let wasCrashed = replica.isCrashed
      replica.strikes(fault: index, isBeginning: isBeginning)
      if replica.isCrashed && !wasCrashed { close(place) }
      if !replica.isCrashed && wasCrashed { reopen(place) }
    }
  }

  /// A crash: nobody listens any more, and every connection is reset.
  private func close(_ place: Int) {
    listeners[place]?.close(promise: nil)
    listeners[place] = nil
    for channel in connections[place].values { Self.reset(channel) }
    connections[place] = [:]
  }

  private func reopen(_ place: Int) {
    bootstrap(place).bind(to: addresses[place]).whenComplete { [self] result in
      switch result {
      case .success(let channel):
        if replicas[place].isCrashed { channel.close(promise: nil) } else { listeners[place] = channel }
      case .failure:
        // The port may be taken for a moment; a replica that stays away would be another scenario.
        loop.assumeIsolated().scheduleTask(in: .milliseconds(20)) { [self] in
          if !replicas[place].isCrashed { reopen(place) }
        }
      }
    }
  }

  /// Ends a connection with a reset rather than in good order.
  static func reset(_ channel: any Channel) {
    if let options = channel as? any SocketOptionProvider {
      options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    } else {
      channel.close(promise: nil)
    }
  }
}
