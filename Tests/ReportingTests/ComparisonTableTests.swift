import Experiments
import Simulation
import SyntheticResults
import Testing

@testable import Reporting

@Suite struct ComparisonTableTests {
  /// The table without colours, byte for byte: units, intervals, ratios, the mark of the best.
  @Test func golden() {
    #expect(
      ComparisonTable(syntheticExperiment()).text(on: Canvas())
        == """
        synthetic: Made by hand.
        seed 42, 2 replications of 10 s, mean ± 95 % interval

                            roundRobin         peakEwma
        balancer                random           random
        requests          1000           1000
        failures            10             10
        successRate, %   99.00          99.00
        throughput, /s     100            100
        latency.p99, ms  15.00 ± 63.53   7.50 ± 31.77 ≈
        retries             25             25
        hedges               5              5
        ejections            3              3

        peakEwma: no difference shown at p99

        * best, or cannot be told apart from the best; × relative to roundRobin, ≈ cannot be told apart from it
        failures: status 500 and above or 429, no answer

        """)
  }

  /// A star is no chance: the best and what cannot be told apart from it have one, the others none; nobody has one where all are
  /// alike.
  @Test func stars() {
    let figures: [(String, [Double])] = [
      ("a", [10, 10.51]), ("b", [5, 5.5]), ("c", [5.01, 5.49]), ("d", [20, 1]),
      // From `b` by chance once in 33 times.
      ("e", [5.953, 6.547]), ("f", [5.953, 6.547]),
    ]
    func table(_ names: [String]) -> String? {
      let scenario = syntheticScenario(variants: names)
      let variants = zip(scenario.variants, names).map { variant, name in
        let values = figures.first { $0.0 == name }?.1 ?? []
        return VariantResult(
          variant: variant,
          replications: values.enumerated().map { syntheticResult(replication: $0.offset, p99: $0.element) })
      }
      let text = ComparisonTable(ExperimentResult(scenario: scenario, variants: variants)).text(on: Canvas())
      return text.split(separator: "\n").first { $0.hasPrefix("latency.p99") }.map(String.init)
    }
    #expect(table(["a", "d"])?.contains("*") == false)
    let row = table(["a", "b", "c"]) ?? ""
    #expect(row.count { $0 == "*" } == 2)
    #expect(row.contains("*  5.25"))
    // The more are held against the best, the more each has to show.
    #expect(table(["a", "b", "e"])?.count { $0 == "*" } == 1)
    #expect(table(["a", "b", "e", "f"])?.count { $0 == "*" } == 3)
  }

  /// Colour adds escape sequences and takes nothing away; without it there are none.
  @Test func colourIsExtra() {
    let table = ComparisonTable(syntheticExperiment())
    let plain = table.text(on: Canvas(showsColor: false))
    let colored = table.text(on: Canvas(showsColor: true))
    #expect(!plain.contains("\u{1B}"))
    #expect(colored.contains("\u{1B}[1m"))
    #expect(colored.replacing(/\u{1B}\[[0-9;]*m/, with: "") == plain)
  }

  /// More variants than a terminal has room for go below each other; each line fits and each variant is there once.
  @Test func wideTablesAreSplit() {
    let names = (0..<9).map { "variant-number-\($0)" }
    let scenario = syntheticScenario(variants: names)
    let result = ExperimentResult(
      scenario: scenario,
      variants: scenario.variants.map { variant in
        VariantResult(
          variant: variant, replications: [syntheticResult(p99: 3), syntheticResult(replication: 1, p99: 4)])
      })
    let text = ComparisonTable(result).text(on: Canvas(width: 80))
    let lines = text.split(separator: "\n").filter { $0.hasPrefix(" ") || $0.hasPrefix("latency.p99") }
    #expect(lines.allSatisfy { $0.count <= 80 })
    let heads = lines.filter { $0.hasPrefix(" ") }
    #expect(heads.count > 1)
    #expect(heads.joined().split(separator: " ").map(String.init) == names)
  }

  /// Notes stand below, told once, with how many replications they are of.
  @Test func notes() {
    var result = syntheticExperiment()
    result.variants[0].replications[0].notes = ["load ≥ 1 at db from 50 s", "other"]
    result.variants[0].replications[1].notes = ["load ≥ 1 at db from 50 s"]
    let text = ComparisonTable(result).text(on: Canvas())
    #expect(
      text.hasSuffix(
        "\n\nnote: roundRobin: load ≥ 1 at db from 50 s\nnote: roundRobin: other (1 of 2 replications)\n"))
  }

  /// What the scenario has to say of itself stands first, without a variant, and in the JSON document too.
  @Test func scenarioNotes() {
    var result = syntheticExperiment()
    result.scenario.notes = ["profile envoy: defaults not simulated yet: panicThreshold 50%"]
    result.variants[1].replications[1].notes = ["other"]
    #expect(
      ComparisonTable(result).text(on: Canvas()).hasSuffix(
        """


        note: profile envoy: defaults not simulated yet: panicThreshold 50%
        note: peakEwma: other (1 of 2 replications)

        """))
    #expect(ComparisonDocument.document(result, folder: nil).text.contains("defaults not simulated yet"))
  }

  /// Forty replications that saturate at forty times give one note, not forty; other places stay apart.
  @Test func notesWithOtherFigures() {
    var result = syntheticExperiment()
    result.variants[0].replications[0].notes = ["load ≥ 1 at db from 50 s: figures depend on the duration"]
    result.variants[0].replications[1].notes = [
      "load ≥ 1 at db from 51 s: figures depend on the duration",
      "load ≥ 1 at db-1 from 51 s: figures depend on the duration",
    ]
    #expect(
      ComparisonTable(result).text(on: Canvas()).hasSuffix(
        """


        note: roundRobin: load ≥ 1 at db from 50 s: figures depend on the duration (figures of the first)
        note: roundRobin: load ≥ 1 at db-1 from 51 s: figures depend on the duration (1 of 2 replications)

        """))
  }

  /// Verdicts, byte for byte.
  @Test func goldenVerdicts() {
    let result = syntheticExperiment()
    let verdicts = ExpectationJudge.verdicts(result)
    #expect(
      VerdictTable(result.scenario, verdicts).text(on: Canvas())
        == """
        synthetic
          ✓ holds  peakEwma  latency.p99  max 60ms              measured 7.50 ± 31.77 ms
          ✓ holds  peakEwma  latency.p99  max 0.5 × roundRobin  measured 0.500

        """)
    #expect(VerdictTable.total(verdicts) == "2 hold, 0 fail, 0 without enough data\n")
  }

  /// JUnit XML, byte for byte, with everything in a text that XML forbids.
  @Test func goldenJUnit() {
    var result = syntheticExperiment()
    result.scenario.expectations = [
      Expectation(
        metric: "latency.p99", variant: "roundRobin", ratioTo: nil, bound: .maximum(60e6), text: "max 60ms"),
      Expectation(
        metric: "latency.p99", variant: "a<b>&\"c'\u{1}\n", ratioTo: nil, bound: .maximum(1), text: "max 1ns"),
    ]
    var report = JUnitReport()
    report.append(result.scenario, ExpectationJudge.verdicts(result))
    let name = "a&lt;b&gt;&amp;&quot;c&apos;\u{FFFD}&#10;"
    #expect(
      report.text
        == """
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="weir" tests="2" failures="2" errors="0">
          <testsuite name="synthetic" tests="2" failures="2" errors="0">
            <testcase classname="synthetic" name="roundRobin latency.p99 max 60ms">
              <failure type="notEnoughData" message="expected max 60ms; measured 15.0 ± 63.5 ms"/>
            </testcase>
            <testcase classname="synthetic" name="\(name) latency.p99 max 1ns">
              <failure type="notEnoughData" message="expected max 1ns; nothing was measured"/>
            </testcase>
          </testsuite>
        </testsuites>

        """)
  }

  /// Progress: a bar, simulated time, speed and what is left, within the terminal's width.
  @Test func progress() {
    let progress = ExperimentProgress(
      fraction: 0.5, simulated: .seconds(600), requests: 3_000_000, completed: 5, total: 10)
    #expect(
      ProgressLine(title: "slow").text(progress, elapsed: 2)
        == "\r\u{1B}[Kslow ██████████░░░░░░░░░░ 50 %, 600 s simulated, 1.5 M requests/s, 2 s left")
    #expect(ProgressLine(title: "slow", width: 20).text(progress, elapsed: 2).count <= 20 + ProgressLine.clearing.count)
  }
}
