// The world of sockets around one data plane: tells it what happens on one event loop's connections, and carries out what it asks for.
//
// It is the counterpart of the lab's `World`. Everything in it belongs to one event loop, so nothing is locked and nothing shared: two
// loops are two proxies that know nothing of each other, as Envoy's workers are. What an action leads to at once (a connection that is
// refused, a write that fails) is told after all actions of the event have been carried out, never meanwhile.

import DataPlane
import LoadBalancing
import MeshConfiguration
import MeshCore
import NIOCore
import NIOHTTP1
import Recording
import TrafficSplitting

/// One data plane and its sockets. Confined to its event loop: everything but `init` is called there.
final class SocketWorld: @unchecked Sendable {
  private(set) var description: ProxyDescription
  let loop: any EventLoop
  let metrics: ProxyMetrics
  private let routes: RouteTable
  /// Whether any route looks at more than hosts, paths and methods, or any gate or split at headers.
  private let looksAtHeaders: Bool
  private let sticky: StickyRoutes
  /// By route: how long nothing may happen to a request.
  let idleLimits: [TimeSpan?]
  /// Whether any route takes a share of the requests that fit it.
  private let drawsRoutes: Bool
  private var plane: DataPlane
  private var actions = ActionBuffer()
  private var isBusy = false
  private var late: [Event] = []
  private var exchanges = Registry<Exchange>()
  private var attempts: [Attempt?] = []
  private var probes: [HealthProbe?] = []
  private let requestKey: RandomKey
  private var wanted: UInt64 = 0
  private(set) var pools: [ClusterPools]
  private var timers = TimerQueue()
  private var isRetired = false
  private var alarm: Scheduled<Void>?
  private var alarmAt = Timestamp(nanoseconds: .max)
  /// What keeps its decisions, if anything does.
  private let recorder: DecisionRecorder?
  /// Whom it tells what it decided, if anybody wants to know.
  var accessLog: AccessLog?
  private let certificates: Certificates
  private(set) var endpoints: EndpointDirectory
  /// What each endpoint got, and what came of it.
  private(set) var endpointCounts: [EndpointCounts]
  /// By cluster: whether its endpoints are checked.
  private let hasHealthChecks: [Bool]
  /// Where decisions are noted for people, while any ask.
  var notes: DecisionNotes?

  init(
    _ description: ProxyDescription, number: Int, of loops: Int, loop: any EventLoop, certificates: Certificates,
    accessLog: AccessLog?, recorder: DecisionRecorder? = nil
  ) {
    self.description = description
    self.loop = loop
    self.certificates = certificates
    self.accessLog = accessLog
    metrics = ProxyMetrics(description.mesh)
    routes = RouteTable(description.mesh)
    looksAtHeaders = description.mesh.routes.contains { route in
      !route.match.headers.isEmpty || route.gates?.fault != nil || !route.slices.isEmpty
        || route.splitSource != .random
    }
    sticky = StickyRoutes(description.mesh)
    idleLimits = description.mesh.routes.map(\.idleTimeout)
    drawsRoutes = description.mesh.routes.contains { $0.match.fraction != nil }
    let key = description.key(ofLoop: number)
    requestKey = description.randomness?.requests ?? key
    self.recorder = recorder
    recorder?.begins(loop: number, of: loops, description.text)
    endpoints = EndpointDirectory(zones: description.zones)
    plane = DataPlane(
      description.mesh, place: description.place(ofLoop: number, of: loops),
      key: description.randomness?.dataPlane ?? key)
    endpointCounts = Array(repeating: EndpointCounts(), count: description.mesh.clusters.count)
    hasHealthChecks = description.mesh.clusters.map { $0.healthCheck != nil }
    pools = []
    pools = description.mesh.clusters.enumerated().map { ClusterPools($1, number: $0, world: self) }
  }

  /// Lists the servers that the file names. To be called on the loop, once, before the first request.
  func begin() {
    for cluster in description.clusters.indices {
      list(description.clusters[cluster].servers, cluster: cluster)
    }
  }

