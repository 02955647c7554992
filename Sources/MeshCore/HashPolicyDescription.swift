// What of a request hashing balancers go by, as Envoy's routes say it (`hash_policy`).

/// One thing of a request that its hash is made of.
public struct HashPolicyDescription: Sendable, Hashable {
  /// What it is.
  public enum Source: Sendable, Hashable {
    /// All values of a header, its name in lower case.
    case header(String)
    /// The value of a cookie. Where `ttl` is there, who has none is given one that holds so long, 0 for as long as the client runs.
    case cookie(name: String, ttl: TimeSpan?, path: String?)
    /// The address that the request comes from, without its port.
    case sourceAddress
    /// A parameter of the query, the first of several.
    case queryParameter(String)
  }

  /// What it is.
  public var source: Source
  /// Whether no further policy counts once there is a hash.
  public var isTerminal: Bool

  /// A policy.
  public init(_ source: Source, isTerminal: Bool = false) {
    self.source = source
    self.isTerminal = isTerminal
  }
}
