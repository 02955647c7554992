// What is told of a replication while it goes: spans that nest, queues that add up, and the same run as without.

import LoadBalancing
import MeshCore
import Testing

@testable import Simulation

/// A span of a trace.
private struct TracedSpan {
  var track: TraceTrack
  var name: String
  var place: TracePlace
  var began: Timestamp
  var ended = Timestamp.zero
  var outcome = ""
  /// How many spans are open around it.
  var depth: Int

  var milliseconds: Double { (ended - began).milliseconds }
}

extension ReplicationTrace {
  /// The spans, in the order in which they end; what does not nest is an issue.
  fileprivate func spans() -> [TracedSpan] {
    var open: [TraceTrack: [TracedSpan]] = [:]
    var spans: [TracedSpan] = []
    var last = Timestamp.zero
    for event in events {
      if event.time < last { Issue.record("\(event) comes after \(last)") }
      last = event.time
      switch event.kind {
      case .begins(let track, let name, let place, _):
        let depth = open[track]?.count ?? 0
        open[track, default: []].append(
          TracedSpan(track: track, name: name, place: place, began: event.time, depth: depth))
      case .passes(let track, _):
        if open[track]?.isEmpty ?? true { Issue.record("\(event) passes outside of spans") }
      case .ends(let track, let outcome):
        guard var span = open[track]?.popLast() else {
          Issue.record("\(event) ends what has not begun")
          continue
        }
        span.ended = event.time
        span.outcome = outcome
        spans.append(span)
      case .serves(_, _, let length, _, _):
        if length < .zero { Issue.record("\(event) lasts less than nothing") }
      case .holds(_, let waiting, let inService):
        if waiting < 0 || inService < 0 { Issue.record("\(event) holds less than nothing") }
      case .counts, .tells: break
      }
    }
    if open.contains(where: { !$0.value.isEmpty }) { Issue.record("spans are open at the end") }
    return spans
  }

  /// By replica: what waits, times nanoseconds, from `start` to `end`.
  fileprivate func waitingArea(from start: Int64, to end: Int64) -> [Double] {
    var area = [Double](repeating: 0, count: replicas.count)
    var waiting = [Int](repeating: 0, count: replicas.count)
    var since = [Int64](repeating: start, count: replicas.count)
    func advance(_ replica: Int, to now: Int64) {
      let until = min(max(now, start), end)
      area[replica] += Double(waiting[replica]) * Double(until - since[replica])
      since[replica] = until
    }
    for event in events {
      guard case .holds(let replica, let count, _) = event.kind else { continue }
      advance(replica, to: event.time.nanoseconds)
      waiting[replica] = count
    }
    for replica in replicas.indices { advance(replica, to: end) }
    return area
  }
}

/// Method: worlds whose course is known, and worlds at random, traced and simulated.
@Suite("traces")
struct ReplicationTraceTests {
  /// Goal: an M/M/1's spans are its summary: as many, as long; one worker serves one at a time; the queue's counter is
  /// the queue.
  @Test func oneQueue() throws {
    var scene = Scene(service("web", time: .exponential(mean: 5e6)))
    scene.client(.poisson(rate: 120))
    scene.run.duration = .seconds(20)
    let plain = try scene.result()
    let trace = try scene.replication.trace()
    #expect(trace.result.traceDigest == plain.traceDigest && trace.result.eventCount == plain.eventCount)
    #expect(trace.result.summary == plain.summary)
    #expect(trace.notes.isEmpty && Int64(trace.requests) == trace.wanted)
    let spans = trace.spans()
    let requests = spans.filter { $0.depth == 0 }
    let attempts = spans.filter { $0.depth == 1 }
    #expect(Int64(requests.count) == plain.summary.requests && requests.count > 2000)
    #expect(attempts.count == requests.count && spans.count == 2 * requests.count)
    let mean = requests.map(\.milliseconds).reduce(0, +) / Double(requests.count)
    #expect(abs(mean - (plain.summary.latencyMean ?? 0) / 1e6) < 1e-6)
    #expect(requests.map(\.milliseconds).max() == plain.summary.latencyMaximum.map { $0 / 1e6 })
    #expect(requests.allSatisfy { $0.outcome == "200" && $0.place == .client(0) })
    #expect(attempts.allSatisfy { $0.outcome == "200" && $0.place == .replica(0) && $0.name == "web-0" })
    #expect(Set(requests.map(\.name)).count == requests.count && requests.contains { $0.name == "users 0" })
    var busyUntil = Timestamp.zero
    var services = 0
    for event in trace.events {
      guard case .serves(_, _, let length, _, let isWanted) = event.kind else { continue }
      #expect(event.time >= busyUntil && isWanted)
      busyUntil = event.time + length
      services += 1
    }
    #expect(services == attempts.count)
    let area = trace.waitingArea(from: 0, to: scene.run.duration.nanoseconds)
    #expect(abs(area[0] / 20e9 - plain.service("web").queueMean) < 1e-9 && area[0] > 0)
  }

