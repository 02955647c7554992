// Traces: what a proxy reads of them, says of them to endpoints, and sends of them to a receiver.

import Foundation
import Logging
import MeshConfiguration
import NIOConcurrencyHelpers
import NIOHTTP1
import NIOPosix
import Testing

@testable import Proxy

/// A receiver of OTLP/HTTP in JSON.
final class TestReceiver: Sendable {
  let server: TestServer
  private let statuses: NIOLockedValueBox<[Int]>

  /// A receiver that answers the first requests so.
  init(_ first: [Int] = []) async throws {
    let statuses = NIOLockedValueBox(first)
    self.statuses = statuses
    server = try await TestServer { _ in
      TestAnswer(status: statuses.withLockedValue { $0.isEmpty ? 200 : $0.removeFirst() }, body: "{}")
    }
  }

  /// All spans that have been accepted so far, as JSON.
  var spans: [[String: Any]] {
    server.seen.flatMap { seen -> [[String: Any]] in
      let root = try? JSONSerialization.jsonObject(with: Data(seen.body.utf8)) as? [String: Any]
      let resources = root?["resourceSpans"] as? [[String: Any]] ?? []
      return resources.flatMap { $0["scopeSpans"] as? [[String: Any]] ?? [] }
        .flatMap { $0["spans"] as? [[String: Any]] ?? [] }
    }
  }

  /// Waits for so many.
  func spans(_ count: Int) async -> [[String: Any]] {
    for _ in 0..<1000 where spans.count < count { try? await Task.sleep(nanoseconds: 5_000_000) }
    return spans
  }

  static func attributes(_ span: [String: Any]) -> [String: String] {
    var result: [String: String] = [:]
    for pair in span["attributes"] as? [[String: Any]] ?? [] {
      let value = pair["value"] as? [String: Any]
      result[pair["key"] as? String ?? ""] = (value?["stringValue"] ?? value?["intValue"]) as? String
    }
    return result
  }
}

@Suite("traces", .serialized)
struct TracerTests {
  private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  private static let caller = "00f067aa0ba902b7"

  private func told(_ headers: HTTPHeaders) -> TraceHeaders { TraceHeaders(headers) }

