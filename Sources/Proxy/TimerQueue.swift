// The timers of one data plane in one heap: an event loop's own tasks cost several allocations each, and nearly every timer of a proxy is
// cancelled long before it is due. What is cancelled stays in the heap until its time, or until it is most of what is there.

import DataPlane
import MeshCore

/// Timers by deadline. Setting and taking cost O(log n), cancelling O(1).
struct TimerQueue {
  private struct Entry {
    var deadline: Timestamp
    var timer: TimerHandle
  }

  private var heap: [Entry] = []
  /// By a timer's index: the generation that is set, and 1 more; 0 for none.
  private var generations: [UInt64] = []
  private var live = 0

  /// No timer.
  init() {}

  /// How many are set.
  var count: Int { live }

  /// The deadline of the first one, which may have been cancelled.
  var first: Timestamp? { heap.first?.deadline }

  /// Sets a timer.
  mutating func set(_ timer: TimerHandle, at deadline: Timestamp) {
    let index = Int(timer.index)
    while generations.count <= index { generations.append(0) }
    if generations[index] == 0 { live += 1 }
    generations[index] = UInt64(timer.generation) + 1
    heap.append(Entry(deadline: deadline, timer: timer))
    rise(heap.count - 1)
    if heap.count > 2 * live + 1024 { sweep() }
  }

  /// Cancels one that is set.
  mutating func cancel(_ timer: TimerHandle) {
    if !isSet(timer) { return }
    generations[Int(timer.index)] = 0
    live -= 1
  }

  /// Takes the first timer that is due, if one is.
  mutating func takeDue(at now: Timestamp) -> TimerHandle? {
    while let first = heap.first, first.deadline <= now {
      let last = heap.removeLast()
      if !heap.isEmpty {
        heap[0] = last
        sink(0)
      }
      if isSet(first.timer) {
        cancel(first.timer)
        return first.timer
      }
    }
    return nil
  }

  private func isSet(_ timer: TimerHandle) -> Bool {
    let index = Int(timer.index)
    return index >= 0 && index < generations.count && generations[index] == UInt64(timer.generation) + 1
  }

  private mutating func sweep() {
    heap = heap.filter { isSet($0.timer) }
    heap.sort { $0.deadline < $1.deadline }
  }

  private mutating func rise(_ start: Int) {
    var place = start
    while place > 0 {
      let parent = (place - 1) / 2
      if heap[parent].deadline <= heap[place].deadline { return }
      heap.swapAt(parent, place)
      place = parent
    }
  }

  private mutating func sink(_ start: Int) {
    var place = start
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2]
      where child < heap.count && heap[child].deadline < heap[least].deadline {
        least = child
      }
      if least == place { return }
      heap.swapAt(least, place)
      place = least
    }
  }
}
