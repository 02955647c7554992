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
  /// The samples that are over, in a ring: `count` from `first` on.
  private var samples: [Sample]
  private var first = 0
  private var count = 0
  /// The one that is counted in now, if there is any.
  private var newest: Sample?
  private let windowSeconds: UInt64
  /// Until then no sample is too old, and none is to begin.
  private var nextChange = Timestamp.zero
  /// The requests in the window, and those of them that succeeded.
  public private(set) var counts: (requests: UInt64, successes: UInt64) = (0, 0)

  /// Nothing counted yet.
  public init(_ description: AdmissionControlDescription) {
    self.description = description
    var statuses = StatusSet()
    for range in description.successStatuses { statuses.formUnion(StatusSet(range)) }
    successes = statuses
    windowSeconds = UInt64(max(description.samplingWindow.nanoseconds / 1_000_000_000, 1))
    samples = Array(repeating: Sample(began: .zero), count: Int(min(windowSeconds, 86_400)) + 2)
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
    guard let probability = rejectionChance(at: now) else { return false }
    return Self.rejects(probability, draw: random.next())
  }

  /// The chance that a request is rejected now, at most 1 and maybe below 0; nil where the rate is too low for anything to be.
  public mutating func rejectionChance(at now: Timestamp) -> Double? {
    if rate(at: now) < UInt64(description.minimumRate) { return nil }
    forget(at: now)
    return Self.probability(requests: counts.requests, successes: counts.successes, description)
  }

  /// Whether a chance comes to a rejection with this draw.
  public static func rejects(_ probability: Double, draw: UInt64) -> Bool {
    probability > 0 && 10_000 * probability > Double(draw % 10_000)
  }

  /// Counts an answer to a request that was let through.
  public mutating func record(status: Int16, at now: Timestamp) {
    forget(at: now)
    let success: UInt32 = successes.contains(status) ? 1 : 0
    newest?.requests += 1
    newest?.successes += success
    counts.requests += 1
    counts.successes += UInt64(success)
  }

  /// Requests a second over the window, or over the age of its oldest sample where that is more; whole ones.
  public func rate(at now: Timestamp) -> UInt64 {
    guard counts.requests > 0, let newest else { return 0 }
    if now < nextChange { return counts.requests / windowSeconds }
    let oldest = count == 0 ? newest : samples[first]
    return counts.requests / max(windowSeconds, UInt64((now - oldest.began).nanoseconds / 1_000_000_000))
  }

  /// Forgets samples that are as old as the window, and begins a new one when the newest is a second old.
  @inline(__always)
  private mutating func forget(at now: Timestamp) {
    if now >= nextChange { change(at: now) }
  }

  @inline(never)
  private mutating func change(at now: Timestamp) {
    while count > 0 && now - samples[first].began >= description.samplingWindow {
      drop(samples[first])
      first = (first + 1) % samples.count
      count -= 1
    }
    if let last = newest, now - last.began >= min(.seconds(1), description.samplingWindow) {
      if now - last.began >= description.samplingWindow {
        drop(last)
      } else {
        samples[(first + count) % samples.count] = last
        count += 1
      }
      newest = nil
    }
    let current = newest ?? Sample(began: now)
    newest = current
    let oldest = count == 0 ? current : samples[first]
    nextChange = min(oldest.began + description.samplingWindow, current.began + .seconds(1))
  }

  private mutating func drop(_ sample: Sample) {
    counts.requests -= UInt64(sample.requests)
    counts.successes -= UInt64(sample.successes)
  }
}
