// How a world is made from its description, and what is on the wheel before the first request.

import DataPlane
import LoadBalancing
import MeshCore
import TrafficSplitting

extension World {
  init(_ replication: Replication) {
    description = replication.world
    mesh = replication.mesh
    settings = replication.run
    seed = replication.seed
    replicationNumber = replication.number
    wheel = EventWheel()
    now = 0
    eventCount = 0
    digest = mix64(replication.seed ^ goldenGamma)
    instantEvents = 0
    calls = Slab()
    works = Slab()
    openings = Slab()
    probes = Slab(capacity: 8)
    clients = Pool()
    refusals = Pool(repeating: RefusalCounts(), count: replication.world.clients.count)
    users = Pool()
    services = Pool()
    replicas = Pool()
    steps = Pool()
    lanes = Pool()
    rows = Pool()
    firstRow = Pool()
    rowOfReplicaZero = Pool()
    arrivals = ArrivalProcesses()
    distributions = DistributionTable()
    zipfs = ZipfTables(description.clients.compactMap(\.key))
    sessions = SessionCookies(replication.mesh.routes)
    hashes = RequestHashes(replication.mesh.routes)
    network = Network()
    memberships = Memberships()
    actions = ActionBuffer(capacity: 16)
    actionOwners = Pool()
    firstOwned = 0
    isWorkingOff = false
    orphans = Pool()
    saturationNotes = []
    stop = settings.requests == nil ? settings.duration.nanoseconds : .max
    horizon = min(stop.addingClamped(settings.drain.nanoseconds), stop < .max ? .max - 1 : Self.longestRun)
    hasStopped = false
    requestsLeft = settings.requests.map { Int64($0) } ?? -1
    sources = replication.world.clients.count
    let world = replication.world
    let deployed = replication.mesh
    let rooms = world.services.enumerated().map { index, service in
      world.faults.reduce(service.replicas.count) { room, fault in
        if case .scale(index, let count) = fault.kind { return max(room, count) }
        return room
      }
    }
    let replicaRoom = rooms.reduce(0, +)
    sharing = SharingQueues(replicas: replicaRoom)
    faults = FaultStates(replicas: replicaRoom, services: world.services.count)
    let serviceNumbers = Dictionary(
      world.services.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    let clusterServices = deployed.clusters.map { serviceNumbers[$0.service] ?? 0 }
    memberships.services = clusterServices
    memberships.discoveries = deployed.clusters.map(\.discovery)
    let hearsOfDraining = deployed.clusters.map {
      $0.discovery.dns == nil && $0.overrideHostStatus.contains(.draining)
    }
    memberships.hearsOfDraining = hearsOfDraining
    memberships.tellsDraining = world.services.indices.map { service in
      clusterServices.indices.contains { clusterServices[$0] == service && hearsOfDraining[$0] }
    }
    oracleClusters = deployed.clusters.indices.filter {
      PolicyRegistry.policy(named: deployed.clusters[$0].balancer.name)?.needsOracle == true
    }
    var outbound: Int32 = -1
    var inbound: Int32 = -1
    if world.hop.outbound != .constant(0) { outbound = distributions.add(world.hop.outbound) }
    if world.hop.inbound != .constant(0) { inbound = distributions.add(world.hop.inbound) }
    workAccounts = oracleClusters.isEmpty ? Pool() : Pool(repeating: WorkAccount(), count: replicaRoom)
    hopOutbound = outbound
    hopInbound = inbound
    let strikesMessages = world.faults.contains { fault in
      switch fault.kind {
      case .partition, .loss: true
      default: false
      }
    }
    let strikesConnections =
      strikesMessages
      || world.faults.contains { fault in
        if case .certificateExpired = fault.kind { true } else { false }
      }
    let hasPaths = !world.links.isEmpty || outbound >= 0 || inbound >= 0 || strikesConnections
    self.hasPaths = hasPaths
    let readsRepair = replication.mesh.clusters.contains { ($0.layers?.tokenAware?.readRepairChance ?? 0) > 0 }
    let hasCopies = readsRepair ? true : replication.mesh.routes.contains { !$0.mirrors.isEmpty }
    let hasPools = replication.mesh.clusters.contains { $0.circuitBreaker.countsConnections }
    self.hasPools = hasPools
    startsAtOnce = hasPaths ? false : !hasPools
    // What a fault has made an answer say is told on the long way, also when the fault is over by then.
    let mayRemark = replication.world.faults.contains { fault in
      if case .errors(_, _, _, _, .some) = fault.kind { true } else { false }
    }
    answersAtOnce = hasPaths ? false : hasPools ? false : !mayRemark
    self.hasCopies = hasCopies

    let table = RouteTable(mesh)
    let plan = ProxyPlan(world)
    proxyCount = plan.entries.count
    proxies = .allocate(capacity: max(1, plan.entries.count))
    for (index, entry) in plan.entries.enumerated() {
      let key = RandomKey(
        seed: replication.seed, replication: replication.number, purpose: .balancer, entity: entry.entity)
      (proxies + index).initialize(
        to: ProxyState(
          plane: DataPlane(
            replication.mesh, place: plan.place(of: index, in: world), key: key, policies: replication.policies),
          timers: Pool(),
          zone: Int32(entry.zone),
          client: Int32(entry.client), service: Int32(entry.service),
          replica: -1, number: Int32(entry.number), isShared: entry.isShared))
    }
    let rowCount = clusterServices.reduce(0) { $0 + rooms[$1] }
    measurement = Measurement(
      clients: world.clients.count, rows: rowCount,
      maximum: min(max(horizon, 1_000_000_000), 1 << 62))

    addServices(rooms: rooms, plan: plan, table: table)
    addRows(rooms: rooms)
    addClients(plan: plan, table: table)
    addNetwork(tracksConnections: strikesConnections)
    addFaults()
    prepareReports()
    prepareInbound()
    tellHeaders()
    firstTargetCluster = description.firstTargetCluster(in: mesh) ?? 0
  }

  private mutating func addServices(rooms: [Int], plan: ProxyPlan, table: RouteTable) {
    for (index, service) in description.services.enumerated() {
      let first = Int32(replicas.count)
      let firstStep = Int32(steps.count)
      for group in service.calls {
        let firstLane = Int32(lanes.count)
        for call in group {
          let attributes = RequestAttributes(host: call.target)
          lanes.append(
            CallLane(
              route: routeCode(attributes, table), count: Int32(call.count), isParallel: call.isParallel,
              failsList: call.onError == .fail, kind: hashes.add(attributes)))
        }
        steps.append(CallStep(firstLane: firstLane, laneCount: Int32(group.count)))
      }
      let isObserved = oracleClusters.contains { memberships.services[$0] == index }
      let isShared = service.discipline == .processorSharing || service.discipline == .infinite
      services.append(
        ServiceState(
          firstReplica: first, replicaRoom: Int32(rooms[index]), replicaCount: Int32(service.replicas.count),
          responseSize: service.responseSize,
          perConcurrent: service.perConcurrent.nanoseconds, allocation: Int32(clamping: service.allocation ?? 0),
          coldStartFactor: service.coldStart?.factor ?? 1,
          coldStartOver: service.coldStart?.over.nanoseconds ?? 0, firstStep: firstStep,
          stepCount: Int32(service.calls.count), holdsWorker: service.holdsWorker && !isShared,
          onCancel: service.onCancel.number, abandoned: 0, wasted: 0))
      let time = distributions.add(service.time)
      for number in 0..<rooms[index] {
        let known = number < service.replicas.count
        let replica = known ? service.replicas[number] : ReplicaDescription(name: "\(service.name)-\(number)")
        let ownTime = replica.time.map { distributions.add($0) } ?? time
        replicas.append(
          ReplicaState(
            service: Int32(index), number: Int32(number), zone: Int32(replica.zone),
            plane: plan.plane(service: index, replica: number), weight: replica.weight,
            condition: known ? [] : .absent, discipline: service.discipline.number, isPlain: false,
            makesCalls: !service.calls.isEmpty,
            workers: Int32(clamping: replica.workers ?? service.workers),
            queueLimit: Int32(clamping: service.queueLimit ?? .max),
            inService: 0, waiting: 0, queueHead: -1, queueTail: -1, time: ownTime, waitingArea: 0, inServiceArea: 0,
            sharedArea: 0, touched: 0, sojourn: 0, errorRate: service.errorRate, requests: 0, successes: 0,
            speed: replica.speed, fluctuation: 1, stretch: 1, rate: 1, holds: 0, started: 0,
            waitingTime: 0, heldTime: 0, waitingAreaAtWindow: 0, heldAreaAtWindow: 0, presentSince: known ? 0 : -1,
            present: 0, saturatedSince: -1, backlogWhenSaturated: 0))
        if isObserved { replicas[first &+ Int32(number)].condition.insert(.observed) }
        resetSpeed(first &+ Int32(number))
      }
      for proxy in 0..<proxyCount where proxies[proxy].service == Int32(index) && !proxies[proxy].isShared {
        proxies[proxy].replica = first &+ proxies[proxy].number
      }
      memberships.add(service, room: rooms[index])
    }
  }

  private mutating func addRows(rooms: [Int]) {
    for cluster in mesh.clusters.indices {
      let service = memberships.services[cluster]
      firstRow.append(Int32(rows.count))
      rowOfReplicaZero.append(Int32(rows.count) &- services[service].firstReplica)
      for number in 0..<rooms[service] {
        rows.append(
          EndpointRow(
            cluster: Int32(cluster), replica: services[service].firstReplica &+ Int32(number), requests: 0,
            successes: 0, latencySum: 0, ended: 0, ejected: 0,
            wasListed: number < description.services[service].replicas.count))
      }
    }
    let mayEject = mesh.clusters.contains {
      $0.failureAccrual != nil || $0.phi != nil || $0.outlierDetection != nil || $0.failsFast
    }
    if mayEject {
      measurement.ejectedSince = Pool(repeating: -1, count: proxyCount * rows.count)
    }
  }

  private mutating func addClients(plan: ProxyPlan, table: RouteTable) {
    var zipf: Int32 = 0
    for (index, client) in description.clients.enumerated() {
      let streams = TrafficStreams(seed: seed, replication: replicationNumber)
      func key(_ purpose: RandomPurpose) -> RandomKey { streams.key(purpose, client: client.name) }
      let attributes = client.attributes
      var think: Int32 = -1
      var allowance: Int64 = 0
      if case .closed(_, let distribution, let requests) = client.arrivals {
        think = distributions.add(distribution)
        allowance = requests.map { Int64($0) } ?? -1
      }
      var keyKind: UInt8 = 0
      var constantKey: UInt64 = 0
      var table_: Int32 = -1
      switch client.key {
      case .zipf:
        keyKind = 1
        table_ = zipf
        zipf += 1
      case .uniform(let keys):
        keyKind = 2
        constantKey = UInt64(keys)
      case .constant(let text):
        keyKind = 3
        constantKey = RequestHash.header(text)
      case nil: break
      }
      let route = routeCode(attributes, table)
      if route < -1 { keyKind |= ClientState.drawsRoute }
      clients.append(
        ClientState(
          callKey: key(.demand), thinkKey: key(.think), planeKey: key(.dataPlane), wanted: 0,
          firstPlane: plan.firstPlane(client: index), planeCount: plan.planeCount(client: index),
          route: route, kind: hashes.add(attributes, keyHeader: client.keyHeader), size: client.requestSize,
          successWithin: client.successWithin?.nanoseconds ?? .max, think: think, zipf: table_,
          constantKey: constantKey, keyKind: keyKind, allowance: allowance, requests: 0, successes: 0, timeouts: 0,
          rejected: 0, unanswered: 0, retries: 0, ejections: 0, answeredInSpan: 0))
      var entries: [TraceEntry] = []
      if case .trace(let traceRows, _) = client.arrivals {
        entries = traceRows.map { traceEntry($0, of: Int32(index), attributes, table) }
      }
      arrivals.add(client.arrivals, key: key(.arrival), burstKey: key(.burst), entries: entries)
      if case .closed(let count, _, _) = client.arrivals {
        for number in 0..<count {
          users.append(
            UserState(
              client: Int32(index), number: Int32(number), sent: 0, key: key(.demand).key(UInt64(number))))
        }
      }
    }
  }

  private mutating func traceEntry(
    _ row: TraceRow, of client: Int32, _ attributes: RequestAttributes, _ table: RouteTable
  ) -> TraceEntry {
    var own = attributes
    own.host = row.target ?? own.host
    own.path = row.path ?? own.path
    own.method = row.method ?? own.method
    var kind = clients[client].kind
    if row.path != nil { kind = hashes.add(own, like: kind, keyHeader: description.clients[Int(client)].keyHeader) }
    return TraceEntry(
      time: row.time.nanoseconds, route: routeCode(own, table), kind: kind, hasKey: row.key != nil,
      key: row.key.map { RequestHash.header($0) } ?? 0, demand: row.demand?.nanoseconds ?? -1,
      size: row.size ?? clients[client].size)
  }

  private mutating func addNetwork(tracksConnections: Bool) {
    network.tracksConnections = tracksConnections
    for link in description.links {
      network.links.append(
        LinkState(
          delay: distributions.add(link.delay), constantDelay: link.delay.constantSpan, loss: link.loss,
          nanosecondsPerByte: link.bandwidth.map { 8e9 / $0 } ?? 0,
          retransmission: link.retransmission.nanoseconds, busyThere: 0, busyBack: 0))
    }
    for cluster in mesh.clusters {
      let kind: UInt8
      switch cluster.transport {
      case .http1: kind = 0
      case .http2: kind = 1
      case .tcp: kind = 2
      }
      network.transports.append(
        ClusterTransport(
          kind: kind, usesTLS: cluster.usesTLS, connectTimeout: cluster.connectTimeout.nanoseconds,
          service: Int32(memberships.services[network.transports.count]),
          isCounted: cluster.circuitBreaker.countsConnections))
    }
    network.replicaCount = replicas.count
    network.rowCount = rows.count
    if !description.links.isEmpty {
      network.linkOf = Pool(repeating: -1, count: proxyCount * replicas.count)
      for proxy in 0..<proxyCount {
        for replica in 0..<replicas.count {
          network.linkOf[proxy * replicas.count + replica] = bestLink(Int32(proxy), Int32(replica))
        }
      }
    }
    if hasPaths || hasPools {
      network.connections = Pool(
        repeating: ConnectionState(isOpen: false, opening: 0, idle: 0, waitingHead: -1, waitingTail: -1),
        count: proxyCount * rows.count)
    }
  }

  /// The link between a data plane and a replica: the most specific one, the first among equals; -1 for none.
  private mutating func bestLink(_ proxy: Int32, _ replica: Int32) -> Int32 {
    var best: Int32 = -1
    var bestRank = -1
    for (index, link) in description.links.enumerated() {
      if !isCaller(proxy, at: link.from) || !isReplica(replica, at: link.to) { continue }
      let rank = link.from.specificity + link.to.specificity
      if rank > bestRank {
        best = Int32(index)
        bestRank = rank
      }
    }
    return best
  }

  private mutating func addFaults() {
    let seats = description.faultSeats()
    for (index, fault) in description.faults.enumerated() {
      var distribution: Int32 = -1
      switch fault.kind {
      case .delay(_, let extra): distribution = distributions.add(extra)
      case .errors(_, _, _, let time, _): if let time { distribution = distributions.add(time) }
      case .partition: faults.messageFaults.append(MessageFault(fault: Int32(index), loss: 1))
      case .loss(_, _, let rate): faults.messageFaults.append(MessageFault(fault: Int32(index), loss: rate))
      default: break
      }
      var duration = fault.duration?.nanoseconds ?? .max
      var period = fault.period?.nanoseconds ?? 0
      if case .restart = fault.kind {
        // It ends by itself.
        duration = .max
      } else if period > 0 && duration > period {
        // It begins again before it ends, so it never does.
        period = 0
        duration = .max
      }
      faults.states.append(
        FaultState(
          at: fault.at.nanoseconds, duration: duration, period: period, roundsActive: 0, isHolding: false, rounds: 0,
          distribution: distribution, seat: seats[index], pauseBegin: .none,
          pauseEnd: .none))
    }
    faults.strikesMessages = faults.messageFaults.count > 0
  }

  /// Puts on the wheel what happens whatever the requests do, and tells every data plane its endpoints.
  mutating func begin() {
    if settings.warmUp.nanoseconds > 0 {
      _ = wheel.schedule(at: settings.warmUp.nanoseconds, .warmUpEnds, 0)
    } else {
      warmUpEnds()
    }
    if stop < .max { _ = wheel.schedule(at: stop, .arrivalsStop, 0) }
    for number in 1...Self.windowsAhead { scheduleWindow(inWindows: number) }
    for index in 0..<faults.states.count { scheduleRound(index, at: faults.states[index].at) }
    for (index, service) in description.services.enumerated() {
      if service.fluctuation != nil { fluctuates(service: Int32(index)) }
      if let antagonist = service.antagonist, antagonist.share > 0 {
        for number in 0..<services[index].replicaRoom {
          scheduleAntagonist(services[index].firstReplica &+ number, antagonist, round: 0)
        }
      }
    }
    memberships.known = Pool(repeating: 0, count: proxyCount * mesh.clusters.count)
    memberships.isHeldUp = Pool(repeating: false, count: proxyCount * mesh.clusters.count)
    memberships.resolutions = Pool(repeating: Resolution(), count: proxyCount * mesh.clusters.count)
    beginReadiness()
    beginCanaries()
    // One list for all data planes: they share its storage.
    let listings = mesh.clusters.indices.map { endpoints(ofCluster: $0, version: 0) }
    for proxy in 0..<proxyCount {
      for cluster in mesh.clusters.indices {
        proxies[proxy].plane.endpointsChanged(
          cluster: cluster, listings[cluster], at: .zero, into: &actions)
        workOff(for: proxy)
      }
    }
    for client in 0..<Int32(clients.count) {
      let first = arrivals.next(client: client, number: 0)
      if first < stop {
        _ = wheel.schedule(at: first, .arrival, UInt64(client))
      } else if clients[client].think < 0 || clients[client].allowance == 0 {
        sourceRunsDry()
      }
    }
    if sources == 0 && requestsLeft > 0 { stopAfterLastRequest() }
    for user in 0..<Int32(users.count) { think(user) }
  }
}

/// Which data planes there are: those of the clients, then one for each replica that makes calls.
struct ProxyPlan {
  struct Entry {
    var client: Int
    var service: Int
    var number: Int
    var zone: Int
    var isShared: Bool
    /// What its random streams belong to.
    var entity: UInt64
  }

