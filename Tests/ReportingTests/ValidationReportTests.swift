// What a comparison of both worlds is written as: two tables and a picture.

import Experiments
import Simulation
import Testing

@testable import Reporting

@Suite struct ValidationReportTests {
  private static func validation() -> Validation {
    var slow = LatencyHistogram()
    var fast = LatencyHistogram()
    for number in 1...1000 {
      fast.record(Int64(number) * 10_000)
      slow.record(Int64(number) * 20_000)
    }
    return Validation(
      scenario: "a<b", proxy: "envoy",
      rows: [
        ValidationRow(
          variant: "base", metric: .detectionTime, simulated: nil, measured: 2e6, tolerance: Tolerance(absolute: 1e8),
          runs: 1)
      ], overlays: [LatencyOverlay(variant: "base", simulated: fast, measured: slow)], hopCost: 1e6, notes: [])
  }

  /// Goal: the latency file has a row a world and quantile, named and in milliseconds.
  @Test func latencies() throws {
    let lines = try ValidationReport(Self.validation()).latencyCSV().split(whereSeparator: \.isNewline).map(String.init)
    #expect(lines[0] == "scenario,variant,proxy,world,quantile,latency_ms")
    #expect(lines.count == 1 + 2 * 104)
    for (world, median) in [("simulated", 5.0), ("measured", 10.0)] {
      let row = try #require(lines.first { $0.hasPrefix("a<b,base,envoy,\(world),0.5,") })
      let value = try #require(row.split(separator: ",").last.flatMap { Double($0) })
      #expect(abs(value - median) < 0.02 * median, "\(row)")
    }
    let table = try ValidationReport(Self.validation()).csv()
    #expect(table.contains("a<b,base,envoy,detectionTime,,,,2,,,fails"), "\(table)")
  }

  /// Goal: the picture is one file that calls nobody, has both curves in both panels, escapes names and follows dark themes; with nothing
  /// measured it still stands.
  @Test func picture() {
    let svg = OverlayPicture(Self.validation()).svg
    #expect(svg.hasPrefix("<svg") && svg.hasSuffix("</svg>\n"))
    #expect(svg.components(separatedBy: "<path class=\"simulated\"").count == 4)
    #expect(svg.components(separatedBy: "<path class=\"measured\"").count == 4)
    #expect(svg.contains("a&lt;b") && svg.contains("prefers-color-scheme: dark"))
    #expect(!svg.contains("href") && !svg.contains("script") && !svg.contains("url("))
    // The median is in the middle of the first panel's height, at half of what its right edge stands for.
    let curve = svg.components(separatedBy: "<path class=\"measured\" d=\"M ").dropFirst(2).first ?? ""
    #expect(curve.contains(" 214.0 "), "\(curve.prefix(200))")
    var empty = Self.validation()
    empty.overlays[0].measured = LatencyHistogram()
    #expect(OverlayPicture(empty).svg.components(separatedBy: "<path class=\"measured\"").count == 2)
  }
}
