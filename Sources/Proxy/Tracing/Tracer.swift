// Traces of one event loop's requests: a span each as its clients see it, and one each try at an endpoint, whose name goes to the endpoint.
//
// Who comes with a caller's decision on sampling is traced as that says; the others by their trace's name, so that every proxy on the way
// decides alike (OpenTelemetry, ParentBased and TraceIdRatioBased). A request that is not sampled costs its headers, one that comes while
// tracing is not configured nothing.

import DataPlane
import Foundation
import MeshConfiguration
import MeshCore
import NIOCore
import NIOHTTP1

/// Makes spans. Confined to its event loop.
final class Tracer: @unchecked Sendable {
  /// Spans that are gathered before they are handed on.
  private static let batch = 128
  private let exporter: SpanExporter
  private let loop: any EventLoop
  private let threshold: UInt64
  private var names: RandomStream
  private var gathered: [Span] = []
  private var isFlushing = false

  init(_ exporter: SpanExporter, loop: any EventLoop) {
    self.exporter = exporter
    self.loop = loop
    let share = exporter.description.sampling
    threshold = share >= 1 ? .max : UInt64(share * 0x1p63)
    names = RandomKey(value: .random(in: .min ... .max)).stream(for: .dataPlane, 0)
  }

  /// Begins a request's span; to be called before it is routed.
  func begin(_ head: HTTPRequestHead) -> RequestTrace {
    let told = TraceHeaders(head.headers)
    let (high, low) = told.parent.map { ($0.high, $0.low) } ?? (name(), name())
    let isSampled = told.isSampled ?? (low >> 1 < threshold)
    let context = TraceContext(high: high, low: low, span: name(), isSampled: isSampled)
    return RequestTrace(self, told, context, version: head.version.major >= 2 ? "2" : "1.\(head.version.minor)")
  }

  /// A number that names something: not 0.
  func name() -> UInt64 {
    while true {
      let name = names.next()
      if name != 0 { return name }
    }
  }

  /// Takes a span that is over.
  func take(_ span: Span) {
    gathered.append(span)
    if gathered.count >= Self.batch {
      flush()
    } else if !isFlushing {
      isFlushing = true
      loop.scheduleTask(in: .milliseconds(250)) { [weak self] in
        self?.isFlushing = false
        self?.flush()
      }
    }
  }

  /// Hands on what has been gathered.
  func flush() {
    if gathered.isEmpty { return }
    exporter.offer(gathered)
    gathered.removeAll(keepingCapacity: true)
  }
}

/// A request's place in its trace. Confined to its event loop.
final class RequestTrace {
  private let tracer: Tracer
  private let told: TraceHeaders
  let context: TraceContext
  private let version: String
  /// The time of day when the request came.
  private let began: Int64
  private var tries = 0

  fileprivate init(_ tracer: Tracer, _ told: TraceHeaders, _ context: TraceContext, version: String) {
    self.tracer = tracer
    self.told = told
    self.context = context
    self.version = version
    began = context.isSampled ? Int64(Date().timeIntervalSince1970 * 1e9) : 0
  }

  /// An attempt of the request begins.
  func begin(_ attempt: Attempt, at now: Timestamp) {
    attempt.trace = AttemptTrace(span: tracer.name(), began: now, resends: attempt.kind == .mirror ? 0 : tries)
    if attempt.kind != .mirror { tries += 1 }
  }

  /// Names an attempt's span in the headers that its endpoint gets.
  func write(_ attempt: Attempt, to headers: inout HTTPHeaders) {
    guard let trace = attempt.trace else { return }
    var own = context
    own.span = trace.span
    told.write(own, parent: context.span, to: &headers)
  }

  /// An attempt is over; `error` says why where its answer does not.
  func end(_ attempt: Attempt, _ error: String?, at now: Timestamp) {
    guard context.isSampled, let trace = attempt.trace else { return }
    attempt.trace = nil
    let (exchange, world) = (attempt.exchange, attempt.world)
    let cluster = world.description.mesh.clusters[Int(attempt.cluster)]
    var own = context
    own.span = trace.span
    tracer.take(
      Span(
        context: own, parent: context.span, began: time(trace.began, exchange), ended: time(now, exchange),
        method: exchange.head.method.rawValue, target: exchange.target, host: exchange.host,
        scheme: cluster.usesTLS ? "https" : "http",
        status: attempt.responseHead.map { Int($0.status.code) } ?? 0, error: error,
        side: .client(
          endpoint: world.endpoints.address(of: attempt.endpoint),
          cluster: cluster.name, kind: attempt.kind,
          resends: trace.resends)))
  }

  /// The request is over; a `status` of 0 is a client that did not wait.
  func end(_ exchange: Exchange, status: Int, at now: Timestamp) {
    if !context.isSampled { return }
    let headers = exchange.head.headers
    let client = headers.first(name: "x-forwarded-for").flatMap { $0.split(separator: ",").last }
    tracer.take(
      Span(
        context: context, parent: told.parent?.span ?? 0, began: began, ended: time(now, exchange),
        method: exchange.head.method.rawValue, target: exchange.target, host: exchange.host,
        scheme: headers.first(name: "x-forwarded-proto") ?? "http", status: status,
        error: status == 0 ? "cancelled" : nil,
        side: .server(
          version: version, client: client.map { $0.trimmingCharacters(in: .whitespaces) },
          agent: headers.first(name: "user-agent"), route: exchange.route,
          cause: exchange.cause == .endpoint ? nil : "\(exchange.cause)")))
  }

  private func time(_ moment: Timestamp, _ exchange: Exchange) -> Int64 {
    began + (moment - exchange.began).nanoseconds
  }
}

/// An attempt's span that is not over.
struct AttemptTrace {
  var span: UInt64
  var began: Timestamp
  var resends: Int
}

extension TransportFailure {
  /// As `error.type` of a span.
  var errorType: String { "\(self)" }
}
