import MeshCore
import Testing

@Suite struct SuccessRuleTests {
  // Goal: a caller is content below 500, but not with 429.
  @Test func callersWantLessThan500AndNot429() {
    for status in 100...999 {
      #expect(SuccessRule.isSuccess(status: Int16(status)) == (status < 500 && status != 429), "\(status)")
    }
  }
}
