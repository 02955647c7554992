import MeshCore
import Testing

@Suite struct RuntimeFractionTests {
  // Goal: a fraction holds as many remainders as its numerator says, all of them from its denominator on, none at 0.
  @Test(arguments: [
    (0 as UInt64, 100 as UInt64, 0), (1, 100, 1), (52, 100, 52), (5, 10_000, 5), (150, 100, 100), (1, 0, 1),
  ])
  func holdsItsShare(_ numerator: UInt64, _ denominator: UInt64, _ count: Int) {
    let fraction = RuntimeFraction(numerator, of: denominator)
    #expect((0..<fraction.denominator).count { fraction.contains($0) } == count)
    #expect(fraction.contains(7) == fraction.contains(7 + 3 * fraction.denominator))
  }

  // Goal: a whole percentage draws no number where the answer is known, a fraction always does; both draw alike between.
  @Test func drawsOnlyWhatItNeeds() {
    for percent in [0, 1, 50, 99, 100, 250] as [UInt64] {
      let fraction = RuntimeFraction(percent)
      var (always, sometimes) = (RandomStream(state: 3), RandomStream(state: 3))
      let answers = (fraction.draw(&always), fraction.drawUnlessKnown(&sometimes))
      let isKnown = percent == 0 || percent >= 100
      #expect(answers.0 == answers.1)
      var untouched = RandomStream(state: 3)
      #expect((sometimes.next() == untouched.next()) == isKnown)
    }
  }
}
