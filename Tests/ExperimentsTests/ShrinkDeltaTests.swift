import Testing

@testable import Experiments

/// Goal: what is needed stays and nothing else. Method: needs that are known, and a count of the questions.
@Suite struct ShrinkDeltaTests {
  /// What is left of 0..<count when all of `needed` have to be there, and how often that was asked.
  private func minimal(_ count: Int, _ needed: Set<Int>) -> (kept: [Int], questions: Int) {
    var questions = 0
    let kept = DeltaDebugging.minimal(Array(0..<count)) { part in
      questions += 1
      return needed.isSubset(of: part)
    }
    return (kept, questions)
  }

  @Test(arguments: [[], [0], [7], [2, 5], [0, 7], [0, 1, 2, 3, 4, 5, 6, 7], [1, 3, 6]])
  func needed(needed: [Int]) {
    #expect(minimal(8, Set(needed)).kept == needed)
    #expect(minimal(100, Set(needed)).kept == needed)
  }

  /// One of a thousand is found by halves.
  @Test func fewQuestions() {
    #expect(minimal(1000, [777]).questions <= 2 * 10 + 2)
    #expect(minimal(0, []).questions == 0)
    #expect(minimal(1, [0]).questions == 1)
  }

  /// Where more is not always enough, the end is still a list without any one of which it does not hold.
  @Test func notMonotone() {
    func happens(_ part: [Int]) -> Bool { part.contains(3) && part.count % 2 == 1 }
    let kept = DeltaDebugging.minimal(Array(0..<9), happens)
    #expect(happens(kept) && kept == [3])
  }
}
