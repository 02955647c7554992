// A group of a cluster's endpoints with a balancer of its own: one for each subset, priority, zone and kind of health that
// requests are sent to, as Envoy has one scheduler for each of its host sets. A cluster without layers is one group.

import LoadBalancing
import MeshCore

/// Which endpoints a group holds.
struct GroupKey: Hashable {
  /// The subset's number; 0 without subsets.
  var subset: Int32
  var priority: Int32
  /// The zone, or -2 for all zones.
  var zone: Int32
  var source: EndpointSource

  /// All zones.
  static var allZones: Int32 { -2 }
}

/// Endpoints that one balancer chooses from.
struct BalancingGroup: ~Copyable {
  let key: GroupKey
  var balancer: any LoadBalancer & ~Copyable
  /// The balancer's stream for what no request causes.
  var random: RandomStream
  /// The slots, in discovery's order.
  var members: Pool<Int32>
  /// The timer that wakes the balancer, or none.
  var wakeTimer: TimerHandle = .none

  init(key: GroupKey, balancer: consuming any LoadBalancer & ~Copyable, random: RandomStream) {
    self.key = key
    self.balancer = balancer
    self.random = random
    self.members = Pool()
  }
}

/// The groups of a cluster, in place: noncopyable values that an array cannot hold.
struct BalancingGroups: ~Copyable {
  private var base: UnsafeMutablePointer<BalancingGroup>
  private(set) var count: Int
  private var capacity: Int

  init() {
    capacity = 1
    base = .allocate(capacity: 1)
    count = 0
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  subscript(index: Int) -> BalancingGroup {
    @inline(__always) unsafeAddress {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return UnsafePointer(base + index)
    }
    @inline(__always) unsafeMutableAddress {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return base + index
    }
  }

  /// Changes the group at `index` in place.
  @inline(__always)
  @discardableResult
  mutating func modify<Result>(_ index: Int, _ body: (inout BalancingGroup) -> Result) -> Result { body(&self[index]) }

  mutating func append(_ group: consuming BalancingGroup) {
    if count == capacity {
      let wider = UnsafeMutablePointer<BalancingGroup>.allocate(capacity: capacity * 2)
      wider.moveInitialize(from: base, count: count)
      base.deallocate()
      base = wider
      capacity *= 2
    }
    (base + count).initialize(to: group)
    count += 1
  }
}
