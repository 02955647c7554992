// In which groups endpoints are, as numbered lists of groups.
//
// An endpoint that changes its health, zone or priority changes groups while attempts are under way at it. The groups that heard of
// an attempt's beginning have to hear of its end, or what they count (bounded load, Finagle's load band) would never come down
// again. So an attempt keeps the number of the list it began with, and a list stays as long as an endpoint or an attempt has it.
// Equal lists have one number. Whose number nobody has any more is found at the next change, and given to another list then: memory
// follows who is there, however often that changes.

import MeshCore

/// Lists of groups by number, and each slot's. List 0 is empty.
struct GroupLists: ~Copyable {
  /// Where a list lies in `entries`, and who has it.
  struct List: BitwiseCopyable {
    /// -1 while the number is nobody's.
    var start: Int32
    var end: Int32
    /// Attempts under way that began with it.
    var attempts: Int32 = 0
    /// Whether endpoints have it.
    var isAssigned = false
  }

  private var lists = Pool<List>()
  private var entries = Pool<Int32>()
  private var numbers: [[Int32]: Int32] = [[]: 0]
  private var free = Pool<Int32>()
  private var ofSlot = Pool<Int32>()

  init() { lists.append(List(start: 0, end: 0)) }

  /// How many lists there are.
  var count: Int { numbers.count }

  /// How many places there are for the groups of all lists.
  var room: Int { entries.count }

  /// The number of the list of the endpoint in `slot`.
  @inline(__always)
  func number(ofSlot slot: Int32) -> Int32 { Int(slot) < ofSlot.count ? ofSlot[slot] : 0 }

  /// The places of a list's groups.
  @inline(__always)
  func places(ofList number: Int32) -> Range<Int32> { lists[number].start..<lists[number].end }

  /// The group at a place.
  @inline(__always)
  func group(at place: Int32) -> Int { Int(entries[place]) }

  /// An attempt has begun with a list.
  @inline(__always)
  mutating func hold(_ number: Int32) { lists[number].attempts &+= 1 }

  /// An attempt that began with a list has ended.
  @inline(__always)
  mutating func release(_ number: Int32) { lists[number].attempts &-= 1 }

  /// Says which groups each slot is in now. Complexity: O(slots + groups of all lists).
  mutating func assign(_ found: [[Int32]]) {
    for number in 0..<lists.count { lists[number].isAssigned = false }
    ofSlot.removeAll()
    for list in found {
      let number = number(of: list)
      lists[number].isAssigned = true
      ofSlot.append(number)
    }
    var left = 0
    for number in 1..<max(1, lists.count) where lists[number].start >= 0 {
      if lists[number].isAssigned || lists[number].attempts > 0 {
        left += Int(lists[number].end - lists[number].start)
      } else {
        numbers[groups(ofList: number)] = nil
        lists[number].start = -1
        free.append(Int32(truncatingIfNeeded: number))
      }
    }
    if entries.count > 2 * left + 64 { compact() }
  }

  private func groups(ofList number: Int) -> [Int32] {
    (lists[number].start..<lists[number].end).map { entries[$0] }
  }

  private mutating func number(of list: [Int32]) -> Int32 {
    if let number = numbers[list] { return number }
    let start = Int32(truncatingIfNeeded: entries.count)
    for group in list { entries.append(group) }
    let record = List(start: start, end: Int32(truncatingIfNeeded: entries.count))
    let number = free.popLast() ?? Int32(truncatingIfNeeded: lists.count)
    if Int(number) == lists.count { lists.append(record) } else { lists[number] = record }
    numbers[list] = number
    return number
  }

  /// Closes the gaps that lists have left.
  private mutating func compact() {
    var kept = Pool<Int32>()
    for number in 0..<lists.count where lists[number].start >= 0 {
      let start = Int32(truncatingIfNeeded: kept.count)
      for place in lists[number].start..<lists[number].end { kept.append(entries[place]) }
      lists[number].start = start
      lists[number].end = Int32(truncatingIfNeeded: kept.count)
    }
    entries = kept
  }
}
