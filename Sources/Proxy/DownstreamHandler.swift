// A client's connection, or one stream of its HTTP/2 connection: makes exchanges of requests and hands answers on.
//
// Requests of one HTTP/1.1 connection come one after the other: the codec holds the next one back until the last is answered. Headers
// that concern one hop are taken out on both ways, and what a proxy adds is added (RFC 9110, 7.6; RFC 9112, 9.6).

import DataPlane
import MeshCore
import NIOCore
import NIOHTTP1
import NIOHTTP2

/// Serves requests of one client connection or stream. Confined to its event loop.
final class DownstreamHandler: ChannelDuplexHandler, RemovableChannelHandler, ResponseSink, Drainable {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private let worker: Worker
  /// Where it stands in its worker's list.
  var place = 0
  private let client: ClientConnection
  private let isMultiplexed: Bool
  private var context: ChannelHandlerContext?
  private var exchange: Exchange?
  private var isRequestWhole = true
  /// Whether the request's head tells how its body ends; without that it has none.
  private var isFramed = false
  private var keepsAlive = true
  private var isHead = false
  /// Parts of requests that came before the one under way was answered.
  private var pipelined = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
  private var isTakingPipelined = false
  private var hasInputEnded = false
  /// Whether the last response is out: whatever comes now is no request.
  private var isEnding = false
  /// What the client is told when it has its answers: the bytes behind them are no request.
  private var refusal: (status: Int, text: String)?
  private var isHTTP10 = false
  private var status = 0
  private var isReadHeld = false
  private var isDraining = false
  private var tunnel: TunnelHandler?
  private var pace: ResponsePace?
  /// What an answer of gRPC that is nothing but a status has said in its head.
  private var onlyTrailers: HTTPHeaders?

  init(worker: Worker, client: ClientConnection, isMultiplexed: Bool) {
    self.worker = worker
    self.client = client
    self.isMultiplexed = isMultiplexed
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if !isMultiplexed { worker.opened(self) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    if !isMultiplexed && tunnel == nil { worker.closed(self) }
  }

  /// Whether nothing is under way.
  var isIdle: Bool { exchange == nil && isRequestWhole && pipelined.isEmpty }

  /// Ends the connection, after the request that is under way if there is one.
  func drain() {
    isDraining = true
    if isIdle, let context { Closing.whenWritten(context) }
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
    } else {
      handle(part, context)
    }
  }

  private func handle(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch part {
    case .head(let head): begin(head, context)
    case .body(let part):
      if isFramed { exchange?.append(part) } else { refuseBody(context) }
    case .end(let trailers):
      isRequestWhole = true
      exchange?.end(trailers)
    }
  }

  /// HTTP/2 carries a body without saying so in its head; what goes on has no frame for it, and a server would take it for the next request.
  private func refuseBody(_ context: ChannelHandlerContext) {
    if isEnding { return }
    leave()
    keepsAlive = false
    write(status: 400, text: "a body of a method that has none, without a length", headers: HTTPHeaders())
    isEnding = true
  }

