// What came of test vectors: passed, failed with what was expected and what came, or left out with the reason.

import TestVectors

/// What came of one vector.
public enum VectorVerdict: Sendable, Hashable {
  /// All that it says holds.
  case passed
  /// Something does not.
  case failed(expected: String, actual: String)
  /// It was not run.
  case skipped(reason: String)
}

/// One vector and what came of it.
public struct VectorOutcome: Sendable, Hashable {
  /// The file it stands in.
  public var file: String
  /// Its name in there.
  public var vector: String
  /// What came of it.
  public var verdict: VectorVerdict
}

/// Thrown by a family's check of a vector that it cannot run.
public struct VectorSkip: Error, Sendable {
  /// Why not.
  public var reason: String

  /// A reason.
  public init(_ reason: String) { self.reason = reason }
}

/// Compares what a vector says with what our modules do. The first difference counts.
public struct VectorCheck {
  /// How much was compared.
  public private(set) var comparisons = 0
  /// The first difference.
  public private(set) var failure: (expected: String, actual: String)?

  /// Both are the same.
  public mutating func equal<Value: Equatable>(_ actual: Value, _ expected: Value, _ what: String = "") {
    holds(actual == expected, "\(expected)", "\(actual)", what)
  }

  /// They differ by at most `relative` of the larger one.
  public mutating func close(_ actual: Double, _ expected: Double, relative: Double, _ what: String = "") {
    let isClose = actual == expected || abs(actual - expected) <= relative * max(abs(actual), abs(expected))
    holds(isClose, "\(expected)", "\(actual)", what)
  }

  /// They differ by at most `absolute`.
  public mutating func near(_ actual: Double, _ expected: Double, absolute: Double, _ what: String = "") {
    holds(abs(actual - expected) <= absolute, "\(expected) ± \(absolute)", "\(actual)", what)
  }

  /// Something else is true; the texts say what was expected and what came.
  public mutating func holds(_ condition: Bool, _ expected: String, _ actual: String, _ what: String = "") {
    comparisons += 1
    if condition || failure != nil { return }
    let place = what.isEmpty ? "" : " (\(what))"
    failure = (expected + place, actual)
  }
}

/// The outcomes of one file's vectors.
public struct VectorReport: Sendable {
  /// The file.
  public let file: VectorFile
  /// What came of its vectors, in their order.
  public private(set) var outcomes: [VectorOutcome] = []

  /// An empty report.
  public init(_ file: VectorFile) { self.file = file }

  /// Runs one vector. What `body` cannot read in it makes it one of an unknown shape, which is skipped.
  public mutating func run(_ name: String, _ body: (inout VectorCheck) throws -> Void) {
    var check = VectorCheck()
    do {
      try body(&check)
      if let failure = check.failure {
        add(name, .failed(expected: failure.expected, actual: failure.actual))
      } else if check.comparisons == 0 {
        add(name, .skipped(reason: "says nothing that can be compared"))
      } else {
        add(name, .passed)
      }
    } catch let skip as VectorSkip {
      add(name, .skipped(reason: skip.reason))
    } catch {
      add(name, .skipped(reason: "of an unknown shape: \(Self.shortened("\(error)"))"))
    }
  }

  /// Runs each of `vectors`, called by its `id` or `name` or else by its place.
  public mutating func runEach(
    _ vectors: [VectorValue], of list: String = "vectors", _ body: (VectorValue, inout VectorCheck) throws -> Void
  ) {
    for (place, vector) in vectors.enumerated() {
      run(Self.name(of: vector) ?? "\(list)[\(place)]") { try body(vector, &$0) }
    }
  }

  /// Leaves one vector out.
  public mutating func skip(_ name: String, _ reason: String) { add(name, .skipped(reason: reason)) }

  /// Leaves each of `vectors` out.
  public mutating func skipEach(_ vectors: [VectorValue], of list: String = "vectors", _ reason: String) {
    runEach(vectors, of: list) { _, _ in throw VectorSkip(reason) }
  }

  private mutating func add(_ name: String, _ verdict: VectorVerdict) {
    outcomes.append(VectorOutcome(file: file.path, vector: name, verdict: verdict))
  }

  private static func name(of vector: VectorValue) -> String? {
    for key in ["id", "name", "case", "kind"] {
      if let name = try? vector.member(key)?.string { return name }
    }
    return nil
  }

  static func shortened(_ text: String) -> String { text.count <= 160 ? text : text.prefix(159) + "…" }
}
