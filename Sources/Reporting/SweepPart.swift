// What a shard of a sweep has done so far: a journal to which each finished replication adds a line, so that a sweep that was killed goes
// on where it was.
//
// The first line says of which sweep and shard it is, the second is the result file's header, then come lines `UNIT,ROW` in the order in which
// replications ended. A line is written in one piece; one without its line feed was cut off with the process and counts as not there.

import Experiments
import Simulation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which part of a sweep: shard `number` of `count`.
public struct SweepShard: Sendable, Hashable {
  /// From 1.
  public var number: Int
  /// How many shards there are.
  public var count: Int

  /// The whole.
  public static let whole = SweepShard(number: 1, count: 1)

  /// A part.
  public init(number: Int, count: Int) {
    self.number = number
    self.count = count
  }

  /// `I/N` with 1 ≤ I ≤ N ≤ 100,000; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = Int(parts[0]), let count = Int(parts[1]), (1...100_000).contains(count),
      (1...count).contains(number)
    else { return nil }
    self.init(number: number, count: count)
  }

  /// The name of its journal.
  var fileName: String { "sweep-\(number)-of-\(count).part" }
}

/// What identifies a journal.
struct SweepHeader: Hashable {
  var digest: String
  var units: Int
  var shard: SweepShard

  private static let beginning = "weir sweep 1"

  var line: String { "\(Self.beginning) \(digest) \(units) \(shard.number)/\(shard.count)" }

  init(digest: String, units: Int, shard: SweepShard) {
    self.digest = digest
    self.units = units
    self.shard = shard
  }

  init?(_ line: Substring) {
    let words = line.split(separator: " ")
    guard words.count == 6, words.prefix(3).joined(separator: " ") == Self.beginning, let units = Int(words[4]),
      units >= 0, let shard = SweepShard(String(words[5]))
    else { return nil }
    self.init(digest: String(words[3]), units: units, shard: shard)
  }
}

/// A journal as read.
struct SweepJournal {
  var header: SweepHeader
  /// The result file's header row.
  var columns: String
  /// Rows by unit, as far as there are any.
  var rows: [(unit: Int, row: String)]
  /// The bytes up to the last complete line.
  var length: Int

  /// The journal at `path`; nil when there is none.
  /// - Throws: `SystemError` when it cannot be read or is none.
  static func read(_ path: String) throws -> SweepJournal? {
    guard let bytes = try ExistingFile(path).bytesIfAny() else { return nil }
    if bytes.isEmpty { return nil }
    guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return try refuse(path) }
    var lines = String(decoding: bytes[..<end], as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)[...]
    guard let header = lines.popFirst().flatMap(SweepHeader.init) else { return try refuse(path) }
    // Killed between its first two lines, it holds nothing.
    guard let columns = lines.popFirst() else { return nil }
    var rows: [(unit: Int, row: String)] = []
    for line in lines {
      guard let comma = line.firstIndex(of: ","), let unit = Int(line[..<comma]), (0..<header.units).contains(unit)
      else { return try refuse(path) }
      rows.append((unit, String(line[line.index(after: comma)...])))
    }
    return SweepJournal(header: header, columns: String(columns), rows: rows, length: end + 1)
  }

  private static func refuse(_ path: String) throws -> SweepJournal? {
    throw SystemError(path: path, reason: "is no part of a sweep; expected a file that weir sweep has written")
  }
}

/// A journal being written.
public final class SweepPart: Sendable {
  /// The journal's path.
  public let path: String
  /// How many rows of an earlier sweep were there.
  public let known: [Int]
  private let descriptor: Int32
  private let isOpen = Mutex(true)

  /// The journal of `shard` of `sweep` in the folder at `folder`. With `resumes` what is there goes on, otherwise it begins anew.
  ///
  /// - Throws: `SystemError`: the folder or file cannot be written, or what is there is of another sweep.
  public init(_ sweep: Sweep, shard: SweepShard, in folder: String, resumes: Bool) throws {
    path = "\(folder)/\(shard.fileName)"
    let header = SweepHeader(
      digest: "\(RunRecord.hexadecimal(sweep.digest))-\(weirVersion)", units: sweep.units.count, shard: shard)
    let earlier = resumes ? try SweepJournal.read(path) : nil
    if let earlier, earlier.header != header {
      throw SystemError(
        path: path, reason: "is of another scenario, seed or version; expected the same, or a sweep without --resume")
    }
    known = (earlier?.rows ?? []).map(\.unit)
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw SystemError.last(path) }
    if ftruncate(descriptor, off_t(earlier?.length ?? 0)) != 0 { throw SystemError.last(path) }
    if earlier == nil {
      try writeAll(Array("\(header.line)\n\(SweepTable.header(sweep))\n".utf8), to: descriptor, path: path)
    }
  }

  /// Adds what came of the unit at `place`. May be called by several threads.
  ///
  /// - Throws: `SystemError`.
  public func add(_ place: Int, of sweep: Sweep, _ result: ReplicationResult) throws {
    let row = SweepTable.row(place, of: sweep, result)
    // Appending is one call, so lines of several threads do not mix.
    try writeAll(Array("\(place),\(row)\n".utf8), to: descriptor, path: path)
  }

  /// Ends the journal.
  public func finish() {
    let wasOpen = isOpen.withLock { isOpen in
      defer { isOpen = false }
      return isOpen
    }
    if wasOpen { close(descriptor) }
  }

  deinit { finish() }
}
