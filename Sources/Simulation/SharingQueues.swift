// Processor sharing: each of n requests is served at the rate min(1, workers / n).
//
// A virtual clock runs at that rate; a request that comes at virtual time v with demand d is done at v + d, whatever comes
// and goes meanwhile. So the next to finish is the least of a heap, and only one event a replica is pending (the idea of
// generalised processor sharing: Parekh and Gallager, 1993).

import MeshCore

/// One replica's requests under processor sharing.
struct SharingQueue: ~Copyable {
  struct Entry: BitwiseCopyable {
    var finish: Double
    var sequence: UInt64
    var work: Int32

    static func comesBefore(_ left: Entry, _ right: Entry) -> Bool {
      left.finish < right.finish || (left.finish == right.finish && left.sequence < right.sequence)
    }
  }

  var virtual: Double = 0
  var at: Int64 = 0
  var event: EventHandle = .none
  private var entries = Pool<Entry>()
  private var sequence: UInt64 = 0

  var count: Int { entries.count }
  var first: Entry? { entries.count == 0 ? nil : entries[0] }

  /// Runs the virtual clock up to `now` at `rate`.
  mutating func advance(to now: Int64, rate: Double) {
    virtual += Double(now &- at) * rate
    at = now
    // An empty queue may start its clock anew, which keeps its precision.
    if entries.count == 0 { virtual = 0 }
  }

  mutating func insert(work: Int32, demand: Double) {
    entries.append(Entry(finish: virtual + demand, sequence: sequence, work: work))
    sequence &+= 1
    rise(entries.count - 1)
  }

  /// On the virtual clock, when a work is done. Complexity: O(n).
  func finish(of work: Int32) -> Double? {
    for place in 0..<entries.count where entries[place].work == work { return entries[place].finish }
    return nil
  }

  /// Takes out the first one.
  mutating func removeFirst() { remove(at: 0) }

  /// Takes out a work. Complexity: O(n).
  mutating func remove(work: Int32) {
    for place in 0..<entries.count where entries[place].work == work {
      remove(at: place)
      return
    }
  }

  private mutating func remove(at place: Int) {
    guard let last = entries.popLast() else { return }
    if place == entries.count { return }
    entries[place] = last
    rise(place)
    sink(place)
  }

  private mutating func rise(_ start: Int) {
    var place = start
    let entry = entries[place]
    while place > 0 {
      let parent = (place - 1) / 2
      if !Entry.comesBefore(entry, entries[parent]) { break }
      entries[place] = entries[parent]
      place = parent
    }
    entries[place] = entry
  }

  private mutating func sink(_ start: Int) {
    var place = start
    let entry = entries[place]
    while true {
      var child = 2 * place + 1
      if child >= entries.count { break }
      if child + 1 < entries.count && Entry.comesBefore(entries[child + 1], entries[child]) { child += 1 }
      if !Entry.comesBefore(entries[child], entry) { break }
      entries[place] = entries[child]
      place = child
    }
    entries[place] = entry
  }
}

/// The queues of all replicas, by replica; empty ones cost a few words.
struct SharingQueues: ~Copyable {
  private let queues: UnsafeMutablePointer<SharingQueue>
  private let count: Int

  init(replicas: Int) {
    count = replicas
    queues = .allocate(capacity: max(1, replicas))
    for replica in 0..<replicas { (queues + replica).initialize(to: SharingQueue()) }
  }

  deinit {
    queues.deinitialize(count: count)
    queues.deallocate()
  }

  subscript(replica: Int32) -> SharingQueue {
    unsafeAddress {
      precondition(replica >= 0 && Int(replica) < count)
      return UnsafePointer(queues + Int(replica))
    }
    unsafeMutableAddress {
      precondition(replica >= 0 && Int(replica) < count)
      return queues + Int(replica)
    }
  }
}

extension World {
  /// The rate at which each request of a processor-sharing replica is served now.
  private mutating func sharingRate(_ replica: Int32) -> Double {
    let count = sharing[replica].count
    if count == 0 { return 0 }
    let workers = Double(replicas[replica].workers)
    return replicas[replica].rate * min(1, workers / Double(count))
  }

  /// An attempt joins those that are served. The replica's areas are up to date.
  mutating func beginSharing(_ work: Int32, replica: Int32) {
    sharing[replica].advance(to: now, rate: sharingRate(replica))
    replicas[replica].inService &+= 1
    works[work].phase = .inService
    works[work].holdsWorker = true
    works[work].began = now
    works[work].wasServed = true
    if !works[work].isDecided { works[work].demand = stretched(works[work].demand, replica: replica) }
    sharing[replica].insert(work: work, demand: Double(works[work].demand))
    scheduleSharing(replica)
    if replicas[replica].condition.contains(.observed) { serviceBegins(work, replica: replica) }
  }

  /// Runs the virtual clock up to now at the rate that held, before the rate changes.
  mutating func advanceSharing(_ replica: Int32) {
    sharing[replica].advance(to: now, rate: sharingRate(replica))
  }

  /// Schedules the next one to finish.
  mutating func scheduleSharing(_ replica: Int32) {
    wheel.cancel(sharing[replica].event)
    sharing[replica].event = .none
    let rate = sharingRate(replica)
    guard let first = sharing[replica].first, rate > 0 else { return }
    let span = (max(0, first.finish - sharing[replica].virtual) / rate).rounded(.up)
    let at = span < 9e18 ? now.addingClamped(Int64(span)) : .max
    sharing[replica].event = wheel.schedule(at: at, .sharedServed, UInt64(UInt32(bitPattern: replica)))
  }

  /// Nanoseconds of service that a work has not had yet.
  mutating func sharedServiceLeft(_ work: Int32, replica: Int32) -> Double {
    guard let finish = sharing[replica].finish(of: work) else { return 0 }
    return finish - sharing[replica].virtual - Double(now &- sharing[replica].at) * sharingRate(replica)
  }

  /// The first of a processor-sharing replica's requests is done. Others that are done at the same instant have an event of
  /// their own then: what follows from this one may give them up.
  mutating func sharedServed(replica: Int32) {
    sharing[replica].event = .none
    guard let first = sharing[replica].first else { return }
    touch(replica)
    // The clock stands at its finish exactly; rounding to nanoseconds must not leave a rest.
    sharing[replica].advance(to: now, rate: sharingRate(replica))
    if replicas[replica].condition.contains(.observed) {
      serviceEnds(replica: replica, left: first.finish - sharing[replica].virtual)
    }
    sharing[replica].virtual = max(sharing[replica].virtual, first.finish)
    sharing[replica].removeFirst()
    leaveShare(first.work, replica: replica)
    scheduleSharing(replica)
    served(first.work)
  }

  /// Takes an attempt out of those that are served.
  mutating func leaveSharing(_ work: Int32, replica: Int32) {
    sharing[replica].advance(to: now, rate: sharingRate(replica))
    sharing[replica].remove(work: work)
    leaveShare(work, replica: replica)
    scheduleSharing(replica)
  }

  private mutating func leaveShare(_ work: Int32, replica: Int32) {
    works[work].holdsWorker = false
    replicas[replica].inService &-= 1
    replicas[replica].sojourn &+= now &- works[work].entered
  }
}
