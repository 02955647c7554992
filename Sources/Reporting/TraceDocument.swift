// Traces in the Trace Event Format that Perfetto (ui.perfetto.dev) and chrome://tracing read.
//
// A variant is a process. Requests, calls, attempts and faults are nestable async events (`b`, `n`, `e`), whose id is the
// track: rows of threads would not do, since requests overlap. What workers serve are complete events (`X`) on rows that
// stand for the workers of a replica. Queues are counters (`C`), what detectors say are instants (`i`). Times are
// microseconds with up to three places: nanoseconds exactly.

import Experiments
import MeshConfiguration
import MeshCore
import Simulation

/// A file with the traces of one or more variants, a process each.
public struct TraceDocument {
  /// Rows of a replica's workers, at most: one that serves more at a time shows so many of them.
  static let mostLanes = 64

  private var lines: [String] = []
  private var processes = 0
  /// How many client requests it shows.
  public private(set) var requests = 0
  /// How many there were in the same replications.
  public private(set) var wanted: Int64 = 0

  /// An empty one.
  public init() {}

  /// Adds a variant's trace as a process called `name`.
  public mutating func add(_ trace: ReplicationTrace, name: String) {
    processes += 1
    requests += trace.requests
    wanted += trace.wanted
    var writer = TraceWriter(process: processes, trace)
    writer.write()
    lines += writer.header(name: name, notes: trace.notes) + writer.lines
  }

  /// The file: one event a line.
  public var text: String {
    let head = "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"version\":\(TraceWriter.quoted("weir \(weirVersion)"))},"
    return head + "\"traceEvents\":[\n" + lines.joined(separator: ",\n") + "\n]}\n"
  }
}

/// Writes one process.
struct TraceWriter {
  /// Where spans go that belong nowhere in particular.
  private static let worldRow = 1

  private let process: Int
  private let trace: ReplicationTrace
  private(set) var lines: [String] = []
  /// The spans that are open on a track: their names and rows.
  private var open: [TraceTrack: [(name: String, row: Int)]] = [:]
  /// By replica: when each of its workers' rows is free again; and whether anything else is on the replica's own row.
  private var lanes: [[Int64]]
  private var isUsed: [Bool]
  /// Services that found no row.
  private var leftOut = 0

  init(process: Int, _ trace: ReplicationTrace) {
    self.process = process
    self.trace = trace
    lanes = Array(repeating: [], count: trace.replicas.count)
    isUsed = Array(repeating: false, count: trace.replicas.count)
  }

  // MARK: - Rows

  private func row(ofClient client: Int) -> Int { Self.worldRow + 1 + client }

  /// A replica's own row; those of its workers follow.
  private func row(ofReplica replica: Int) -> Int {
    Self.worldRow + 1 + trace.clients.count + replica * (TraceDocument.mostLanes + 1)
  }

  private mutating func row(of place: TracePlace) -> Int {
    switch place {
    case .world: return Self.worldRow
    case .client(let client): return row(ofClient: client)
    case .replica(let replica):
      isUsed[replica] = true
      return row(ofReplica: replica)
    }
  }

  /// Names of the process and of the rows that something is on.
  func header(name: String, notes: [String]) -> [String] {
    var header = [metadata("process_name", row: 0, "name", Self.quoted(name))]
    header.append(metadata("process_sort_index", row: 0, "sort_index", String(process)))
    var labels = notes
    if leftOut > 0 {
      let most = TraceDocument.mostLanes
      labels.append("\(leftOut) services are left out of the workers' rows: more than \(most) at a time")
    }
    if !labels.isEmpty {
      header.append(metadata("process_labels", row: 0, "labels", Self.quoted(labels.joined(separator: "; "))))
    }
    header += rowName(Self.worldRow, "faults and notices")
    for (number, client) in trace.clients.enumerated() {
      header += rowName(row(ofClient: number), "requests of \(client)")
    }
    for (number, replica) in trace.replicas.enumerated() {
      if isUsed[number] { header += rowName(row(ofReplica: number), replica) }
      for lane in lanes[number].indices {
        header += rowName(row(ofReplica: number) + 1 + lane, "\(replica), worker \(lane + 1)")
      }
    }
    return header
  }

  private func rowName(_ row: Int, _ name: String) -> [String] {
    [
      metadata("thread_name", row: row, "name", Self.quoted(name)),
      metadata("thread_sort_index", row: row, "sort_index", String(row)),
    ]
  }

  private func metadata(_ name: String, row: Int, _ key: String, _ value: String) -> String {
    "{\"ph\":\"M\",\"name\":\"\(name)\",\"pid\":\(process),\"tid\":\(row),\"args\":{\"\(key)\":\(value)}}"
  }