  /// Takes a description with the same mesh: only servers and limits may differ.
  func update(_ new: ProxyDescription) {
    let former = description
    description = new
    for cluster in new.clusters.indices where new.clusters[cluster].servers != former.clusters[cluster].servers {
      list(new.clusters[cluster].servers, cluster: cluster)
    }
  }

  /// Replaces a cluster's servers. Who stays keeps its state and its connections. Where nothing around the balancer goes by how servers are, those
  /// that are to get nothing are left out.
  func list(_ servers: [ServerDescription], cluster: Int) {
    let descriptions = servers.filter { !leavesOut($0, cluster: cluster) }.map { server in
      var endpoint = EndpointDescription(
        identity: endpoints.identity(of: server.address), weight: server.weight,
        zone: endpoints.zone(server.zone), address: server.address.description, priority: server.priority,
        metadata: server.metadata)
      endpoint.status = server.status
      return endpoint
    }
    let now = now
    plane.endpointsChanged(cluster: cluster, descriptions, at: now, into: &actions)
    recorder?.lists(cluster: cluster, descriptions, at: now, actions)
    pools[cluster].keep(Set(descriptions.map(\.identity.number)))
    carryOut()
  }

  /// Whether a server is to get nothing, and its cluster has nothing that would go by that.
  func leavesOut(_ server: ServerDescription, cluster: Int) -> Bool {
    server.status.health == .unhealthy && description.mesh.clusters[cluster].layers == nil
  }

