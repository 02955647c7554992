// How a route divides its requests among destinations: by weight in some mode, by slices before that, and by weights that a canary's
// analysis moves.

/// One destination of a route, with its share.
public struct WeightedCluster: Sendable, Hashable {
  /// The cluster's index in `MeshDescription.clusters`; from their number on, that of an aggregate; `nowhere` for none.
  public var cluster: Int
  /// Its weight; 0 takes nothing.
  public var weight: UInt32

  /// A destination.
  public init(cluster: Int, weight: UInt32 = 1) {
    self.cluster = cluster
    self.weight = weight
  }

  /// Stands for a cluster that there is not: who is sent there gets an error.
  public static let nowhere = -1
}

/// What becomes of a request whose destination cannot take it.
public enum SplitMode: String, Sendable, Hashable, CaseIterable {
  /// It fails there: 503, from a destination that there is not too (Envoy's weighted clusters).
  case envoy
  /// It fails there, so that shares stay fixed: 503, or 500 from a destination that there is not (Gateway API).
  case gatewayApi
  /// It goes to another by the weights of those that are ready, and waits at the one drawn first when none is; a destination that there
  /// is not keeps its share and answers 500 (Linkerd's distributor).
  case linkerd
}

/// What number places a request on its route's weights.
public enum SplitSource: Sendable, Hashable {
  /// The request's own random number.
  case random
  /// The hash of its key, so that a key keeps its destination; the random number when it has none (Envoy's `use_hash_policy`).
  case key
  /// The whole number in a header; the random number when there is none, or no single one (Envoy's `header_name`).
  case header(String)
}

/// Which requests a slice takes from a route's split. All that is given must hold.
public struct SliceDescription: Sendable, Hashable {
  /// What it is called; who is in a sticky share of slices of one name is the same.
  public var name: String
  /// Where they go: a cluster or an aggregate.
  public var cluster: Int
  /// Headers they carry.
  public var headers: [FieldMatch] = []
  /// Cookies they carry.
  public var cookies: [FieldMatch] = []
  /// The hashes of their keys, from the one to before the other in parts of a million of all hashes; nil for any, with a key or without.
  public var keys: Range<UInt32>?
  /// How many of these; nil for all.
  public var fraction: RuntimeFraction?
  /// Whether the share is drawn by the key, so that a key is always in it or never. A request without a key is drawn by itself.
  public var isSticky = false

  /// A slice of all requests.
  public init(name: String, cluster: Int) {
    self.name = name
    self.cluster = cluster
  }
}

/// A new version that gets more and more of a route's requests while it does well, and none once it does not (Flagger's canary analysis).
public struct CanaryDescription: Sendable, Hashable {
  /// The destination that is tried: its place in the route's `split`.
  public var destination: Int
  /// When the analysis begins.
  public var start: TimeSpan
  /// From check to check, above 0 (`analysis.interval`).
  public var interval: TimeSpan
  /// How many checks may fail in all before it is aborted, at least 1 (`analysis.threshold`).
  public var threshold: Int32
  /// The weights that it gets one after the other, in per cent, rising (`analysis.stepWeights`).
  public var stepWeights: [Int32]
  /// The least share of its answers that are successes (no 5xx), 0…1; nil for any (`request-success-rate`).
  public var minSuccessRate: Double?
  /// How long a quantile of its answers may take; nil for any (`request-duration`).
  public var maxDuration: TimeSpan?
  /// Which quantile, 0…1.
  public var durationQuantile: Double

  /// An analysis as Flagger's defaults have it.
  public init(destination: Int, start: TimeSpan = .zero, interval: TimeSpan = .seconds(60), stepWeights: [Int32]) {
    self.destination = destination
    self.start = start
    self.interval = interval
    self.stepWeights = stepWeights
    threshold = 1
    durationQuantile = 0.99
  }
}
