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

  // Goal: so it does with gRPC's statuses, of which RESOURCE_EXHAUSTED is no failure but limited, and a missing one a success.
  @Test func accrualCountsLinkerdsStatuses() {
    for status in Int16(0)...16 {
      let answer = AccrualAnswer(grpcStatus: status)
      #expect(answer.isFailure == [2, 4, 7, 13, 14, 15].contains(status), "\(status)")
      #expect(answer.isRateLimited == (status == 8))
    }
    #expect(AccrualAnswer(grpcStatus: nil) == AccrualAnswer(isFailure: false))
    #expect(AccrualAnswer(status: 429, isAnswered: true) == AccrualAnswer(isFailure: false, isRateLimited: true))
    #expect(AccrualAnswer(status: 429, isAnswered: false) == AccrualAnswer(isFailure: true))
  }
}
