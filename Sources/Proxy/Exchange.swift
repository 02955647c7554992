// One request of a client, and its tries: what has come of its body, and whose answer it gets.

import DataPlane
import MeshCore
import NIOCore
import NIOHTTP1
import TrafficSplitting

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

/// A client's request. Confined to its event loop.
final class Exchange {
  /// As it goes to endpoints.
  let head: HTTPRequestHead
  /// What the client called for, for the log.
  let target: String
  /// The host that it names, and the key by which hashing balancers place it.
  let host: String
  let key: String?
  /// Whether it is a call of gRPC.
  let isCall: Bool
  /// Whose it is; nil where that does not matter.
  let client: ClientConnection?
  /// The endpoint that its session's cookie names, and the cookies that its answer sets whoever gives it.
  var named: String?
  var cookies: [SetCookie] = []
  /// Who has had its last try.
  var lastServer: EndpointIdentity?
  unowned let world: SocketWorld
  /// The client's connection, until the exchange is over.
  var sink: (any ResponseSink)?
  var token: UInt64 = 0
  var route: Int32 = -1
  /// The route of a connection that is no request.
  var givenRoute: Int32?
  /// Whether it goes over a connection of its own as bytes; whether it may leave HTTP behind.
  var wantsTunnel = false
  var wantsUpgrade = false
  /// The policy that denies it, or would.
  var policy: String?
  /// Whether a policy denies it.
  var isDenied = false
  var began = Timestamp.zero
  /// What the data plane calls it; none before it has, and when it has answered.
  var request = RequestHandle.none
  var attempts: [Attempt] = []
  /// How many tries there have been, mirrors left out.
  var tries = 0
  /// Whose answer was told last, and whose is handed on.
  var lastAnswered: Attempt?
  var winner: Attempt?
  var cause = ResponseCause.endpoint
  /// How fast the answer is handed on, KiB/s; 0 for as fast as it can be.
  var rate: Int64 = 0
  var isOver = false
  /// When something has happened to it last, where its route limits how long nothing may.
  var touched = Timestamp.zero
  var hasIdleLimit = false
  var idleAlarm: Scheduled<Void>?
  /// Its place in its trace; nil while nothing is traced.
  var trace: RequestTrace?
  /// What has come of the body that another try would need.
  private(set) var body: [ByteBuffer] = []
  private(set) var bodySize = 0
  private(set) var trailers: HTTPHeaders?
  private(set) var isWhole = false
  /// Whether everything that has come is kept.
  private(set) var isReplayable = true
  private let limit: Int

  init(
    _ head: HTTPRequestHead, _ survey: HeadSurvey, from client: ClientConnection?, target: String, world: SocketWorld,
    sink: any ResponseSink
  ) {
    self.client = client
    self.head = head
    host = survey.host
    key = survey.key
    isCall = survey.isCall
    self.target = target
    self.world = world
    self.sink = sink
    limit = world.description.retryBuffer
  }

  /// More of the body has come.
  func append(_ part: ByteBuffer) {
    touch()
    bodySize += part.readableBytes
    if isReplayable {
      body.append(part)
      if bodySize > limit && areAllSending { endRetries() }
    }
    var late: [Attempt] = []
    for attempt in attempts where attempt.isSending {
      // A copy is not waited for.
      if attempt.kind == .mirror && attempt.stream?.isWritable == false { late.append(attempt) }
      attempt.stream?.send(.body(.byteBuffer(part)))
    }
    for attempt in late { world.dropCopy(attempt) }
  }

  /// Something happens to it.
  func touch() { if hasIdleLimit { touched = world.now } }

  /// The request is whole.
  func end(_ trailers: HTTPHeaders?) {
    touch()
    isWhole = true
    let trailers = Forwarding.trailers(trailers)
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
    if attempts.contains(where: { $0.isSending && $0.kind != .mirror && $0.stream?.isWritable == false }) {
      return true
    }
    return bodySize > limit && isReplayable && !areAllSending
  }

  /// Whether nobody waits for a connection who will need the body from its beginning.
  private var areAllSending: Bool {
    var isAny = false
    for attempt in attempts where attempt.kind != .mirror {
      if !attempt.isSending { return false }
      isAny = true
    }
    return isAny
  }

  /// An attempt has a connection: everything so far goes out.
  func sendAll(to attempt: Attempt) {
    guard let stream = attempt.stream else { return }
    if !isReplayable {
      // A copy, whose beginning is gone.
      world.dropCopy(attempt)
      return
    }
    attempt.isSending = true
    var sent = Forwarding.head(of: attempt)
    trace?.write(attempt, to: &sent.headers)
    stream.send(.head(sent))
    for part in body { stream.send(.body(.byteBuffer(part))) }
    if isWhole { stream.send(.end(trailers)) }
    stream.flush()
    if bodySize > limit && areAllSending { endRetries() }
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
  /// Leaves the connection to somebody else, for good; nil where it cannot be had.
  func handOver() -> (any Channel)?
}

extension UpstreamStream {
  func handOver() -> (any Channel)? { nil }
}

/// One try of a request at an endpoint. Confined to its event loop.
final class Attempt {
  let handle: AttemptHandle
  let kind: AttemptKind
  /// Its number among those of its kind, and among all tries, from 1; a mirror is none of these.
  let number: Int32
  let place: Int
  let cluster: Int32
  let endpoint: EndpointIdentity
  let exchange: Exchange
  unowned let world: SocketWorld
  var stream: (any UpstreamStream)?
  /// The connection of its own that it has, where it is no request.
  var tunnel: (any Channel)?
  /// Whether the request goes out to it.
  var isSending = false
  /// What has come of the answer and is not handed on.
  var responseHead: HTTPResponseHead?
  private var held: [HTTPClientResponsePart] = []
  private var hasBegun = false
  private var hasEnded = false
  /// Whether its answer is the client's.
  var isWinner = false
  /// Whether the data plane does not know it any more.
  var isForgotten = false
  var hasReported = false
  /// Its span, while it is under way and its request is traced.
  var trace: AttemptTrace?

  init(_ start: AttemptStart, _ exchange: Exchange, world: SocketWorld) {
    handle = start.attempt
    kind = start.kind
    number = start.number
    if start.kind != .mirror { exchange.tries += 1 }
    place = max(1, exchange.tries)
    cluster = start.cluster
    endpoint = start.endpoint
    self.exchange = exchange
    self.world = world
  }

  /// A part of the answer has come.
  func receive(_ part: HTTPClientResponsePart) {
    if kind != .mirror { exchange.touch() }
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
