// The core's vocabulary: what a world may tell a data plane, and what a data plane may ask of its world.

import MeshCore

/// A number the world gives a request, handed back with everything that is to be done for it.
@frozen
public struct CallerToken: BitwiseCopyable, Hashable, Sendable {
  /// The number; the data plane never looks at it.
  public var value: UInt64

  /// The token `value`.
  @inlinable
  public init(_ value: UInt64) { self.value = value }
}

/// Names a request inside its data plane.
public typealias RequestHandle = SlotHandle

/// Names one try of a request inside its data plane.
public typealias AttemptHandle = SlotHandle

/// Names a probe inside its data plane.
public typealias ProbeHandle = SlotHandle

/// Names a timer inside its data plane. Its index is small and dense, and used again after the timer is due or cancelled; the
/// generation tells the successors apart, so that a call back that comes too late is known for what it is.
public typealias TimerHandle = SlotHandle

/// Why an attempt got no answer.
@frozen
public enum TransportFailure: UInt8, BitwiseCopyable, Sendable {
  /// The endpoint refused the connection.
  case refused
  /// The connection broke while the request was under way.
  case reset
  /// The connection did not open in time.
  case connectTimeout
  /// The caller's own circuit breaker had no room: nothing was sent.
  case overflow
}

/// A request as it reaches a data plane. The world has asked the route table first: matching is a pure function of the
/// request's attributes, so a world may remember the answer.
@frozen
public struct RequestArrival: BitwiseCopyable, Sendable {
  /// The world's name for it.
  public var caller: CallerToken
  /// The route that takes it, or -1 when no route does.
  public var route: Int32
  /// The endpoint that it names itself (Envoy's override host), or -1: that of its session's cookie.
  public var override: EndpointIdentity
  /// The request's own randomness, the same in every variant: whatever is decided by chance for it (its part of a split, the
  /// endpoints a balancer compares) is drawn from here by purpose.
  public var randomness: RandomKey
  /// The hash of what it is to stick to.
  public var key: UInt64
  /// Whether it carries a key.
  public var hasKey: Bool
  /// Headers that it carries, as `DataPlane.know` has numbered them; 0 for those that a request carries which names none.
  public var headers: Int32

  /// A request.
  @inlinable
  public init(
    caller: CallerToken, route: Int32, randomness: RandomKey, key: UInt64 = 0, hasKey: Bool = false,
    override: EndpointIdentity = EndpointIdentity(-1), headers: Int32 = 0
  ) {
    self.caller = caller
    self.route = route
    self.randomness = randomness
    self.key = key
    self.hasKey = hasKey
    self.override = override
    self.headers = headers
  }
}

/// What a world tells a data plane.
@frozen
public enum Event: BitwiseCopyable, Sendable {
  /// Somebody wants an answer.
  case requestArrived(RequestArrival)
  /// What an answer says of its server's load (ORCA); the answer itself follows.
  case loadReported(AttemptHandle, LoadReport)
  /// An answer has begun, with an HTTP status; `attemptAnswered` or `attemptFailed` follows. Where answers come whole this is left out.
  ///
  /// When it is handed on, the response names the attempt, and until its end `requestAbandoned` names the attempt too.
  case answerBegan(AttemptHandle, status: Int16)
  /// The same of an answer that says when to come again (`Retry-After`); `attemptPutOff` tells its end.
  case answerPutOff(AttemptHandle, status: Int16, retryAfter: TimeSpan)
  /// An answer whose head says that a call of gRPC failed, and how, 1 … 16. In place of `answerBegan`, or of `attemptAnswered` where it is whole.
  case callFailed(AttemptHandle, grpcStatus: Int16, isWhole: Bool)
  /// A request cannot be sent another time: too much of it has gone by to be kept.
  case retriesEnded(RequestHandle)
  /// An endpoint answered with an HTTP status.
  case attemptAnswered(AttemptHandle, status: Int16)
  /// An endpoint answered with an HTTP status, and says when to come again (`Retry-After`).
  case attemptPutOff(AttemptHandle, status: Int16, retryAfter: TimeSpan)
  /// An attempt broke.
  case attemptFailed(AttemptHandle, TransportFailure)
  /// An endpoint answered a probe.
  case probeAnswered(ProbeHandle, LoadReport)
  /// An endpoint answered a health check, or where only a connection was asked for it stands.
  case healthAnswered(ProbeHandle, HealthAnswer)
  /// A probe broke.
  case probeFailed(ProbeHandle, TransportFailure)
  /// An answer says that its endpoint wants to be left alone (`x-envoy-immediate-health-check-fail`); the answer itself follows.
  case leaveRequested(AttemptHandle)
  /// A timer that the data plane had set is due.
  case timerDue(TimerHandle)
  /// Nobody wants the answer any more.
  case requestAbandoned(RequestHandle)
  /// An oracle tells how much work an endpoint has. The lab alone sends it.
  case workObserved(cluster: Int32, endpoint: EndpointIdentity, ObservedWork)
}

