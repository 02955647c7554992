// An objective as people say it: `latency.p99<60ms`, `successRate>=99.9%`.

import MeshConfiguration
import MeshCore
import Simulation

/// A bound that a figure has to keep.
public struct Objective: Sendable, Hashable {
  /// The figure.
  public var metric: Metric
  /// Its bound; times are nanoseconds.
  public var bound: ExpectationBound
  /// As written.
  public var text: String

  /// Reads one.
  /// - Throws: `ArgumentFault` with what is wrong and what was expected.
  public init(_ text: String) throws(ArgumentFault) {
    guard let place = text.firstIndex(where: { $0 == "<" || $0 == ">" }) else {
      throw ArgumentFault(
        reason: "'\(text)' has no bound; expected a metric, < or >, and a value, such as latency.p99<60ms")
    }
    let name = text[..<place].filter { $0 != " " }
    let metric = try Metric.known(name)
    var rest = text[text.index(after: place)...]
    if rest.hasPrefix("=") { rest = rest.dropFirst() }
    let value = rest.filter { $0 != " " }
    let number: Double
    do {
      number = try Self.number(value, metric.unit)
    } catch {
      throw ArgumentFault(
        reason: "'\(value)' \(error.reason); expected \(Self.expectation(metric.unit))")
    }
    self.metric = metric
    bound = text[place] == "<" ? .maximum(number) : .minimum(number)
    self.text = text
  }

  /// Whether a run's value keeps the bound; nothing to measure does not.
  public func holds(for value: Double?) -> Bool {
    guard let value else { return false }
    return ExpectationJudge.kind(of: bound, low: value, high: value) == .holds
  }

  private static func number(_ text: String, _ unit: MetricUnit) throws(QuantityFault) -> Double {
    switch unit {
    case .time: Double(try Quantity.span(text).nanoseconds)
    case .fraction: try Quantity.fraction(text)
    case .number: text.contains("/") ? try Quantity.rate(text) : try Quantity.number(text)
    }
  }

  private static func expectation(_ unit: MetricUnit) -> String {
    switch unit {
    case .time: "a duration such as 60ms"
    case .fraction: "a ratio such as 99.9%"
    case .number: "a number"
    }
  }
}

extension Metric {
  /// The metric called `name`.
  /// - Throws: `ArgumentFault` when there is none.
  public static func known(_ name: String) throws(ArgumentFault) -> Metric {
    if let metric = Metric(named: name) { return metric }
    let guess = Suggestion.closest(to: name, among: names).map { "; did you mean '\($0)'?" } ?? ""
    throw ArgumentFault(reason: "unknown metric '\(name)'; expected one of \(names.joined(separator: ", "))\(guess)")
  }
}

/// Why a text of the command line does not say what it should.
public struct ArgumentFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong and what was expected.
  public var reason: String

  /// A fault.
  public init(reason: String) { self.reason = reason }

  public var description: String { reason }
}
