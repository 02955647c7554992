// gRPC's status codes, as far as HTTP has statuses that say the same.

/// What a code of gRPC is to HTTP.
public enum GRPCStatusCode {
  /// The HTTP status that Envoy takes for a gRPC status (source/common/grpc/status.cc); 500 for those that there are not.
  public static func httpStatus(_ code: some BinaryInteger) -> Int16 {
    switch code {
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
