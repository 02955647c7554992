// What a data plane knows of a cluster's endpoints, and what policies choose from.

/// An endpoint's identity: the number its world gives it, the same in every data plane and for the endpoint's whole life.
@frozen
public struct EndpointIdentity: BitwiseCopyable, Hashable, Sendable {
  /// The number.
  public var number: Int32

  /// The endpoint called `number`.
  @inlinable
  public init(_ number: Int32) { self.number = number }
}

/// How an endpoint is, as discovery or health checks say (Envoy's three classes).
@frozen
public enum EndpointHealth: UInt8, BitwiseCopyable, Hashable, Sendable {
  /// Takes its share.
  case healthy
  /// Takes what the healthy ones cannot.
  case degraded
  /// Takes nothing, but in a panic.
  case unhealthy
}

/// Who keeps an endpoint from having traffic.
@frozen
public struct EndpointExclusions: OptionSet, BitwiseCopyable, Hashable, Sendable {
  public let rawValue: UInt8

  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Failure accrual has tripped.
  @inlinable
  public static var failureAccrual: EndpointExclusions { EndpointExclusions(rawValue: 1) }
  /// Outlier detection has ejected it.
  @inlinable
  public static var outlierDetection: EndpointExclusions { EndpointExclusions(rawValue: 2) }
  /// Active health checks fail.
  @inlinable
  public static var healthCheck: EndpointExclusions { EndpointExclusions(rawValue: 4) }
  /// It counts neither as there nor as missing: its first health check has not ended, or it has asked to be left alone.
  @inlinable
  public static var uncounted: EndpointExclusions { EndpointExclusions(rawValue: 8) }
  /// No connection to it opens.
  @inlinable
  public static var failFast: EndpointExclusions { EndpointExclusions(rawValue: 16) }
}

/// An endpoint as discovery tells it.
public struct EndpointDescription: Hashable, Sendable {
  /// Which endpoint.
  public var identity: EndpointIdentity
  /// Its share of traffic relative to its peers', at least 1.
  public var weight: UInt32
  /// The number of its zone, or -1 for none.
  public var zone: Int32
  /// What it is called where hashing balancers place it: `address:port`, or a replica's name.
  public var address: String
  /// Its priority: 0 is used first.
  public var priority: Int32
  /// How it is, as discovery knows.
  public var status: HostStatus
  /// What subsets are selected by.
  public var metadata: [String: String]

  /// The class of its status; who sets it says no more than that.
  public var health: EndpointHealth {
    get { status.health }
    set { status = HostStatus(newValue) }
  }

  /// An endpoint in a set.
  public init(
    identity: EndpointIdentity, weight: UInt32 = 1, zone: Int32 = -1, address: String = "", priority: Int32 = 0,
    health: EndpointHealth = .healthy, metadata: [String: String] = [:]
  ) {
    self.identity = identity
    self.weight = weight == 0 ? 1 : weight
    self.zone = zone
    self.address = address
    self.priority = max(0, priority)
    self.status = HostStatus(health)
    self.metadata = metadata
  }
}

/// What a data plane keeps of one endpoint. The place in the set (`slot`) is stable while the endpoint stays.
@frozen
public struct EndpointState: BitwiseCopyable, Sendable {
  /// Which endpoint.
  public var identity: EndpointIdentity
  /// Attempts of this data plane that it has not answered.
  public var inFlight: Int32
  /// Its share of traffic relative to its peers', at least 1.
  public var weight: UInt32
  /// The number of its zone, or -1 for none.
  public var zone: Int32
  /// How many endpoints have had this slot: a policy that finds another number than it knows starts afresh.
  public var incarnation: UInt32
  /// Whether discovery still lists it.
  public var isListed: Bool
  /// Who keeps it from having traffic.
  public var exclusions: EndpointExclusions
  /// How it is, as discovery says: the class, and the word.
  public var health: EndpointHealth
  public var status: HostStatus
  /// Its priority: 0 is used first.
  public var priority: Int32
  /// Since when the data plane has seen it healthy, as Envoy's slow start counts: the first time since it was listed, however
  /// ill it has been after that; `distantPast` before the first.
  public var since: Timestamp

  /// A new endpoint without requests, not seen healthy yet.
  public init(_ description: EndpointDescription, incarnation: UInt32) {
    self.identity = description.identity
    self.inFlight = 0
    self.weight = description.weight
    self.zone = description.zone
    self.incarnation = incarnation
    self.isListed = true
    self.exclusions = []
    self.health = description.health
    self.status = description.status
    self.priority = description.priority
    self.since = .distantPast
  }

  /// Whether fault detection lets it have traffic.
  @inlinable
  public var isAdmitted: Bool { exclusions.isEmpty }

  /// Whether it may have traffic by all that is known, panic aside.
  @inlinable
  public var mayBeChosen: Bool { exclusions.isEmpty && health != .unhealthy }
}

