import Experiments
import Foundation
import MeshCore
import Simulation
import SyntheticResults
import Testing

@testable import Reporting

/// Goal: what is written is JSON in the Trace Event Format, with spans that nest and rows that do not overlap. Method:
/// Foundation's reader on a simulated variant and on traces made by hand.
@Suite struct TraceDocumentTests {
  private func events(_ document: TraceDocument) throws -> [[String: Any]] {
    let data = Data(document.text.utf8)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["displayTimeUnit"] as? String == "ms")
    return try #require(object["traceEvents"] as? [[String: Any]])
  }

  private func trace(_ events: [TraceEvent], notes: [String] = []) -> ReplicationTrace {
    ReplicationTrace(
      clients: ["users"], replicas: ["web-0", "web-1"], events: events, requests: 1, wanted: 1, notes: notes,
      result: syntheticResult())
  }

  private func at(_ nanoseconds: Int64, _ kind: TraceEvent.Kind) -> TraceEvent {
    TraceEvent(time: Timestamp(nanoseconds: nanoseconds), kind)
  }

  /// What a span's begin and end have in common, within a process.
  private func identifier(_ event: [String: Any]) -> String? { (event["id2"] as? [String: Any])?["local"] as? String }

  /// Goal: the events of a real run can be read, are in order, nest by id, and come in two processes with names.
  @Test func simulatedVariants() throws {
    let scenario = syntheticScenario()
    var document = TraceDocument()
    for variant in scenario.variants {
      document.add(try scenario.trace(variant, TraceScope(requests: 200)), name: variant.name)
    }
    #expect(document.requests == 400 && document.wanted > 400)
    let events = try events(document)
    let names = events.filter { $0["name"] as? String == "process_name" }
    #expect(names.compactMap { ($0["args"] as? [String: Any])?["name"] as? String } == ["roundRobin", "peakEwma"])
    var open: [String: [String]] = [:]
    var spans = 0
    var last: [Int: Double] = [:]
    var busy: [String: Double] = [:]
    for event in events {
      let phase = try #require(event["ph"] as? String)
      let process = try #require(event["pid"] as? Int)
      if phase == "M" { continue }
      let time = try #require(event["ts"] as? Double)
      #expect(time >= last[process] ?? 0)
      last[process] = time
      let name = try #require(event["name"] as? String)
      let arguments = event["args"] as? [String: Any] ?? [:]
      switch phase {
      case "b":
        let id = try #require(identifier(event))
        open[id, default: []].append(name)
      case "e":
        let id = try #require(identifier(event))
        let innermost = open[id]?.popLast()
        #expect(innermost == name && arguments["outcome"] as? String == "200")
        spans += 1
      case "X":
        let thread = try #require(event["tid"] as? Int)
        let row = "\(process) \(thread)"
        // Both are rounded on the way: a nanosecond is more than that.
        #expect(time >= (busy[row] ?? 0) - 0.001)
        let length = try #require(event["dur"] as? Double)
        busy[row] = time + length
      case "C": #expect(arguments.values.allSatisfy { ($0 as? Int ?? -1) >= 0 } && !arguments.isEmpty)
      default: Issue.record("\(phase) was not expected")
      }
    }
    #expect(spans == 800 && open.allSatisfy { $0.value.isEmpty })
    #expect(events.contains { $0["name"] as? String == "process_labels" })
  }

  /// Goal: ids are the file's, so that two variants' requests are two; names that need it are escaped.
  @Test func idsAndNames() throws {
    let track = TraceTrack(.request, number: 7, part: 0)
    let own = trace([
      at(1_500, .begins(track, name: "a \"b\" \\", at: .client(0), details: [TraceDetail("data plane", "users/0")])),
      at(2_000, .passes(track, name: "waits")), at(2_001, .ends(track, outcome: "503: no\nplace")),
      at(3_000, .tells(EventRow(time: Timestamp(nanoseconds: 3_000), event: "ejected", endpoint: "web-1"))),
    ])
    var document = TraceDocument()
    document.add(own, name: "first")
    document.add(own, name: "second")
    let events = try events(document)
    let begins = events.filter { $0["ph"] as? String == "b" }
    #expect(begins.compactMap(identifier) == ["1.request.7", "2.request.7"])
    #expect(
      (begins.first?["args"] as? [String: Any])?["request"] as? String == "a \"b\" \\"
        && begins.first?["ts"] as? Double == 1.5)
    let end = try #require(events.first { $0["ph"] as? String == "e" })
    #expect(end["ts"] as? Double == 2.001 && end["tid"] as? Int == begins.first?["tid"] as? Int)
    #expect((end["args"] as? [String: Any])?["outcome"] as? String == "503: no\nplace")
    // A client's requests share a name, and by it rows in the viewer.
    #expect(begins.compactMap { $0["name"] as? String } == ["users", "users"])
    let notice = try #require(events.first { $0["ph"] as? String == "i" })
    #expect(notice["s"] as? String == "p" && notice["name"] as? String == "ejected web-1")
  }

  /// Goal: who serves several at a time has a row for each, up to a limit that is told.
  @Test func lanes() throws {
    let track = TraceTrack(.request, number: 0, part: 0)
    func serves(_ start: Int64, _ length: Int64) -> TraceEvent {
      let span = TimeSpan(nanoseconds: length)
      return at(start, .serves(track, replica: 1, span: span, name: "r", isWanted: start > 0))
    }
    var document = TraceDocument()
    document.add(trace([serves(0, 100), serves(10, 20), serves(30, 10), serves(50, 100), serves(100, 5)]), name: "v")
    let events = try events(document)
    let rows = events.filter { $0["ph"] as? String == "X" }.compactMap { $0["tid"] as? Int }
    #expect(rows.map { $0 - (rows.first ?? 0) } == [0, 1, 1, 1, 0])
    #expect(events.contains { ($0["args"] as? [String: Any])?["name"] as? String == "web-1, worker 2" })
    #expect(events.first { $0["ph"] as? String == "X" }?["name"] as? String == "r (nobody waits)")
    var full = TraceDocument()
    full.add(trace((0...TraceDocument.mostLanes).map { _ in serves(5, 5) }, notes: ["a note"]), name: "v")
    let label = try self.events(full).first { $0["name"] as? String == "process_labels" }
    let text = try #require((label?["args"] as? [String: Any])?["labels"] as? String)
    #expect(text == "a note; 1 services are left out of the workers' rows: more than 64 at a time")
  }

  /// Goal: nanoseconds stay exact.
  @Test(arguments: [(0, "0"), (1, "0.001"), (1_500, "1.5"), (1_000_000, "1000"), (1_234_560, "1234.56")])
  func microseconds(nanoseconds: Int64, text: String) {
    #expect(TraceWriter.microseconds(nanoseconds) == text)
  }
}
