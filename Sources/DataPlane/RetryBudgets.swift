// The budgets of routes' retries, and of their hedges too: tower's, Finagle's, gRPC's throttle, a token bucket.
//
// Each kind has a pool of its own, so that a budget is asked and changed where it lies: they are large, and a request asks several times.

import MeshCore
import TrafficSplitting

/// The budgets of all routes of a data plane, by number.
struct RetryBudgets: ~Copyable {
  enum Kind: UInt8, BitwiseCopyable {
    case tower
    case finagle
    case throttle
    case bucket
    /// Its settings are out of bounds: nothing is ever retried.
    case none
  }

  /// Which pool a budget lies in, and where.
  struct Place: BitwiseCopyable {
    var kind: Kind
    var index: Int32
  }

  private var places = Pool<Place>(capacity: 1)
  private var tower = Pool<TowerRetryBudget>(capacity: 1)
  private var finagle = Pool<FinagleRetryBudget>(capacity: 1)
  private var throttles = Pool<GRPCRetryThrottle>(capacity: 1)
  private var buckets = Pool<TokenBucketRetries>(capacity: 1)

  /// Adds a budget. Returns its number.
  mutating func add(_ description: RetryBudgetDescription, _ profile: MeshProfile) -> Int32 {
    places.append(place(description, profile))
    return Int32(truncatingIfNeeded: places.count - 1)
  }

  private mutating func place(_ description: RetryBudgetDescription, _ profile: MeshProfile) -> Place {
    if let given = description.throttling {
      return Self.put(
        GRPCRetryThrottle(maxTokens: given.maxTokens, tokenRatio: given.tokenRatio), .throttle, &throttles)
    }
    if let given = description.tokenBucket {
      return Self.put(
        TokenBucketRetries.brooker(capacity: given.capacity, perRequest: given.perRequest), .bucket, &buckets)
    }
    let (ttl, least, ratio) = (description.ttl, description.minPerSecond, description.ratio)
    if profile == .finagle {
      return Self.put(
        FinagleRetryBudget(ttl: ttl, minRetriesPerSecond: least, percentCanRetry: ratio, at: .zero), .finagle, &finagle)
    }
    return Self.put(
      TowerRetryBudget(ttl: ttl, minRetriesPerSecond: least, retryRatio: ratio, at: .zero), .tower, &tower)
  }

  private static func put<Budget: BitwiseCopyable>(_ budget: Budget?, _ kind: Kind, _ pool: inout Pool<Budget>) -> Place
  {
    guard let budget else { return Place(kind: .none, index: -1) }
    pool.append(budget)
    return Place(kind: kind, index: Int32(truncatingIfNeeded: pool.count - 1))
  }

  /// A request pays in; to a throttle it is a success that does.
  mutating func deposit(_ number: Int32, at now: Timestamp) {
    let place = places[number]
    switch place.kind {
    case .tower: tower.modify(place.index) { $0.deposit(at: now) }
    case .finagle: finagle.modify(place.index) { $0.deposit(at: now) }
    case .bucket: buckets.modify(place.index) { $0.deposit(at: now) }
    case .throttle, .none: break
    }
  }

  /// A try has ended: what a throttle goes by.
  mutating func heard(_ number: Int32, isRetriable: Bool, isSuccess: Bool) {
    let place = places[number]
    if place.kind != .throttle { return }
    throttles.modify(place.index) { throttle in
      if isSuccess { throttle.deposit() } else if isRetriable { _ = throttle.withdraw() }
    }
  }

  /// Pays for one more try, if the budget can. A throttle is charged by failures, not by retries.
  mutating func withdraw(_ number: Int32, at now: Timestamp) -> Bool {
    let place = places[number]
    switch place.kind {
    case .tower: return tower.modify(place.index) { $0.withdraw(at: now) }
    case .finagle: return finagle.modify(place.index) { $0.withdraw(at: now) }
    case .bucket: return buckets.modify(place.index) { $0.withdraw(at: now) }
    case .throttle: return throttles[place.index].isOpen
    case .none: return false
    }
  }

  /// Whether it could pay for one more try now.
  func wouldPay(_ number: Int32, at now: Timestamp) -> Bool {
    let place = places[number]
    switch place.kind {
    case .tower:
      var budget = tower[place.index]
      return budget.withdraw(at: now)
    case .finagle:
      var budget = finagle[place.index]
      return budget.withdraw(at: now)
    case .bucket:
      var budget = buckets[place.index]
      return budget.withdraw(at: now)
    case .throttle: return throttles[place.index].isOpen
    case .none: return false
    }
  }
}
