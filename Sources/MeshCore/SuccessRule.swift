// What a caller is content with: any answer below 500 but 429 (too many requests).
//
// One rule for clients, callers among services, balancers and counters. Failure accrual has another one on purpose, see
// `FailureClassification` in FaultDetection. An answer that a data plane gives for a broken attempt or a timeout is a failure
// whatever its status, which whoever asks has to look at first.

/// Says of an HTTP answer whether its caller counts it as a success.
public enum SuccessRule {
  /// Whether `status`, that of an answer, is a success: below 500 and not 429.
  @inlinable
  @inline(__always)
  public static func isSuccess(status: Int16) -> Bool { status < 500 && status != 429 }
}