  /// Goal: of many requests the first ones are traced, queues then once a window, and both is said; the run is the same.
  @Test func limits() throws {
    var scene = Scene(service("web", replicas: 2, time: .exponential(mean: 5e6)))
    scene.client(.poisson(rate: 300))
    scene.run.duration = .seconds(4)
    let plain = try scene.result()
    let trace = try scene.replication.trace(TraceScope(requests: 50))
    let requests = trace.spans().filter { $0.depth == 0 }
    #expect(trace.requests == 50 && requests.count == 50 && trace.wanted == plain.summary.requests)
    #expect(trace.notes.count == 2 && trace.notes[0].hasPrefix("50 of \(trace.wanted) requests are traced"))
    #expect(trace.result.traceDigest == plain.traceDigest)
    let late = trace.events.filter { event in
      if case .holds = event.kind { return event.time > instant(1000) }
      return false
    }
    #expect(!late.isEmpty && late.allSatisfy { $0.time.nanoseconds % 1_000_000_000 == 0 })
    let from = try scene.replication.trace(TraceScope(from: instant(2000), requests: 50))
    #expect(from.spans().allSatisfy { $0.began >= instant(2000) })
    #expect(from.requests == 50 && from.result.traceDigest == plain.traceDigest)
    #expect(from.notes[0].hasSuffix("wanted from 2.0 s on"))
    let few = try scene.replication.trace(TraceScope(events: 100))
    #expect(few.requests > 10 && few.requests < 100 && few.result.traceDigest == plain.traceDigest)
    #expect(try scene.replication.trace(TraceScope(requests: 0)).requests == 0)
  }

  /// Goal: a retry stands behind its try on the request's track, with how each ended.
  @Test func retries() throws {
    var scene = Scene(service("web", replicas: 2))
    scene.mesh.routes[0].retry = RetryDescription(
      on: ["5xx"], backoff: RetryBackoffDescription(base: .zero, maximum: .zero))
    scene.fault(.errors([FaultTarget(service: 0, replicas: [0])], rate: 1, status: 503, time: nil), at: 0, for: 1000)
    scene.client(at: [0, 100, 200, 300])
    let trace = try scene.replication.trace()
    let spans = trace.spans()
    let retry = try #require(spans.first { $0.name == "retry 1: web-1" })
    let own = spans.filter { $0.track == retry.track }
    #expect(own.map(\.name).prefix(2) == ["web-0", "retry 1: web-1"] && own.count == 3)
    #expect(own.map(\.outcome) == ["503", "200", "200"] && own.map(\.milliseconds) == [10, 10, 20])
    #expect(own[2].depth == 0 && own[0].ended == own[1].began)
    let fault = try #require(spans.first { $0.track.category == .fault })
    #expect(fault.name == "fault 0" && fault.began == .zero && fault.ended == instant(1000))
  }

  /// Goal: a hedge stands beside the try that it overtakes, and the loser is given up.
  @Test func hedges() throws {
    var scene = Scene(service("web", replicas: 3))
    scene.mesh.routes[0].hedge = HedgeDescription(after: .delay(span(5)))
    scene.fault(.slow([FaultTarget(service: 0, replicas: [0])], factor: 10, affectsRunning: false), at: 0)
    // Each takes two turns, so that each of the three is first once.
    scene.client(at: [0, 300, 600])
    let spans = try scene.replication.trace().spans()
    let loser = try #require(spans.first { $0.name == "web-0" && $0.depth == 1 })
    let hedge = try #require(spans.first { $0.name.hasPrefix("hedge 1: ") && $0.track.number == loser.track.number })
    #expect(hedge.track != loser.track && hedge.depth == 0)
    #expect(hedge.outcome == "200" && loser.outcome == "given up" && hedge.ended == loser.ended)
  }

