// A client's connection, or one stream of its HTTP/2 connection: makes exchanges of requests and hands answers on.
//
// Requests of one HTTP/1.1 connection come one after the other: the codec holds the next one back until the last is answered. Headers
// that concern one hop are taken out on both ways, and what a proxy adds is added (RFC 9110, 7.6; RFC 9112, 9.6).

import DataPlane
import MeshCore
import NIOCore
import NIOHTTP1

/// Serves requests of one client connection or stream. Confined to its event loop.
final class DownstreamHandler: ChannelDuplexHandler, ResponseSink {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private let worker: Worker
  /// Where it stands in its worker's list.
  var place = 0
  private let isMultiplexed: Bool
  private var context: ChannelHandlerContext?
  private var exchange: Exchange?
  /// The client's address.
  private var client: String?
  private var isRequestWhole = true
  private var keepsAlive = true
  private var isHead = false
  /// Parts of requests that came before the one under way was answered.
  private var pipelined = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
  private var hasInputEnded = false
  /// Whether the last response is out: whatever comes now is no request.
  private var isEnding = false
  /// What the client is told when it has its answers: the bytes behind them are no request.
  private var refusal: (status: Int, text: String)?
  private var isHTTP10 = false
  private var status = 0
  private var isReadHeld = false
  private var isDraining = false

  init(worker: Worker, isMultiplexed: Bool) {
    self.worker = worker
    self.isMultiplexed = isMultiplexed
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    client = (isMultiplexed ? context.channel.parent : context.channel)?.remoteAddress?.ipAddress
    worker.opened(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    worker.closed(self)
  }

  /// Whether nothing is under way.
  var isIdle: Bool { exchange == nil && isRequestWhole && pipelined.isEmpty }

  /// Ends the connection, after the request that is under way if there is one.
  func drain() {
    isDraining = true
    if isIdle { context?.close(promise: nil) }
  }

  // MARK: - Requests

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    take(unwrapInboundIn(data), context)
  }

