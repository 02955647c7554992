// The ziggurat against the curve that it covers: its layers, its tail, and what one draw may be.

import MeshCore
import Testing

@testable import Simulation

@Suite("exponential ziggurat")
struct ExponentialZigguratTests {
  private static var ziggurat: ExponentialZiggurat { ExponentialZiggurat() }
  private static var key: RandomKey { RandomKey(value: 20) }

  /// Goal: 256 layers of that area close exactly at the curve's top; a wrong constant or a layer too many leaves a gap.
  @Test func layersCloseAtTheTop() {
    #expect(Self.ziggurat.misfit.magnitude < 1e-12)
  }

  /// Goal: what one draw cannot decide is decided rightly: steps between layers and the tail. Method: 4 million draws counted
  /// in cells far narrower than a layer near 0, and beyond the tail's start, against e^-x; each count within 5 standard
  /// deviations, which a layer decided wrongly by a hundredth of its wedge would miss.
  @Test func cellsHaveTheirProbability() {
    let ziggurat = Self.ziggurat
    let key = Self.key
    let total = 4_000_000
    let edges: [Double] = [0, 0.02, 0.06, 0.12, 0.25, 0.5, 1, 2, 3, 4.5, 6, 7, 7.5, 7.69711747013104972, 8, 9, 11]
    var counts = [Int](repeating: 0, count: edges.count)
    for number in 0..<UInt64(total) {
      let variate = ziggurat.draw(key, number)
      var cell = edges.count - 1
      while variate < edges[cell] { cell -= 1 }
      counts[cell] += 1
    }
    for cell in edges.indices {
      let above = cell + 1 < edges.count ? Elementary.exponential(-edges[cell + 1]) : 0
      let probability = Elementary.exponential(-edges[cell]) - above
      let expected = Double(total) * probability
      let deviation = (expected * (1 - probability)).squareRoot()
      #expect((Double(counts[cell]) - expected).magnitude < 5 * deviation, "from \(edges[cell])")
    }
  }

  /// Goal: the four lowest moments, 1, 2, 6 and 24, within 5 standard errors of a million draws.
  @Test func moments() {
    let ziggurat = Self.ziggurat
    let key = Self.key.key(1)
    let total = 1_000_000
    var sums = [Double](repeating: 0, count: 5)
    for number in 0..<UInt64(total) {
      let variate = ziggurat.draw(key, number)
      var power = 1.0
      for order in 1...4 {
        power *= variate
        sums[order] += power
      }
    }
    let factorials = [1.0, 1, 2, 6, 24, 120, 720, 5_040, 40_320]
    for order in 1...4 {
      let spread = (factorials[2 * order] - factorials[order] * factorials[order]) / Double(total)
      #expect((sums[order] / Double(total) - factorials[order]).magnitude < 5 * spread.squareRoot(), "order \(order)")
    }
  }

  /// Goal: a draw is a function of key and number alone, and neighbours' undecided draws share nothing. Method: the same draws
  /// forwards and backwards; those of the tail, which all use further draws, all differ.
  @Test func drawsKeepToThemselves() {
    let ziggurat = Self.ziggurat
    let key = Self.key.key(2)
    let forwards = (0..<UInt64(200_000)).map { ziggurat.draw(key, $0) }
    let backwards = (0..<UInt64(200_000)).reversed().map { ziggurat.draw(key, $0) }
    #expect(forwards == backwards.reversed())
    let tail = forwards.filter { $0 > ExponentialZiggurat.tailStart }
    #expect(tail.count > 50)
    #expect(Set(tail).count == tail.count)
  }
}
