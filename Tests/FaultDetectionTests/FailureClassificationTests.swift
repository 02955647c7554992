import Foundation
import FaultDetection
import Testing

@Suite struct FailureClassificationTests {
  // Goal: accrual counts Linkerd's default HTTP failure set, 500 … 599, and attempts without an answer.
  @Test func accrualCountsLinkerdsFailureSet() {
    for status in 100...999 {
      let isFailure = FailureClassification.isAccrualFailure(status: Int16(status), isAnswered: true)
      #expect(isFailure == (500...599).contains(status), "\(status)")
    }
    #expect(FailureClassification.isAccrualFailure(status: 0, isAnswered: false))
  }
}
