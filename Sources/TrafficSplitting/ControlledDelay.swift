// Controlled delay (CoDel): a queue is as long as it needs to be, or somebody in it is shed.
//
// What tells a good queue from a bad one is the least time that anybody waited over an interval: a burst's queue empties, a standing
// one does not. While that stays above the target, the one who is next is shed; the next of them an interval / √count later, so that
// the rate grows linearly until the queue gives way. Nobody is shed who is alone.
// (Nichols, Jacobson: Controlling Queue Delay, ACM Queue 2012; RFC 8289, section 5.6 for the pseudocode)
//
// `sloughs` is what Facebook's servers do in place of the control law: in an interval whose predecessor's least wait was above the
// target, everybody is shed who has waited for more than twice the target. A server whose requests are heavy sheds enough of them so.
// (Maurer: Fail at Scale, ACM Queue 2015; folly/executors/Codel.cpp)

import MeshCore

/// One queue's state. Complexity: O(1) for each who is looked at.
@frozen
public struct ControlledDelay: BitwiseCopyable, Sendable, Hashable {
  private let target: Int64
  private let interval: Int64
  private let sloughs: Bool
  private let isAdaptive: Bool

  /// From when on somebody may be shed; 0 for not yet. Of the interval that is under way, the end.
  private var firstAbove: Int64 = 0
  private var dropNext: Int64 = 0
  private var count: Int64 = 0
  private var lastCount: Int64 = 0
  private var hasShed = false
  /// The least wait in the interval that is under way.
  private var leastWait: Int64 = 0
  /// Whether the queue stands.
  public private(set) var isStanding = false

  /// A queue that nobody has waited in.
  public init(_ description: ControlledDelayDescription) {
    target = max(1, description.target.nanoseconds)
    interval = max(1, description.interval.nanoseconds)
    sloughs = description.sloughs
    isAdaptive = description.isAdaptive
  }

  /// Whether the youngest is to be served first now.
  public var servesYoungestFirst: Bool { isAdaptive && isStanding }

  /// Whether the one who is next, and has waited for so long, is shed. To be asked of each who is next in turn, until one is not.
  ///
  /// - Parameter isLast: whether nobody waits behind.
  public mutating func sheds(waited: TimeSpan, isLast: Bool, at now: Timestamp) -> Bool {
    let (waited, now) = (waited.nanoseconds, now.nanoseconds)
    return sloughs ? isSloughed(waited, at: now) : isDropped(waited, isLast, at: now)
  }

  private mutating func isSloughed(_ waited: Int64, at now: Int64) -> Bool {
    if now >= firstAbove {
      isStanding = firstAbove > 0 && leastWait > target
      firstAbove = now + interval
      leastWait = waited
      // More than one has to come in an interval before anybody is shed.
      return false
    }
    leastWait = min(leastWait, waited)
    return isStanding && waited > 2 * target
  }

  private mutating func isDropped(_ waited: Int64, _ isLast: Bool, at now: Int64) -> Bool {
    var mayDrop = false
    if waited < target || isLast {
      firstAbove = 0
    } else if firstAbove == 0 {
      firstAbove = now + interval
    } else {
      mayDrop = now >= firstAbove
    }
    if isStanding {
      if !mayDrop {
        isStanding = false
        hasShed = false
        return false
      }
      if hasShed {
        dropNext = next(after: dropNext)
        hasShed = false
      }
      if now < dropNext { return false }
      count += 1
      hasShed = true
      return true
    }
    if !mayDrop { return false }
    isStanding = true
    // A queue that stood a moment ago goes on at the rate that helped then.
    let since = count - lastCount
    count = since > 1 && now - dropNext < 16 * interval ? since : 1
    dropNext = next(after: now)
    lastCount = count
    return true
  }

  private func next(after time: Int64) -> Int64 { time + Int64(Double(interval) / Double(count).squareRoot()) }
}
