// Linkerd's queue before a balancer: who finds no endpoint ready waits, for a while, and then everybody fails fast.
//
//   ready ──first request that finds nobody──► waiting ──timeout──► failing fast
//     ▲                                          │  ▲                    │
//     └──────── an endpoint is ready ────────────┘  └── nobody is, again │
//     └──────────────────── an endpoint is ready ────────────────────────┘
//
// The timer belongs to the queue, not to a request: it starts with the first one that waits and is not put off by those behind it, nor
// stopped when that one gives up. When it is over all who wait fail (504), and whoever comes is turned away at once (503) until an endpoint
// is ready: an open one, or one whose probation has a permit to give. A queue that is full turns away at once too. Follows linkerd2-proxy,
// proxy/balance/queue/src/worker.rs, whose worker holds one request more than its channel.

import MeshCore

/// Where a queue stands. Who waits, and in what order, is its keeper's business. Complexity: every operation O(1).
@frozen
public struct FailFastQueue: BitwiseCopyable, Hashable, Sendable {
  /// Where a queue stands.
  @frozen
  public enum State: UInt8, BitwiseCopyable, Hashable, Sendable {
    /// Nobody has to wait.
    case ready
    /// Somebody waits for an endpoint, or has waited and given up.
    case waiting
    /// Nobody may wait.
    case failingFast
  }

  /// What becomes of a request that has found nobody.
  @frozen
  public enum Admission: UInt8, BitwiseCopyable, Hashable, Sendable {
    /// It waits, and so does the queue from now on: call `timeoutElapsed` when its timeout is over.
    case waitsFirst
    /// It waits.
    case waits
    /// It is turned away.
    case shed
  }

  /// Where it stands.
  public private(set) var state = State.ready
  /// How many wait.
  public private(set) var count: Int32 = 0
  private let capacity: Int32
  /// How long it waits for an endpoint.
  public let timeout: TimeSpan

  /// An empty queue.
  public init(_ description: QueueDescription) {
    capacity = description.capacity
    timeout = description.failfastTimeout
  }

  /// A request has found nobody to serve it.
  public mutating func admit() -> Admission {
    switch state {
    case .failingFast:
      return .shed
    case .ready:
      state = .waiting
      count = 1
      return .waitsFirst
    case .waiting:
      if count > capacity { return .shed }
      count += 1
      return .waits
    }
  }

  /// One that waited does not any more: it is served, or has given up.
  public mutating func left() { count -= 1 }

  /// An endpoint is ready: whoever waits may be sent.
  public mutating func becameReady() { state = .ready }

  /// Those that are left find nobody again: the queue waits anew, for as long.
  public mutating func findsNobody() { state = .waiting }

  /// The timeout is over: all who wait fail.
  public mutating func timeoutElapsed() {
    state = .failingFast
    count = 0
  }
}
