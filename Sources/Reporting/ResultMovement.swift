// What a deliberate change has moved: the recorded comparison beside the one that takes its place.

import Experiments

/// A scenario's recorded means, before they are replaced.
public struct ResultMovement {
  private let folder: ResultFolder
  private let before: [Figure]?

  private struct Figure: Hashable {
    var variant: String
    var metric: String
    var mean: String
  }

  /// What `folder` holds now.
  /// - Throws: `SystemError`.
  public init(before folder: ResultFolder) throws {
    self.folder = folder
    before = try Self.figures(in: folder)
  }

  /// The most lines of one scenario.
  private static let limit = 40

  /// What has moved since, a line a figure; none when every mean is what it was.
  /// - Throws: `SystemError`.
  public func lines() throws -> [String] {
    let after = try Self.figures(in: folder) ?? []
    guard let before else { return ["recorded for the first time: \(after.count) figures"] }
    var lines: [String] = []
    for figure in after {
      let old = before.first { $0.variant == figure.variant && $0.metric == figure.metric }
      if old == figure { continue }
      lines.append("\(figure.variant) \(figure.metric): \(Self.shown(old?.mean)) → \(Self.shown(figure.mean))")
    }
    for figure in before where !after.contains(where: { $0.variant == figure.variant && $0.metric == figure.metric }) {
      lines.append("\(figure.variant) \(figure.metric): \(Self.shown(figure.mean)) → gone")
    }
    if lines.count <= Self.limit { return lines }
    return lines.prefix(Self.limit) + ["… and \(lines.count - Self.limit) more"]
  }

  private static func shown(_ mean: String?) -> String {
    guard let mean else { return "nothing" }
    return mean.isEmpty ? "no value" : Double(mean).map { DecimalNumber($0, significantDigits: 6).text } ?? mean
  }

  private static func figures(in folder: ResultFolder) throws -> [Figure]? {
    let path = "\(folder.path)/\(ResultFile.comparison.rawValue)"
    guard let bytes = try ExistingFile(path).bytesIfAny() else { return nil }
    var table = CommaSeparatedTable(bytes)
    let places = ["variant", "metric", "mean"].map { table.columns.firstIndex(of: $0) }
    guard let variant = places[0], let metric = places[1], let mean = places[2] else {
      throw SystemError(path: path, reason: "is no comparison; expected the columns variant, metric and mean")
    }
    var figures: [Figure] = []
    while let cells = table.next() {
      if cells.count <= max(variant, metric, mean) { continue }
      figures.append(Figure(variant: cells[variant], metric: cells[metric], mean: cells[mean]))
    }
    return figures
  }
}
