// One request of a client, and its tries: what has come of its body, and whose answer it gets.

import DataPlane
import MeshCore
import NIOCore
import NIOHTTP1

/// Who hands answers on to a client.
protocol ResponseSink: AnyObject {
  /// Begins the response with what there is of an attempt's answer.
  func respond(_ exchange: Exchange, from attempt: Attempt)
  /// Responds in an endpoint's place.
  func respondLocally(_ exchange: Exchange, status: Int, _ cause: ResponseCause)
  /// More of the winner's answer has come.
  func responseContinues(_ exchange: Exchange, _ part: HTTPClientResponsePart)
  /// All parts that were there have been handed on.
  func responsePauses(_ exchange: Exchange)
  /// The winner's answer will not be whole.
  func responseBroke(_ exchange: Exchange)
  /// Whether more of the answer would only pile up.
  var isFull: Bool { get }
  /// The request's body may be read on.
  func mayReadOn()
}

/// How fast an answer is handed on.
struct ResponsePace {
  /// KiB/s, above 0.
  var kibibytesPerSecond: Int64
}

/// A client's request. Confined to its event loop.
final class Exchange {
  /// As it goes to endpoints.
  var head: HTTPRequestHead
  /// What the client called for, for the log.
  let target: String
  /// The host that it names, and the key by which hashing balancers place it.
  let host: String
  let key: String?
  unowned let world: SocketWorld
  /// The client's connection, until the exchange is over.
  var sink: (any ResponseSink)?
  var token: UInt64 = 0
  var route: Int32 = -1
  var began = Timestamp.zero
  /// What the data plane calls it; none before it has, and when it has answered.
  var request = RequestHandle.none
  var attempts: [Attempt] = []
  /// Whose answer was told last, and whose is handed on.
  var lastAnswered: Attempt?
  var winner: Attempt?
  var cause = ResponseCause.endpoint
  var pace: ResponsePace?
  var isOver = false
  /// What has come of the body that another try would need.
  private(set) var body: [ByteBuffer] = []
  private(set) var bodySize = 0
  private(set) var trailers: HTTPHeaders?
  private(set) var isWhole = false
  /// Whether everything that has come is kept.
  private(set) var isReplayable = true
  private let limit: Int

  init(_ head: HTTPRequestHead, _ survey: HeadSurvey, target: String, world: SocketWorld, sink: any ResponseSink) {
    self.head = head
    host = survey.host
    key = survey.key
    self.target = target
    self.world = world
    self.sink = sink
    limit = world.description.retryBuffer
  }

  /// More of the body has come.
  func append(_ part: ByteBuffer) {
    bodySize += part.readableBytes
    if isReplayable {
      body.append(part)
      if bodySize > limit && attempts.contains(where: { $0.isSending }) { endRetries() }
    }
    for attempt in attempts where attempt.isSending { attempt.stream?.send(.body(.byteBuffer(part))) }
  }

  /// The request is whole.
  func end(_ trailers: HTTPHeaders?) {
    isWhole = true
    self.trailers = trailers
    for attempt in attempts where attempt.isSending { attempt.stream?.send(.end(trailers)) }
  }

  /// Parts that have come go out to those that read them.
  func flush() {
    for attempt in attempts where attempt.isSending { attempt.stream?.flush() }
  }

  /// Whether more of the body should wait: nobody takes it, and what is kept is at its limit; or somebody is slow to take it.
  var isClogged: Bool {
    if isOver { return false }
    if attempts.contains(where: { $0.isSending && $0.stream?.isWritable == false }) { return true }
    return bodySize > limit && isReplayable && !attempts.contains(where: { $0.isSending })
  }

  /// An attempt has a connection: everything so far goes out.
  func sendAll(to attempt: Attempt) {
    guard let stream = attempt.stream else { return }
    attempt.isSending = true
    stream.send(.head(attempt.kind == .mirror ? Forwarding.shadow(head) : head))
    for part in body { stream.send(.body(.byteBuffer(part))) }
    if isWhole { stream.send(.end(trailers)) }
    stream.flush()
    if isReplayable && bodySize > limit { endRetries() }
    sink?.mayReadOn()
  }

  private func endRetries() {
    isReplayable = false
    body = []
    world.retriesEnded(self)
  }
}

/// A connection's part in an attempt.
protocol UpstreamStream: AnyObject {
  func send(_ part: HTTPClientRequestPart)
  func flush()
  /// Whether what is sent would not pile up.
  var isWritable: Bool { get }
  /// Nobody reads the answer any more.
  func cancel()
  /// The answer may be read on.
  func readOn()
}

/// One try of a request at an endpoint. Confined to its event loop.
final class Attempt {
  let handle: AttemptHandle
  let kind: AttemptKind
  let cluster: Int32
  let endpoint: EndpointIdentity
  let exchange: Exchange
  unowned let world: SocketWorld
  var stream: (any UpstreamStream)?
  /// Whether the request goes out to it.
  var isSending = false
  /// What has come of the answer and is not handed on.
  var responseHead: HTTPResponseHead?
  private var held: [HTTPClientResponsePart] = []
  private var hasBegun = false
  private var hasEnded = false
  var isComplete = false
  /// Whether its answer is the client's.
  var isWinner = false
  /// Whether the data plane does not know it any more.
  var isForgotten = false
  var hasReported = false

  init(_ start: AttemptStart, _ exchange: Exchange, world: SocketWorld) {
    handle = start.attempt
    kind = start.kind
    cluster = start.cluster
    endpoint = start.endpoint
    self.exchange = exchange
    self.world = world
  }

  /// A part of the answer has come.
  func receive(_ part: HTTPClientResponsePart) {
    if case .head(let head) = part {
      // 1xx but 101: the answer itself follows.
      if head.status.code < 200 && head.status.code != 101 {
        if kind != .mirror && !hasBegun { exchange.sink?.responseContinues(exchange, part) }
        return
      }
      if RequestRules.hasControls(head.headers) {
        stream?.cancel()
        stream = nil
        world.failed(self, .reset)
        return
      }
      responseHead = head
      return
    }
    if case .end = part { hasEnded = true }
    if isWinner && held.isEmpty {
      exchange.sink?.responseContinues(exchange, part)
    } else if kind != .mirror {
      held.append(part)
    }
  }

  /// The connection has nothing more to say for the moment. What has come is judged.
  func pause() {
    guard let head = responseHead else { return }
    let status = Int(head.status.code)
    if hasEnded {
      world.answered(self, status: status)
    } else if !hasBegun {
      hasBegun = true
      if kind != .mirror { world.answerBegan(self, status: status) }
    }
    if isWinner { exchange.sink?.responsePauses(exchange) }
  }

  /// Takes out what has come of the answer's body.
  func takeHeld() -> [HTTPClientResponsePart] {
    defer { held = [] }
    return held
  }
}
