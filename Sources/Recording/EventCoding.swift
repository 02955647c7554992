// Events to numbers and back. Codes are part of every log: append, never change.

import DataPlane
import MeshCore

extension DecisionBytes {
  private mutating func put(_ handle: SlotHandle) {
    put(signed: Int64(handle.index))
    put(UInt64(handle.generation))
  }

  private mutating func handle() throws(DecisionLogFault) -> SlotHandle {
    SlotHandle(index: Int32(truncatingIfNeeded: try signed()), generation: UInt32(truncatingIfNeeded: try number()))
  }

  private mutating func put(_ report: LoadReport) {
    for value in [
      report.applicationUtilization, report.namedUtilization, report.cpuUtilization, report.memoryUtilization,
      report.requestsPerSecond, report.errorsPerSecond,
    ] { put(value.bitPattern.byteSwapped) }
    put(signed: Int64(report.requestsInFlight))
    put(signed: report.expectedLatency.nanoseconds)
    put(signed: report.serviceTime.nanoseconds)
  }

  private mutating func report() throws(DecisionLogFault) -> LoadReport {
    var report = LoadReport()
    func double(_ bits: UInt64) -> Double { Double(bitPattern: bits.byteSwapped) }
    report.applicationUtilization = double(try number())
    report.namedUtilization = double(try number())
    report.cpuUtilization = double(try number())
    report.memoryUtilization = double(try number())
    report.requestsPerSecond = double(try number())
    report.errorsPerSecond = double(try number())
    report.requestsInFlight = Int32(truncatingIfNeeded: try signed())
    report.expectedLatency = TimeSpan(nanoseconds: try signed())
    report.serviceTime = TimeSpan(nanoseconds: try signed())
    return report
  }

  mutating func put(_ event: Event) {
    switch event {
    case .requestArrived(let arrival):
      put(0)
      put(arrival.caller.value)
      put(signed: Int64(arrival.route))
      put(arrival.randomness.value)
      put(arrival.key)
      put(arrival.hasKey ? 1 : 0)
      put(signed: Int64(arrival.override.number))
      put(signed: Int64(arrival.headers))
    case .loadReported(let attempt, let report):
      put(1)
      put(attempt)
      put(report)
    case .answerBegan(let attempt, let status):
      put(2)
      put(attempt)
      put(signed: Int64(status))
    case .retriesEnded(let request):
      put(3)
      put(request)
    case .attemptAnswered(let attempt, let status):
      put(4)
      put(attempt)
      put(signed: Int64(status))
    case .attemptPutOff(let attempt, let status, let span):
      put(5)
      put(attempt)
      put(signed: Int64(status))
      put(signed: span.nanoseconds)
    case .attemptFailed(let attempt, let failure):
      put(6)
      put(attempt)
      put(UInt64(failure.rawValue))
    case .probeAnswered(let probe, let report):
      put(7)
      put(probe)
      put(report)
    case .healthAnswered(let probe, let answer):
      put(8)
      put(probe)
      put(signed: Int64(answer.status))
      put(answer.asksToBeLeft ? 1 : 0)
    case .probeFailed(let probe, let failure):
      put(9)
      put(probe)
      put(UInt64(failure.rawValue))
    case .leaveRequested(let attempt):
      put(10)
      put(attempt)
    case .timerDue(let timer):
      put(11)
      put(timer)
    case .requestAbandoned(let request):
      put(12)
      put(request)
    case .workObserved(let cluster, let endpoint, let work):
      put(13)
      put(signed: Int64(cluster))
      put(signed: Int64(endpoint.number))
      put(work.left.bitPattern)
      put(work.rate.bitPattern)
      put(signed: work.at.nanoseconds)
    case .answerPutOff(let attempt, let status, let span):
      put(14)
      put(attempt)
      put(signed: Int64(status))
      put(signed: span.nanoseconds)
    case .callFailed(let attempt, let grpcStatus, let isWhole):
      put(15)
      put(attempt)
      put(signed: Int64(grpcStatus))
      put(isWhole ? 1 : 0)
    }
  }

  private mutating func status() throws(DecisionLogFault) -> Int16 { Int16(truncatingIfNeeded: try signed()) }

  private mutating func failure() throws(DecisionLogFault) -> TransportFailure {
    guard let failure = TransportFailure(rawValue: UInt8(truncatingIfNeeded: try number())) else {
      throw DecisionLogFault(reason: "knows a failure that this version does not")
    }
    return failure
  }

  mutating func event() throws(DecisionLogFault) -> Event {
    switch try number() {
    case 0:
      return .requestArrived(
        RequestArrival(
          caller: CallerToken(try number()), route: Int32(truncatingIfNeeded: try signed()),
          randomness: RandomKey(value: try number()), key: try number(), hasKey: try number() == 1,
          override: EndpointIdentity(Int32(truncatingIfNeeded: try signed())),
          headers: Int32(truncatingIfNeeded: try signed())))
    case 1: return .loadReported(try handle(), try report())
    case 2: return .answerBegan(try handle(), status: try status())
    case 3: return .retriesEnded(try handle())
    case 4: return .attemptAnswered(try handle(), status: try status())
    case 5:
      return .attemptPutOff(try handle(), status: try status(), retryAfter: TimeSpan(nanoseconds: try signed()))
    case 6: return .attemptFailed(try handle(), try failure())
    case 7: return .probeAnswered(try handle(), try report())
    case 8:
      return .healthAnswered(try handle(), HealthAnswer(status: try status(), asksToBeLeft: try number() == 1))
    case 9: return .probeFailed(try handle(), try failure())
    case 10: return .leaveRequested(try handle())
    case 11: return .timerDue(try handle())
    case 12: return .requestAbandoned(try handle())
    case 13:
      let (cluster, endpoint) = (Int32(truncatingIfNeeded: try signed()), Int32(truncatingIfNeeded: try signed()))
      let work = ObservedWork(
        left: Double(bitPattern: try number()), rate: Double(bitPattern: try number()),
        at: Timestamp(nanoseconds: try signed()))
      return .workObserved(cluster: cluster, endpoint: EndpointIdentity(endpoint), work)
    case 14:
      return .answerPutOff(try handle(), status: try status(), retryAfter: TimeSpan(nanoseconds: try signed()))
    case 15: return .callFailed(try handle(), grpcStatus: try status(), isWhole: try number() == 1)
    default: throw DecisionLogFault(reason: "has an event that this version does not know")
    }
  }
}
