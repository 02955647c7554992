// Explaining: the run is played again up to each choice, so that looking changes nothing of what is looked at.
//
// A first pass notes what concerns the request: the actions that data planes ask for it, answers, timers. Then, for each choice,
// another world runs up to the event before it and is asked how its endpoints stand: a look may age a balancer's averages, and that
// world is thrown away. The same seed makes all of them the same run.

import DataPlane
import MeshCore

/// What a first pass gathers of one request.
struct RequestWatch {
  /// Its number among its client's.
  var number: UInt64
  /// What it is known by before it has a record.
  var key: RandomKey
  /// Its call, once it is there.
  var call: SlotHandle?
  var isAnswered = false
  var lines: [WatchedLine] = []
}

/// Something that happened to the request.
struct WatchedLine {
  var time: Timestamp
  /// The event's number, from 1.
  var event: UInt64
  var words: String
  /// What was sent, if anything.
  var start: AttemptStart?
  /// What is drawn for its request comes from here.
  var key: RandomKey?
  var proxy: Int = 0
}

extension Replication {
  /// Explains a request, or a moment. The replication's number says of which run.
  ///
  /// - Returns: nil when there is no such request, or the run is over before the moment.
  /// - Throws: As `simulate`.
  public func explain(_ target: ExplanationTarget) throws(SimulationError) -> Explanation? {
    switch target {
    case .moment(let moment):
      var world = World(self)
      return world.standing(at: moment)
    case .request(let client, let number):
      var world = World(self)
      guard let watch = try world.watchRequest(client: Int32(client), number: number) else { return nil }
      var steps: [Explanation.Step] = []
      for line in watch.lines {
        var step = Explanation.Step(time: line.time, words: line.words)
        if let start = line.start {
          var again = World(self)
          step.endpoints = try again.endpoints(before: line, start)
        }
        steps.append(step)
      }
      return Explanation(steps: steps)
    }
  }
}

extension World {
  /// Runs until a request is answered. Returns what was seen of it, or nil when it never comes.
  fileprivate mutating func watchRequest(client: Int32, number: UInt64) throws(SimulationError) -> RequestWatch? {
    begin()
    while let event = try nextEvent() {
      if watch == nil { beginWatching(event, client: client, number: number) }
      if watch != nil { lookAt(event) }
      perform(event)
      if watch?.isAnswered == true || isOver { break }
    }
    if watch != nil && watch?.isAnswered == false { say("the run ends, and nobody has answered") }
    return watch
  }

  private mutating func beginWatching(_ event: DueEvent, client: Int32, number: UInt64) {
    var wanting: Int32 = -1
    var key = RandomKey(value: 0)
    if event.kind == .arrival {
      wanting = Int32(truncatingIfNeeded: event.argument)
      key = clients[wanting].callKey.key(clients[wanting].wanted)
    } else if event.kind == .userThought {
      let user = Int32(truncatingIfNeeded: event.argument)
      wanting = users[user].client
      key = users[user].key.key(users[user].sent)
    }
    if wanting != client || clients[wanting].wanted != number { return }
    watch = RequestWatch(number: number, key: key)
    isWatching = true
  }

  /// What an event says of the request that is watched, before it takes effect.
  private mutating func lookAt(_ event: DueEvent) {
    guard let call = watch?.call else { return }
    switch event.kind {
    case .served, .answerReachesCaller:
      let work = Int32(truncatingIfNeeded: event.argument)
      if event.kind == .served && hasPaths || works[work].call != call { return }
      let name = replicaName(works[work].replica)
      let latency = Self.readable(now - works[work].sent)
      let status = works[work].status
      say("\(name) answers \(status) after \(latency)")
      if !SuccessRule.isSuccess(status: status) {
        sayOfRetry(Int(works[work].plane), works[work].attempt, .answered(status), "\(status)")
      }
    case .timer:
      let (proxy, index) = (Int(event.argument >> 32), Int32(truncatingIfNeeded: event.argument & 0xffff_ffff))
      guard let story = proxies[proxy].plane.story(ofTimer: index), story.caller.value == call.packed else { return }
      say(story.words)
      if story.ends != .none { sayOfRetry(proxy, story.ends, .timedOut, "a try that took too long") }
    default: break
    }
  }

  /// An attempt breaks, or never gets through: its data plane is told next.
  @inline(never)
  mutating func noteBroken(_ work: Int32, _ failure: TransportFailure) {
    if let recording { noteBrokenTrace(work, failure, recording) }
    guard let call = watch?.call, works[work].call == call else { return }
    let (what, noun) =
      switch failure {
      case .refused: ("the connection was refused", "a refused connection")
      case .reset: ("it was reset", "a reset")
      case .connectTimeout: ("the connection did not open in time", "a connection that does not open in time")
      case .overflow: ("the circuit breaker has no room for it", "an overflow")
      }
    let name = replicaName(works[work].replica)
    say("the attempt at \(name) is broken after \(Self.readable(now - works[work].sent)): \(what)")
    sayOfRetry(Int(works[work].plane), works[work].attempt, .broken(failure), noun)
  }

