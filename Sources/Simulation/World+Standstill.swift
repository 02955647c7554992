// The end of a run that would never end: nothing is on the wheel any more but what comes round whatever requests do.
//
// A run of a number of requests has no end of its own. When every user waits for an answer that cannot come (a hung replica and
// no timeout), windows, pauses and repeated faults would go on for ever. It ends then as it does after its last request, and
// the list of those who still wait says where (the deadlock detector of NeXosim is the model).

import MeshCore

/// How long nothing but housekeeping has happened.
struct StandstillWatch: BitwiseCopyable {
  /// Housekeeping events so far.
  var housekeeping: UInt64 = 0
  /// All other events when the present row of housekeeping events began.
  var others: UInt64 = .max
  /// Housekeeping events in a row.
  var streak: UInt64 = 0

  /// Counts a housekeeping event, of `events` in all. Returns whether it is time to look around: at the first of a row, and each
  /// time the row has doubled, so that looking costs next to nothing.
  mutating func isTimeToLook(events: UInt64) -> Bool {
    housekeeping &+= 1
    if events &- housekeeping != others {
      others = events &- housekeeping
      streak = 0
    }
    streak &+= 1
    return streak & (streak &- 1) == 0
  }
}

extension World {
  /// How long a run without an end of its own lasts at most: 36 years. Nothing that lies beyond ever happens.
  static var longestRun: Int64 { 1 << 60 - 1 }

  /// A housekeeping event is there and the run has no end yet: ends it when nothing else can come.
  @inline(never)
  mutating func watchStandstill() {
    if standstill.isTimeToLook(events: eventCount) && !canGoOn() { endAtStandstill() }
  }

  /// Whether anything but housekeeping can still happen.
  private func canGoOn() -> Bool {
    let horizon = horizon
    if wheel.contains(where: { kind, time in !kind.isHousekeeping && time <= horizon }) { return true }
    // Holds that follow each other without a gap let nobody go on, and no list of events shows it.
    if standstill.streak >= 1 << 26 { return false }
    for work in 0..<Int32(works.slotCount) where works.isOccupied(work) && works[work].phase == .inService {
      if isHeldForAWhile(works[work].replica) { return true }
    }
    return false
  }

  /// Whether a replica's work stands still and will go on.
  private func isHeldForAWhile(_ replica: Int32) -> Bool {
    if replicas[replica].holds == 0 { return false }
    return (description.services[Int(replicas[replica].service)].antagonist?.share ?? 0) < 1
  }

  /// Ends the run here, as after its last request.
  mutating func endAtStandstill() {
    let wanted = measurement.wantedCount
    let all = wanted + max(0, requestsLeft)
    saturationNotes.append("the run stood still after \(wanted) of \(all) requests: nothing more could happen")
    stopAfterLastRequest()
  }
}
