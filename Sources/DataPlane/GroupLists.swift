// In which groups endpoints are, as numbered lists of groups.
//
// An endpoint that changes its health, zone or priority changes groups while attempts are under way at it. The groups that heard of
// an attempt's beginning have to hear of its end, or what they count (bounded load, Finagle's load band) would never come down
// again. So an attempt keeps the number of the list it began with; equal lists have one number for good, and there are only as
// many as there are kinds of endpoints.

import MeshCore

/// Lists of groups by number, and each slot's. List 0 is empty.
struct GroupLists: ~Copyable {
  /// Where each list begins in `entries`; one more for the end of the last.
  private var starts = Pool<Int32>()
  private var entries = Pool<Int32>()
  private var numbers: [[Int32]: Int32] = [[]: 0]
  private var ofSlot = Pool<Int32>()

  init() {
    starts.append(0)
    starts.append(0)
  }

  /// The number of the list of the endpoint in `slot`.
  @inline(__always)
  func number(ofSlot slot: Int32) -> Int32 { Int(slot) < ofSlot.count ? ofSlot[slot] : 0 }

  /// The places of a list's groups.
  @inline(__always)
  func places(ofList number: Int32) -> Range<Int32> { starts[number]..<starts[number &+ 1] }

  /// The group at a place.
  @inline(__always)
  func group(at place: Int32) -> Int { Int(entries[place]) }

  /// Says which groups each slot is in now.
  mutating func assign(_ lists: [[Int32]]) {
    ofSlot.removeAll()
    for list in lists { ofSlot.append(number(of: list)) }
  }

  private mutating func number(of list: [Int32]) -> Int32 {
    if let number = numbers[list] { return number }
    let number = Int32(truncatingIfNeeded: numbers.count)
    numbers[list] = number
    for group in list { entries.append(group) }
    starts.append(Int32(truncatingIfNeeded: entries.count))
    return number
  }
}