  private(set) var entries: [Entry] = []
  private var firstOfClient: [Int32] = []
  private var countOfClient: [Int32] = []
  private var firstOfService: [Int32] = []
  private var sharedServices: [Bool] = []

  init(_ world: WorldDescription) {
    for (index, client) in world.clients.enumerated() {
      firstOfClient.append(Int32(entries.count))
      var number = 0
      for group in client.dataPlanes {
        for _ in 0..<group.count {
          let entity = TrafficStreams.dataPlaneEntity(client: client.name, number: number)
          entries.append(
            Entry(client: index, service: -1, number: number, zone: group.zone, isShared: false, entity: entity))
          number += 1
        }
      }
      countOfClient.append(Int32(number))
    }
    for (index, service) in world.services.enumerated() {
      firstOfService.append(service.calls.isEmpty ? -1 : Int32(entries.count))
      sharedServices.append(service.sharesDataPlane)
      if service.calls.isEmpty { continue }
      var room = service.replicas.count
      for fault in world.faults { if case .scale(index, let count) = fault.kind { room = max(room, count) } }
      for number in 0..<(service.sharesDataPlane ? 1 : room) {
        let zone = number < service.replicas.count ? service.replicas[number].zone : -1
        let entity = mix64(nameHash(service.name) ^ goldenGamma &+ UInt64(number))
        entries.append(
          Entry(
            client: -1, service: index, number: number, zone: zone, isShared: service.sharesDataPlane,
            entity: entity))
      }
    }
  }

