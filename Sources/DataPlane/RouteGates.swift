// What stands before a route's balancer in one data plane: injected faults, a rate limit, admission control, throttling, a limit of
// requests in flight.
//
// A request meets them in the order in which Envoy's filters usually stand: fault → local rate limit → admission control → adaptive
// concurrency → router; throttling at the client stands beside admission control. Who has let a request through hears how it ended, by
// what the caller is told after all retries. Who was not asked hears nothing: a request that the rate limit refused is no failure
// for admission control. A request that nobody answers any more is forgotten.

import MeshCore
import TrafficSplitting

/// What a request has been let through by: kept with it, told when it ends.
struct GatePassage: BitwiseCopyable {
  /// The gates of its route, in `RouteGates`, or -1.
  var gate: Int32 = -1
  /// Whether it counts as suffering a fault.
  var isFaulted = false
  /// Whether admission control and throttling hear of it.
  var isAdmitted = false
  /// Whether it takes part of the limit of requests in flight.
  var isCounted = false
  /// The cluster that its latest try went to.
  var cluster: Int32 = -1
  /// How fast its answer is handed on, KiB/s; 0 for as fast as it comes.
  var responseRate: Int64 = 0
  /// When it was let in.
  var began = Timestamp.zero
}

/// A request that is answered in the endpoint's place.
struct GateRefusal: BitwiseCopyable {
  var status: Int16
  var cause: ResponseCause
}

/// The gates of all routes of one data plane.
struct RouteGates: ~Copyable {
  // Not private: debug builds of Swift 6.3.1 crash on a private record behind a noncopyable type's pointer.
  /// One route's.
  struct Gate: ~Copyable {
    /// By what requests carry: what may strike them.
    var faults = Pool<FaultInjection>()
    var maxActiveFaults = Int32.max
    var activeFaults: Int32 = 0
    var bucket: TokenBucket?
    var bucketStatus: Int16 = 429
    var admission: AdmissionControl?
    var throttling: AdaptiveThrottling?
    var nacks: NackAdmission?
    var concurrency: AdaptiveConcurrency?
    var concurrencyStatus: Int16 = 503
  }

  // Behind a pointer: each of them is written to in its place many times a request.
  private let gates: UnsafeMutablePointer<Gate>
  private let descriptions: [GatesDescription]
  private let gateOfRoute: [Int32]
  private var knownHeaders: Int32 = 0
  private var random: RandomStream

  /// The gates of a mesh's routes; `random` is for what belongs to no request.
  init(_ mesh: MeshDescription, random: RandomStream) {
    self.random = random
    var numbers: [Int32] = []
    var descriptions: [GatesDescription] = []
    for route in mesh.routes {
      guard let description = route.gates, !description.isEmpty else {
        numbers.append(-1)
        continue
      }
      numbers.append(Int32(truncatingIfNeeded: descriptions.count))
      descriptions.append(description)
    }
    gateOfRoute = numbers
    gates = .allocate(capacity: max(1, descriptions.count))
    for (place, description) in descriptions.enumerated() {
      (gates + place).initialize(to: Self.gate(description))
    }
    self.descriptions = descriptions
  }

  deinit {
    gates.deinitialize(count: descriptions.count)
    gates.deallocate()
  }

  private static func gate(_ description: GatesDescription) -> Gate {
    var gate = Gate()
    if let fault = description.fault {
      gate.faults.append(FaultInjection(fault, headers: []))
      gate.maxActiveFaults = fault.maxActiveFaults ?? .max
    }
    if let limit = description.rateLimit {
      gate.bucket = TokenBucket(capacity: limit.maxTokens, rate: limit.tokensPerSecond, at: .zero)
      gate.bucketStatus = limit.status
    }
    gate.admission = description.admissionControl.map { AdmissionControl($0) }
    gate.throttling = description.adaptiveThrottling.map { AdaptiveThrottling($0) }
    gate.nacks = description.nackAdmission.map { NackAdmission($0, at: .zero) }
    if let limit = description.adaptiveConcurrency {
      gate.concurrency = AdaptiveConcurrency(limit, at: .zero)
      gate.concurrencyStatus = limit.status
    }
    return gate
  }

  /// The number of a route's gates, or -1 when nothing stands before it.
  func number(ofRoute route: Int32) -> Int32 { gateOfRoute[Int(route)] }

  /// Notes headers that requests carry, and returns the number to name them by. 0 is for those that name none.
  mutating func know(_ headers: [HeaderField]) -> Int32 {
    for place in descriptions.indices {
      if let fault = descriptions[place].fault { gates[place].faults.append(FaultInjection(fault, headers: headers)) }
    }
    knownHeaders += 1
    return knownHeaders
  }

  /// Takes requests that name no headers to carry these.
  mutating func assume(_ headers: [HeaderField]) {
    for place in descriptions.indices {
      if let fault = descriptions[place].fault { gates[place].faults[0] = FaultInjection(fault, headers: headers) }
    }
  }

  // MARK: - Arrival

