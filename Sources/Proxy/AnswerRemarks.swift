// What an answer's head says to the data plane beside its status: when to come again, that its server wants to be left alone, that a call failed.

import DataPlane
import Foundation
import MeshCore
import NIOHTTP1
import TrafficSplitting

enum AnswerRemarks {
  /// By which a server takes itself out of a cluster that is health checked (Envoy, health_check filter).
  static let leave = "x-envoy-immediate-health-check-fail"

  /// Whether an answer asks that its server be left alone.
  static func asksToBeLeft(_ headers: HTTPHeaders) -> Bool { headers.contains(name: leave) }

  /// The event that an attempt's answer is, begun or whole, and the status that detectors take it for.
  static func event(_ attempt: Attempt, status: Int, isWhole: Bool) -> (event: Event, status: Int16) {
    let (name, head, status) = (attempt.handle, attempt.responseHead, Int16(clamping: status))
    if let head, status == 200 {
      if attempt.exchange.isCall, let code = failure(in: head.headers) {
        return (.callFailed(name, grpcStatus: code, isWhole: isWhole), GRPCStatusCode.httpStatus(code))
      }
    } else if let head, status >= 300, let wait = retryAfter(head.headers) {
      let event: Event =
        isWhole
        ? .attemptPutOff(name, status: status, retryAfter: wait)
        : .answerPutOff(name, status: status, retryAfter: wait)
      return (event, status)
    }
    return (isWhole ? .attemptAnswered(name, status: status) : .answerBegan(name, status: status), status)
  }

  /// How a call of gRPC failed whose answer is nothing but a status.
  private static func failure(in headers: HTTPHeaders) -> Int16? {
    guard let text = headers.first(name: "grpc-status"), let code = Int16(text), (1...16).contains(code) else {
      return nil
    }
    return code
  }

  private static func retryAfter(_ headers: HTTPHeaders) -> TimeSpan? {
    headers.first(name: "retry-after").flatMap { RetryAfter.span($0, now: Int64(Date().timeIntervalSince1970)) }
  }
}
