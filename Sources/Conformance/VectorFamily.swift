// What runs the test vectors of other systems: one family a kind of file, one file a family.
//
// A family says which files it knows, by what is in them or by their name, and runs every vector whose shape it knows. What
// it does not know it leaves out with a reason: a vector is never failed for being of another kind.

import TestVectors

/// One file of vectors.
public struct VectorFile: Sendable {
  /// Where it was found, below the folder that was asked for.
  public var path: String
  /// The file's name without `.json`.
  public var name: String
  /// What is in it.
  public var content: VectorValue

  /// A file.
  public init(path: String, content: VectorValue) {
    self.path = path
    let last = path.split(separator: "/").last ?? ""
    self.name = String(last.hasSuffix(".json") ? last.dropLast(5) : last)
    self.content = content
  }

  /// What the file says it is about; empty when it does not say.
  public var topic: String { (try? content.member("topic")?.string) ?? "" }

  /// The items of the member `vectors`; none when there is no such list.
  public var vectors: [VectorValue] { list("vectors") }

  /// The items of the member called `key`; none when there is no such list.
  public func list(_ key: String) -> [VectorValue] { (try? content.member(key)?.items) ?? [] }

  /// Whether the file has all of these members.
  public func has(_ keys: String...) -> Bool { keys.allSatisfy { content.member($0) != nil } }
}

/// What runs one kind of file.
public protocol VectorFamily: Sendable {
  /// Whether the file is of this kind.
  func knows(_ file: VectorFile) -> Bool

  /// Runs the file's vectors and reports on each of them, those left out too.
  func run(_ file: VectorFile, _ report: inout VectorReport)
}

/// Every family there is.
public enum VectorFamilies {
  /// The families; the first that knows a file runs it. A new family adds its line here.
  public static let all: [any VectorFamily] = [
    EDFVectors(),
    RandomVectors(),
    RoundRobinVectors(),
    LeastRequestVectors(),
    TowerPeakEWMAVectors(),
    FinaglePeakEWMAVectors(),
    ClientSideWRRVectors(),
    StaticStrideVectors(),
    EnvoyPeakEWMAVectors(),
    DecayingAverageVectors(),
    PriorityLoadVectors(),
    PriorityChoiceVectors(),
    PreviousPrioritiesVectors(),
    LocalityWeightsVectors(),
    LoadAwareLocalityVectors(),
    ZoneAwareRoutingVectors(),
    SlowStartVectors(),
    AggregateClusterVectors(),
    UpdateMergeWindowVectors(),
    ApertureVectors(),
    MaxEffortVectors(),
    WeightedClusterVectors(),
    RuntimeFractionVectors(),
    FailureAccrualVectors(),
    FinagleAccrualVectors(),
    OutlierDetectionVectors(),
    GRPCOutlierDetectionVectors(),
    HealthCheckVectors(),
    BackoffVectors(),
    RetryBackoffVectors(),
    RetryConditionsVectors(),
    EnvoyRetryBudgetVectors(),
    RetryBudgetVectors(),
    RetryThrottleVectors(),
    AdaptiveConcurrencyVectors(),
    AdmissionControlVectors(),
    RateLimitVectors(),
    ClassificationVectors(),
    QueueingTheoryVectors(),
    PublishedWorldVectors(),
    HashVectors(),
    RingHashVectors(),
    GRPCRingHashVectors(),
    MaglevVectors(),
    BoundedLoadVectors(),
    ConsistentHashVectors(),
    LoadSimulationVectors(),
  ]

  /// The family that knows `file`.
  public static func family(of file: VectorFile) -> (any VectorFamily)? { all.first { $0.knows(file) } }
}
