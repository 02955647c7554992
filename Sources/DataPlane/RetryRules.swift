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
  /// How many times another endpoint is chosen in place of one that has been tried.
  var hostSelectionRetries: Int32
  /// What leaves out the priorities that have been tried, in `RetryRules.priorities`, or -1.
  var priorities: Int32
  /// Its budget, in `RetryRules.budgets`, or -1.
  var budget: Int32
}

/// The budget of a route's retries.
enum RetryBudget: BitwiseCopyable {
  case tower(TowerRetryBudget)
  case finagle(FinagleRetryBudget)
  /// Its settings are out of bounds: nothing is ever retried.
  case none

  init(_ description: RetryBudgetDescription, _ profile: MeshProfile) {
    let (ttl, least, ratio) = (description.ttl, description.minPerSecond, description.ratio)
    if profile == .finagle {
      let budget = FinagleRetryBudget(ttl: ttl, minRetriesPerSecond: least, percentCanRetry: ratio, at: .zero)
      self = budget.map { .finagle($0) } ?? .none
    } else {
      let budget = TowerRetryBudget(ttl: ttl, minRetriesPerSecond: least, retryRatio: ratio, at: .zero)
      self = budget.map { .tower($0) } ?? .none
    }
  }

  mutating func deposit(at now: Timestamp) {
    switch self {
    case .tower(var budget):
      budget.deposit(at: now)
      self = .tower(budget)
    case .finagle(var budget):
      budget.deposit(at: now)
      self = .finagle(budget)
    case .none: break
    }
  }

  mutating func withdraw(at now: Timestamp) -> Bool {
    switch self {
    case .tower(var budget):
      let isPaid = budget.withdraw(at: now)
      self = .tower(budget)
      return isPaid
    case .finagle(var budget):
      let isPaid = budget.withdraw(at: now)
      self = .finagle(budget)
      return isPaid
    case .none: return false
    }
  }
}

/// The rules of all routes.
struct RetryRules: ~Copyable {
  private(set) var plans: Pool<RetryPlan>
  /// What chooses other priorities for retries than those that were tried.
  var priorities: [PreviousPriorities] = []
  private let planOfRoute: [Int32]
  private var budgets: Pool<RetryBudget>
  /// Whether a request pays in when an outcome of it is not retried, in place of at its begin: so it is in Linkerd, whose budgets have
  /// nothing but their reserve in an outage.
  private let paysAtEnd: Bool
  /// By cluster: how many retries are under way or pause.
  private var rooms: Pool<EnvoyRetryBudget>

  init(_ mesh: MeshDescription) {
    plans = Pool(capacity: mesh.routes.count)
    budgets = Pool(capacity: 1)
    paysAtEnd = mesh.profile == .linkerd
    var numbers: [Int32] = []
    for route in mesh.routes {
      guard let retry = route.retry, retry.attempts > 0 else {
        numbers.append(-1)
        continue
      }
      var budget: Int32 = -1
      if let description = retry.budget {
        budget = Int32(budgets.count)
        budgets.append(RetryBudget(description, mesh.profile))
      }
      // A try that may take as long as the request needs no timer of its own.
      var perTryTimeout = retry.perTryTimeout ?? .zero
      if let timeout = route.timeout, perTryTimeout >= timeout { perTryTimeout = .zero }
      var ownPriorities: Int32 = -1
      if let choice = PreviousPriorities(updateFrequency: retry.priorityUpdateFrequency) {
        ownPriorities = Int32(priorities.count)
        priorities.append(choice)
      }
      numbers.append(Int32(plans.count))
      plans.append(
        RetryPlan(
          conditions: Self.conditions(retry, mesh.profile), attempts: retry.attempts, perTryTimeout: perTryTimeout,
          backoff: Self.backoff(retry.backoff), hostSelectionRetries: retry.hostSelectionRetries,
          priorities: ownPriorities, budget: budget))
    }
    planOfRoute = numbers
    rooms = Pool(capacity: mesh.clusters.count)
    for cluster in mesh.clusters {
      rooms.append(EnvoyRetryBudget(maxRetries: cluster.maxRetries.map { Int64($0) } ?? .max))
    }
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
    let budget = plans[plan].budget
    if budget >= 0 && !paysAtEnd { budgets[budget].deposit(at: now) }
  }

  /// Whether a request that has been retried `retries` times may be retried once more after a failure in `cluster`. If so, it takes room
  /// there, and from the budget.
  mutating func mayRetry(
    _ plan: Int32, isRetriable: Bool, retries: Int32, cluster: Int32, at now: Timestamp
  ) -> Bool {
    let budget = plans[plan].budget
    if !isRetriable {
      if budget >= 0 && paysAtEnd { budgets[budget].deposit(at: now) }
      return false
    }
    if retries >= plans[plan].attempts || !rooms[cluster].withdraw(activeRequests: 0) { return false }
    if budget >= 0 && !budgets[budget].withdraw(at: now) {
      rooms[cluster].release()
      return false
    }
    return true
  }

  /// A retry is over.
  mutating func leaveRoom(inCluster cluster: Int32) {
    rooms[cluster].release()
  }
}