  /// Whether a try that ends so is tried again, and why, where the request has retries.
  private mutating func sayOfRetry(_ proxy: Int, _ attempt: AttemptHandle, _ ending: TryEnding, _ failure: String) {
    let standing = proxies[proxy].plane.retryStanding(of: attempt, ending, at: Timestamp(nanoseconds: now))
    if let standing { say(Self.words(standing, failure)) }
  }

  private static func words(_ standing: RetryStanding, _ failure: String) -> String {
    let made = "\(standing.retries) of \(standing.attempts) retries made"
    if !standing.isRetriable { return "no retry: \(failure) is not among what is retried (\(made))" }
    if standing.retries >= standing.attempts { return "no retry: none is left (\(made))" }
    if !standing.hasRoom { return "no retry: the cluster has no room for one more at a time (\(made))" }
    if !standing.isPaid { return "no retry: the budget is spent (\(made))" }
    return "a retry: \(failure) counts, one is left, and there is room and budget (\(made))"
  }

  /// How the request that is watched got its cluster. A trace's rows may have routes of their own: of them nothing is said.
  private mutating func sayHowSplit() {
    guard let watch, let call = watch.call else { return }
    let client = calls[call.index].client
    if client < 0 || arrivals.traceRow(client: client) >= 0 { return }
    let (code, plane) = (clients[client].route, Int(calls[call.index].plane))
    let route = route(code, of: watch.key)
    if route < 0 { return }
    if code < -1 { say("a draw among routes that take a share: the route of \(routeName(route))") }
    var hash = clients[client].keyKind & ~ClientState.drawsRoute != 0 ? drawKey(client: client, watch.key) : nil
    if hashes.isOn {
      hash = self.hash(client: client, user: calls[call.index].user, traceRow: -1, route: route, key: hash)
    }
    let arrival = RequestArrival(
      caller: CallerToken(call.packed), route: route, randomness: watch.key, key: hash ?? 0, hasKey: hash != nil)
    guard let story = proxies[plane].plane.story(ofSplit: arrival, draw: 0) else { return }
    let chosen = destinationName(story.chosen)
    if let slice = story.slice {
      say("the slice \(slice) takes it, to \(chosen)")
    } else if story.total > 0 {
      let other = story.chosen == story.drawn ? "" : ", which is not ready: drawn anew, \(chosen)"
      say("the split: place \(story.place) of \(story.total) is \(destinationName(story.drawn))\(other)")
    }
  }

  private func routeName(_ route: Int32) -> String {
    let split = mesh.routes[Int(route)].split.filter { $0.weight > 0 }
    return split.map { destinationName(Int32(truncatingIfNeeded: $0.cluster)) }.joined(separator: ", ")
  }

  private func destinationName(_ number: Int32) -> String {
    mesh.name(ofDestination: Int(number)) ?? "a destination that does not exist"
  }

  /// An action that a data plane asks for, before it is done.
  mutating func noteWatched(_ action: Action) {
    if let recording {
      noteTraced(action, recording)
      return
    }
    switch action {
    case .startAttempt(let start):
      if !concerns(start.caller) { return }
      if start.kind == .first { sayHowSplit() }
      let kind = ["first try", "retry", "hedge", "mirror copy"][Int(start.kind.rawValue)]
      let number = start.kind == .first ? "" : " \(start.number)"
      let cluster = mesh.clusters[Int(start.cluster)].name
      say("\(kind)\(number): cluster \(cluster), endpoint \(replicaName(start.endpoint.number))", start)
    case .cancelAttempt(let attempt, let caller):
      if !concerns(caller) { return }
      var work = calls[SlotHandle(packed: caller.value).index].work
      while work >= 0 && works[work].attempt != attempt { work = works[work].older }
      if work >= 0 { say("the attempt at \(replicaName(works[work].replica)) is given up") }
    case .respond(let caller, _, let status, let cause):
      if !concerns(caller) { return }
      let wanted = calls[SlotHandle(packed: caller.value).index].wanted
      say("the caller hears \(status) after \(Self.readable(now - wanted)): \(Self.words(cause))")
      watch?.isAnswered = true
      isWatching = false
    case .hold(let caller, _, let reason):
      if concerns(caller) {
        say(reason == .endpoint ? "waits until an endpoint is ready" : "is held up by an injected fault")
      }
    case .respondSlowly(let caller, _, _, let rate):
      if concerns(caller) { say("the answer is handed on at \(rate) KiB a second, by an injected fault") }
    default: break
    }
  }

  static func words(_ cause: ResponseCause) -> String {
    switch cause {
    case .endpoint: "an endpoint's answer"
    case .transport: "the attempt broke"
    case .routeTimeout: "it took too long"
    case .noRoute: "no route takes it"
    case .noEndpoint: "no endpoint may be chosen"
    case .noBackend: "a destination that does not exist"
    case .faultAborted: "an injected fault"
    case .rateLimited: "the rate limit"
    case .admissionRejected: "admission control"
    case .throttled: "client-side throttling"
    case .concurrencyLimited: "the limit of requests in flight"
    case .breakerOverflow: "the circuit breaker"
    }
  }

