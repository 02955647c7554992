// Finagle's load band: how wide a random aperture is, by the load of each server in it.
//
// On each start and end of a request the smoothed number of requests in flight is divided by the aperture. At or above
// the band's upper end the aperture grows by one server, at or below its lower end it shrinks by one. So clients of
// like load come to like apertures, and the smoothing keeps connections from being opened and closed with each ripple
// (finagle-core loadbalancer/aperture/LoadBand.scala).
//
// Needs per attempt: that it began or ended, and when. Tells by how much to widen; `RandomAperture` holds the aperture
// itself.

import MeshCore

/// Decides whether an aperture widens or narrows.
@frozen
public struct LoadBand: BitwiseCopyable, Sendable {
  /// The time constant of the smoothing; 0 smooths nothing (15 s; linkerd 1: 5 s).
  public let smoothingWindow: TimeSpan
  /// At or below this load of each server the aperture shrinks (0.875; linkerd 1: 0.5).
  public let lowLoad: Double
  /// At or above this load of each server it grows (1.125; linkerd 1: 2).
  public let highLoad: Double
  private var inFlight: Int64 = 0
  private var average = 0.0
  private var updated = Timestamp.distantPast

  /// A band; Finagle's unless said.
  public init(smoothingWindow: TimeSpan = .seconds(15), lowLoad: Double = 0.875, highLoad: Double = 1.125) {
    self.smoothingWindow = smoothingWindow
    self.lowLoad = lowLoad
    self.highLoad = highLoad
  }

  /// The smoothed number of requests in flight.
  public var offeredLoad: Double { average }

  /// A request began (+1) or ended (−1). Returns by how much to change an aperture of `aperture` servers, +1, 0 or −1,
  /// where it may be from `minimum` to `maximum`.
  public mutating func adjust(by change: Int64, aperture: Int, minimum: Int, maximum: Int, at now: Timestamp) -> Int {
    inFlight += change
    if updated == .distantPast {
      average = Double(inFlight)
    } else {
      let window = Double(smoothingWindow.nanoseconds)
      let kept = window > 0 ? Elementary.exponential(-Double(max(0, (now - updated).nanoseconds)) / window) : 0
      average = Double(inFlight) * (1 - kept) + average * kept
    }
    updated = max(updated, now)
    let load = average / Double(max(1, aperture))
    if load >= highLoad && aperture < maximum { return 1 }
    if load <= lowLoad && aperture > minimum { return -1 }
    return 0
  }
}