  /// Goal: what nobody waits for any more is shown as served in vain, and a full queue turns away.
  @Test func timeoutsAndRefusals() throws {
    var scene = Scene(service("web") { $0.queueLimit = 0 })
    scene.mesh.routes[0].timeout = span(4)
    scene.client(at: [0, 1])
    let trace = try scene.replication.trace()
    let spans = trace.spans()
    let first = spans.filter { $0.track.number == 0 }
    #expect(first.map(\.outcome) == ["given up", "504: it took too long"] && first.map(\.milliseconds) == [4, 4])
    #expect(spans.filter { $0.track.number == 1 }.map(\.outcome) == ["503", "503"])
    let served = trace.events.compactMap { event -> (TimeSpan, Bool)? in
      if case .serves(_, _, let length, _, let isWanted) = event.kind { return (length, isWanted) }
      return nil
    }
    #expect(served.count == 1 && served.first?.0 == span(10) && served.first?.1 == false)
  }

  /// Goal: calls that a replica makes belong to the request that they are made for, and end before their caller does.
  @Test func calls() throws {
    var scene = Scene(
      service("front", time: ms(1)) { $0.calls = [[CallDescription(target: "leaf", count: 3, isParallel: true)]] },
      service("leaf", replicas: 3, time: ms(4)))
    scene.client(at: [0, 50])
    let spans = try scene.replication.trace().spans()
    let calls = spans.filter { $0.name == "call of front-0" }
    #expect(calls.count == 6 && Set(calls.map(\.track)).count == 6)
    #expect(calls.filter { $0.track.number == 0 }.map(\.milliseconds) == [4, 4, 4])
    #expect(spans.filter { $0.name == "front-0" }.map(\.milliseconds) == [5, 5])
    #expect(spans.filter { $0.name.hasPrefix("leaf-") }.count == 6)
  }

  /// Goal: what detectors say is told when they say it.
  @Test func notices() throws {
    var scene = Scene(service("web", replicas: 2))
    scene.mesh.clusters[0].failureAccrual = .consecutive(
      ConsecutiveAccrualDescription(maxFailures: 1, minPenalty: .seconds(1)))
    scene.fault(.errors([FaultTarget(service: 0, replicas: [0])], rate: 1, status: 500, time: nil), at: 0, for: 500)
    scene.client(.constant(rate: 20))
    let trace = try scene.replication.trace()
    let rows = trace.events.compactMap { event -> EventRow? in
      if case .tells(let row) = event.kind { return row }
      return nil
    }
    #expect(rows == trace.result.events.filter { !$0.event.hasPrefix("fault") })
    #expect(rows.contains { $0.event == "ejected" } && rows.contains { $0.event == "returned" })
  }

  /// Goal: whatever strikes, the trace is well formed, misses no change of a queue and leaves the run as it is. Method:
  /// the queues' areas out of the counters are those that the world has kept.
  @Test("traces of random worlds are sound", arguments: 0..<6)
  func randomWorlds(batch: Int) throws {
    for number in 0..<10 {
      let seed = UInt64(batch * 1_000 + number)
      var maker = WorldMaker(random: RandomStream(state: seed))
      let scene = maker.scene()
      let plain = try scene.result()
      let trace = try scene.replication.trace()
      let isSame = trace.result.traceDigest == plain.traceDigest && trace.result.summary == plain.summary
      #expect(isSame, "world \(seed)")
      let spans = trace.spans()
      let roots = spans.filter { $0.track.category == .request && $0.track.part == 0 && $0.depth == 0 }
      #expect(roots.count == trace.requests && Int64(trace.requests) == trace.wanted, "world \(seed)")
      let faults = spans.filter { $0.track.category == .fault }
      #expect(faults.count == plain.events.count { $0.event == "faultBegan" }, "world \(seed)")
      if scene.run.requests != nil { continue }
      let (start, stop) = (scene.run.warmUp.nanoseconds, scene.run.duration.nanoseconds)
      let area = trace.waitingArea(from: start, to: stop)
      for service in plain.services {
        let own = zip(trace.replicas, area).filter { $0.0.hasPrefix(service.name + "-") }.map(\.1).reduce(0, +)
        let known = service.queueMean * Double(stop - start)
        #expect(abs(own - known) <= 1e-6 * max(1e6, known), "world \(seed), \(service.name)")
      }
    }
  }

  /// Goal: whoever asks for an end gets it.
  @Test func stopping() throws {
    var scene = Scene(service("web"))
    scene.client(.poisson(rate: 1000))
    scene.run.duration = .seconds(1000)
    #expect(throws: SimulationError.stopped) { try scene.replication.trace(isStopped: { true }) }
  }
}