  /// Whether a caller is the request that is watched; the first time its call is found by its key.
  private mutating func concerns(_ caller: CallerToken) -> Bool {
    if let call = watch?.call { return call.packed == caller.value }
    let call = SlotHandle(packed: caller.value)
    guard calls.contains(call), let key = watch?.key, calls[call.index].key.value == key.value else { return false }
    watch?.call = call
    let proxy = Int(calls[call.index].plane)
    let name = description.clients[Int(calls[call.index].client)].name
    let number = watch?.number ?? 0
    say("\(name) wants request \(number), by data plane \(proxyName(proxy))")
    return true
  }

  private mutating func say(_ words: String, _ start: AttemptStart? = nil) {
    let call = watch?.call.flatMap { calls.contains($0) ? $0 : nil }
    let (proxy, key) = call.map { (Int(calls[$0.index].plane), calls[$0.index].key) } ?? (0, nil)
    watch?.lines.append(
      WatchedLine(
        time: Timestamp(nanoseconds: now), event: eventCount, words: words, start: start, key: key, proxy: proxy))
  }

  /// The endpoints of a choice, as they stood right before the event that it fell in.
  fileprivate mutating func endpoints(
    before line: WatchedLine, _ start: AttemptStart
  ) throws(SimulationError) -> [Explanation.Endpoint] {
    begin()
    while eventCount + 1 < line.event {
      guard let event = try nextEvent() else { return [] }
      perform(event)
    }
    let cluster = Int(start.cluster)
    let standings = proxies[line.proxy].plane.standings(inCluster: cluster, at: line.time)
    var drawn = candidates(of: line, start)
    var group: [EndpointIdentity] = []
    if let event = try nextEvent() {
      perform(event)
      // Of a retry what came before it in the same event may have changed who was there to draw from.
      if !drawn.contains(start.endpoint) { drawn = candidates(of: line, start) }
      group = proxies[line.proxy].plane.lastGroup(inCluster: cluster)
    }
    return standings.map { standing in
      var reasons = standing.exclusions
      if !group.isEmpty && !group.contains(standing.identity) && reasons.isEmpty {
        reasons.append("not in the priority, zone or subset that this request was sent to")
      }
      // In a panic those are used too.
      if group.contains(standing.identity) { reasons = reasons.map { "\($0), but all are used" } }
      return described(
        standing, reasons, isDrawn: drawn.contains(standing.identity), isChosen: standing.identity == start.endpoint)
    }
  }

  /// Whom the balancer compares for a choice, as far as it draws them.
  private mutating func candidates(of line: WatchedLine, _ start: AttemptStart) -> [EndpointIdentity] {
    guard let key = line.key else { return [] }
    let drawn = proxies[line.proxy].plane.candidates(
      inCluster: Int(start.cluster), randomness: key, start.kind, number: start.number, at: line.time)
    return drawn.contains(start.endpoint) ? drawn : []
  }

  /// How every data plane's endpoints stand at a moment.
  fileprivate mutating func standing(at moment: Timestamp) -> Explanation? {
    begin()
    while let event = wheel.next(until: min(moment.nanoseconds, horizon)) {
      now = event.time
      eventCount &+= 1
      perform(event)
      if isOver { break }
    }
    if now < moment.nanoseconds && isOver { return nil }
    var steps: [Explanation.Step] = []
    for proxy in 0..<proxyCount {
      for cluster in 0..<mesh.clusters.count {
        let standings = proxies[proxy].plane.standings(inCluster: cluster, at: moment)
        if standings.isEmpty { continue }
        let open = proxies[proxy].plane.openRequests
        let endpoints = standings.map { described($0, $0.exclusions) }
        let words =
          "data plane \(proxyName(proxy)) (\(open) requests open), cluster \(mesh.clusters[cluster].name), balancer "
          + mesh.clusters[cluster].balancer.name
        steps.append(Explanation.Step(time: moment, words: words, endpoints: endpoints))
      }
    }
    return Explanation(steps: steps)
  }

  private func described(
    _ standing: EndpointStanding, _ reasons: [String], isDrawn: Bool = false, isChosen: Bool = false
  ) -> Explanation.Endpoint {
    Explanation.Endpoint(
      name: replicaName(standing.identity.number), inFlight: standing.inFlight, weight: standing.weight,
      priority: standing.priority, rank: standing.rank, isDrawn: isDrawn, isChosen: isChosen, reasons: reasons)
  }

  private static func readable(_ nanoseconds: Int64) -> String {
    let microseconds = (nanoseconds + 500) / 1000
    let rest = microseconds % 1000
    let zeros = rest < 10 ? "00" : rest < 100 ? "0" : ""
    return "\(microseconds / 1000).\(zeros)\(rest) ms"
  }
}
