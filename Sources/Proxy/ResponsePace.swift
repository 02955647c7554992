// Answers that are handed on no faster than a fault says (Envoy, stream_rate_limiter.cc): every 50 ms a twentieth of a second's bytes.

import NIOCore
import NIOHTTP1

/// What of one answer waits for its time. Confined to its event loop.
final class ResponsePace {
  private static let interval = TimeAmount.milliseconds(50)
  /// How many bytes may wait before the endpoint is read no further.
  private static let most = 65_536

  private let loop: any EventLoop
  private let portion: Int
  private let send: (HTTPClientResponsePart) -> Void
  private var waiting = CircularBuffer<HTTPClientResponsePart>()
  private var size = 0
  private var credit: Int
  private var timer: Scheduled<Void>?

  /// Hands parts to `send` at `rate` KiB/s.
  init(rate: Int64, on loop: any EventLoop, _ send: @escaping (HTTPClientResponsePart) -> Void) {
    self.loop = loop
    self.send = send
    portion = Int(max(1, min(rate, 1 << 30) * 1024 / 20))
    credit = portion
  }

  /// Whether more would only pile up.
  var isFull: Bool { size > Self.most }

  /// Takes a part.
  func take(_ part: HTTPClientResponsePart) {
    waiting.append(part)
    if case .body(let buffer) = part { size += buffer.readableBytes }
    if timer == nil { goOn() }
  }

  /// Forgets what waits.
  func cancel() {
    timer?.cancel()
    timer = nil
    waiting.removeAll()
  }

  private func goOn() {
    while let part = waiting.first {
      guard case .body(var buffer) = part else {
        waiting.removeFirst()
        send(part)
        continue
      }
      if credit == 0 { break }
      let piece = buffer.readSlice(length: min(credit, buffer.readableBytes)) ?? buffer
      credit -= piece.readableBytes
      size -= piece.readableBytes
      if buffer.readableBytes == 0 { waiting.removeFirst() } else { waiting[waiting.startIndex] = .body(buffer) }
      send(.body(piece))
    }
    if waiting.isEmpty && credit > 0 { return }
    let bound = NIOLoopBound(self, eventLoop: loop)
    timer = loop.scheduleTask(in: Self.interval) {
      bound.value.timer = nil
      bound.value.credit = bound.value.portion
      bound.value.goOn()
    }
  }
}