  private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    if isEnding { return }
    if isRequestWhole && exchange != nil || !pipelined.isEmpty {
      // The next request, before this one is answered.
      pipelined.append(part)
      return
    }
    switch part {
    case .head(let head): begin(head, context)
    case .body(let part): exchange?.append(part)
    case .end(let trailers):
      isRequestWhole = true
      exchange?.end(trailers)
    }
  }

  /// Takes on what has come of the next requests.
  private func takePipelined() {
    while let context, exchange == nil || !isRequestWhole, !pipelined.isEmpty {
      let part = pipelined.removeFirst()
      // Not by way of the queue, which may hold more.
      switch part {
      case .head(let head): begin(head, context)
      case .body(let part): exchange?.append(part)
      case .end(let trailers):
        isRequestWhole = true
        exchange?.end(trailers)
      }
    }
    exchange?.flush()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed {
      // The client has said all; it still hears.
      hasInputEnded = true
      if exchange == nil { context.close(promise: nil) } else if !isRequestWhole { leaveAndClose(context) }
      return
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    exchange?.flush()
    context.fireChannelReadComplete()
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    isRequestWhole = false
    keepsAlive = head.isKeepAlive
    isHead = head.method == .HEAD
    isHTTP10 = head.isBeforeHTTP11
    let survey = HeadSurvey(head.headers)
    if let fault = RequestRules.fault(of: head, survey, isMultiplexed: isMultiplexed) {
      keepsAlive = false
      write(status: fault.status, text: fault.text, headers: HTTPHeaders())
      return
    }
    let target = head.uri
    let world = worker.world
    let exchange = Exchange(
      Forwarding.request(head, survey, from: client, id: worker.nextRequestID()), survey, target: target,
      world: world, sink: self)
    self.exchange = exchange
    world.begin(exchange)
  }

  func read(context: ChannelHandlerContext) {
    if exchange?.isClogged == true || !pipelined.isEmpty { isReadHeld = true } else { context.read() }
  }

  func mayReadOn() {
    if !isReadHeld || exchange?.isClogged == true || !pipelined.isEmpty { return }
    isReadHeld = false
    context?.read()
  }

  // MARK: - Answers

  var isFull: Bool { context?.channel.isWritable == false }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { exchange?.winner?.stream?.readOn() }
    context.fireChannelWritabilityChanged()
  }

  func respond(_ exchange: Exchange, from attempt: Attempt) {
    guard exchange === self.exchange, let head = attempt.responseHead else { return }
    status = Int(head.status.code)
    send(.head(responseHead(status: head.status, Forwarding.response(head.headers), hasBody: true)))
    for part in attempt.takeHeld() { responseContinues(exchange, part) }
  }

  private func responseHead(status: HTTPResponseStatus, _ headers: HTTPHeaders, hasBody: Bool) -> HTTPResponseHead {
    var headers = headers
    if !isMultiplexed {
      if !isRequestWhole || isDraining || (hasInputEnded && pipelined.isEmpty) { keepsAlive = false }
      if hasBody && isHTTP10 && !headers.contains(name: "content-length") { keepsAlive = false }
      if !keepsAlive { headers.replaceOrAdd(name: "connection", value: "close") }
    }
    return HTTPResponseHead(version: .http1_1, status: status, headers: headers)
  }

  func responseContinues(_ exchange: Exchange, _ part: HTTPClientResponsePart) {
    guard exchange === self.exchange else { return }
    switch part {
    case .head(let head):
      // An interim answer, such as 100 Continue.
      if !isHTTP10 { context?.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil) }
    case .body(let buffer): send(.body(.byteBuffer(buffer)))
    case .end(let trailers):
      end(trailers)
    }
  }

  func responsePauses(_ exchange: Exchange) { if exchange === self.exchange { context?.flush() } }

  func responseBroke(_ exchange: Exchange) {
    guard exchange === self.exchange else { return }
    // The client must see that it is not whole.
    finishExchange()
    context?.close(promise: nil)
  }

  func respondLocally(_ exchange: Exchange, status: Int, _ cause: ResponseCause) {
    guard exchange === self.exchange else { return }
    var headers = HTTPHeaders()
    if exchange.head.headers.first(name: "content-type")?.hasPrefix("application/grpc") == true {
      write(grpc: status, cause.text)
      return
    }
    if cause == .breakerOverflow { headers.add(name: "x-envoy-overloaded", value: "true") }
    write(status: status, text: cause.text, headers: headers)
  }

  private func write(status code: Int, text: String, headers: HTTPHeaders) {
    status = code
    var headers = headers
    let body = ByteBuffer(string: text + "\n")
    headers.add(name: "content-type", value: "text/plain")
    headers.add(name: "content-length", value: String(body.readableBytes))
    send(.head(responseHead(status: HTTPResponseStatus(statusCode: code), headers, hasBody: true)))
    if !isHead { send(.body(.byteBuffer(body))) }
    end(nil)
  }

  /// An answer without a body whose status is in its head (gRPC's trailers-only form).
  private func write(grpc status: Int, _ text: String) {
    self.status = status
    let headers: HTTPHeaders = [
      "content-type": "application/grpc", "grpc-status": String(GRPCStatus.code(ofHTTP: status)), "grpc-message": text,
    ]
    send(.head(responseHead(status: .ok, headers, hasBody: false)))
    end(nil)
  }

  private func send(_ part: HTTPServerResponsePart) { context?.write(wrapOutboundOut(part), promise: nil) }

  /// Ends the response. What is known of it is put away first: the next request may come, and its client go, while the end is written.
  private func end(_ trailers: HTTPHeaders?) {
    finishExchange()
    let (isLast, isEarly) = (!keepsAlive || isDraining, !isRequestWhole)
    send(.end(trailers))
    context?.flush()
    if isMultiplexed { return }
    isEnding = isLast
    if !isLast {
      takePipelined()
      if exchange == nil, let refusal {
        self.refusal = nil
        refuse(refusal)
        return
      }
      mayReadOn()
      worker.finished(self)
    } else if isEarly {
      linger()
    } else {
      context?.close(promise: nil)
    }
  }

  private func finishExchange() {
    guard let exchange else { return }
    self.exchange = nil
    exchange.world.finish(exchange, status: status)
  }

  /// Ends a connection whose client still sends: a close would reset it, and the client might never see the response.
  private func linger() {
    guard let context else { return }
    let channel = context.channel
    channel.close(mode: .output, promise: nil)
    isReadHeld = false
    context.read()
    context.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
  }

  // MARK: - Ends

  func channelInactive(context: ChannelHandlerContext) {
    leave()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if !isMultiplexed, let answer = RequestRules.answer(to: error) {
      if exchange == nil {
        refuse(answer)
        return
      }
      // What stands behind a request that is whole takes nothing away from it.
      if isRequestWhole {
        refusal = answer
        return
      }
    }
    leaveAndClose(context)
  }

  private func refuse(_ answer: (status: Int, text: String)) {
    keepsAlive = false
    isRequestWhole = true
    write(status: answer.status, text: answer.text, headers: HTTPHeaders())
  }

  private func leaveAndClose(_ context: ChannelHandlerContext) {
    leave()
    context.close(promise: nil)
  }

  private func leave() {
    guard let exchange else { return }
    self.exchange = nil
    exchange.world.abandon(exchange)
  }
}

extension ResponseCause {
  /// What people are told where an endpoint's own answer would stand.
  var text: String {
    switch self {
    case .endpoint: "no answer"
    case .transport: "upstream connect error or disconnect/reset before headers"
    case .routeTimeout: "upstream request timeout"
    case .noRoute: "no route takes this request"
    case .noEndpoint: "no healthy upstream"
    case .noBackend: "no such backend"
    case .faultAborted: "fault filter abort"
    case .rateLimited: "local_rate_limited"
    case .admissionRejected: "denied by admission control"
    case .throttled: "throttled by the client"
    case .concurrencyLimited: "reached concurrency limit"
    case .breakerOverflow: "upstream connect error or disconnect/reset before headers. reset reason: overflow"
    }
  }
}

/// gRPC's statuses for HTTP's (grpc, doc/http-grpc-status-mapping.md).
enum GRPCStatus {
  /// The code for an HTTP status that is not an answer of gRPC.
  static func code(ofHTTP status: Int) -> Int {
    switch status {
    case 400: 13
    case 401: 16
    case 403: 7
    case 404: 12
    case 429, 502, 503, 504: 14
    default: 2
    }
  }
}