  /// Draws a request's faults that come first. Returns how long it is held up.
  mutating func delay(_ passage: inout GatePassage, _ arrival: RequestArrival) -> TimeSpan {
    let gate = Int(passage.gate)
    if gates[gate].faults.count == 0 { return .zero }
    let fault = gates[gate].faults[arrival.headers]
    let key = arrival.randomness.key(for: .injectedFault)
    if fault.mayBeSlow {
      let rate = fault.responseRate(draw: key.draw(0))
      if rate > 0 && takesFault(&passage) { passage.responseRate = rate }
    }
    if !fault.mayDelay { return .zero }
    let delay = fault.delay(draw: key.draw(1))
    return delay > .zero && takesFault(&passage) ? delay : .zero
  }

  /// A request's delay is over: it suffers no more, unless its answer is to come slowly.
  mutating func delayEnded(_ passage: inout GatePassage) {
    if passage.responseRate == 0 { leaveFault(&passage) }
  }

  /// Asks everybody behind the delay. Returns who refuses the request, if anybody does.
  mutating func refusal(
    _ passage: inout GatePassage, _ arrival: RequestArrival, wasDelayed: Bool, at now: Timestamp
  ) -> GateRefusal? {
    let gate = Int(passage.gate)
    passage.began = now
    if gates[gate].faults.count > 0 && gates[gate].faults[arrival.headers].mayAbort {
      let draw = arrival.randomness.key(for: .injectedFault).draw(2)
      if let status = gates[gate].faults[arrival.headers].abort(draw: draw) {
        // After a delay the request has been a fault already, and may be another.
        if wasDelayed || takesFault(&passage) { return GateRefusal(status: status, cause: .faultAborted) }
      }
    }
    if gates[gate].bucket?.take(at: now) == 0 {
      return GateRefusal(status: gates[gate].bucketStatus, cause: .rateLimited)
    }
    if let refusal = refusalByRate(gate, arrival, at: now) { return refusal }
    passage.isAdmitted = true
    if gates[gate].concurrency?.passes(at: now) == false {
      return GateRefusal(status: gates[gate].concurrencyStatus, cause: .concurrencyLimited)
    }
    passage.isCounted = gates[gate].concurrency != nil
    return nil
  }

  private mutating func refusalByRate(_ gate: Int, _ arrival: RequestArrival, at now: Timestamp) -> GateRefusal? {
    // Streams are made where a chance is above 0 alone: nearly always nobody is refused.
    if let chance = gates[gate].admission?.rejectionChance(at: now) ?? nil, chance > 0 {
      var draws = arrival.randomness.stream(for: .admission, 1)
      if AdmissionControl.rejects(chance, draw: draws.next()) {
        return GateRefusal(status: 503, cause: .admissionRejected)
      }
    }
    if let chance = gates[gate].throttling?.count(at: now), chance > 0 {
      var draws = arrival.randomness.stream(for: .admission, 2)
      if draws.unit() < chance { return GateRefusal(status: 503, cause: .throttled) }
    }
    if let chance = gates[gate].nacks?.count(at: now), chance > 0 {
      var draws = arrival.randomness.stream(for: .admission, 3)
      if draws.unit() < chance { return GateRefusal(status: 503, cause: .throttled) }
    }
    return nil
  }

  private mutating func takesFault(_ passage: inout GatePassage) -> Bool {
    if passage.isFaulted { return true }
    let gate = Int(passage.gate)
    if gates[gate].activeFaults >= gates[gate].maxActiveFaults { return false }
    gates[gate].activeFaults += 1
    passage.isFaulted = true
    return true
  }

  private mutating func leaveFault(_ passage: inout GatePassage) {
    if !passage.isFaulted { return }
    gates[Int(passage.gate)].activeFaults -= 1
    passage.isFaulted = false
  }

  // MARK: - End

  /// A request has its answer.
  mutating func ended(_ given: GatePassage, status: Int16, _ cause: ResponseCause, at now: Timestamp) {
    var passage = given
    let gate = Int(passage.gate)
    leaveFault(&passage)
    if passage.isCounted { gates[gate].concurrency?.ended(began: passage.began, &random, at: now) }
    if !passage.isAdmitted { return }
    gates[gate].admission?.record(status: status, at: now)
    // What the backend refuses for want of room is no accept; whoever stands before it does not speak for it.
    let isRefusal = status == 429 || status == 503
    let isOfEndpoint = cause == .endpoint
    if isOfEndpoint && !isRefusal { gates[gate].throttling?.accepted(at: now) }
    if cause != .concurrencyLimited { gates[gate].nacks?.ended(isAccepted: !(isOfEndpoint && isRefusal), at: now) }
  }

  /// Nobody wants a request's answer any more.
  mutating func forgotten(_ given: GatePassage) {
    var passage = given
    leaveFault(&passage)
    if passage.isCounted { gates[Int(passage.gate)].concurrency?.forgotten() }
  }

  /// Requests that count as suffering a fault, and requests in flight as limits count them: nothing when nobody is open.
  var accounts: (faults: Int, inFlight: Int) {
    descriptions.indices.reduce(into: (0, 0)) { sum, place in
      sum.0 += Int(gates[place].activeFaults)
      sum.1 += Int(gates[place].concurrency?.inFlight ?? 0)
    }
  }

  /// The limit of requests in flight before a route, if there is one.
  func concurrencyLimit(ofRoute route: Int32) -> UInt32? {
    let gate = gateOfRoute[Int(route)]
    return gate < 0 ? nil : gates[Int(gate)].concurrency?.limit
  }
}
