// Finagle's throttling at the client: it drops requests when an average says that too many are rejected.
//
// The average of 1 for an accept and 0 for a rejection fades over two minutes and starts at 1. While it is below 1 − threshold, a
// request is dropped with probability 1 − average / (1 − threshold), at most 0.75, so that there is always something to learn from.
// With the threshold 0.5 this is the throttling of Google's SRE book with K = 2. Below 5 requests a second nothing is dropped.
// (com.twitter.finagle.filter.NackAdmissionFilter)

import MeshCore

/// An average of accepts.
@frozen
public struct NackAdmission: BitwiseCopyable, Sendable {
  private let description: NackAdmissionFigures
  private var average: DecayingAverage
  private var recent: TokenWindow

  /// What an average starts with: everything was accepted.
  public init(_ description: NackAdmissionDescription, at now: Timestamp) {
    self.description = NackAdmissionFigures(description)
    average = DecayingAverage(decay: description.window, value: 1, at: now)
    recent = TokenWindow(
      slotCount: 9, slotLength: max(1, description.window.nanoseconds / 10), countsPartSlots: false, at: now.nanoseconds
    )
  }

  /// The average as of the last answer, 0…1.
  public var acceptRate: Double { average.value }

  /// The chance that the next request is dropped, where there are enough of them.
  public var probability: Double {
    if acceptRate >= description.acceptRateThreshold { return 0 }
    return min(description.maxDropProbability, 1 - acceptRate / description.acceptRateThreshold)
  }

  /// Counts a request in, and says whether it is dropped. One number is drawn where the chance is not 0.
  public mutating func drops(_ random: inout RandomStream, at now: Timestamp) -> Bool {
    let probability = count(at: now)
    return probability > 0 && random.unit() < probability
  }

  /// Counts a request in. Returns the chance that it is dropped, 0…1.
  public mutating func count(at now: Timestamp) -> Double {
    recent.expire(at: now.nanoseconds)
    recent.add(1)
    let probability = probability
    return probability <= 0 || recent.sum < description.leastRequests ? 0 : probability
  }

  /// Counts an answer: accepted or not.
  public mutating func ended(isAccepted: Bool, at now: Timestamp) { average.add(isAccepted ? 1 : 0, at: now) }
}

/// What `NackAdmissionDescription` comes to.
@frozen
@usableFromInline
struct NackAdmissionFigures: BitwiseCopyable, Sendable {
  let acceptRateThreshold: Double
  let maxDropProbability: Double
  /// Requests in a window below which none is dropped.
  let leastRequests: Int64

  init(_ description: NackAdmissionDescription) {
    acceptRateThreshold = 1 - description.nackRateThreshold
    maxDropProbability = description.maxDropProbability
    leastRequests = Int64(Double(description.minimumRate) * description.window.seconds)
  }
}
