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

  // Goal: a caller is content below 500, but not with 429 and not with nothing.
  @Test func callersWantLessThan500AndNot429() {
    for status in 100...999 {
      #expect(FailureClassification.isSuccess(status: Int16(status)) == (status < 500 && status != 429), "\(status)")
    }
    #expect(!FailureClassification.isSuccess(status: 0))
  }
}