  // MARK: - Events

  mutating func write() {
    for event in trace.events { write(event) }
  }

  private mutating func write(_ event: TraceEvent) {
    switch event.kind {
    case .begins(let track, let name, let place, let details):
      let row = row(of: place)
      var arguments = details.map { (key: $0.name, value: Self.quoted($0.text)) }
      var shown = name
      if case .client(let client) = place, track.category == .request, track.part == 0 {
        // Spans of one name share rows in the viewer; each by its own would have a row of its own.
        shown = trace.clients[client]
        arguments.insert((key: "request", value: Self.quoted(name)), at: 0)
      }
      open[track, default: []].append((shown, row))
      add("b", event.time, shown, row: row, track: track, arguments)
    case .passes(let track, let name):
      add("n", event.time, name, row: open[track]?.last?.row ?? Self.worldRow, track: track, [])
    case .ends(let track, let outcome):
      guard let span = open[track]?.popLast() else { return }
      add("e", event.time, span.name, row: span.row, track: track, [("outcome", Self.quoted(outcome))])
    case .serves(let track, let replica, let span, let name, let isWanted):
      guard let lane = freeLane(of: replica, from: event.time.nanoseconds, span.nanoseconds) else {
        leftOut += 1
        return
      }
      let shown = isWanted ? name : "\(name) (nobody waits)"
      add(
        "X", event.time, shown, row: row(ofReplica: replica) + 1 + lane, category: "service", duration: span,
        [("request", Self.quoted(id(of: track)))])
    case .holds(let replica, let waiting, let inService):
      add(
        "C", event.time, trace.replicas[replica], row: row(ofReplica: replica), category: "queue",
        [("waiting", String(waiting)), ("in service", String(inService))])
    case .counts(let requests, let healthy):
      add("C", event.time, "requests", row: 0, category: "window", [("open", String(requests))])
      add("C", event.time, "endpoints", row: 0, category: "window", [("healthy", String(healthy))])
    case .tells(let row):
      let said = [("cluster", row.cluster), ("endpoint", row.endpoint), ("detail", row.detail), ("proxy", row.proxy)]
      let arguments = said.filter { !$0.1.isEmpty }.map { (key: $0.0, value: Self.quoted($0.1)) }
      let name = row.endpoint.isEmpty ? row.event : "\(row.event) \(row.endpoint)"
      add("i", event.time, name, row: Self.worldRow, category: "notice", arguments)
    }
  }

  /// The row of a worker that is free from `start` on, taken for `length`; nil when all are taken.
  private mutating func freeLane(of replica: Int, from start: Int64, _ length: Int64) -> Int? {
    if let free = lanes[replica].firstIndex(where: { $0 <= start }) {
      lanes[replica][free] = start + length
      return free
    }
    if lanes[replica].count == TraceDocument.mostLanes { return nil }
    lanes[replica].append(start + length)
    return lanes[replica].count - 1
  }

  private func id(of track: TraceTrack) -> String {
    let part = track.part == 0 && track.category == .request ? "" : ".\(track.part)"
    // Also told apart where a reader takes ids for the whole file's.
    return "\(process).\(track.category.rawValue).\(track.number)\(part)"
  }

  private mutating func add(
    _ phase: String, _ time: Timestamp, _ name: String, row: Int, track: TraceTrack? = nil, category: String = "",
    duration: TimeSpan? = nil, _ arguments: [(key: String, value: String)]
  ) {
    var line = "{\"ph\":\"\(phase)\",\"cat\":\"\(track?.category.rawValue ?? category)\""
    if let track { line += ",\"id2\":{\"local\":\"\(id(of: track))\"}" }
    line += ",\"name\":\(Self.quoted(name)),\"pid\":\(process),\"tid\":\(row)"
    line += ",\"ts\":\(Self.microseconds(time.nanoseconds))"
    if let duration { line += ",\"dur\":\(Self.microseconds(duration.nanoseconds))" }
    if phase == "i" { line += ",\"s\":\"p\"" }
    if !arguments.isEmpty {
      line += ",\"args\":{" + arguments.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    }
    lines.append(line + "}")
  }

  /// Nanoseconds as microseconds, exactly.
  static func microseconds(_ nanoseconds: Int64) -> String {
    let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1000)
    if rest == 0 { return String(whole) }
    var digits = String(1000 + rest).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(whole).\(digits)"
  }

  /// `text` as a JSON string.
  static func quoted(_ text: String) -> String { JSONValue.text(text).text }
}
