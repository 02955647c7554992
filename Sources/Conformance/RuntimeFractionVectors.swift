// Shares of requests as Envoy draws them: runtime_impl_test.cc, and what follows from its rules.

import MeshCore
import TestVectors

struct RuntimeFractionVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "runtime fractions" || (file.name == "runtime_fraction" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let number = try vector("random").unsigned
    let expected = try vector("expected").flag
    switch try vector("kind").string {
    case "integer":
      let fraction = RuntimeFraction(
        try vector("value").unsigned, of: try vector.member("num_buckets")?.unsigned ?? 100)
      check.equal(fraction.contains(number), expected)
    case "fraction": check.equal(try fraction(vector).contains(number), expected)
    case "integer percent without caller-supplied random":
      try draw(vector, number, expected, &check) { [value = try vector("value").unsigned] in
        RuntimeFraction(value).drawUnlessKnown(&$0)
      }
    case "FractionalPercent":
      try draw(vector, number, expected, &check) { [fraction = try fraction(vector)] in fraction.draw(&$0) }
    case let kind: throw VectorError(description: "no kind \(kind)")
    }
  }

  private func fraction(_ vector: VectorValue) throws -> RuntimeFraction {
    RuntimeFraction(try vector("numerator").unsigned, of: try vector("denominator").unsigned)
  }

  private func draw(
    _ vector: VectorValue, _ number: UInt64, _ expected: Bool, _ check: inout VectorCheck,
    _ body: (inout RandomStream) -> Bool
  ) throws {
    let numbers = ScriptedNumbers([number])
    var random = numbers.stream
    check.equal(body(&random), expected)
    if let consumed = try vector.member("random_consumed")?.flag {
      check.equal(random.drawnFromScript > 0, consumed, "whether a number is drawn")
    }
    withExtendedLifetime(numbers) {}
  }
}
