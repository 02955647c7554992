// `sweep.csv`: a row a cell, variant and replication: the swept values, then the columns of `summary.csv`.

import Experiments
import MeshConfiguration
import Simulation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The result file of a sweep.
public enum SweepTable {
  /// Its name.
  public static let fileName = "sweep.csv"

  static func header(_ sweep: Sweep) -> String {
    line(sweep.paths.map { .text($0) } + ResultFile.summary.columns.map { .text($0) })
  }

  static func row(_ place: Int, of sweep: Sweep, _ result: ReplicationResult) -> String {
    let unit = sweep.units[place]
    let values = sweep.cells[unit.cell].values.map { CSVCell.text($0) }
    return line(
      values + [.text(sweep.name)] + ResultFile.summaryRow(.text(sweep.variant(of: unit).name), result))
  }

  private static func line(_ cells: [CSVCell]) -> String { cells.map(\.text).joined(separator: ",") }

  /// Puts the parts in `folder`, or that of `shard` alone, together into its `sweep.csv`, and returns how many rows that are.
  ///
  /// - Throws: `SystemError` when there are none, when one is missing or unfinished, or when they are not of one sweep; `sweep.csv` is then
  ///   as it was.
  @discardableResult
  public static func merge(in folder: String, shard: SweepShard? = nil) throws -> Int {
    let names =
      shard.map { [$0.fileName] }
      ?? Folder.names(in: folder).filter { $0.hasPrefix("sweep-") && $0.hasSuffix(".part") }.sorted()
    var journals: [(name: String, journal: SweepJournal)] = []
    for name in names {
      if let journal = try SweepJournal.read("\(folder)/\(name)") { journals.append((name, journal)) }
    }
    guard let first = journals.first else {
      throw SystemError(path: folder, reason: "holds no part of a sweep; expected sweep-I-of-N.part files in it")
    }
    let header = first.journal.header
    var rows: [String?] = Array(repeating: nil, count: header.units)
    for (name, journal) in journals {
      let own = journal.header
      if own.digest != header.digest || own.units != header.units || own.shard.count != header.shard.count {
        throw SystemError(
          path: "\(folder)/\(name)",
          reason: "is not of the same sweep and number of shards as \(first.name); expected the parts of one alone")
      }
      for (unit, row) in journal.rows { rows[unit] = row }
    }
    if let gap = rows.firstIndex(where: { $0 == nil }) {
      let shard = gap % header.shard.count + 1
      let missing = rows.count { $0 == nil }
      let name = SweepShard(number: shard, count: header.shard.count).fileName
      throw SystemError(
        path: "\(folder)/\(name)",
        reason:
          "\(missing) of \(rows.count) replications are missing, the first of them in this part; expected it to be "
          + "finished with weir sweep --shard \(shard)/\(header.shard.count) --resume")
    }
    let text = ([first.journal.columns] + rows.compactMap { $0 }).joined(separator: "\n") + "\n"
    try NewFile("\(folder)/\(fileName)").replace(with: text)
    return rows.count
  }

  /// The `sweep.csv` in `folder`; empty when there is none.
  /// - Throws: `SystemError`.
  public static func text(in folder: String) throws -> String {
    String(decoding: try ExistingFile("\(folder)/\(fileName)").bytesIfAny() ?? [], as: UTF8.self)
  }

  /// Takes the journal of an undivided sweep away, whose rows are in `sweep.csv` now.
  public static func removeWhole(in folder: String) { unlink("\(folder)/\(SweepShard.whole.fileName)") }
}
