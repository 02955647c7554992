// Calls of gRPC that fail: their answers have HTTP's status 200, and another in their heads (trailers alone, gRPC over HTTP/2).
//
// Retries and hedges go by gRPC's own status where a route names it; everything else takes the answer for one of HTTP that says the same
// (Envoy, router.cc: onUpstreamHeaders; grpc/common.cc: grpcToHttpStatus). What comes behind messages, in trailers, nobody can act on any more.

import LoadBalancing
import MeshCore

extension DataPlane {
  @inline(never)
  mutating func callFailed(
    _ attempt: AttemptHandle, grpcStatus: Int16, isWhole: Bool, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    self.grpcStatus = grpcStatus
    let status = Self.httpStatus(ofGRPC: grpcStatus)
    if isWhole {
      attemptAnswered(attempt, status: status, at: now, into: &actions)
    } else {
      answerBegan(attempt, status: status, at: now, into: &actions)
    }
    self.grpcStatus = -1
  }

  /// The status of HTTP that says what one of gRPC does.
  public static func httpStatus(ofGRPC status: Int16) -> Int16 {
    switch status {
    case 0: 200
    case 1: 499
    case 3, 9, 11: 400
    case 4: 504
    case 5: 404
    case 6, 10: 409
    case 7: 403
    case 8: 429
    case 12: 501
    case 14: 503
    case 16: 401
    default: 500
    }
  }
}
