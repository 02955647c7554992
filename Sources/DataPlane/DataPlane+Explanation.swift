// What a data plane knows at a moment, for people who ask why it decided as it did. Nothing is decided by it.

import LoadBalancing
import MeshCore
import TrafficSplitting

/// One endpoint as a cluster's balancer sees it.
public struct EndpointStanding: Sendable, Hashable {
  /// Which endpoint.
  public var identity: EndpointIdentity
  /// Attempts of this data plane that it has not answered.
  public var inFlight: Int32
  /// Its share of traffic relative to its peers'.
  public var weight: UInt32
  /// Its priority: 0 is used first.
  public var priority: Int32
  /// What the balancer compares it by, less being better, if it compares anything but what is in flight.
  public var rank: Double?
  /// Why it gets nothing, panic aside; empty when it may be chosen.
  public var exclusions: [String]
}

/// How a try has ended.
@frozen
public enum TryEnding: BitwiseCopyable, Hashable, Sendable {
  /// With an answer.
  case answered(Int16)
  /// It broke.
  case broken(TransportFailure)
  /// It took too long.
  case timedOut
}

/// How a request stands with its retries.
public struct RetryStanding: Sendable, Hashable {
  /// Whether the failure counts as one to retry.
  public var isRetriable: Bool
  /// Retries begun, and at most.
  public var retries: Int32
  public var attempts: Int32
  /// Whether the cluster has room for one more at a time, and the budget pays for one.
  public var hasRoom: Bool
  public var isPaid: Bool
}

extension DataPlane {
  /// How a cluster's listed endpoints stand now. Looking at ranks may age a balancer's averages, so whoever goes on afterwards goes on a
  /// little differently; without them nothing is changed.
  public mutating func standings(inCluster cluster: Int, isRanked: Bool = true, at now: Timestamp) -> [EndpointStanding]
  {
    var standings: [EndpointStanding] = []
    for place in 0..<clusters[cluster].endpoints.listed.count {
      let slot = clusters[cluster].endpoints.listed[place]
      let state = clusters[cluster].endpoints.states[slot]
      standings.append(
        EndpointStanding(
          identity: state.identity, inFlight: state.inFlight, weight: state.weight, priority: state.priority,
          rank: isRanked ? clusters[cluster].rank(slot: slot, at: now) : nil,
          exclusions: exclusions(cluster: cluster, slot: slot)))
    }
    return standings
  }

  private func exclusions(cluster: Int, slot: Int32) -> [String] {
    let state = clusters[cluster].endpoints.states[slot]
    var words: [String] = []
    if state.exclusions.contains(.failureAccrual) { words.append("failure accrual") }
    if state.exclusions.contains(.failFast) { words.append("fail-fast: no connection opens") }
    if state.exclusions.contains(.outlierDetection) { words.append("ejected as an outlier") }
    if state.exclusions.contains(.healthCheck) {
      let record = clusters[cluster].health.records[slot]
      let isUndecided = record.machine.isFirst
      words.append(
        isUndecided ? "no health check has ended yet" : "fails its health checks, last: \(record.last.words)")
    }
    if state.health == .unhealthy { words.append("\(state.status.word), as discovery says") }
    return words
  }

  /// The endpoints that a balancer without layers would compare for an attempt, drawn as it draws them; empty where it compares all.
  public mutating func candidates(
    inCluster cluster: Int, randomness: RandomKey, _ kind: AttemptKind, number: Int32, at now: Timestamp
  ) -> [EndpointIdentity] {
    if clusters[cluster].layers != nil { return [] }
    let ordinal = UInt64(UInt32(bitPattern: number))
    let stream: UInt64
    switch kind {
    case .first: stream = 1
    case .retry: stream = ordinal + 1
    case .hedge: stream = 1 << 32 | ordinal
    case .mirror: stream = 1 << 33 | (ordinal - 1)
    }
    var draws = randomness.stream(for: .balancer, stream)
    let view = clusters[cluster].endpoints.view
    let slots = clusters[cluster].groups.modify(0) { $0.balancer.candidates(view, &draws, at: now) }
    return slots.map { clusters[cluster].endpoints.states[$0].identity }
  }

  /// Those among which the last choice in layers was made; empty without layers.
  public func lastGroup(inCluster cluster: Int) -> [EndpointIdentity] {
    if clusters[cluster].layers == nil { return [] }
    let view = clusters[cluster].lastView
    return (0..<view.available.count).map { view.states[view.available[$0]].identity }
  }

  /// How the request of an attempt stands with its retries if the attempt ends so; nil when it has none.
  public mutating func retryStanding(of attempt: AttemptHandle, _ ending: TryEnding, at now: Timestamp)
    -> RetryStanding?
  {
    guard requests.contains(attempt), requests[attempt.index].pursuit >= 0 else { return nil }
    let pursuit = requests[attempt.index].pursuit
    let plan = retries.plans[routes[pursuits[pursuit].arrival.route].retry]
    let cluster = requests[attempt.index].cluster
    let (hasRoom, isPaid) = retries.allows(
      plan, cluster: cluster, underWay: clusters[Int(cluster)].breaker.requestsUnderWay, at: now)
    let isRetriable: Bool
    switch ending {
    case .answered(let status): isRetriable = plan.conditions.isRetriable(status: status)
    case .broken(let failure): isRetriable = plan.conditions.isRetriable(ResetKind(failure))
    case .timedOut: isRetriable = plan.conditions.isRetriable(.perTryTimeout)
    }
    return RetryStanding(
      isRetriable: isRetriable, retries: pursuits[pursuit].retries,
      attempts: plan.attempts, hasRoom: hasRoom, isPaid: isPaid)
  }

  /// Whose timer it is, what for, and which attempt it ends, if any; nil for one that belongs to no request.
  public func story(ofTimer index: Int32) -> (caller: CallerToken, words: String, ends: AttemptHandle)? {
    let timer = timers[index]
    switch timer.purpose {
    case .attemptTimeout:
      return (requests[timer.subject].caller, "the attempt's time is over", requests.handle(at: timer.subject))
    case .pursuit:
      return story(ofDeadlines: timer.subject).map { (pursuits[timer.subject].arrival.caller, $0.words, $0.ends) }
    default: return nil
    }
  }
}
