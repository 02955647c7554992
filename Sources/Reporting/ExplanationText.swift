// An explanation for people: what happened, line by line, and what there was to choose from.

import Experiments
import Simulation

/// The text of an explanation.
public enum ExplanationText {
  /// How many endpoints of a choice are shown: those that were chosen or drawn first, then those that were shut out, then others.
  private static let mostEndpoints = 20

  /// The lines of `explanation`, each step with its time and the endpoints that there were to choose from.
  public static func text(_ explanation: Explanation) -> String {
    var lines: [String] = []
    for step in explanation.steps {
      lines.append("\(seconds(step.time.nanoseconds))  \(step.words)")
      if !step.endpoints.isEmpty { lines += table(step.endpoints) }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func table(_ endpoints: [Explanation.Endpoint]) -> [String] {
    let hasRanks = endpoints.contains { $0.rank != nil }
    let hasPriorities = endpoints.contains { $0.priority != 0 }
    let hasWeights = endpoints.contains { $0.weight != endpoints[0].weight }
    let ordered = endpoints.enumerated().sorted { left, right in
      let (own, others) = (urgency(left.element), urgency(right.element))
      return own == others ? left.offset < right.offset : own > others
    }
    var header = ["endpoint", "in flight"]
    if hasWeights { header.append("weight") }
    if hasPriorities { header.append("priority") }
    if hasRanks { header.append("compared by") }
    var alignments = header.map { _ in TextTable.Alignment.right }
    alignments[0] = .left
    var table = TextTable(alignments: alignments + [.left])
    table.rows.append((header + [""]).map { TextCell(text: $0) })
    for (_, endpoint) in ordered.prefix(mostEndpoints) {
      var row = [endpoint.name, "\(endpoint.inFlight)"]
      if hasWeights { row.append("\(endpoint.weight)") }
      if hasPriorities { row.append("\(endpoint.priority)") }
      if hasRanks { row.append(endpoint.rank.map { figure($0) } ?? "-") }
      row.append(remarks(endpoint))
      table.rows.append(row.map { TextCell(text: $0) })
    }
    var lines = table.lines(on: Canvas()).map { "            " + $0 }
    if endpoints.count > mostEndpoints { lines.append("            … and \(endpoints.count - mostEndpoints) more") }
    return lines
  }

  private static func remarks(_ endpoint: Explanation.Endpoint) -> String {
    var remarks: [String] = []
    if endpoint.isChosen { remarks.append("chosen") } else if endpoint.isDrawn { remarks.append("drawn") }
    if !endpoint.reasons.isEmpty { remarks.append("out: " + endpoint.reasons.joined(separator: ", ")) }
    return remarks.joined(separator: "; ")
  }

  private static func urgency(_ endpoint: Explanation.Endpoint) -> Int {
    endpoint.isChosen ? 3 : endpoint.isDrawn ? 2 : endpoint.reasons.isEmpty ? 0 : 1
  }

  private static func figure(_ rank: Double) -> String {
    if rank.magnitude >= 1e15 || rank.isNaN { return "\(rank)" }
    return rank.magnitude >= 100 || rank == rank.rounded()
      ? "\(Int64(rank.rounded()))" : "\((rank * 100).rounded() / 100)"
  }

  /// Seconds to the microsecond, so that lines stand below each other.
  private static func seconds(_ nanoseconds: Int64) -> String {
    let text = DecimalNumber.fixed(Double(nanoseconds) / 1e9, places: 6)
    return String(repeating: " ", count: max(0, 11 - text.count)) + text + " s"
  }
}
