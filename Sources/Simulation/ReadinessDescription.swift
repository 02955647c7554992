// When a replica counts as ready, and how late that is published: Kubernetes' words for what discovery goes by.

import MeshCore

/// A Kubernetes readiness probe: when a replica counts as ready. A kubelet asks each replica on its own machine, so neither
/// links nor workers matter; a crashed one refuses, a hung one lets the time run out.
public struct ReadinessProbeDescription: Sendable, Hashable {
  /// From a container's start to its first probe.
  public var initialDelay: TimeSpan
  /// From probe to probe, above 0.
  public var period: TimeSpan
  /// How long an answer may take; more than `period` counts as `period`.
  public var timeout: TimeSpan
  /// Successes in a row that make it ready, at least 1.
  public var successThreshold: Int
  /// Failures in a row that make it unready, at least 1.
  public var failureThreshold: Int

  /// Kubernetes' defaults.
  public init(
    initialDelay: TimeSpan = .zero, period: TimeSpan = .seconds(10), timeout: TimeSpan = .seconds(1),
    successThreshold: Int = 1, failureThreshold: Int = 3
  ) {
    self.initialDelay = initialDelay
    self.period = period
    self.timeout = timeout
    self.successThreshold = successThreshold
    self.failureThreshold = failureThreshold
  }
}

/// How late the control plane publishes which replicas are ready (Kubernetes' EndpointSlices), before anybody can hear of it.
public struct EndpointSliceDescription: Sendable, Hashable {
  /// The least delay.
  public var delay: TimeSpan
  /// Up to this much more, uniformly, drawn once per change.
  public var jitter: TimeSpan

  /// Publication that is late by `delay` and up to `jitter` more.
  public init(delay: TimeSpan = .zero, jitter: TimeSpan = .zero) {
    self.delay = delay
    self.jitter = jitter
  }
}