  /// What the data plane's clock says: nanoseconds of the machine's steady clock.
  var now: Timestamp { Timestamp(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

  /// Requests that are under way.
  var openExchanges: Int { exchanges.count }

  /// What opens connections to a cluster's endpoints.
  func connector(cluster: Int) -> EndpointConnector {
    let cluster = description.mesh.clusters[cluster]
    return EndpointConnector(
      loop: loop, timeout: cluster.connectTimeout, needsTLS: description.tls != nil && cluster.usesTLS,
      tls: certificates.client(cluster: cluster.name))
  }

  // MARK: - Requests

  /// A request's head has come.
  private func begin(_ exchange: Exchange) {
    let randomness = requestKey.key(wanted)
    wanted &+= 1
    exchange.token = exchanges.insert(exchange)
    exchange.began = now
    let head = exchange.head
    var attributes = RequestAttributes(
      host: Self.routed(exchange.host), path: head.uri, method: head.method.rawValue)
    if looksAtHeaders {
      attributes.headers = Self.fields(head.headers)
      plane.assume(headers: attributes.headers)
      recorder?.assumes(attributes.headers)
    }
    exchange.route = exchange.givenRoute ?? route(of: attributes, randomness)
    var (hash, named) = (exchange.key.map { RequestHash.header($0) }, EndpointIdentity(-1))
    if sticky.looks(atRoute: exchange.route) {
      if !looksAtHeaders { attributes.headers = Self.fields(head.headers) }
      (hash, named) = sticky.look(at: exchange, attributes, key: hash, in: endpoints)
    }
    watchIdle(exchange)
    tell(
      .requestArrived(
        RequestArrival(
          caller: CallerToken(exchange.token), route: exchange.route, randomness: randomness, key: hash ?? 0,
          hasKey: hash != nil, override: named)))
  }

  private static func fields(_ headers: HTTPHeaders) -> [HeaderField] {
    headers.map { HeaderField(name: $0.name.lowercased(), value: $0.value) }
  }

  /// The route that takes a request; where several take shares, by the number that also places it in a split.
  private func route(of attributes: RequestAttributes, _ randomness: RandomKey) -> Int32 {
    if !drawsRoutes { return routes.match(attributes) }
    return RouteChance.route(of: routes.chances(attributes), number: randomness.key(for: .split).draw(0))
  }

  /// Adds what the answer to a request sets, which `endpoint` has had last; `isItsOwn` where it is that one's answer, not the proxy's.
  func setCookies(
    of exchange: Exchange, servedBy endpoint: EndpointIdentity?, isItsOwn: Bool, in headers: inout HTTPHeaders
  ) {
    if !sticky.looks(atRoute: exchange.route) { return }
    let address = endpoint.flatMap { endpoints.address(of: $0) }
    for cookie in sticky.cookies(of: exchange, servedBy: address, isItsOwn: isItsOwn) {
      headers.add(name: "set-cookie", value: cookie.header)
    }
  }

  // MARK: - Releases

  /// The releases of its routes.
  var releases: [ReleaseKey] { description.mesh.routes.compactMap { ReleaseKey($0, of: description.mesh) } }

  private func route(of release: ReleaseKey) -> Int? {
    description.mesh.routes.firstIndex { ReleaseKey($0, of: description.mesh) == release }
  }

  /// Takes out what the new version of a release was answered since the last time.
  func takeSample(of release: ReleaseKey) -> CanarySample {
    var sample = CanarySample()
    if let route = route(of: release) {
      plane.takeCanarySample(ofRoute: Int32(truncatingIfNeeded: route), into: &sample)
    }
    return sample
  }

  /// Gives the new version of a release so many per cent of its route's requests.
  func weigh(_ release: ReleaseKey, _ weight: Int32) {
    guard let place = route(of: release) else { return }
    let route = Int32(truncatingIfNeeded: place)
    let weights = CanaryAnalysis.weights(
      description.mesh.routes[place].split, canary: release.canary.destination, weight: weight)
    plane.setWeights(weights, ofRoute: route)
    recorder?.weighs(route: route, weights)
  }

  /// The data plane is told that nobody waits any more for an answer that has begun, or else for a request of a name. An answer that the data
  /// plane is done with, though the rest of it is still to come, is not read on either.
  func giveUp(_ winner: Attempt?, or name: SlotHandle) {
    let name = winner?.handle ?? name
    if name.index >= 0 { tell(.requestAbandoned(name)) }
    if let winner, !winner.isForgotten { discard(winner) }
  }

  /// Nobody wants an answer any more.
  func abandon(_ exchange: Exchange) {
    if exchange.isOver { return }
    let (winner, name) = (exchange.winner, exchange.request)
    finish(exchange, status: 0)
    giveUp(winner, or: name)
  }

  /// Takes on a request, or a connection where there is no path and no method, unless it is refused.
  func begin(_ exchange: Exchange, of client: ClientConnection, path: String?, method: String?) {
    if isDenied(exchange, client, path: path, method: method) {
      refuse(exchange, status: 403)
      return
    }
    switch client.inboundVerdict(at: now) {
    case .allowed: begin(exchange)
    case .unauthorized: refuse(exchange, status: 403)
    case .limited: refuse(exchange, status: 429)
    }
  }

  /// Whether policies deny a request.
  private func isDenied(_ exchange: Exchange, _ client: ClientConnection, path: String?, method: String?) -> Bool {
    guard let authorization = description.authorization else { return false }
    let verdict = authorization.verdict(identities: client.identities, path: path, method: method)
    for policy in verdict.audited { metrics.judged("audit", policy: policy) }
    if verdict.isAllowed {
      metrics.judged("allow", policy: verdict.policy ?? "")
      return false
    }
    metrics.judged(authorization.onlyAudits ? "wouldDeny" : "deny", policy: verdict.policy ?? "")
    exchange.policy = verdict.policy ?? "default"
    return !authorization.onlyAudits
  }

  /// A request is refused before the data plane hears of it: 403 to who may not ask for it, 429 to who asks too often.
  private func refuse(_ exchange: Exchange, status: Int) {
    exchange.began = now
    if status == 429 {
      exchange.cause = .rateLimited
    } else {
      exchange.isDenied = true
    }
    exchange.sink?.respondLocally(exchange, status: status, status == 429 ? .rateLimited : .noRoute)
  }

  /// A tunnel is over that stood. Nobody waits for its end as for an answer's: how long it lasted says nothing of its endpoint.
  func tunnelEnded(_ exchange: Exchange) {
    if exchange.isOver { return }
    let name = exchange.winner?.handle ?? .none
    finish(exchange, status: 101)
    giveUp(nil, or: name)
  }

  /// Too much of a request's body has come to be kept.
  func retriesEnded(_ exchange: Exchange) {
    if exchange.request.index >= 0 { tell(.retriesEnded(exchange.request)) }
  }

  /// An exchange is over: what is counted of it, and its place.
  func finish(_ exchange: Exchange, status: Int) {
    if exchange.isOver { return }
    exchange.isOver = true
    exchange.idleAlarm?.cancel()
    exchange.idleAlarm = nil
    exchanges.remove(exchange.token)
    let latency = now - exchange.began
    metrics.answered(route: exchange.route, status: status, latency: latency, cause: exchange.cause)
    accessLog?.write(exchange, status: status, latency: latency)
    exchange.trace?.end(exchange, status: status, at: exchange.began + latency)
    // An attempt knows its exchange: what knows the attempt has to let go.
    exchange.sink = nil
    exchange.winner = nil
    exchange.lastAnswered = nil
  }

  // MARK: - Attempts

  /// An endpoint's answer has begun, and its end is not there yet.
  func answerBegan(_ attempt: Attempt, status: Int) {
    if attempt.isForgotten { return }
    let answer = AnswerRemarks.event(attempt, status: status, isWhole: false)
    if answer.status >= 500 { endpointCounts[Int(attempt.cluster)].failed(attempt.endpoint) }
    attempt.exchange.lastAnswered = attempt
    report(attempt)
    tell(answer.event)
    if !attempt.isWinner && attempt.kind != .mirror { discard(attempt) }
  }

  /// A connection of an attempt's own stands.
  func tunnelStands(_ attempt: Attempt, _ channel: any Channel) {
    attempt.tunnel = channel
    attempt.responseHead = HTTPResponseHead(version: .http1_1, status: .switchingProtocols)
    answerBegan(attempt, status: 101)
  }

  /// An endpoint's answer is whole.
  func answered(_ attempt: Attempt, status: Int) {
    if attempt.isForgotten { return }
    let answer = AnswerRemarks.event(attempt, status: status, isWhole: true)
    if !attempt.hasReported {
      if answer.status >= 500 { endpointCounts[Int(attempt.cluster)].failed(attempt.endpoint) }
      if !attempt.exchange.isOver && attempt.kind != .mirror { attempt.exchange.lastAnswered = attempt }
      report(attempt)
    }
    forget(attempt)
    tell(answer.event)
  }

  /// An attempt broke.
  func failed(_ attempt: Attempt, _ failure: TransportFailure) {
    if attempt.isForgotten { return }
    endpointCounts[Int(attempt.cluster)].failed(attempt.endpoint)
    forget(attempt, failure.errorType)
    tell(.attemptFailed(attempt.handle, failure))
    if attempt.isWinner { attempt.exchange.sink?.responseBroke(attempt.exchange) }
  }

  private func report(_ attempt: Attempt) {
    attempt.hasReported = true
    let cluster = Int(attempt.cluster)
    guard let headers = attempt.responseHead?.headers else { return }
    if plane.wantsLoadReports(inCluster: cluster), let report = LoadReportHeader.report(in: headers) {
      tell(.loadReported(attempt.handle, report))
    }
    if hasHealthChecks[cluster] && AnswerRemarks.asksToBeLeft(headers) {
      tell(.leaveRequested(attempt.handle))
    }
  }

  /// An attempt is over; `error` says why where its answer does not.
  private func forget(_ attempt: Attempt, _ error: @autoclosure () -> String? = nil) {
    attempt.isForgotten = true
    if let trace = attempt.exchange.trace { trace.end(attempt, error(), at: now) }
    if let notes { notes.ended(attempt, error(), after: now - attempt.exchange.began) }
    let place = Int(attempt.handle.index)
    if attempts[place] === attempt { attempts[place] = nil }
    attempt.exchange.attempts.removeAll { $0 === attempt }
    if attempt.isSending { attempt.exchange.sink?.mayReadOn() }
  }

  /// A copy of a request goes no further.
  func dropCopy(_ attempt: Attempt) {
    let stream = attempt.stream
    attempt.stream = nil
    failed(attempt, .reset)
    stream?.cancel()
  }

  /// Nobody reads the rest of an attempt's answer.
  func discard(_ attempt: Attempt) {
    forget(attempt, attempt.responseHead == nil || attempt.isWinner ? "cancelled" : nil)
    attempt.stream?.cancel()
    attempt.stream = nil
  }

  // MARK: - Probes

  func probeAnswered(_ probe: HealthProbe, _ answer: HealthAnswer) {
    if forget(probe) { tell(.healthAnswered(probe.handle, answer)) }
  }

  func loadAnswered(_ probe: HealthProbe, _ report: LoadReport) {
    if forget(probe) { tell(.probeAnswered(probe.handle, report)) }
  }

  func probeFailed(_ probe: HealthProbe, _ failure: TransportFailure) {
    if forget(probe) { tell(.probeFailed(probe.handle, failure)) }
  }

  private func forget(_ probe: HealthProbe) -> Bool {
    let place = Int(probe.handle.index)
    guard place < probes.count, probes[place] === probe else { return false }
    probes[place] = nil
    return true
  }

  // MARK: - Events and actions

  private func tell(_ event: Event) {
    if isBusy {
      late.append(event)
      return
    }
    handle(event)
    carryOut()
  }

  private func handle(_ event: Event) {
    let now = now
    plane.handle(event, at: now, into: &actions)
    recorder?.hears(event, at: now, actions)
  }

  private func carryOut() {
    isBusy = true
    var told = 0
    while true {
      var place = 0
      while place < actions.count {
        perform(actions[place])
        place += 1
      }
      actions.removeAll()
      if told == late.count { break }
      let event = late[told]
      told += 1
      handle(event)
    }
    late.removeAll(keepingCapacity: true)
    isBusy = false
    setAlarm()
  }

  private func perform(_ action: Action) {
    switch action {
    case .startAttempt(let start): startAttempt(start)
    case .cancelAttempt(let handle, _):
      guard let attempt = attempt(handle) else { return }
      let wasWinner = attempt.isWinner
      discard(attempt)
      if wasWinner { attempt.exchange.sink?.responseBroke(attempt.exchange) }
    case .respond(let caller, let handle, let status, let cause):
      respond(caller, handle, status: Int(status), cause)
    case .respondSlowly(let caller, _, let status, let rate):
      guard let exchange = exchanges[caller.value] else { return }
      exchange.rate = rate
      respond(caller, exchange.lastAnswered?.handle ?? .none, status: Int(status), .endpoint)
    case .hold(let caller, let request, _): exchanges[caller.value]?.request = request
    case .setBackgroundTimer where isRetired: break
    case .setTimer(let timer, let deadline), .setBackgroundTimer(let timer, let deadline):
      timers.set(timer, at: deadline)
    case .cancelTimer(let timer): timers.cancel(timer)
    case .startProbe(let start): startProbe(start)
    case .cancelProbe(let handle):
      guard Int(handle.index) < probes.count, let probe = probes[Int(handle.index)], probe.handle == handle else {
        return
      }
      if forget(probe) { probe.cancel() }
    case .report(let notice):
      metrics.noticed(notice)
      endpointCounts[Int(notice.cluster)].noticed(notice, at: now)
      notes?.noticed(notice, in: self)
    }
  }

  private func attempt(_ handle: AttemptHandle) -> Attempt? {
    let place = Int(handle.index)
    guard place >= 0, place < attempts.count, let attempt = attempts[place], attempt.handle == handle else {
      return nil
    }
    return attempt
  }

  private func startAttempt(_ start: AttemptStart) {
    guard let exchange = exchanges[start.caller.value] else {
      late.append(.attemptFailed(start.attempt, .reset))
      return
    }
    if start.kind != .mirror {
      exchange.request = start.request
      exchange.lastServer = start.endpoint
    }
    let attempt = Attempt(start, exchange, world: self)
    let place = Int(start.attempt.index)
    while attempts.count <= place { attempts.append(nil) }
    attempts[place] = attempt
    exchange.attempts.append(attempt)
    if let trace = exchange.trace { trace.begin(attempt, at: now) }
    metrics.attempted(cluster: Int(start.cluster), start.kind)
    endpointCounts[Int(start.cluster)].picked(start.endpoint)
    if let notes {
      let cluster = Int(start.cluster)
      notes.picked(attempt, by: description.mesh.clusters[cluster].balancer.name, standings(inCluster: cluster))
    }
    guard let address = endpoints.address(of: start.endpoint) else {
      late.append(.attemptFailed(start.attempt, .refused))
      return
    }
    pools[Int(start.cluster)].start(attempt, at: address, endpoint: start.endpoint)
  }

  private func respond(_ caller: CallerToken, _ handle: AttemptHandle, status: Int, _ cause: ResponseCause) {
    guard let exchange = exchanges[caller.value] else { return }
    exchange.cause = cause
    exchange.request = .none
    let answering = exchange.lastAnswered
    if cause == .endpoint, let answering, answering.handle == handle, answering.responseHead != nil {
      answering.isWinner = true
      exchange.winner = answering
      exchange.sink?.respond(exchange, from: answering)
    } else {
      notes?.answeredItself(exchange, status: status, cause)
      exchange.sink?.respondLocally(exchange, status: status, cause)
    }
  }

  private func startProbe(_ start: ProbeStart) {
    let place = Int(start.probe.index)
    while probes.count <= place { probes.append(nil) }
    guard !isRetired, let address = endpoints.address(of: start.endpoint) else {
      late.append(.probeFailed(start.probe, .refused))
      return
    }
    let cluster = Int(start.cluster)
    let probe = HealthProbe(
      start, to: address, of: description.clusters[cluster],
      check: description.mesh.clusters[cluster].healthCheck?.question, connector: connector(cluster: cluster),
      world: self)
    probes[place] = probe
    probe.begin()
  }

  // MARK: - Time

  private func setAlarm() {
    guard let next = timers.first, next < alarmAt else { return }
    alarm?.cancel()
    alarmAt = next
    let deadline = NIODeadline.uptimeNanoseconds(UInt64(clamping: next.nanoseconds))
    alarm = loop.scheduleTask(deadline: deadline) { [weak self] in self?.alarmRang() }
  }

  private func alarmRang() {
    alarm = nil
    alarmAt = Timestamp(nanoseconds: .max)
    let now = now
    while let timer = timers.takeDue(at: now) {
      tell(.timerDue(timer))
    }
    setAlarm()
  }

  /// Writes what has been kept of decisions.
  func flushDecisions() { recorder?.flush() }

  /// Ends idle connections and probes: nobody begins a request here any more. Those under way keep their timers.
  func retire() {
    isRetired = true
    for pool in pools { pool.close() }
    for probe in probes { probe?.cancel() }
  }

  /// The same, and timers too.
  func close() {
    retire()
    alarm?.cancel()
    alarm = nil
  }

  /// Whether nothing is under way and no connection open: until then it must not go, for its connections call back.
  var isQuiet: Bool {
    openExchanges == 0 && attempts.allSatisfy { $0 == nil }
      && pools.allSatisfy { $0.connections == 0 && $0.pending == 0 }
  }

  // MARK: - For people

  /// How a cluster's endpoints stand. A data plane whose decisions are kept must not be changed by who looks at it.
  func standings(inCluster cluster: Int) -> [EndpointStanding] {
    plane.standings(inCluster: cluster, isRanked: recorder == nil, at: now)
  }
}
