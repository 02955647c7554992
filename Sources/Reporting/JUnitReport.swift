// Verdicts as JUnit XML, for continuous integration: a suite a scenario, a test case an expectation.

import Experiments

/// Verdicts of several scenarios.
public struct JUnitReport {
  private var suites: [(scenario: Scenario, verdicts: [Verdict])] = []

  /// A report without suites.
  public init() {}

  /// Adds the verdicts on a scenario's expectations.
  public mutating func append(_ scenario: Scenario, _ verdicts: [Verdict]) { suites.append((scenario, verdicts)) }

  /// The report as XML.
  public var text: String {
    let all = suites.flatMap(\.verdicts)
    var lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"]
    lines.append("<testsuites name=\"weir\" \(counts(all))>")
    for suite in suites {
      lines.append("  <testsuite name=\"\(escaped(suite.scenario.name))\" \(counts(suite.verdicts))>")
      for verdict in suite.verdicts { lines += testCase(verdict, suite.scenario.name) }
      lines.append("  </testsuite>")
    }
    lines.append("</testsuites>")
    return lines.joined(separator: "\n") + "\n"
  }

  private func counts(_ verdicts: [Verdict]) -> String {
    "tests=\"\(verdicts.count)\" failures=\"\(verdicts.count { $0.kind != .holds })\" errors=\"0\""
  }

  private func testCase(_ verdict: Verdict, _ scenario: String) -> [String] {
    let expectation = verdict.expectation
    let name = escaped("\(expectation.variant) \(expectation.metric) \(expectation.text)")
    let opening = "    <testcase classname=\"\(escaped(scenario))\" name=\"\(name)\""
    if verdict.kind == .holds { return [opening + "/>"] }
    let message = escaped("expected \(expectation.text); \(verdict.measuredText)")
    return [
      opening + ">", "      <failure type=\"\(verdict.kind.rawValue)\" message=\"\(message)\"/>", "    </testcase>",
    ]
  }

  private func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&apos;"
      case "\n", "\r", "\t": escaped += "&#\(scalar.value);"
      // XML 1.0 has no way to write these.
      case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
