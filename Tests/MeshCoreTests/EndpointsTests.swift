// Who keeps a slot when discovery lists endpoints anew: what fault detection and policies know of an endpoint hangs on it.

import MeshCore
import Testing

@Suite struct EndpointsTests {
  private func list(_ set: inout EndpointSet, _ identities: [Int32], at now: Timestamp = .zero) {
    set.list(identities.map { EndpointDescription(identity: EndpointIdentity($0)) }, at: now)
  }

  private func listed(_ set: borrowing EndpointSet) -> [Int32] {
    (0..<set.listed.count).map { set.states[set.listed[$0]].identity.number }
  }

  private func slots(_ set: borrowing EndpointSet, _ identities: [Int32]) -> [Int32?] {
    var slots: [Int32?] = []
    for identity in identities { slots.append(set.slot(of: EndpointIdentity(identity))) }
    return slots
  }

  // Goal: idle or busy, who stays keeps slot, incarnation and verdict, whatever comes, goes or changes place around it.
  @Test func whoStaysKeepsItsSlot() {
    var set = EndpointSet()
    list(&set, [0, 1, 2])
    set.setExcluded(true, by: .failureAccrual, slot: 1)
    set.states[Int32(2)].inFlight = 3
    list(&set, [7, 2, 1], at: Timestamp(nanoseconds: 5))
    #expect(slots(set, [7, 2, 1]) == [0, 2, 1])
    #expect(listed(set) == [7, 2, 1])
    #expect(set.states[Int32(1)].incarnation == 1 && !set.states[Int32(1)].isAdmitted)
    #expect(set.states[Int32(2)].incarnation == 1 && set.states[Int32(2)].inFlight == 3)
    // The newcomer has the slot of who left, and nothing of its state.
    #expect(set.states[Int32(0)].incarnation == 2 && set.states[Int32(0)].since.nanoseconds == 5)
    #expect(set.availableCount == 2)
  }

  // Goal: the same list again changes nothing.
  @Test func theSameListChangesNothing() {
    var set = EndpointSet()
    list(&set, [3, 1, 4])
    list(&set, [3, 1, 4])
    #expect(slots(set, [3, 1, 4]) == [0, 1, 2] && set.states.count == 3)
    for slot in 0..<3 { #expect(set.states[slot].incarnation == 1) }
  }

  // Goal: who leaves with requests keeps the slot until it is idle; who leaves idle comes back as somebody new.
  @Test func whoLeavesIsForgottenWhenIdle() {
    var set = EndpointSet()
    list(&set, [0, 1])
    set.states[Int32(0)].inFlight = 1
    list(&set, [])
    #expect(slots(set, [0, 1]) == [0, nil] && listed(set) == [])
    list(&set, [5])
    #expect(slots(set, [5]) == [1])
    list(&set, [5, 0, 1])
    #expect(slots(set, [5, 0, 1]) == [1, 0, 2])
    #expect(set.states[Int32(0)].incarnation == 1 && set.states[Int32(2)].incarnation == 1)
  }

  // Goal: an endpoint that is listed twice counts once, new or known; a negative number is no endpoint.
  @Test func doublesCountOnce() {
    var set = EndpointSet()
    list(&set, [2, 2, -1, 6])
    #expect(listed(set) == [2, 6])
    list(&set, [6, 2, 6])
    #expect(listed(set) == [6, 2] && set.availableCount == 2)
  }

  // Goal: under random lists and requests the set agrees with a plain table of who is listed since when.
  @Test func agreesWithAPlainTable() {
    var set = EndpointSet()
    var random = RandomStream(state: 9)
    var since: [Int32: Int64] = [:]
    for round in 1...500 as ClosedRange<Int64> {
      let identities = (0..<12 as Range<Int32>).filter { _ in random.below(2) == 0 }
      list(&set, identities, at: Timestamp(nanoseconds: round))
      since = since.filter { identities.contains($0.key) }
      for identity in identities where since[identity] == nil { since[identity] = round }
      #expect(listed(set) == identities)
      for (place, identity) in identities.enumerated() {
        #expect(set.states[set.listed[place]].since.nanoseconds == since[identity])
      }
    }
  }

  // Goal: an endpoint's age counts from the first time that it is listed as healthy; illness does not make it young again,
  // leaving the list does, even with requests left; the roster knows who came last.
  @Test func ageCountsFromTheFirstHealth() {
    var set = EndpointSet()
    func list(_ health: [Int32: EndpointHealth], at second: Int64) {
      let listed = health.sorted { $0.key < $1.key }
      set.list(
        listed.map { EndpointDescription(identity: EndpointIdentity($0.key), health: $0.value) },
        at: .zero + .seconds(second))
    }
    func since(_ number: Int32) -> Int64? {
      set.slot(of: EndpointIdentity(number)).map { set.states[$0].since.nanoseconds / 1_000_000_000 }
    }
    func newest() -> Int64 { set.roster.newest.nanoseconds / 1_000_000_000 }
    list([0: .healthy, 1: .unhealthy, 2: .degraded], at: 5)
    #expect(since(0) == 5 && newest() == 5)
    for slot in [1, 2] as [Int32] { #expect(set.states[slot].since == .distantPast) }
    list([0: .healthy, 1: .healthy, 2: .degraded], at: 7)
    list([0: .unhealthy, 1: .healthy], at: 8)
    list([0: .healthy, 1: .healthy], at: 9)
    #expect(since(0) == 5 && since(1) == 7 && newest() == 7)
    set.states[Int32(0)].inFlight = 1
    list([1: .healthy], at: 10)
    list([0: .healthy, 1: .healthy], at: 11)
    #expect(since(0) == 11 && since(1) == 7 && newest() == 11)
    list([1: .healthy], at: 12)
    #expect(newest() == 11)
  }
}
