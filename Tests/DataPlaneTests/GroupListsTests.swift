import MeshCore
import Testing

@testable import DataPlane

@Suite struct GroupListsTests {
  private func groups(_ lists: borrowing GroupLists, _ number: Int32) -> [Int] {
    lists.places(ofList: number).map { lists.group(at: $0) }
  }

  // Goal: equal lists are one, each slot has its own, and who has none has the empty one.
  @Test func slotsHaveTheirGroups() {
    var lists = GroupLists()
    lists.assign([[1, 2], [], [3], [1, 2]])
    #expect(groups(lists, lists.number(ofSlot: 0)) == [1, 2] && groups(lists, lists.number(ofSlot: 2)) == [3])
    #expect(lists.number(ofSlot: 0) == lists.number(ofSlot: 3))
    #expect(lists.number(ofSlot: 1) == 0 && lists.number(ofSlot: 9) == 0 && lists.count == 3)
  }

  // Goal: a list stays the same as long as an attempt or a slot has it, and its place is used again after that. Method: random lists
  // against what each attempt remembers itself.
  @Test func listsStayWithTheirAttempts() {
    var lists = GroupLists()
    var random = RandomStream(state: 3)
    var attempts: [(list: Int32, groups: [Int])] = []
    for round in 0..<2000 {
      lists.assign((0..<5).map { _ in (0..<random.below(6)).map { Int32(10 * $0 + random.below(10)) } })
      for _ in 0..<2 {
        let number = lists.number(ofSlot: Int32(random.below(5)))
        lists.hold(number)
        attempts.append((number, groups(lists, number)))
      }
      while attempts.count > (round % 100 == 0 ? 0 : 12) {
        let attempt = attempts.remove(at: random.below(attempts.count))
        #expect(groups(lists, attempt.list) == attempt.groups)
        lists.release(attempt.list)
      }
      #expect(lists.count <= 1 + 5 + 14 && lists.room <= 3 * 6 * 20 + 64)
    }
  }
}
