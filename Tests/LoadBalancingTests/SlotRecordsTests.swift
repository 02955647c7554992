import MeshCore
import Testing

@testable import LoadBalancing

private func described(_ identities: [Int32]) -> [EndpointDescription] {
  identities.map { EndpointDescription(identity: EndpointIdentity($0)) }
}

@Suite struct SlotRecordsTests {
  // Goal: who stays keeps its record; who is new, in a new slot or in another's, gets a fresh one, asked for once, in order.
  @Test func newEndpointsStartAfresh() {
    var endpoints = EndpointSet()
    var records = SlotRecords<Int>()
    var asked: [Int32] = []
    func update() {
      asked = []
      records.update(endpoints.view) { slot in
        asked.append(slot)
        return -1
      }
    }
    update()
    #expect(asked.isEmpty && records.slots.isEmpty)
    endpoints.list(described([10, 11, 12]), at: .zero)
    update()
    #expect(asked == [0, 1, 2])
    for slot in records.slots { records[slot] = Int(slot) * 100 }
    update()
    #expect(asked.isEmpty)
    // 11 leaves, 13 gets its slot and 14 a new one.
    endpoints.list(described([13, 10, 12, 14]), at: .zero)
    update()
    #expect(asked == [1, 3])
    #expect(records.slots.map { records[$0] } == [0, -1, 200, -1])
  }

  // Goal: an endpoint that has left and comes back is another one to its slot.
  @Test func returningEndpointsStartAfresh() {
    var endpoints = EndpointSet()
    var records = SlotRecords<String>()
    for identities in [[1], [2], [1]] as [[Int32]] {
      endpoints.list(described(identities), at: .zero)
      records.update(endpoints.view) { _ in "fresh" }
      #expect(records[0] == "fresh")
      records[0] += ", used"
    }
  }

  // Goal: records cost a policy one word inline.
  @Test func takesOneWord() { #expect(MemoryLayout<SlotRecords<UInt64>>.size == MemoryLayout<Int>.size) }
}
