// Why a request went the way it went, or how things stood at a moment: the answers to `--explain`.

import MeshCore

/// What is to be explained.
public enum ExplanationTarget: Sendable, Hashable {
  /// A client's request, counted from 0 over all its users and data planes.
  case request(client: Int, number: UInt64)
  /// How everything stands at a moment.
  case moment(Timestamp)
}

/// What is told, in order.
public struct Explanation: Sendable, Hashable {
  /// An endpoint at a decision.
  public struct Endpoint: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Attempts of this data plane that it had not answered.
    public var inFlight: Int32
    /// Its weight and priority.
    public var weight: UInt32
    public var priority: Int32
    /// What the balancer compares it by, if that is more than what is in flight.
    public var rank: Double?
    /// Whether the balancer drew it.
    public var isDrawn: Bool
    /// Whether it was chosen.
    public var isChosen: Bool
    /// Why it could not be chosen; empty when it could.
    public var reasons: [String]
  }

  /// One thing that happened.
  public struct Step: Sendable, Hashable {
    /// When.
    public var time: Timestamp
    /// What, in a sentence without a full stop.
    public var words: String
    /// The endpoints that there were to choose from, where something was chosen.
    public var endpoints: [Endpoint] = []
  }

  /// What happened.
  public var steps: [Step]
}
