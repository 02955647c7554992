// Envoy's admission control: a client that sees its requests fail sends fewer of them.
//
// Of the n requests that were let through in the window, s succeeded. A request is rejected with probability
//   p = ((n − s / threshold) / (n + 1))^(1 / aggression), at most `max_rejection_probability`,
// compared in parts of 10,000. Rejected requests count for nothing, so a service that recovers is found out by those that still pass.
// The window is a row of samples a second long, each from the first answer that found the one before too old.
// (source/extensions/filters/http/admission_control/admission_control.cc, thread_local_controller.cc)

import MeshCore

/// What a route's success rate leads to.
public struct AdmissionControl: Sendable {
  /// One second of answers.
  private struct Sample: Sendable {
    var began: Timestamp
    var requests: UInt32 = 0
    var successes: UInt32 = 0
  }

  private let description: AdmissionControlDescription
  private let successes: StatusSet
  /// A ring: `count` samples from `first` on.
  private var samples: [Sample]
  private var first = 0
  private var count = 0
  /// The requests in the window, and those of them that succeeded.
  public private(set) var counts: (requests: UInt64, successes: UInt64) = (0, 0)

  /// Nothing counted yet.
  public init(_ description: AdmissionControlDescription) {
    self.description = description
    var statuses = StatusSet()
    for range in description.successStatuses { statuses.formUnion(StatusSet(range)) }
    successes = statuses
    let seconds = Int(min(max(description.samplingWindow.nanoseconds / 1_000_000_000, 1), 86_400))
    samples = Array(repeating: Sample(began: .zero), count: seconds + 2)
  }

  /// The chance of a rejection after `requests` with so many `successes`, before it is capped at 0; not a number where Envoy's `pow`
  /// is none, and then nothing is rejected.
  public static func probability(requests: UInt64, successes: UInt64, _ description: AdmissionControlDescription)
    -> Double
  {
    var probability = Double(requests) - Double(successes) / description.successRateThreshold
    probability /= Double(requests) + 1
    let aggression = max(1, description.aggression)
    if aggression != 1 {
      if probability < 0 { return .nan }
      probability = probability > 0 ? Elementary.power(probability, 1 / aggression) : 0
    }
    return min(probability, description.maxRejectionProbability)
  }

  /// Whether a request is rejected. A number is drawn when the rate is high enough for anything to be.
  public mutating func rejects(_ random: inout RandomStream, at now: Timestamp) -> Bool {
    if rate(at: now) < UInt64(description.minimumRate) { return false }
    forget(at: now)
    let probability = Self.probability(requests: counts.requests, successes: counts.successes, description)
    let draw = random.next() % 10_000
    return probability > 0 && 10_000 * probability > Double(draw)
  }

  /// Counts an answer to a request that was let through.
  public mutating func record(status: Int16, at now: Timestamp) {
    forget(at: now)
    let newest = (first + count - 1) % samples.count
    samples[newest].requests += 1
    counts.requests += 1
    if successes.contains(status) {
      samples[newest].successes += 1
      counts.successes += 1
    }
  }

  /// Requests a second over the window, or over the age of its oldest sample where that is more; whole ones.
  public func rate(at now: Timestamp) -> UInt64 {
    if count == 0 || counts.requests == 0 { return 0 }
    let age = (now - samples[first].began).nanoseconds / 1_000_000_000
    return counts.requests / UInt64(max(1, description.samplingWindow.nanoseconds / 1_000_000_000, age))
  }

  /// Forgets samples that are as old as the window, and begins a new one when the newest is a second old.
  private mutating func forget(at now: Timestamp) {
    while count > 0 && now - samples[first].began >= description.samplingWindow {
      counts.requests -= UInt64(samples[first].requests)
      counts.successes -= UInt64(samples[first].successes)
      first = (first + 1) % samples.count
      count -= 1
    }
    if count > 0 && now - samples[(first + count - 1) % samples.count].began < .seconds(1) { return }
    samples[(first + count) % samples.count] = Sample(began: now)
    count += 1
  }
}
