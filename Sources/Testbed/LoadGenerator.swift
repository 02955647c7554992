// Sends a scenario's requests to a real address: what open-loop clients want comes at the instants fixed in advance, whatever the
// answers do; closed-loop users think after each answer.
//
// One event loop and one timer, set to the next instant. Connections are HTTP/1.1, kept alive, as many as there are requests under way;
// some are opened before the first instant, so that it does not pay for them.

import Experiments
import MeshConfiguration
import MeshCore
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import Simulation

/// A load generator for one run. What it holds is confined to its event loop.
public final class LoadGenerator: @unchecked Sendable {
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let loop: any EventLoop
  private let world: WorldDescription
  private let run: RunDescription
  private let streams: TrafficStreams
  private let target: SocketName
  private let clock: RunClock
  private let plan: LoadPlan
  private var place = 0
  private var idle: [LoadConnection] = []
  private var result: LoadResult
  private var open: [UInt64: (client: Int, wanted: Timestamp)] = [:]
  private var token: UInt64 = 0
  private var isOver = false
  private var end: EventLoopPromise<Void>?
  private let keys: [KeyTable]
  /// Whether any route may set cookies.
  private let keepsCookies: Bool
  private var jar = CookieJar()
  /// Requests that a closed loop may still send in all, and that each of its clients may; nil for no limit.
  private var left: Int?
  private var allowances: [Int?]

  /// The load of one replication of a variant.
  public init(
    _ variant: Variant, seed: UInt64, replication: Int = 0, to target: SocketName, clock: RunClock = RunClock()
  ) {
    world = variant.world
    run = variant.run
    streams = TrafficStreams(seed: seed, replication: replication)
    self.target = target
    self.clock = clock
    plan = LoadPlan(variant.world, run: variant.run, streams: streams)
    loop = group.next()
    result = LoadResult(clients: variant.world.clients.map(\.name))
    keys = variant.world.clients.map { KeyTable($0.key) }
    keepsCookies = variant.mesh.routes.contains { route in
      route.statefulSession != nil
        || route.hashPolicies.contains { if case .cookie = $0.source { true } else { false } }
    }
    left = variant.run.requests
    allowances = variant.world.clients.map { client in
      if case .closed(_, _, let requests) = client.arrivals { requests } else { nil }
    }
  }

  /// How many requests there are under way at most before it is found that nobody answers.
  private static let connectionsAtFirst = 8

