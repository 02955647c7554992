import Experiments
import Testing

@Suite struct DecimalNumberTests {
  /// Text of chosen numbers, written out by hand.
  @Test(arguments: [
    (0.0, "0"), (-0.0, "0"), (1.0, "1"), (-1.5, "-1.5"), (0.1 + 0.2, "0.3"), (1.0 / 3, "0.333333333333"),
    (2.0 / 3, "0.666666666667"), (999_999_999_999.5, "1000000000000"), (0.999_999_999_999_9, "1"),
    (123_456.789, "123456.789"), (1e-6, "0.000001"), (1e-7, "1e-7"), (1.25e-7, "1.25e-7"), (1e15, "1e15"),
    (1.0e14, "100000000000000"), (12345e-9, "0.000012345"), (60_000.123_456, "60000.123456"),
    (Double.leastNonzeroMagnitude, "5e-324"),
    (1.7976931348623157e308, "1.79769313486e308"), (Double.infinity, ""), (Double.nan, ""),
  ])
  func text(value: Double, text: String) {
    #expect(DecimalNumber(value).text == text)
  }

  /// Reading a text back gives a number within half a unit of its last digit, over 20 000 magnitudes and signs; and
  /// writing that number again changes nothing.
  @Test func roundTrip() {
    var state: UInt64 = 7
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: (state &* 0x9e37_79b9_7f4a_7c15) ^ (state >> 29))
      guard value.isFinite else { continue }
      let number = DecimalNumber(value)
      guard let back = number.value else {
        Issue.record("\(value) became \(number.text)")
        continue
      }
      #expect(
        abs(back - value) <= abs(value) * 5.000_001e-12 + Double.leastNonzeroMagnitude, "\(value) became \(number.text)"
      )
      #expect(DecimalNumber(back).text == number.text)
    }
  }

  /// Fixed places round to nearest and keep their zeros.
  @Test(arguments: [
    (1.005, 2, "1.00"), (1.5, 0, "2"), (-0.001, 2, "0.00"), (-1.25, 1, "-1.3"), (99.999, 2, "100.00"),
    (0.05, 3, "0.050"),
  ])
  func fixed(value: Double, places: Int, text: String) {
    #expect(DecimalNumber.fixed(value, places: places) == text)
  }
}
