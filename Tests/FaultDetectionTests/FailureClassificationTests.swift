import Foundation
import FaultDetection
import TestVectors
import Testing

@Suite struct FailureClassificationTests {
  // Goal: accrual counts Linkerd's default HTTP failure set, 500 … 599, and attempts without an answer.
  @Test func accrualCountsLinkerdsFailureSet() throws {
    let range = try VectorValue.fixture("classification", in: .module)("default_http_failure").ints
    for status in 100...999 {
      let isFailure = FailureClassification.isAccrualFailure(status: Int16(status), isAnswered: true)
      #expect(isFailure == (status >= range[0] && status <= range[1]), "\(status)")
    }
    #expect(FailureClassification.isAccrualFailure(status: 0, isAnswered: false))
  }
}