/// One try to be sent to an endpoint.
@frozen
public struct AttemptStart: BitwiseCopyable, Sendable {
  /// Whose request it is.
  public var caller: CallerToken
  /// The request inside the data plane.
  public var request: RequestHandle
  /// The attempt inside the data plane, to be named in its answer.
  public var attempt: AttemptHandle
  /// The cluster it was chosen from.
  public var cluster: Int32
  /// Where it goes.
  public var endpoint: EndpointIdentity
  /// Why it is made.
  public var kind: AttemptKind
  /// Its number among those of its kind, from 1.
  public var number: Int32
}

/// A question to an endpoint that belongs to no request.
@frozen
public struct ProbeStart: BitwiseCopyable, Sendable {
  /// The probe inside the data plane, to be named in its answer.
  public var probe: ProbeHandle
  /// The cluster whose endpoint is asked.
  public var cluster: Int32
  /// Who is asked.
  public var endpoint: EndpointIdentity
  /// What is asked.
  public var kind: ProbeKind
}

/// What a probe asks.
@frozen
public enum ProbeKind: UInt8, BitwiseCopyable, Sendable {
  /// How busy the endpoint is: answered at once, without waiting for a worker.
  case load
  /// How the endpoint is, as a request: its answer is `Event.healthAnswered`.
  case health
  /// The same, over a connection of its own.
  case healthAlone
  /// Whether a connection to the endpoint can be opened; when it stands, that is `Event.healthAnswered`.
  case connection
}

/// Why an attempt is made. What is drawn for it depends on this and on its number within its kind alone.
@frozen
public enum AttemptKind: UInt8, BitwiseCopyable, Sendable {
  /// The first try.
  case first
  /// Another one after a failure.
  case retry
  /// Another one beside a slow one.
  case hedge
  /// A copy whose answer nobody sees.
  case mirror
}

/// What made the final answer what it is.
@frozen
public enum ResponseCause: UInt8, BitwiseCopyable, Sendable {
  /// An endpoint's own answer.
  case endpoint
  /// A broken attempt.
  case transport
  /// The route's timeout.
  case routeTimeout
  /// No route takes the request.
  case noRoute
  /// No endpoint may be chosen.
  case noEndpoint
  /// The destination that the request was for does not exist.
  case noBackend
  /// A fault that the proxy injects.
  case faultAborted
  /// A rate limit.
  case rateLimited
  /// Admission control.
  case admissionRejected
  /// Throttling at the client.
  case throttled
  /// A limit of requests in flight that follows latency.
  case concurrencyLimited
  /// A cluster's circuit breaker.
  case breakerOverflow
}

/// Why a request waits inside the data plane before it has an attempt.
@frozen
public enum HoldReason: UInt8, BitwiseCopyable, Sendable {
  /// No endpoint is ready.
  case endpoint
  /// A delay that the proxy injects.
  case faultDelay
}

/// What a data plane asks of its world. The world carries actions out in order and calls back later, never meanwhile.
@frozen
public enum Action: BitwiseCopyable, Sendable {
  /// Send an attempt.
  case startAttempt(AttemptStart)
  /// Nobody waits for this attempt any more. Where it is a copy (`AttemptKind.mirror`), only the copy ends: the request of `caller` that
  /// it was made of goes on, or has its answer already.
  case cancelAttempt(AttemptHandle, caller: CallerToken)
  /// Ask an endpoint something.
  case startProbe(ProbeStart)
  /// Nobody waits for this probe any more.
  case cancelProbe(ProbeHandle)
  /// Give the caller its answer: that of `attempt`, or one of the data plane's own when there is none (`SlotHandle.none`).
  case respond(CallerToken, attempt: AttemptHandle, status: Int16, cause: ResponseCause)
  /// Give the caller the answer of an endpoint of `cluster`, handed on at `rate` KiB/s.
  case respondSlowly(CallerToken, cluster: Int32, status: Int16, rate: Int64)
  /// The request waits without an attempt; this is its name if nobody wants it any more.
  case hold(CallerToken, request: RequestHandle, HoldReason)
  /// Call back at `deadline`.
  case setTimer(TimerHandle, deadline: Timestamp)
  /// The same, for something that goes on whatever requests do.
  case setBackgroundTimer(TimerHandle, deadline: Timestamp)
  /// Do not call back.
  case cancelTimer(TimerHandle)
  /// Tell people.
  case report(DetectionNotice)
}

/// The actions of one event, in order. One buffer is used again and again.
public typealias ActionBuffer = Pool<Action>
