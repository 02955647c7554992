// What routes say of retries, and what their retries share: budgets, and room in clusters.

import LoadBalancing
import MeshCore
import TrafficSplitting

/// What a route says of retries, as far as each of its requests needs it.
struct RetryPlan: BitwiseCopyable {
  var conditions: RetryConditions
  /// Retries after the first try, at most.
  var attempts: Int32
  /// How long one try may take; zero for as long as the route allows.
  var perTryTimeout: TimeSpan
  var backoff: RetryBackoff
  /// The longest wait that an answer may ask for before its retry; zero where none is heeded.
  var longestReset: TimeSpan
  /// How many times another endpoint is chosen in place of one that has been tried.
  var hostSelectionRetries: Int32
  /// What leaves out the priorities that have been tried, in `RetryRules.priorities`, or -1.
  var priorities: Int32
  /// Its budget, in `RetryBudgets`, or -1.
  var budget: Int32
  /// Its rule of hedging, in `RetryRules.hedges`, or -1.
  var hedge: Int32
  /// Its mirrors, in `RetryRules.mirrors`.
  var firstMirror: Int32
  var mirrorCount: Int32
  /// Whether a try that takes too long goes on beside its retry (Envoy).
  var keepsSlowTries: Bool
}

/// Where some of a route's requests are copied to.
struct MirrorPlan: BitwiseCopyable {
  /// A cluster or an aggregate.
  var destination: Int32
  var fraction: RuntimeFraction
}

/// Whether a retry may be made.
enum RetryPermission: BitwiseCopyable {
  case granted
  /// The request has had all of its own.
  case exhausted
  /// Its cluster has no room for one more.
  case noRoom
  /// The budget is spent.
  case unpaid
}

/// The rules of all routes.
struct RetryRules: ~Copyable {
  private(set) var plans: Pool<RetryPlan>
  /// What chooses other priorities for retries than those that were tried.
  var priorities: [PreviousPriorities] = []
  /// When another try joins a slow one.
  // Behind a pointer: each request looks at one and changes it.
  let hedges: UnsafeMutablePointer<HedgeRule>
  private let hedgeCount: Int
  private(set) var mirrors: Pool<MirrorPlan>
  private let planOfRoute: [Int32]
  private var budgets: RetryBudgets
  /// Whether a request pays in when an outcome of it is not retried, in place of at its begin: so it is in Linkerd, whose budgets have
  /// nothing but their reserve in an outage.
  private let paysAtEnd: Bool
  /// By cluster: how many retries are under way or pause.
  private var rooms: Pool<EnvoyRetryBudget>

  init(_ mesh: MeshDescription) {
    plans = Pool(capacity: mesh.routes.count)
    budgets = RetryBudgets()
    mirrors = Pool(capacity: 1)
    paysAtEnd = mesh.profile == .linkerd
    let hedged = mesh.routes.compactMap(\.hedge)
    hedges = .allocate(capacity: max(1, hedged.count))
    hedgeCount = hedged.count
    for (place, description) in hedged.enumerated() {
      (hedges + place).initialize(to: HedgeRule(description, mesh.profile))
    }
    var nextHedge: Int32 = 0
    var numbers: [Int32] = []
    for route in mesh.routes {
      // A request that is only hedged, mirrored or let through by something is one that is never retried.
      let retry = route.retry ?? RetryDescription(on: [], attempts: 0)
      if retry.attempts == 0 && route.hedge == nil && route.mirrors.isEmpty && route.gates?.isEmpty != false
        && route.canary == nil
      {
        numbers.append(-1)
        continue
      }
      var budget: Int32 = -1
      if let description = retry.budget {
        budget = budgets.add(description, mesh.profile)
      }
      // A try that may take as long as the request needs no timer of its own.
      var perTryTimeout = retry.perTryTimeout ?? .zero
      if let timeout = route.timeout, perTryTimeout >= timeout { perTryTimeout = .zero }
      var ownPriorities: Int32 = -1
      if let choice = PreviousPriorities(updateFrequency: retry.priorityUpdateFrequency) {
        ownPriorities = Int32(priorities.count)
        priorities.append(choice)
      }
      var hedge: Int32 = -1
      if route.hedge != nil {
        hedge = nextHedge
        nextHedge += 1
      }
      let firstMirror = Int32(mirrors.count)
      for mirror in route.mirrors {
        mirrors.append(MirrorPlan(destination: Int32(mirror.cluster), fraction: mirror.fraction))
      }
      numbers.append(Int32(plans.count))
      plans.append(
        RetryPlan(
          conditions: Self.conditions(retry, mesh.profile), attempts: retry.attempts, perTryTimeout: perTryTimeout,
          backoff: Self.backoff(retry.backoff), longestReset: retry.longestReset,
          hostSelectionRetries: retry.hostSelectionRetries,
          priorities: ownPriorities, budget: budget, hedge: hedge,
          firstMirror: firstMirror, mirrorCount: Int32(route.mirrors.count),
          keepsSlowTries: route.hedge?.after == .perTryTimeout))
    }
    planOfRoute = numbers
    rooms = Pool(capacity: mesh.clusters.count)
    for cluster in mesh.clusters {
      rooms.append(Self.room(cluster.circuitBreaker))
    }
  }

  deinit {
    hedges.deinitialize(count: hedgeCount)
    hedges.deallocate()
  }

  private static func room(_ breaker: CircuitBreakerDescription) -> EnvoyRetryBudget {
    if let share = breaker.retryBudget {
      return EnvoyRetryBudget(
        budgetPercent: share.budgetPercent, minRetryConcurrency: Int64(share.minRetryConcurrency))
    }
    return EnvoyRetryBudget(maxRetries: breaker.maxRetries.map { Int64($0) } ?? .max)
  }

