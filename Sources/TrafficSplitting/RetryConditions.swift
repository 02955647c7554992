// Which ends of an attempt are worth another one.
//
// Users write names; a request asks for one bit. The names of Envoy's `retry_on` and of Linkerd's annotations are folded
// into four sets when they are read (HTTP statuses, gRPC statuses, resets after and resets before the request was sent),
// so no name is looked at again:
//
//   name                    statuses         resets
//   5xx                     500 … 599        all but overflow
//   gateway-error           502 … 504        all but overflow
//   reset                   –                all but overflow
//   reset-before-request    –                all but overflow, when nothing of the request had been sent
//   connect-failure         –                connect failure, connect timeout
//   refused-stream          –                refused stream
//   retriable-4xx           409              –
//   retriable-status-codes  the list given   –
//   cancelled … unavailable gRPC 1, 4, 8, 13, 14, where `grpc-status` is among the headers (an answer without a body)
//
// A per-try timeout resets the stream, and is retried as that. An answer with `x-envoy-ratelimited` is retried with
// `envoy-ratelimited` alone, whatever its status, and no other name speaks for it. An overflow is never retried: the load
// that filled the breaker would come back. Follows Envoy 1.37, source/common/router/retry_state_impl.cc.
//
// Linkerd (linkerd2-proxy, `retry.linkerd.io/http` and `/grpc`) knows statuses, ranges, `5xx` and `gateway-error`, and means by
// the latter answers only: of what was not answered it retries a header timeout and a refused stream, and never a
// connection that failed.

/// A name that no system's retry conditions know, or a status outside 100 … 599.
public struct RetryConditionError: Error, Sendable, Hashable {
  /// What was written.
  public var name: String

  /// It was `name`.
  public init(name: String) { self.name = name }
}

/// When an attempt is to be made again. Empty: never.
@frozen
public struct RetryConditions: BitwiseCopyable, Sendable, Hashable {
  private var statuses = StatusSet()
  /// Bit n: gRPC status n.
  private var grpcStatuses: UInt32 = 0
  /// Bit n: the reset of raw value n, after something of the request was sent.
  private var resetsAfterRequest: UInt8 = 0
  /// The same, before anything was sent.
  private var resetsBeforeRequest: UInt8 = 0
  private var isForRateLimited = false
  private var isForRetriableHeaders = false

  /// No conditions: nothing is retried.
  public init() {}

  /// Answers with these statuses, and nothing that was not answered: a Linkerd ServiceProfile's `isRetryable` has 500…599.
  public init(statuses: ClosedRange<Int16>) { self.statuses = StatusSet(statuses) }

  /// Envoy's `retry_on` and `retry_grpc_on` in one list, in any order; a status or a range of them (`503`, `500-504`) counts
  /// as one of `retriableStatusCodes`, as Istio reads it, and needs no `retriable-status-codes`.
  ///
  /// - Parameter retriableStatusCodes: statuses that `retriable-status-codes` stands for; without that name they are idle.
  /// - Throws: `RetryConditionError` with the first name or status that is none.
  public init(names: [String], retriableStatusCodes: [Int16] = []) throws(RetryConditionError) {
    for name in names { try add(name, retriableStatusCodes) }
  }

  /// Linkerd's annotations: `http` has statuses, ranges, `5xx` and `gateway-error`, `grpc` the five names.
  ///
  /// - Throws: `RetryConditionError` with the first entry that is none.
  public init(linkerdHTTP http: [String], grpc: [String] = []) throws(RetryConditionError) {
    for name in http {
      switch name {
      case "5xx": statuses.formUnion(StatusSet(500...599))
      case "gateway-error": statuses.formUnion(StatusSet(502...504))
      default: statuses.formUnion(try Self.statuses(in: name))
      }
    }
    for name in grpc {
      guard let status = Self.grpcStatus(name) else { throw RetryConditionError(name: name) }
      grpcStatuses |= 1 << status
    }
    if isEmpty { return }
    retry(.perTryTimeout)
    retry(.refusedStream)
  }

