// Calls of gRPC that fail: their answers have HTTP's status 200, and another in their heads (trailers alone, gRPC over HTTP/2).
//
// Retries and hedges go by gRPC's own status where a route names it; everything else takes the answer for one of HTTP that says the same
// (Envoy, router.cc: onUpstreamHeaders; grpc/status.cc). What comes behind messages, in trailers, nobody can act on any more.

import LoadBalancing
import MeshCore

extension DataPlane {
  @inline(never)
  mutating func callFailed(
    _ attempt: AttemptHandle, grpcStatus: Int16, isWhole: Bool, at now: Timestamp, into actions: inout ActionBuffer
  ) {
    self.grpcStatus = grpcStatus
    let status = GRPCStatusCode.httpStatus(grpcStatus)
    if isWhole {
      attemptAnswered(attempt, status: status, at: now, into: &actions)
    } else {
      answerBegan(attempt, status: status, at: now, into: &actions)
    }
    self.grpcStatus = -1
  }
}
