// The phi-accrual detectors of all endpoints of a cluster, and the times that they remember, in one piece of memory.

import MeshCore

/// Detectors by slot.
public struct PhiDetectors: ~Copyable {
  /// What the cluster says of them.
  public let settings: PhiAccrualDescription
  private var detectors = Pool<PhiDetector>()
  private var samples = Pool<UInt32>()

  /// No endpoints yet.
  public init(_ settings: PhiAccrualDescription) { self.settings = settings }

  /// Makes room for `count` slots.
  public mutating func resize(to count: Int, at now: Timestamp) {
    detectors.resize(to: count, filling: PhiDetector(at: now))
    samples.resize(to: count * Int(settings.maxSampleSize), filling: 0)
  }

  /// Begins to wait for an endpoint that is new.
  public mutating func reset(slot: Int32, at now: Timestamp) { detectors[slot] = PhiDetector(at: now) }

  /// An endpoint has sent a heartbeat. Complexity: O(1).
  public mutating func heartbeat(slot: Int32, at now: Timestamp) {
    let (settings, first) = (settings, Int(slot) * Int(settings.maxSampleSize))
    detectors[slot].heartbeat(at: now, samples: &samples, from: first, settings)
  }

  /// How suspicious an endpoint is. Complexity: O(1).
  public func phi(slot: Int32, at now: Timestamp) -> Double { detectors[slot].phi(at: now, settings) }

  /// How long an endpoint has been silent.
  public func silence(slot: Int32, at now: Timestamp) -> TimeSpan { now - detectors[slot].last }
}