  /// Linkerd's two annotations in one list.
  ///
  /// - Throws: `RetryConditionError` with the first entry that is none.
  public init(linkerd names: [String]) throws(RetryConditionError) {
    let grpc = names.filter { Self.grpcStatus($0) != nil }
    try self.init(linkerdHTTP: names.filter { !grpc.contains($0) }, grpc: grpc)
  }

  private mutating func add(_ name: String, _ retriableStatusCodes: [Int16]) throws(RetryConditionError) {
    switch name {
    case "5xx":
      statuses.formUnion(StatusSet(500...599))
      retryEveryReset()
    case "gateway-error":
      statuses.formUnion(StatusSet(502...504))
      retryEveryReset()
    case "reset": retryEveryReset()
    case "reset-before-request": resetsBeforeRequest |= Self.everyReset
    case "connect-failure":
      retry(.connectFailure)
      retry(.connectTimeout)
    case "refused-stream": retry(.refusedStream)
    case "retriable-4xx": statuses.insert(409)
    case "retriable-status-codes":
      for status in retriableStatusCodes {
        if !(100...599).contains(status) { throw RetryConditionError(name: "\(status)") }
        statuses.insert(status)
      }
    case "retriable-headers": isForRetriableHeaders = true
    case "envoy-ratelimited": isForRateLimited = true
    default:
      if let status = Self.grpcStatus(name) {
        grpcStatuses |= 1 << status
      } else {
        statuses.formUnion(try Self.statuses(in: name))
      }
    }
  }

  /// Whether nothing is ever retried.
  public var isEmpty: Bool { self == RetryConditions() }

  /// Whether an answer is one to try again after.
  ///
  /// - Parameters:
  ///   - grpcStatus: what `grpc-status` among the headers says; -1 when it is not there.
  ///   - isRateLimited: whether the answer has `x-envoy-ratelimited`.
  ///   - hasRetriableHeader: whether one of the policy's `retriable_headers` matches.
  @inline(__always)
  public func isRetriable(
    status: Int16, grpcStatus: Int16 = -1, isRateLimited: Bool = false, hasRetriableHeader: Bool = false
  ) -> Bool {
    if isRateLimited { return isForRateLimited }
    if statuses.contains(status) || (hasRetriableHeader && isForRetriableHeaders) { return true }
    return grpcStatus >= 0 && grpcStatus < 32 && (grpcStatuses >> UInt32(grpcStatus)) & 1 == 1
  }

  /// Whether to try again after an attempt that was not answered.
  @inline(__always)
  public func isRetriable(_ reset: ResetKind) -> Bool { isRetriable(reset, isAfterRequest: reset.isAfterRequest) }

  /// The same where the caller knows whether anything of the request was sent: a per-try timeout may come while the
  /// connection is still being opened.
  @inline(__always)
  public func isRetriable(_ reset: ResetKind, isAfterRequest: Bool) -> Bool {
    let resets = isAfterRequest && reset != .resetBeforeRequest ? resetsAfterRequest : resetsBeforeRequest
    return (resets >> reset.rawValue) & 1 == 1
  }

  /// All but overflow.
  private static let everyReset: UInt8 = 0b0011_1111

  private mutating func retryEveryReset() {
    resetsAfterRequest |= Self.everyReset
    resetsBeforeRequest |= Self.everyReset
  }

  private mutating func retry(_ reset: ResetKind) {
    resetsAfterRequest |= 1 << reset.rawValue
    resetsBeforeRequest |= 1 << reset.rawValue
  }

  private static func grpcStatus(_ name: String) -> UInt32? {
    switch name {
    case "cancelled": 1
    case "deadline-exceeded": 4
    case "resource-exhausted": 8
    case "internal": 13
    case "unavailable": 14
    default: nil
    }
  }

  /// `503` or `500-504`.
  private static func statuses(in text: String) throws(RetryConditionError) -> StatusSet {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count <= 2, let first = status(ends.first), let last = status(ends.last), first <= last else {
      throw RetryConditionError(name: text)
    }
    return StatusSet(first...last)
  }

  /// Three digits, 100 … 599, and no sign.
  private static func status(_ text: Substring?) -> Int16? {
    guard let text, text.count == 3, text.allSatisfy({ $0 >= "0" && $0 <= "9" }), let status = Int16(text) else {
      return nil
    }
    return (100...599).contains(status) ? status : nil
  }
}