  /// Sends everything, waits for the answers, and says what was measured. It begins the clock unless that runs already.
  ///
  /// - Throws: what the system says when nobody listens at the address.
  public func send() async throws -> LoadResult {
    do {
      try await openFirst()
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
    clock.begin(in: .milliseconds(20))
    try await loop.flatSubmit { [self] in
      let end = loop.makePromise(of: Void.self)
      self.end = end
      begin()
      return end.futureResult
    }.get()
    let measured = try await loop.submit { [self] in result }.get()
    try? await group.shutdownGracefully()
    return measured
  }

  /// Ends early: what is under way counts as unanswered.
  public func stop() { loop.execute { [self] in finish() } }

  private func openFirst() async throws {
    for _ in 0..<Self.connectionsAtFirst {
      try await loop.flatSubmit { [self] in connect { [self] in idle.append($0) } }.get()
    }
  }

  private func begin() {
    let stop = plan.end.nanoseconds
    loop.assumeIsolated().scheduleTask(deadline: clock.deadline(Timestamp(nanoseconds: stop) + run.drain)) { [self] in
      finish()
    }
    for (client, description) in world.clients.enumerated() {
      guard case .closed(let users, _, _) = description.arrivals else { continue }
      for user in 0..<UInt64(users) { think(client: client, user: user, number: 0) }
    }
    waitForNext()
  }

  // MARK: - Open loop

  private func waitForNext() {
    if isOver { return }
    guard place < plan.requests.count else {
      loop.assumeIsolated().scheduleTask(deadline: clock.deadline(plan.end)) { [self] in finishIfDone() }
      return
    }
    loop.assumeIsolated().scheduleTask(deadline: clock.deadline(plan.requests[place].wanted)) { [self] in sendDue() }
  }

  private func sendDue() {
    while place < plan.requests.count, plan.requests[place].wanted <= clock.now, !isOver {
      let request = plan.requests[place]
      place += 1
      send(
        RequestName(
          client: world.clients[request.client].name, number: request.number, wanted: request.wanted,
          replication: streams.replication), client: request.client
      ) {}
    }
    waitForNext()
  }

  // MARK: - Closed loop

  private func think(client: Int, user: UInt64, number: UInt64) {
    guard let times = ThinkTimes(world.clients[client], streams: streams) else { return }
    let at = clock.now + times.time(user: user, before: number)
    if at >= plan.end { return }
    loop.assumeIsolated().scheduleTask(deadline: clock.deadline(at)) { [self] in
      if isOver || left == 0 || allowances[client] == 0 { return }
      left = left.map { $0 - 1 }
      allowances[client] = allowances[client].map { $0 - 1 }
      let name = RequestName(
        client: world.clients[client].name, user: user, number: number, wanted: at, replication: streams.replication)
      send(name, client: client) { [self] in think(client: client, user: user, number: number + 1) }
    }
  }

  // MARK: - Requests

  private func send(_ name: RequestName, client: Int, then: @escaping () -> Void) {
    token += 1
    let token = token
    open[token] = (client, name.wanted)
    if isCounted(name.wanted) { result.lag.record(max(0, (clock.now - name.wanted).nanoseconds)) }
    let key = keys[client].keys.text(name.key(seed: streams.seed))
    let session = keepsCookies ? CookieJar.Session(client: client, user: name.user, key: key) : nil
    let (head, body) = question(name, client: client, key: key, session)
    let ending: LoadConnection.Ending = { [self] status, cookies in
      if let session { for cookie in cookies { jar.take(cookie, of: session, at: clock.now) } }
      answered(token, status: status)
      then()
      finishIfDone()
    }
    while let connection = idle.popLast() {
      if !connection.isUsable { continue }
      connection.ask(head, body: body, ending)
      return
    }
    connect { $0.ask(head, body: body, ending) }.assumeIsolated().whenFailure { _ in ending(nil, []) }
  }

  private func question(
    _ name: RequestName, client: Int, key: String?, _ session: CookieJar.Session?
  ) -> (HTTPRequestHead, ByteBuffer?) {
    let description = world.clients[client]
    var headers: HTTPHeaders = ["host": description.target]
    for field in description.headers { headers.add(name: field.name, value: field.value) }
    name.write(to: &headers)
    if let key {
      headers.add(name: "x-weir-key", value: key)
      if description.keyHeader != ClientDescription.usualKeyHeader {
        headers.add(name: description.keyHeader, value: key)
      }
    }
    if let session, let cookies = jar.header(of: session, at: clock.now) { headers.add(name: "cookie", value: cookies) }
    var body: ByteBuffer?
    if description.requestSize > 0 {
      let size = Int(min(description.requestSize, 1 << 26))
      headers.add(name: "content-length", value: String(size))
      body = ByteBuffer(repeating: UInt8(ascii: "."), count: size)
    }
    let method = HTTPMethod(rawValue: description.method)
    return (HTTPRequestHead(version: .http1_1, method: method, uri: description.path, headers: headers), body)
  }

  private func connect(_ ready: @escaping (LoadConnection) -> Void) -> EventLoopFuture<Void> {
    let ready = NIOLoopBound(ready, eventLoop: loop)
    return ClientBootstrap(group: loop)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .connectTimeout(.seconds(5))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
        }
      }
      .connect(host: target.host, port: target.port)
      .flatMapThrowing { [self] channel in
        let connection = LoadConnection(channel) { [self] connection in idle.append(connection) }
        try channel.pipeline.syncOperations.addHandler(connection)
        ready.value(connection)
      }
  }

  private func isCounted(_ wanted: Timestamp) -> Bool { wanted.nanoseconds >= run.warmUp.nanoseconds }

  private func answered(_ token: UInt64, status: Int?) {
    guard let request = open.removeValue(forKey: token), !isOver else { return }
    if !isCounted(request.wanted) { return }
    let latency = clock.now - request.wanted
    let isInTime = world.clients[request.client].successWithin.map { latency <= $0 } ?? true
    let isSuccess = isInTime && (status.map { SuccessRule.isSuccess(status: Int16(clamping: $0)) } ?? false)
    result.count(client: request.client, latency: latency.nanoseconds, status: status ?? 0, isSuccess: isSuccess)
  }

  private func finishIfDone() {
    if isOver || !open.isEmpty || place < plan.requests.count { return }
    let mayAsk = world.clients.indices.contains { client in
      if case .closed = world.clients[client].arrivals { allowances[client] != 0 } else { false }
    }
    if mayAsk && left != 0 && clock.now < plan.end { return }
    finish()
  }

  private func finish() {
    if isOver { return }
    isOver = true
    for (token, request) in open.sorted(by: { $0.key < $1.key }) where isCounted(request.wanted) {
      open[token] = nil
      result.count(
        client: request.client, latency: (clock.now - request.wanted).nanoseconds, status: 0, isSuccess: false)
      result.clients[request.client].unanswered += 1
    }
    for connection in idle { connection.close() }
    idle = []
    end?.succeed()
  }
}

/// A client's keys, which are drawn and never change.
private final class KeyTable: @unchecked Sendable {
  let keys: RequestKeys

  init(_ description: KeyDescription?) { keys = RequestKeys(description) }
}