  /// Goal: a traceparent is read as the recommendation has it; what is none of it, or is there twice, starts a new trace, and takes the state with it.
  @Test func traceparents() {
    let good = "00-\(Self.trace)-\(Self.caller)-01"
    let parent = TraceHeaders.traceparent(good)
    #expect(parent?.traceparent == good && parent?.isSampled == true)
    #expect(TraceHeaders.traceparent("00-\(Self.trace)-\(Self.caller)-02")?.isSampled == false)
    #expect(TraceHeaders.traceparent("cc-\(Self.trace)-\(Self.caller)-01-what-comes") != nil)
    let zeros = String(repeating: "0", count: 32)
    let bad = [
      "", "00", "ff-\(Self.trace)-\(Self.caller)-01", "00-\(zeros)-\(Self.caller)-01",
      "00-\(Self.trace)-\(zeros.prefix(16))-01", "00-\(Self.trace.uppercased())-\(Self.caller)-01", good + "-x",
      "00_\(Self.trace)-\(Self.caller)-01", "cc-\(Self.trace)-\(Self.caller)-01x", "00-\(Self.trace)-\(Self.caller)-0g",
    ]
    for text in bad { #expect(TraceHeaders.traceparent(text) == nil, "\(text)") }
    #expect(told(["traceparent": good]).hasState && told(["TraceParent": good]).parent == parent)
    var twice: HTTPHeaders = ["traceparent": good]
    twice.add(name: "traceparent", value: good)
    #expect(told(twice).parent == nil && !told(twice).hasState)
  }

  /// Goal: B3 is read in one header and in several, with 64-bit names, decisions without a name, and none; W3C's form counts before it.
  @Test func b3() {
    let single = told(["b3": "\(Self.trace)-\(Self.caller)-1-05e3ac9a4f6e3b90"])
    #expect(single.parent?.traceparent == "00-\(Self.trace)-\(Self.caller)-01" && single.b3 == .single)
    #expect(told(["b3": "0"]).isSampled == false && told(["b3": "0"]).parent == nil)
    #expect(told(["b3": "d"]).isSampled == true)
    #expect(told(["b3": "\(Self.caller)-\(Self.caller)"]).isSampled == nil)
    #expect(told(["b3": "\(Self.caller)-\(Self.caller)"]).parent?.high == 0)
    #expect(told(["b3": "junk"]).parent == nil && told(["b3": "a-b-c"]).parent == nil)
    let several: HTTPHeaders = ["X-B3-TraceId": Self.trace, "X-B3-SpanId": Self.caller, "X-B3-Sampled": "0"]
    #expect(told(several).parent?.traceparent == "00-\(Self.trace)-\(Self.caller)-00" && told(several).b3 == .multiple)
    #expect(told(["x-b3-flags": "1"]).isSampled == true)
    var both = several
    both.add(name: "traceparent", value: "00-\(Self.trace)-\(Self.caller)-01")
    #expect(told(both).isSampled == true && told(both).b3 == .multiple)
  }

  /// Goal: a request that is tried twice makes three spans of its caller's trace: its own, and one each try, whose name the endpoint got. The
  /// attributes are those of the conventions.
  @Test func spansOfARequest() async throws {
    let receiver = try await TestReceiver()
    let bad = try await TestServer { _ in TestAnswer(status: 503) }
    let good = try await TestServer()
    let proxy = try await RunningProxy(
      RunningProxy.mesh(
        [bad.address, good.address], route: "retry: {on: [5xx], attempts: 1, backoff: {base: 1ms, max: 1ms}}"),
      proxy: "    tracing: {otlp: \"http://\(receiver.server.address)\", service: edge}")
    let told = "traceparent: 00-\(Self.trace)-\(Self.caller)-01\ntracestate: a=b\nUser-Agent: test \"1\"\n"
    #expect(try await proxy.get("/a?b=c", headers: told).status == 200)
    let spans = await receiver.spans(3)
    #expect(spans.count == 3 && spans.allSatisfy { $0["traceId"] as? String == Self.trace })
    let server = try #require(spans.first { $0["kind"] as? Int == 2 })
    #expect(server["parentSpanId"] as? String == Self.caller && server["name"] as? String == "GET")
    let attributes = TestReceiver.attributes(server)
    let expected = [
      "http.request.method": "GET", "url.path": "/a", "url.query": "b=c", "url.scheme": "http",
      "server.address": "web.test", "http.response.status_code": "200", "network.protocol.version": "1.1",
      "client.address": "127.0.0.1", "user_agent.original": "test \"1\"", "weir.route": "0",
    ]
    #expect(attributes == expected)
    let tries = spans.filter { $0["kind"] as? Int == 3 }
      .sorted { ($0["startTimeUnixNano"] as? String ?? "") < ($1["startTimeUnixNano"] as? String ?? "") }
    #expect(tries.allSatisfy { $0["parentSpanId"] as? String == server["spanId"] as? String })
    let first = TestReceiver.attributes(tries[0])
    #expect(
      first["http.response.status_code"] == "503" && first["error.type"] == "503" && first["weir.attempt"] == "first")
    #expect(first["http.request.resend_count"] == nil && first["server.port"] == String(bad.port))
    #expect((tries[0]["status"] as? [String: Any])?["code"] as? Int == 2)
    let second = TestReceiver.attributes(tries[1])
    #expect(
      second["http.request.resend_count"] == "1" && second["weir.attempt"] == "retry" && second["error.type"] == nil)
    #expect(second["url.full"] == "http://\(good.address)/a?b=c" && second["weir.cluster"] == "web")
    // What each endpoint was told names the try that it got.
    let heads = [bad, good].compactMap { $0.seen.first?.head.headers }
    #expect(heads.map { $0["traceparent"] } == tries.map { ["00-\(Self.trace)-\($0["spanId"] as? String ?? "")-01"] })
    #expect(heads.allSatisfy { $0["tracestate"] == ["a=b"] })
    let name = receiver.server.seen.first?.body.contains(
      "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"edge\"}}")
    #expect(name == true && receiver.server.seen.first?.head.uri == "/v1/traces")
    await proxy.stop()
    for server in [bad, good, receiver.server] { await server.stop() }
  }

  /// Goal: a caller's decision counts, whatever the share; who is not traced still hands the trace on. B3 goes on in the form in which it came.
  @Test func decisions() async throws {
    let receiver = try await TestReceiver()
    let backend = try await TestServer()
    let proxy = try await RunningProxy(
      RunningProxy.mesh([backend.address]),
      proxy: "    tracing: {otlp: \"http://\(receiver.server.address)\", sampling: 0%}")
    _ = try await proxy.get("/none", headers: "tracestate: x=y\n")
    _ = try await proxy.get("/not", headers: "traceparent: 00-\(Self.trace)-\(Self.caller)-00\n")
    _ = try await proxy.get("/b3", headers: "b3: \(Self.trace)-\(Self.caller)-1\n")
    _ = try await proxy.get(
      "/several", headers: "X-B3-TraceId: \(Self.trace)\nX-B3-SpanId: \(Self.caller)\nX-B3-Sampled: 1\n")
    let spans = await receiver.spans(4)
    let paths = spans.compactMap { TestReceiver.attributes($0)["url.path"] }
    #expect(Set(paths) == ["/b3", "/several"] && spans.count == 4)
    let seen = backend.seen.map(\.head.headers)
    #expect(seen[0].first(name: "traceparent")?.hasSuffix("-00") == true && seen[0]["tracestate"].isEmpty)
    #expect(seen[1].first(name: "traceparent")?.hasPrefix("00-\(Self.trace)-") == true)
    #expect(seen[1].first(name: "traceparent")?.hasSuffix("-00") == true && seen[1]["b3"].isEmpty)
    let parts = (seen[2].first(name: "b3") ?? "").split(separator: "-").map(String.init)
    #expect(parts.count == 4 && parts[0] == Self.trace && parts[1] != Self.caller && parts[2] == "1")
    #expect(seen[3]["x-b3-traceid"] == [Self.trace] && seen[3]["x-b3-sampled"] == ["1"] && seen[3]["b3"].isEmpty)
    #expect(seen[3]["x-b3-spanid"].first.map { seen[3].first(name: "traceparent")?.contains($0) } == true)
    await proxy.stop()
    await backend.stop()
    await receiver.server.stop()
  }

  /// Goal: without tracing, what headers say of traces goes through as it came, and nothing is added.
  @Test func passesThrough() async throws {
    let backend = try await TestServer()
    let proxy = try await RunningProxy(RunningProxy.mesh([backend.address]))
    _ = try await proxy.get("/", headers: "traceparent: 00-\(Self.trace)-\(Self.caller)-01\nb3: 0\n")
    _ = try await proxy.get()
    let seen = backend.seen.map(\.head.headers)
    #expect(seen[0]["traceparent"] == ["00-\(Self.trace)-\(Self.caller)-01"] && seen[0]["b3"] == ["0"])
    #expect(seen[1]["traceparent"].isEmpty)
    await proxy.stop()
    await backend.stop()
  }

  /// Goal: a share of requests is traced, about as large as configured.
  @Test func share() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let exporter = SpanExporter(
      TracingDescription(endpoint: "http://127.0.0.1:1", sampling: 0.1), logger: Logger(label: "test"))
    let count = try await loop.submit {
      let tracer = Tracer(exporter, loop: loop)
      let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
      return (0..<20_000).filter { _ in tracer.begin(head).context.isSampled }.count
    }.get()
    // Five standard deviations of a binomial.
    #expect(abs(count - 2000) < 212)
  }

  /// Goal: a receiver that is busy gets a batch again, one that refuses it does not; what the queue has no room for is counted.
  @Test func failures() async throws {
    let receiver = try await TestReceiver([503, 429, 200, 400])
    let context = TraceContext(high: 1, low: 2, span: 3, isSampled: true)
    let span = Span(
      context: context, parent: 0, began: 1, ended: 2, method: "GET", target: "/", host: "", scheme: "http",
      status: 200,
      error: nil, side: .server(version: "1.1", client: nil, agent: nil, route: -1, cause: nil))
    let exporter = SpanExporter(
      TracingDescription(endpoint: "http://\(receiver.server.address)/v1/traces", queue: 10),
      logger: Logger(label: "test"), backoff: Backoff(first: .milliseconds(5), most: .milliseconds(5)))
    exporter.offer([Span](repeating: span, count: 14))
    #expect(exporter.counts.dropped == 4)
    exporter.begin()
    await receiver.server.sees(3)
    for _ in 0..<500 where exporter.counts.exported == 0 { try await Task.sleep(nanoseconds: 5_000_000) }
    exporter.offer([span, span])
    for _ in 0..<500 where exporter.counts.failed == 0 { try await Task.sleep(nanoseconds: 5_000_000) }
    #expect(exporter.counts.exported == 10 && exporter.counts.failed == 2 && receiver.server.seen.count == 4)
    exporter.offer([span])
    await exporter.end()
    #expect(exporter.counts.exported == 11)
    await receiver.server.stop()
  }
}
