// Faults on purpose: a share of requests is held up, answered in the endpoint's place, or gets its answer slowly.
//
// The delay comes first; whether the request is aborted is drawn apart from it, so both can strike. A request's headers may say what
// strikes it where the route lets them (`x-envoy-fault-delay-request` in ms, `-abort-request`, `-abort-grpc-request`,
// `-throughput-response` in KiB/s); a percentage that they name (`…-percentage`) never goes beyond the route's own. An answer at R
// KiB/s comes in parts of R · 1024 / 20 bytes every 50 ms, the first at once.
// (Envoy, source/extensions/filters/http/fault/fault_filter.cc, filters/common/fault/fault_config.cc, http/common/stream_rate_limiter.cc)

import MeshCore

/// What may strike the requests of one route that carry the same headers.
@frozen
public struct FaultInjection: BitwiseCopyable, Sendable, Hashable {
  private let delaySpan: TimeSpan
  private let delayShare: RuntimeFraction
  private let abortStatus: Int16
  private let abortShare: RuntimeFraction
  private let responseRate: Int64
  private let responseShare: RuntimeFraction

  /// The faults of `description` for requests with these headers, whose names are in lower case.
  public init(_ description: InjectedFaultDescription, headers: [HeaderField]) {
    let isMeant = description.headers.allSatisfy { headers.contains($0) }
    let named = NamedFaults(headers)
    (delaySpan, delayShare) = Self.resolve(
      isMeant ? description.delay : nil, named.delay, named.delayPercentage, none: .zero)
    (abortStatus, abortShare) = Self.resolve(
      isMeant ? description.abort : nil, named.status, named.abortPercentage, none: 0)
    (responseRate, responseShare) = Self.resolve(
      isMeant ? description.responseRate : nil, named.responseRate, named.responsePercentage, none: 0)
  }

  private static func resolve<Value>(
    _ part: FaultPart<Value>?, _ named: Value?, _ percentage: UInt64?, none: Value
  ) -> (Value, RuntimeFraction) {
    guard let part else { return (none, RuntimeFraction(0)) }
    if let value = part.value { return (value, part.share) }
    guard let named else { return (none, RuntimeFraction(0)) }
    return (named, RuntimeFraction(min(percentage ?? .max, part.share.numerator), of: part.share.denominator))
  }

  /// Whether any request may get its answer slowly.
  public var mayBeSlow: Bool { responseRate > 0 && responseShare.numerator > 0 }

  /// Whether any request may be held up.
  public var mayDelay: Bool { delaySpan > .zero && delayShare.numerator > 0 }

  /// Whether any request may be answered in the endpoint's place.
  public var mayAbort: Bool { abortStatus > 0 && abortShare.numerator > 0 }

  /// How long a request with this draw is held up; zero for not at all.
  public func delay(draw: UInt64) -> TimeSpan { delayShare.contains(draw) ? delaySpan : .zero }

  /// What a request with this draw is answered in the endpoint's place; nil for nothing.
  public func abort(draw: UInt64) -> Int16? { abortStatus > 0 && abortShare.contains(draw) ? abortStatus : nil }

  /// How fast the answer to a request with this draw is handed on, KiB/s; 0 for as fast as it comes.
  public func responseRate(draw: UInt64) -> Int64 { responseShare.contains(draw) ? responseRate : 0 }

  /// How long an answer of so many bytes takes at so many KiB/s.
  public static func span(of bytes: Int64, at rate: Int64) -> TimeSpan {
    if rate <= 0 || bytes <= 0 { return .zero }
    let part = max(rate, 1).multipliedReportingOverflow(by: 1024)
    let perPart = part.overflow ? Int64.max : max(part.partialValue / 20, 1)
    return .milliseconds((bytes - 1) / perPart * 50)
  }
}

/// What a request's headers say of faults.
private struct NamedFaults {
  var delay: TimeSpan?
  var delayPercentage: UInt64?
  var status: Int16?
  var abortPercentage: UInt64?
  var responseRate: Int64?
  var responsePercentage: UInt64?

  init(_ headers: [HeaderField]) {
    func number(_ name: String) -> UInt64? {
      headers.first { $0.name == "x-envoy-fault-\(name)" }.flatMap { UInt64($0.value) }
    }
    delay = number("delay-request").map { .milliseconds(Int64(clamping: min($0, 1 << 40))) }
    delayPercentage = number("delay-request-percentage")
    // A gRPC status is an answer of HTTP's 200 with a trailer; the lab knows statuses of HTTP alone.
    status = number("abort-request").flatMap { (200...599).contains($0) ? Int16($0) : nil }
    status = status ?? number("abort-grpc-request").map { GRPCStatusCode.httpStatus($0) }
    abortPercentage = number("abort-request-percentage")
    responseRate = number("throughput-response").flatMap { $0 > 0 ? Int64(clamping: $0) : nil }
    responsePercentage = number("throughput-response-percentage")
  }
}
