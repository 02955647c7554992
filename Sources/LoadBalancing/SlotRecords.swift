// What a policy remembers of each endpoint: a record a slot, made afresh when another endpoint has the slot.
//
// Slots of endpoints that have gone are used again, and what was learnt of the one before must not be held against (or for) the
// one that follows. Who has a slot is told by its `incarnation`, which stands beside the record here.

import MeshCore

/// A record for each slot. It takes 8 bytes inline, so a policy with one array still lives in place (`Indirect` says why that matters).
struct SlotRecords<Record: Sendable>: Sendable {
  private struct Row: Sendable {
    var record: Record
    var incarnation: UInt32
  }

  private var rows: ContiguousArray<Row> = []

  /// No slots yet.
  init() {}

  /// The slots that there are records for.
  var slots: Range<Int32> { 0..<Int32(truncatingIfNeeded: rows.count) }

  /// The record of `slot`, in place.
  subscript(slot: Int32) -> Record {
    @inline(__always) _read { yield rows[Int(slot)].record }
    @inline(__always) _modify { yield &rows[Int(slot)].record }
  }

  /// Gives each slot a record that has none, or another endpoint's. `fresh` is asked for each of these alone, by ascending slot.
  ///
  /// Complexity: O(slots).
  @inline(__always)
  mutating func update(_ endpoints: EndpointView, fresh: (_ slot: Int32) -> Record) {
    for slot in 0..<endpoints.states.count {
      let incarnation = endpoints.states[slot].incarnation
      if slot < rows.count && rows[slot].incarnation == incarnation { continue }
      let row = Row(record: fresh(Int32(truncatingIfNeeded: slot)), incarnation: incarnation)
      if slot == rows.count { rows.append(row) } else { rows[slot] = row }
    }
  }
}
