// One endpoint's circuit breaker, of any kind.
//
// Kinds differ in what they remember of answers and in what trips them; the gate, its probation and its penalty's timer are alike. A data
// plane keeps one machine per endpoint, with one timer, and starts afresh with a new endpoint.

import MeshCore

/// A state machine that hears how attempts at an endpoint went, and shuts it out when it has had enough.
public protocol FailureAccrual: BitwiseCopyable {
  /// What its kind is told by the configuration.
  associatedtype Settings

  /// A machine that has seen nothing, its gate open.
  init(_ settings: Settings, at now: Timestamp)

  /// Where it stands.
  var gate: AccrualGate { get set }

  /// An attempt at the endpoint has been classified. Complexity: O(1), without allocation.
  mutating func classified(
    _ answer: AccrualAnswer, _ settings: Settings, random: inout RandomStream, at now: Timestamp
  ) -> AccrualVerdict
}