  /// Where a data plane stands among its like.
  func place(of index: Int, in world: WorldDescription) -> BalancerContext {
    let entry = entries[index]
    let count =
      entry.client >= 0
      ? Int(countOfClient[entry.client]) : entry.isShared ? 1 : world.services[entry.service].replicas.count
    let peers = entries.filter { $0.client == entry.client && $0.service == entry.service }
    return BalancerContext(
      planeNumber: entry.number, planeCount: count, zone: Int32(entry.zone), peerZones: peers.map { Int32($0.zone) })
  }

  func firstPlane(client: Int) -> Int32 { firstOfClient[client] }

  func planeCount(client: Int) -> Int32 { countOfClient[client] }

  func plane(service: Int, replica: Int) -> Int32 {
    let first = firstOfService[service]
    return first < 0 ? -1 : sharedServices[service] ? first : first &+ Int32(replica)
  }
}

extension DistributionDescription {
  /// The nanoseconds of a constant, or -1 for anything else.
  fileprivate var constantSpan: Int64 {
    guard case .constant(let value) = self, value >= 0, value < 9e18 else { return -1 }
    return Int64(value.rounded())
  }
}

extension Discipline {
  var number: UInt8 {
    switch self {
    case .fifo: 0
    case .lifo: 1
    case .processorSharing: 2
    case .infinite: 3
    }
  }
}

extension CancelBehaviour {
  var number: UInt8 {
    switch self {
    case .finish: 0
    case .dropQueued: 1
    case .stop: 2
    }
  }
}

extension Place {
  /// How narrow a place is: a replica is narrower than its service or a client, and those than a zone.
  var specificity: Int {
    switch self {
    case .replica: 3
    case .service, .client: 2
    case .zone: 1
    }
  }
}