  private static func backoff(_ pauses: RetryBackoffDescription) -> RetryBackoff {
    if pauses.base <= .zero { return .none }
    switch pauses.jitter {
    case .full: return .envoy(base: pauses.base, max: pauses.maximum)
    case .added(let ratio): return .exponential(min: pauses.base, max: pauses.maximum, jitterRatio: ratio)
    case .around: return .multiplied(initial: pauses.base, max: pauses.maximum, multiplier: 2)
    }
  }

  /// Names that are none were refused by whoever read them.
  private static func conditions(_ retry: RetryDescription, _ profile: MeshProfile) -> RetryConditions {
    let given =
      profile == .linkerd
      ? try? RetryConditions(linkerd: retry.on)
      : try? RetryConditions(names: retry.on, retriableStatusCodes: retry.retriableStatusCodes)
    return given ?? RetryConditions()
  }

  /// The number of a route's plan, or -1 when it never retries.
  func plan(ofRoute route: Int) -> Int32 { planOfRoute[route] }

  /// A request has begun.
  mutating func requestBegan(_ plan: Int32, at now: Timestamp) {
    let (budget, hedge) = (plans[plan].budget, Int(plans[plan].hedge))
    if hedge >= 0 { hedges[hedge].requestBegan(at: now) }
    if budget >= 0 && !paysAtEnd { budgets.deposit(budget, at: now) }
  }

  /// Whether an answer may be tried again as far as it goes; of a failed call of gRPC its own status counts, not HTTP's.
  @inline(__always)
  func isRetriable(_ plan: Int32, status: Int16, grpcStatus: Int16) -> Bool {
    if grpcStatus < 0 { return plans[plan].conditions.isRetriable(status: status) }
    return plans[plan].conditions.isRetriable(status: 200, grpcStatus: grpcStatus)
  }

  /// A try has ended: who goes by outcomes takes note. Returns whether it may be tried again as far as its outcome goes.
  mutating func heard(
    _ plan: Int32, _ ending: AttemptEnding, status: Int16, grpcStatus: Int16, _ reset: ResetKind, at now: Timestamp
  ) -> Bool {
    let (budget, hedge) = (plans[plan].budget, Int(plans[plan].hedge))
    let isRetriable: Bool
    switch ending {
    case .answered: isRetriable = self.isRetriable(plan, status: status, grpcStatus: grpcStatus)
    case .timedOut: isRetriable = plans[plan].conditions.isRetriable(.perTryTimeout)
    case .broken: isRetriable = plans[plan].conditions.isRetriable(reset)
    case .superseded, .abandoned: isRetriable = false
    }
    if budget >= 0 {
      let isSuccess = ending == .answered && SuccessRule.isSuccess(status: status)
      // Of hedged calls it is the failures that are not fatal (gRFC A6).
      let isCharged = hedge >= 0 && !isSuccess ? hedges[hedge].isNonFatal(status: status) : isRetriable
      budgets.heard(budget, isRetriable: isCharged, isSuccess: isSuccess)
      if !isRetriable && paysAtEnd { budgets.deposit(budget, at: now) }
    }
    return isRetriable
  }

  /// A try of a hedged request has ended, or was given up for another's sake: latencies of failures do not count.
  mutating func recordLatency(
    _ plan: Int32, _ ending: AttemptEnding, status: Int16, _ latency: TimeSpan, at now: Timestamp
  ) {
    let hedge = Int(plans[plan].hedge)
    if hedge < 0 { return }
    let counts: Bool
    switch ending {
    case .answered: counts = SuccessRule.isSuccess(status: status)
    case .timedOut, .superseded: counts = true
    case .broken, .abandoned: counts = false
    }
    if counts { hedges[hedge].record(latency, at: now) }
  }

  /// Whether a cluster with so many requests under way has room for one more retry, and a budget would pay for it now. Nothing is
  /// taken.
  func allows(
    _ plan: RetryPlan, cluster: Int32, underWay: Int64, at now: Timestamp
  ) -> (hasRoom: Bool, isPaid: Bool) {
    var room = rooms[cluster]
    let isPaid = plan.budget < 0 ? true : budgets.wouldPay(plan.budget, at: now)
    return (room.withdraw(activeRequests: underWay), isPaid)
  }

  /// Retries in a cluster, and how many there may be beside so many requests.
  func room(inCluster cluster: Int32, underWay: Int64) -> (count: Int32, limit: Int32) {
    let most = rooms[cluster].mostRetries(activeRequests: underWay)
    return (Int32(clamping: rooms[cluster].retries), Int32(clamping: most))
  }

  /// Whether one more try may join those of a request; it is paid for then.
  mutating func mayHedge(_ plan: Int32, at now: Timestamp) -> Bool {
    let (hedge, budget) = (Int(plans[plan].hedge), plans[plan].budget)
    if !hedges[hedge].mayHedge(at: now) { return false }
    return budget < 0 || budgets.withdraw(budget, at: now)
  }

  /// Whether a request that has been retried `retries` times may be retried once more after a failure in `cluster`, which has so many
  /// requests under way. If so, it takes room there, and from the budget.
  mutating func mayRetry(
    _ plan: Int32, retries: Int32, cluster: Int32, underWay: Int64, at now: Timestamp
  ) -> RetryPermission {
    let budget = plans[plan].budget
    if retries >= plans[plan].attempts { return .exhausted }
    if !rooms[cluster].withdraw(activeRequests: underWay) { return .noRoom }
    if budget >= 0 && !budgets.withdraw(budget, at: now) {
      rooms[cluster].release()
      return .unpaid
    }
    return .granted
  }

  /// A retry is over.
  mutating func leaveRoom(inCluster cluster: Int32) {
    rooms[cluster].release()
  }
}
