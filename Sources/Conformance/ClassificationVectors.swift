// What counts as a failure for Linkerd: linkerd2-proxy, client-policy/src/http.rs and grpc.rs.

import FaultDetection
import TestVectors

struct ClassificationVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.name == "classification" || file.has("default_http_failure") }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.run("default_http_failure") { check in
      let range = try file.content("default_http_failure").ints
      guard range.count == 2 else { throw VectorError(description: "a range of \(range.count) ends") }
      for status in 100...999 {
        let isFailure = FailureClassification.isAccrualFailure(status: Int16(status), isAnswered: true)
        check.equal(isFailure, status >= range[0] && status <= range[1], "\(status)")
      }
    }
    if file.has("default_grpc_failure") { report.skip("default_grpc_failure", "no gRPC statuses yet") }
    if file.has("rules") { report.skip("rules", "prose") }
    report.skipEach(file.list("load_biaser_hint"), of: "load_biaser_hint", "no load biaser yet")
    if file.has("load_biaser_values") { report.skip("load_biaser_values", "no load biaser yet") }
    if file.has("retry_after") { report.skip("retry_after", "no Retry-After yet") }
  }
}