  /// Takes on what has come of the next requests.
  private func takePipelined() {
    // Refused requests end within: one after the other, not one inside the other.
    if isTakingPipelined { return }
    isTakingPipelined = true
    defer { isTakingPipelined = false }
    while !isEnding, let context, exchange == nil || !isRequestWhole, !pipelined.isEmpty {
      handle(pipelined.removeFirst(), context)
    }
    exchange?.flush()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed {
      // The client has said all; it still hears.
      hasInputEnded = true
      if exchange == nil { Closing.whenWritten(context) } else if !isRequestWhole { leaveAndClose(context) }
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
    var head = head
    if head.method != .CONNECT, let (host, target) = RequestPath.absolute(head.uri) {
      // What stands there counts, whatever the field says (RFC 9112, 3.2.2).
      head.uri = target
      head.headers.replaceOrAdd(name: "host", value: host)
    }
    let survey = HeadSurvey(head.headers)
    isFramed = !survey.lengths.isEmpty || !survey.codings.isEmpty
    if let fault = RequestRules.fault(of: head, survey, isMultiplexed: isMultiplexed) {
      keepsAlive = false
      write(status: fault.status, text: fault.text, headers: HTTPHeaders())
      return
    }
    let world = worker.world
    if world.description.authorization != nil && head.method != .CONNECT && !RequestPath.isNormal(head.uri) {
      keepsAlive = false
      write(status: 400, text: "a path that is not in its normal form", headers: HTTPHeaders())
      return
    }
    if head.method == .CONNECT && (isMultiplexed || !world.description.allowsConnect) {
      keepsAlive = false
      write(status: 405, text: "CONNECT is not allowed", headers: HTTPHeaders())
      return
    }
    let exchange = Exchange(
      Forwarding.request(head, survey, from: client, id: worker.nextRequestID()), survey, from: client,
      target: head.uri, world: world, sink: self)
    self.exchange = exchange
    exchange.trace = worker.tracer?.begin(head)
    if !isMultiplexed && (survey.upgrade != nil || head.method == .CONNECT) {
      // The codec reads no further, whatever comes of it.
      keepsAlive = false
      exchange.wantsUpgrade = survey.asksForWebSocket && !isHTTP10
      exchange.wantsTunnel = head.method == .CONNECT
    }
    world.begin(exchange, of: client, path: head.uri, method: head.method.rawValue)
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

  var isFull: Bool { context?.channel.isWritable == false || pace?.isFull == true }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { exchange?.winner?.stream?.readOn() }
    context.fireChannelWritabilityChanged()
  }

  func respond(_ exchange: Exchange, from attempt: Attempt) {
    guard exchange === self.exchange, var head = attempt.responseHead else { return }
    status = Int(head.status.code)
    exchange.world.setCookies(of: exchange, servedBy: attempt.endpoint, isItsOwn: true, in: &head.headers)
    if head.status == .switchingProtocols {
      beginTunnel(exchange, attempt, head)
      return
    }
    if exchange.rate > 0, let loop = context?.eventLoop {
      pace = ResponsePace(rate: exchange.rate, on: loop) { [weak self, weak exchange] part in
        guard let self, let exchange else { return }
        handOn(exchange, part)
        context?.flush()
        if pace?.isFull == false { exchange.winner?.stream?.readOn() }
      }
    }
    var headers = Forwarding.response(head.headers)
    if isMultiplexed && headers.contains(name: "grpc-status") { onlyTrailers = GRPCStatus.takeTrailers(from: &headers) }
    send(.head(responseHead(status: head.status, headers, hasBody: true)))
    for part in attempt.takeHeld() { responseContinues(exchange, part) }
  }

  /// HTTP ends here: what follows are the bytes of both sides.
  private func beginTunnel(_ exchange: Exchange, _ attempt: Attempt, _ head: HTTPResponseHead) {
    guard isRequestWhole, let context, let channel = attempt.tunnel ?? attempt.stream?.handOver() else {
      responseBroke(exchange)
      return
    }
    let isConnect = exchange.wantsTunnel
    if isConnect {
      // The codec would announce a body.
      let codec = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
      codec?.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n")), promise: nil)
    } else {
      context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }
    let pair = TunnelHandler.pair { [worker] in
      exchange.world.tunnelEnded(exchange)
      worker.closed(self)
      self.tunnel = nil
    }
    tunnel = pair.client
    self.exchange = nil
    isEnding = true
    do {
      try context.pipeline.syncOperations.addHandler(pair.client)
      try channel.pipeline.syncOperations.addHandler(pair.server)
    } catch {
      context.close(promise: nil)
      return
    }
    // A codec goes when it is done with what it has, which it hands on.
    let (near, far) = (context.channel.pipeline.syncOperations, channel.pipeline.syncOperations)
    near.removeHandler(self, promise: nil)
    if let handler = attempt.stream as? UpstreamHandler { far.removeHandler(handler, promise: nil) }
    let gone = [
      Self.remove(HTTPResponseEncoder.self, near, context.eventLoop),
      Self.remove(HTTPRequestEncoder.self, far, context.eventLoop),
      Self.remove(HeadGuard.self, near, context.eventLoop),
      Self.remove(ByteToMessageHandler<HTTPRequestDecoder>.self, near, context.eventLoop),
      Self.remove(ByteToMessageHandler<HTTPResponseDecoder>.self, far, context.eventLoop),
    ]
    let bound = NIOLoopBound((pair.client, context.channel), eventLoop: context.eventLoop)
    let hasEnded = hasInputEnded
    EventLoopFuture.andAllComplete(gone, on: context.eventLoop).flatMap {
      channel.setOption(.autoRead, value: true)
    }.whenComplete { _ in
      let (tunnel, client) = bound.value
      if hasEnded { tunnel.endsInput() }
      tunnel.open()
      channel.read()
      client.read()
    }
  }

  private static func remove<Handler: RemovableChannelHandler>(
    _ type: Handler.Type, _ pipeline: ChannelPipeline.SynchronousOperations, _ loop: any EventLoop
  ) -> EventLoopFuture<Void> {
    guard let context = try? pipeline.context(handlerType: type) else { return loop.makeSucceededVoidFuture() }
    return pipeline.removeHandler(context: context)
  }

  private func responseHead(status: HTTPResponseStatus, _ headers: HTTPHeaders, hasBody: Bool) -> HTTPResponseHead {
    var headers = headers
    if !isMultiplexed {
      if (!isRequestWhole && isFramed) || isDraining || (hasInputEnded && pipelined.isEmpty) { keepsAlive = false }
      if isHTTP10 {
        headers.remove(name: "transfer-encoding")
        if hasBody && !headers.contains(name: "content-length") { keepsAlive = false }
      }
      if !keepsAlive { headers.replaceOrAdd(name: "connection", value: "close") }
    }
    // To an older client nothing goes in chunks: its answer ends with the connection.
    return HTTPResponseHead(version: isHTTP10 ? .http1_0 : .http1_1, status: status, headers: headers)
  }

  func responseContinues(_ exchange: Exchange, _ part: HTTPClientResponsePart) {
    if let pace, exchange === self.exchange { pace.take(part) } else { handOn(exchange, part) }
  }

  private func handOn(_ exchange: Exchange, _ part: HTTPClientResponsePart) {
    guard exchange === self.exchange else { return }
    exchange.touch()
    switch part {
    case .head(let head):
      // An interim answer, such as 100 Continue.
      if isHTTP10 { return }
      let interim = HTTPResponseHead(
        version: head.version, status: head.status, headers: Forwarding.response(head.headers))
      context?.writeAndFlush(wrapOutboundOut(.head(interim)), promise: nil)
    case .body(let buffer): if !isHead { send(.body(.byteBuffer(buffer))) }
    case .end(let trailers):
      end(trailers ?? onlyTrailers)
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
    exchange.world.setCookies(of: exchange, servedBy: exchange.lastServer, isItsOwn: false, in: &headers)
    let text = exchange.isDenied ? "RBAC: access denied" : cause.text
    if exchange.isCall {
      write(grpc: status, text, cookies: headers)
      return
    }
    if cause == .breakerOverflow { headers.add(name: "x-envoy-overloaded", value: "true") }
    write(status: status, text: text, headers: headers)
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
  private func write(grpc status: Int, _ text: String, cookies: HTTPHeaders) {
    self.status = status
    var headers: HTTPHeaders = [
      "content-type": "application/grpc", "grpc-status": String(GRPCStatus.code(ofHTTP: status)), "grpc-message": text,
    ]
    let trailers = isMultiplexed ? GRPCStatus.takeTrailers(from: &headers) : nil
    headers.add(contentsOf: cookies)
    send(.head(responseHead(status: .ok, headers, hasBody: false)))
    end(trailers)
  }

  private func send(_ part: HTTPServerResponsePart) { context?.write(wrapOutboundOut(part), promise: nil) }

  /// Ends the response. What is known of it is put away first: the next request may come, and its client go, while the end is written.
  private func end(_ trailers: HTTPHeaders?) {
    finishExchange()
    let (isLast, isEarly) = (!keepsAlive || isDraining, !isRequestWhole && isFramed)
    // The codec would end a body in chunks that HEAD has none of.
    if isMultiplexed {
      endStream(trailers)
      return
    }
    if !isHead { send(.end(trailers)) }
    context?.flush()
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
    } else if let context {
      Closing.whenWritten(context)
    }
    if isLast { pipelined.removeAll() }
  }

  /// Ends a stream's response, and its request too where that is not whole: nobody reads on, and the client need not send in vain (RFC
  /// 9113, 8.1). The reset waits until the response is out, flow control and all: it would take with it what is not.
  private func endStream(_ trailers: HTTPHeaders?) {
    guard let context else { return }
    if isRequestWhole {
      send(.end(trailers))
    } else {
      let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
      let written = context.eventLoop.makePromise(of: Void.self)
      context.write(wrapOutboundOut(.end(trailers)), promise: written)
      written.futureResult.whenSuccess { bound.value.resetRequest() }
    }
    context.flush()
  }

  private func resetRequest() {
    if isRequestWhole { return }
    let codec = try? context?.pipeline.syncOperations.context(handlerType: HTTP2FramePayloadToHTTP1ServerCodec.self)
    codec?.writeAndFlush(NIOAny(HTTP2Frame.FramePayload.rstStream(.noError)), promise: nil)
  }

  private func finishExchange() {
    pace?.cancel()
    pace = nil
    onlyTrailers = nil
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
    pace?.cancel()
    pace = nil
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
