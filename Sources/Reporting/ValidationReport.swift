// What `weir validate` prints and writes: both worlds side by side.

import Experiments

/// A comparison of both worlds, for people and for files.
public struct ValidationReport {
  private let validation: Validation

  /// The report of a comparison.
  public init(_ validation: Validation) { self.validation = validation }

  /// `validation.csv`: latencies in milliseconds, rates and shares as fractions; `tolerance` is how far off `measured` may be, in the
  /// same unit.
  public func csv() throws -> String {
    var bytes: [UInt8] = []
    var writer = try CSVWriter(columns: [
      "scenario", "variant", "proxy", "metric", "simulated", "sim_ci_low", "sim_ci_high", "measured", "ratio",
      "tolerance", "verdict",
    ]) { bytes += $0 }
    for row in validation.rows {
      func cell(_ value: Double?) -> CSVCell { row.metric.unit == .time ? .milliseconds(value) : .figure(value) }
      let allowed = row.simulated.map { row.tolerance.relative * $0.mean.magnitude + row.tolerance.absolute }
      try writer.row([
        .text(validation.scenario), .text(row.variant), .text(validation.proxy), .text(row.metric.name),
        cell(row.simulated?.mean), cell(row.simulated?.interval?.low), cell(row.simulated?.interval?.high),
        cell(row.measured), .figure(row.ratio), cell(allowed), .text(row.verdict.rawValue),
      ])
    }
    try writer.flush()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `validation-latency.csv`: quantiles of all runs together in both worlds, one row each.
  public func latencyCSV() throws -> String {
    var bytes: [UInt8] = []
    var writer = try CSVWriter(columns: ["scenario", "variant", "proxy", "world", "quantile", "latency_ms"]) {
      bytes += $0
    }
    for overlay in validation.overlays {
      for (world, latency) in [("simulated", overlay.simulated), ("measured", overlay.measured)] {
        for quantile in ResultFile.quantiles {
          try writer.row([
            .text(validation.scenario), .text(overlay.variant), .text(validation.proxy), .text(world),
            .figure(quantile), .milliseconds(latency.quantile(quantile)),
          ])
        }
      }
    }
    try writer.flush()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The table for people, ending in a line feed.
  public func table(on canvas: Canvas) -> String {
    var table = TextTable(alignments: [.left, .left, .left, .right, .right, .right, .left])
    table.rows.append(
      ["", "variant", "metric", "simulated", "measured", "off", "tolerance"].map { TextCell(text: $0, style: .faint) })
    for row in validation.rows {
      let known = [row.simulated?.mean, row.measured].compactMap { $0 }
      let format = FigureFormat(row.metric.unit, for: known)
      table.rows.append([
        TextCell(text: "  " + row.verdict.sign, style: row.verdict.style), TextCell(text: row.variant),
        TextCell(text: row.metric.name),
        TextCell(text: row.simulated.map { format.textWithUnit($0.mean) } ?? "–"),
        TextCell(text: row.measured.map { format.textWithUnit($0) } ?? "–"),
        TextCell(text: offText(row)), TextCell(text: row.tolerance.text(row.metric.unit)),
      ])
    }
    let hop = FigureFormat(.time, for: [validation.hopCost]).textWithUnit(validation.hopCost)
    var lines = [canvas.styled(validation.scenario, .strong) + ", real proxy: \(validation.proxy)"]
    lines += table.lines(on: canvas)
    lines.append("  cost of a hop, added to the simulated side: median \(hop)")
    lines += validation.notes.map { "  " + canvas.styled("note:", .doubtful) + " " + $0 }
    return lines.joined(separator: "\n") + "\n"
  }

  private func offText(_ row: ValidationRow) -> String {
    guard let simulated = row.simulated?.mean, let measured = row.measured else { return "" }
    if row.metric.unit == .fraction { return signed((measured - simulated) * 100) + " points" }
    return simulated == 0 ? "" : signed((measured / simulated - 1) * 100) + " %"
  }

  private func signed(_ value: Double) -> String {
    (value < 0 ? "-" : "+") + DecimalNumber.fixed(value.magnitude, places: 2)
  }
}

extension Tolerance {
  fileprivate func text(_ unit: MetricUnit) -> String {
    if unit == .fraction { return "\(DecimalNumber(absolute * 100).text) points" }
    if relative == 0 { return "\(DecimalNumber(absolute / 1e6).text) ms" }
    let share = "\(DecimalNumber(relative * 100).text) %"
    return absolute == 0 ? share : share + " + \(DecimalNumber(absolute / 1e6).text) ms"
  }
}

extension ValidationVerdict {
  fileprivate var sign: String {
    switch self {
    case .holds: "✓ holds"
    case .fails: "✗ fails"
    case .void: "? void"
    }
  }

  fileprivate var style: TextStyle {
    switch self {
    case .holds: .good
    case .fails: .bad
    case .void: .doubtful
    }
  }
}
