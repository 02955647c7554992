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
  private let thoroughness: Double
  private let simulation: Double

  /// Nothing compared yet; see `VectorReport`.
  init(thoroughness: Double, simulation: Double) {
    self.thoroughness = thoroughness
    self.simulation = simulation
  }

  /// How many requests a simulated world gets where `count` are meant.
  public func requests(_ count: Int) -> Int { rounds(max(10, Int(Double(count) * simulation))) }

  /// How much wider a comparison with a simulated world has to be for having so many requests fewer than are meant.
  public var noise: Double { 1 / simulation.squareRoot() }

  /// How many draws or requests to take where `count` are meant: fewer when a run is not about what comes out.
  public func rounds(_ count: Int) -> Int { max(min(count, 10), Int(Double(count) * thoroughness)) }

  /// Both are the same.
  public mutating func equal<Value: Equatable>(
    _ actual: Value, _ expected: Value, _ what: @autoclosure () -> String = ""
  ) {
    holds(actual == expected, "\(expected)", "\(actual)", what())
  }

  /// They differ by at most `relative` of the larger one.
  public mutating func close(
    _ actual: Double, _ expected: Double, relative: Double, _ what: @autoclosure () -> String = ""
  ) {
    let isClose = actual == expected || abs(actual - expected) <= relative * max(abs(actual), abs(expected))
    holds(isClose, "\(expected)", "\(actual)", what())
  }

  /// They differ by at most `absolute`.
  public mutating func near(
    _ actual: Double, _ expected: Double, absolute: Double, _ what: @autoclosure () -> String = ""
  ) {
    holds(abs(actual - expected) <= absolute, "\(expected) ± \(absolute)", "\(actual)", what())
  }

  /// Something else is true; the texts say what was expected and what came.
  public mutating func holds(
    _ condition: Bool, _ expected: @autoclosure () -> String, _ actual: @autoclosure () -> String,
    _ what: @autoclosure () -> String = ""
  ) {
    comparisons += 1
    if condition || failure != nil { return }
    let what = what()
    failure = (expected() + (what.isEmpty ? "" : " (\(what))"), actual())
  }
}

/// The outcomes of one file's vectors.
public struct VectorReport: Sendable {
  /// The file.
  public let file: VectorFile
  /// What came of its vectors, in their order.
  public private(set) var outcomes: [VectorOutcome] = []
  private let thoroughness: Double
  private let simulation: Double

  /// An empty report. With a `thoroughness` below 1 that share of random draws is taken, where a vector is about what they show:
  /// every line of a family runs, and verdicts on such vectors mean nothing. With a `simulation` below 1 simulated worlds get that
  /// share of requests, and are compared with as much more tolerance as makes the verdict sound.
  public init(_ file: VectorFile, thoroughness: Double = 1, simulation: Double = 1) {
    self.file = file
    self.thoroughness = min(max(thoroughness, 0), 1)
    self.simulation = min(max(simulation, 1e-4), 1)
  }

  /// Runs one vector. What `body` cannot read in it makes it one of an unknown shape, which is skipped.
  public mutating func run(_ name: String, _ body: (inout VectorCheck) throws -> Void) {
    var check = VectorCheck(thoroughness: thoroughness, simulation: simulation)
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
    let file = file
    for (place, vector) in vectors.enumerated() {
      run(Self.name(of: vector) ?? "\(list)[\(place)]") { check in
        let reading = VectorReading()
        try reading.during { try body(vector, &check) }
        if check.failure != nil, let stranger = KnownMembers.stranger(in: vector, of: file, reading) {
          throw VectorError(description: "no member \(stranger) is known")
        }
      }
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
