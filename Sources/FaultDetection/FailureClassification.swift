// What counts as a failure, and for whom.
//
// Two rules that differ on purpose. A caller is content with a final status below 500 that is not 429 (too many
// requests): `SuccessRule`. Linkerd's failure accrual looks for endpoints that are broken: 500…599, a broken transport and a timeout
// speak against an endpoint, while 429 is the answer of one that works and defends itself
// (linkerd2-proxy, client-policy/src/http.rs and grpc.rs: the default failure sets).

/// Says of an answer, or of its absence, whether it speaks against its endpoint.
public enum FailureClassification {
  /// Whether failure accrual counts an attempt against its endpoint: no answer (transport failure, timeout) or 500…599.
  @inlinable
  public static func isAccrualFailure(status: Int16, isAnswered: Bool) -> Bool {
    !isAnswered || (status >= 500 && status <= 599)
  }

  /// Whether failure accrual counts a gRPC status against its endpoint: UNKNOWN, DEADLINE_EXCEEDED, PERMISSION_DENIED, INTERNAL,
  /// UNAVAILABLE, DATA_LOSS. A stream that ends without a status counts for a success.
  public static func isAccrualFailure(grpcStatus: Int16?) -> Bool {
    switch grpcStatus {
    case 2, 4, 7, 13, 14, 15: true
    default: false
    }
  }
}
