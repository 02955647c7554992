// Sends spans to an OTLP/HTTP receiver, in batches, from a task of its own. Event loops hand spans over and never wait: what the queue has no
// room for is dropped and counted, as is a batch that the receiver does not take in a few tries (OTLP/HTTP, "Failures").

import AsyncHTTPClient
import Foundation
import Logging
import MeshConfiguration
import NIOConcurrencyHelpers
import NIOCore

/// A queue of spans and what sends them. Safe to use from anywhere.
final class SpanExporter: Sendable {
  /// What has become of spans.
  struct Counts: Sendable {
    var exported: UInt64 = 0
    /// No room in the queue.
    var dropped: UInt64 = 0
    /// Not taken by the receiver.
    var failed: UInt64 = 0
  }

  private struct State {
    var queue: [Span] = []
    var counts = Counts()
    var task: Task<Void, Never>?
    var isEnding = false
    var isFailing = false
  }

  /// Spans of one request to the receiver.
  private static let batch = 512
  let description: TracingDescription
  private let logger: Logger
  private let backoff: Backoff
  private let state = NIOLockedValueBox(State())

  init(
    _ description: TracingDescription, logger: Logger,
    backoff: Backoff = Backoff(first: .milliseconds(500), most: .seconds(5))
  ) {
    self.description = description
    self.logger = logger
    self.backoff = backoff
  }

  /// Begins to send.
  func begin() {
    let task = Task { await run() }
    state.withLockedValue { $0.task = task }
  }

  /// Takes spans that are over.
  func offer(_ spans: [Span]) {
    state.withLockedValue { state in
      let room = max(0, description.queue - state.queue.count)
      state.queue.append(contentsOf: spans.prefix(room))
      state.counts.dropped += UInt64(max(0, spans.count - room))
    }
  }

  var counts: Counts { state.withLockedValue { $0.counts } }

  /// Sends what is there, for two seconds at most, and ends.
  func end() async {
    let task = state.withLockedValue { state in
      state.isEnding = true
      return state.task
    }
    guard let task else { return }
    let limit = Task {
      try? await Task.sleep(for: .seconds(2))
      task.cancel()
    }
    await task.value
    limit.cancel()
  }

  private func run() async {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.timeout = .init(connect: .seconds(5), read: .seconds(10))
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    while true {
      let (spans, isEnding) = state.withLockedValue { state in
        let spans = Array(state.queue.prefix(Self.batch))
        state.queue.removeFirst(spans.count)
        return (spans, state.isEnding)
      }
      if !spans.isEmpty {
        let isSent = await send(spans, client)
        state.withLockedValue { state in
          if isSent { state.counts.exported += UInt64(spans.count) } else { state.counts.failed += UInt64(spans.count) }
        }
        continue
      }
      if isEnding || Task.isCancelled { break }
      try? await Task.sleep(for: .milliseconds(100))
    }
    try? await client.shutdown()
  }

  /// Whether the receiver has taken them; what may go better later is tried again, a few times.
  private func send(_ spans: [Span], _ client: HTTPClient) async -> Bool {
    let body = OTLPText.text(spans, service: description.service)
    var backoff = backoff
    for attempt in 0..<5 {
      if attempt > 0 {
        if Task.isCancelled { return false }
        try? await Task.sleep(for: backoff.wait())
      }
      var request = HTTPClientRequest(url: description.endpoint)
      request.method = .POST
      request.headers.add(name: "content-type", value: "application/json")
      request.headers.add(name: "user-agent", value: "weir-proxy")
      request.body = .bytes(ByteBuffer(string: body))
      do {
        let response = try await client.execute(request, timeout: .seconds(10))
        _ = try? await response.body.collect(upTo: 1 << 20)
        if (200..<300).contains(response.status.code) {
          tell(nil)
          return true
        }
        tell("the receiver answers \(response.status.code)")
        if ![429, 502, 503, 504].contains(response.status.code) { return false }
      } catch {
        tell("\(error)")
      }
    }
    return false
  }

  /// Says once that spans are not taken, and once that they are again.
  private func tell(_ fault: String?) {
    let isNew = state.withLockedValue { state in
      defer { state.isFailing = fault != nil }
      return state.isFailing != (fault != nil)
    }
    if !isNew { return }
    if let fault {
      logger.warning("spans are not taken", metadata: ["otlp": "\(description.endpoint)", "error": "\(fault)"])
    } else {
      logger.info("spans are taken again", metadata: ["otlp": "\(description.endpoint)"])
    }
  }
}
