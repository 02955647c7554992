import Foundation
import MeshCore
import Testing

/// One line of the fixture: an input, the correctly rounded result, and what rounding took away.
private struct Reference {
  var input: Double
  var result: Double
  var residual: Double

  /// How far `value` is from the exact result, in units of the result's last place.
  func error(of value: Double) -> Double {
    if value == result && result.isInfinite { return 0 }
    return abs((value - result) - residual) / result.ulp
  }

  static func all(of function: String) throws -> [Reference] {
    let file = try #require(
      Bundle.module.url(forResource: "elementary", withExtension: "txt", subdirectory: "Fixtures"))
    let text = try String(contentsOf: file, encoding: .utf8)
    return text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let words = line.split(separator: UInt8(ascii: " ")).map { String($0) ?? "" }
      if words.count != 4 || words[0] != function { return nil }
      let numbers = words.dropFirst().compactMap { UInt64($0, radix: 16) }.map { Double(bitPattern: $0) }
      return numbers.count == 3 ? Reference(input: numbers[0], result: numbers[1], residual: numbers[2]) : nil
    }
  }
}

/// Goal: the functions are as exact as they say. Method: references of 200 bits (Fixtures/elementary.py), among them the
/// neighbourhood of 1, subnormals, powers of two and the edges of the tables' slots.
@Suite struct ElementaryTests {
  @Test func logarithmIsWithin51HundredthsOfAnUlp() throws {
    let references = try Reference.all(of: "log")
    #expect(references.count > 5000)
    for reference in references {
      let error = reference.error(of: Elementary.logarithm(reference.input))
      #expect(error <= 0.51, "logarithm of \(reference.input)")
    }
  }

  @Test func exponentialIsWithin51HundredthsOfAnUlp() throws {
    let references = try Reference.all(of: "exp")
    #expect(references.count > 5000)
    for reference in references {
      let error = reference.error(of: Elementary.exponential(reference.input))
      #expect(error <= 0.51, "exponential of \(reference.input)")
    }
  }

  @Test func normalQuantileIsWithinOnePartInTenToThe15() throws {
    let references = try Reference.all(of: "normal")
    #expect(references.count > 2500)
    for reference in references {
      let value = Elementary.normalQuantile(reference.input)
      #expect(abs(value - reference.result) <= 1e-15 * abs(reference.result), "quantile \(reference.input)")
    }
  }

  /// Goal: no surprise at the ends of the domain.
  @Test func specialValues() {
    #expect(Elementary.logarithm(1).bitPattern == (0.0).bitPattern)
    #expect(Elementary.logarithm(0) == -.infinity)
    #expect(Elementary.logarithm(-0.0) == -.infinity)
    #expect(Elementary.logarithm(-1).isNaN)
    #expect(Elementary.logarithm(-.infinity).isNaN)
    #expect(Elementary.logarithm(.nan).isNaN)
    #expect(Elementary.logarithm(.infinity) == .infinity)
    #expect(Elementary.exponential(0) == 1)
    #expect(Elementary.exponential(-0.0) == 1)
    #expect(Elementary.exponential(-.infinity) == 0)
    #expect(Elementary.exponential(-746) == 0)
    #expect(Elementary.exponential(-1e300) == 0)
    #expect(Elementary.exponential(.infinity) == .infinity)
    #expect(Elementary.exponential(710) == .infinity)
    #expect(Elementary.exponential(1e300) == .infinity)
    #expect(Elementary.exponential(.nan).isNaN)
    #expect(Elementary.normalQuantile(0.5) == 0)
    #expect(Elementary.normalQuantile(0) == -.infinity)
    #expect(Elementary.normalQuantile(1) == .infinity)
    #expect(Elementary.normalQuantile(-0.1).isNaN)
    #expect(Elementary.normalQuantile(1.1).isNaN)
    #expect(Elementary.normalQuantile(.nan).isNaN)
  }

  /// Goal: a wider sweep than the fixture finds no outlier. The C library is within an ulp itself: 2 between the two.
  @Test func agreesWithTheLibraryWithinTwoUlps() {
    var stream = RandomStream(state: 7)
    for _ in 0..<100_000 {
      let small = stream.unit()
      let wide = Double(bitPattern: stream.next() >> 1)
      for x in [small, wide] where x.isFinite && x > 0 {
        let library = Foundation.log(x)
        #expect(abs(Elementary.logarithm(x) - library) <= 2 * library.ulp, "logarithm of \(x)")
      }
      let exponent = -745 + 1454 * stream.unit()
      let library = Foundation.exp(exponent)
      #expect(abs(Elementary.exponential(exponent) - library) <= 2 * library.ulp, "exponential of \(exponent)")
    }
  }

  /// Goal: both functions never decrease where it is hardest, from one double to the next across slots and near 1.
  @Test func neighboursAreInOrder() {
    var stream = RandomStream(state: 11)
    for _ in 0..<20_000 {
      let x = 0.5 + stream.unit()
      #expect(Elementary.logarithm(x) <= Elementary.logarithm(x.nextUp))
      let y = 40 * stream.unit() - 20
      #expect(Elementary.exponential(y) <= Elementary.exponential(y.nextUp))
    }
  }

  /// Goal: the quotients keep their digits where the plain formulas lose them.
  @Test func quotientsMeetTheirLimits() {
    #expect(Elementary.exponentialQuotient(0) == 1)
    #expect(Elementary.logarithmQuotient(0) == 1)
    for exponent in stride(from: -12.0, through: 1, by: 0.125) {
      for x in [Foundation.pow(10, exponent), -Foundation.pow(10, exponent) / 11] {
        #expect(abs(Elementary.exponentialQuotient(x) / (expm1(x) / x) - 1) < 4e-13)
        #expect(abs(Elementary.logarithmQuotient(x) / (log1p(x) / x) - 1) < 4e-13)
      }
    }
    #expect(abs(Elementary.power(3, 4) - 81) < 1e-13)
  }
}