/// Which endpoints a policy is shown to choose from.
@frozen
public enum EndpointOffer: UInt8, BitwiseCopyable, Hashable, Sendable {
  /// Those that may be chosen.
  case available
  /// All that are listed: the policy looks itself who may be chosen (Finagle's choice of two).
  case all
  /// Those that may be chosen, but all when there is none (Finagle's round robin).
  case allWhenNoneIsAvailable
}

/// What an oracle sees at an endpoint: work that shrinks at a steady rate until the next time it looks. The lab alone knows.
@frozen
public struct ObservedWork: BitwiseCopyable, Sendable {
  /// Nanoseconds of service left at `at`, of all requests that the endpoint has, at its full speed.
  public var left: Double
  /// How much of it one nanosecond does.
  public var rate: Double
  /// When that was seen.
  public var at: Timestamp

  /// No work.
  @inlinable
  public static var none: ObservedWork { ObservedWork(left: 0, rate: 0, at: .zero) }

  /// Work seen at `at`.
  @inlinable
  public init(left: Double, rate: Double, at: Timestamp) {
    self.left = left
    self.rate = rate
    self.at = at
  }

  /// What is left at `now`, nanoseconds to the nearest one.
  @inlinable
  public func left(at now: Timestamp) -> Int64 {
    let rest = left - rate * Double((now - at).nanoseconds)
    return rest > 0 ? Int64(min(rest, 9e18).rounded()) : 0
  }
}

/// What a policy sees of a cluster's endpoints, lent for the length of a call.
@frozen
public struct EndpointView: BitwiseCopyable {
  /// The states, by slot. Slots of endpoints that have gone are among them until they are used again.
  public let states: PoolView<EndpointState>
  /// The slots to choose from, in discovery's order: those that may be chosen, unless the policy has asked for others.
  public let available: PoolView<Int32>

  /// The endpoints `available` of `states`.
  @inlinable
  public init(states: PoolView<EndpointState>, available: PoolView<Int32>) {
    self.states = states
    self.available = available
  }

  /// How many endpoints there are to choose from.
  @inlinable
  public var availableCount: Int { available.count }
}

/// Endpoints with all that discovery told of them: what policies prepare their choices from when something changes.
public struct EndpointRoster {
  /// States by slot, and the slots to choose from.
  public let view: EndpointView
  /// The slots to choose from if all were well, in discovery's order.
  public let listed: PoolView<Int32>
  /// When somebody among all that a request can get came last, or when there was a first listing.
  public let newest: Timestamp
  private let listing: [EndpointDescription]
  private let places: PoolView<Int32>

  init(
    view: EndpointView, listed: PoolView<Int32>, newest: Timestamp, listing: [EndpointDescription],
    places: PoolView<Int32>
  ) {
    self.view = view
    self.listed = listed
    self.newest = newest
    self.listing = listing
    self.places = places
  }

  /// What discovery told last of the endpoint in `slot`, if it is listed.
  public func description(slot: Int32) -> EndpointDescription? {
    let place = Int(slot) < places.count ? places[slot] : -1
    return place >= 0 ? listing[Int(place)] : nil
  }

  /// What the endpoint in `slot` is called; its number when discovery gave it no address.
  public func address(slot: Int32) -> String {
    if let description = description(slot: slot), !description.address.isEmpty { return description.address }
    return String(view.states[slot].identity.number)
  }
}

/// A cluster's endpoints in one data plane: their states by slot, and the slots to choose from.
public struct EndpointSet: ~Copyable {
  /// The states, by slot. Slots of endpoints that have gone are used again.
  public var states: Pool<EndpointState>
  /// The slots to choose from, in discovery's order.
  public private(set) var available: Pool<Int32>
  /// How many of the listed endpoints may be chosen, whatever is offered.
  public private(set) var healthyCount = 0
  /// Who is among `available`.
  public let offer: EndpointOffer
  /// All listed slots, in discovery's order.
  public private(set) var listed: Pool<Int32>
  /// The slot of each identity that has one, -1 elsewhere.
  private var slots: Pool<Int32>
  /// What discovery told last, shared with whoever else was told the same; and by slot where in it the endpoint stands, or -1.
  private var listing: [EndpointDescription] = []
  private var places: Pool<Int32>
  /// When somebody came last, or when there was a first listing; nil before that.
  private var newest: Timestamp?

  /// An empty set whose policy chooses from what `offer` says.
  public init(offer: EndpointOffer = .available) {
    self.offer = offer
    self.states = Pool()
    self.available = Pool()
    self.listed = Pool()
    self.slots = Pool()
    self.places = Pool()
  }

  /// How many endpoints there are to choose from.
  @inline(__always)
  public var availableCount: Int { available.count }

  /// What policies see.
  @inlinable
  public var view: EndpointView {
    @inline(__always) get { EndpointView(states: states.view, available: available.view) }
  }

  /// What policies prepare themselves from.
  public var roster: EndpointRoster {
    EndpointRoster(
      view: view, listed: listed.view, newest: newest ?? .distantPast, listing: listing, places: places.view)
  }

  /// The same for a part of the endpoints: `members` to choose from, `all` if all were well, and `newest` the last that came among
  /// those that a request can get.
  public func roster(of members: PoolView<Int32>, all: PoolView<Int32>, newest: Timestamp) -> EndpointRoster {
    EndpointRoster(
      view: EndpointView(states: states.view, available: members), listed: all, newest: newest, listing: listing,
      places: places.view)
  }

  /// Replaces the listed endpoints. Who stays keeps slot and state; a changed weight or zone is taken over. An endpoint that
  /// is listed twice counts once.
  ///
  /// Complexity: O(slots + endpoints).
  public mutating func list(_ endpoints: [EndpointDescription], at now: Timestamp) {
    // Who stays is found while it is still listed; slots of endpoints that leave are free for others only after that.
    let staying = endpoints.map { slot(of: $0.identity) }
    let isBack = staying.map { $0.map { !states[$0].isListed } ?? false }
    newest = newest ?? now
    listed.removeAll()
    listing = endpoints
    places.fill(with: -1)
    for slot in 0..<states.count { states[slot].isListed = false }
    for slot in staying { if let slot { states[slot].isListed = true } }
    var free: Int32 = 0
    var isTaken = [Bool](repeating: false, count: states.count + endpoints.count)
    for (place, endpoint) in endpoints.enumerated() {
      let known = staying[place] ?? slot(of: endpoint.identity)
      let slot = known ?? add(endpoint, searchingFrom: &free)
      if slot < 0 { continue }
      states[slot].weight = endpoint.weight
      states[slot].zone = endpoint.zone
      states[slot].health = endpoint.health
      states[slot].status = endpoint.status
      states[slot].priority = endpoint.priority
      // Who was gone, if only for its last requests, is as young as anybody who comes.
      if isBack[place] { states[slot].since = .distantPast }
      if endpoint.health == .healthy && states[slot].since == .distantPast {
        states[slot].since = now
        newest = now
      }
      if !isTaken[Int(slot)] {
        listed.append(slot)
        if Int(slot) >= places.count { places.resize(to: Int(slot) + 1, filling: -1) }
        places[slot] = Int32(truncatingIfNeeded: place)
      }
      isTaken[Int(slot)] = true
    }
    rebuildAvailable()
  }

  /// Shuts one endpoint out on behalf of `excluder`, or lets it in again as far as that one is concerned. Returns whether that
  /// changed what may be chosen.
  @discardableResult
  public mutating func setExcluded(_ excluded: Bool, by excluder: EndpointExclusions, slot: Int32) -> Bool {
    let wasAdmitted = states[slot].isAdmitted
    if excluded { states[slot].exclusions.insert(excluder) } else { states[slot].exclusions.remove(excluder) }
    if states[slot].isAdmitted == wasAdmitted { return false }
    rebuildAvailable()
    return true
  }

  /// An endpoint whose health checks had failed has passed one: it is as young as that.
  public mutating func passedHealthCheck(slot: Int32, at now: Timestamp) {
    states[slot].since = now
    newest = now
  }

  /// The slot of a listed endpoint or of one that still has requests, if it has one. Complexity: O(1).
  public func slot(of identity: EndpointIdentity) -> Int32? {
    if identity.number < 0 || Int(identity.number) >= slots.count { return nil }
    let slot = slots[identity.number]
    if slot < 0 || states[slot].identity != identity { return nil }
    return states[slot].isListed || states[slot].inFlight > 0 ? slot : nil
  }

  /// Gives an endpoint a slot: the next one nobody needs any more, or a new one.
  private mutating func add(_ endpoint: EndpointDescription, searchingFrom free: inout Int32) -> Int32 {
    if endpoint.identity.number < 0 { return -1 }
    while Int(free) < states.count && (states[free].isListed || states[free].inFlight > 0) { free &+= 1 }
    let slot = free
    if Int(slot) < states.count {
      states[slot] = EndpointState(endpoint, incarnation: states[slot].incarnation &+ 1)
    } else {
      states.append(EndpointState(endpoint, incarnation: 1))
    }
    if Int(endpoint.identity.number) >= slots.count {
      slots.resize(to: Int(endpoint.identity.number) + 1, filling: -1)
    }
    slots[endpoint.identity.number] = slot
    return slot
  }

  private mutating func rebuildAvailable() {
    available.removeAll()
    healthyCount = 0
    for place in 0..<listed.count {
      let slot = listed[place]
      let mayBeChosen = states[slot].mayBeChosen
      healthyCount += mayBeChosen ? 1 : 0
      if mayBeChosen || offer == .all { available.append(slot) }
    }
    if offer == .allWhenNoneIsAvailable && healthyCount == 0 {
      for place in 0..<listed.count { available.append(listed[place]) }
    }
  }
}
