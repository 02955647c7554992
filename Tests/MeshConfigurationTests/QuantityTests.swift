// Goal: numbers with units are read to the nearest value, and everything else is refused with its reason.

import MeshConfiguration
import MeshCore
import Testing

@Suite struct QuantityTests {
  @Test(
    "Durations",
    arguments: [
      ("250us", 250_000), ("250µs", 250_000), ("5ms", 5_000_000), ("1.5s", 1_500_000_000), ("2m", 120_000_000_000),
      ("1h", 3_600_000_000_000), ("7ns", 7), ("0", 0), ("0s", 0), ("1m30s", 90_000_000_000), (".5s", 500_000_000),
      ("1e-3s", 1_000_000), ("164.086ms", 164_086_000), ("0.1ms", 100_000),
    ] as [(String, Int64)])
  func spans(_ text: String, _ nanoseconds: Int64) throws {
    let span = try Quantity.span(text)
    #expect(span.nanoseconds == nanoseconds)
  }

  @Test(
    "What is no duration",
    arguments: [
      ("5", "has no unit"), ("5 ms", "has the unknown unit ' ms'"), ("5d", "has the unknown unit 'd'"),
      ("-5ms", "is negative"), ("ms", "is no duration"), ("", "is no duration"), ("1s1s", "is no duration"),
      ("1s1m", "is no duration"), ("1s5", "has no unit"), ("1e400s", "is no duration"), ("nans", "is no duration"),
      ("0x1ms", "has the unknown unit 'x'"), ("1000000h", "is longer than 100 years"),
      ("0.0001ns", "is shorter than 1ns"), ("--5ms", "is no duration"),
    ])
  func noSpans(_ text: String, _ reason: String) {
    #expect(throws: QuantityFault(reason: reason)) { try Quantity.span(text) }
  }

  @Test(
    "Rates",
    arguments: [("3000/s", 3000), ("10/m", 10.0 / 60), ("5/h", 5.0 / 3600), ("2/ms", 2000), ("0.5/s", 0.5)]
      as [(String, Double)])
  func rates(_ text: String, _ perSecond: Double) throws {
    let rate = try Quantity.rate(text)
    #expect(rate == perSecond)
  }

  @Test("Fractions: a percentage is the double nearest to what it says")
  func fractions() throws {
    let pairs = [
      ("0.1%", 0.001), ("0.07%", 0.0007), ("99.9%", 0.999), ("50%", 0.5), ("0.35", 0.35), ("1e1%", 0.1), ("-5%", -0.05),
    ]
    for (text, value) in pairs {
      let fraction = try Quantity.fraction(text)
      #expect(fraction == value, "\(text)")
    }
  }

  @Test("Integer percentages are bare numbers or carry a sign")
  func percentages() throws {
    for (text, value) in [("25%", 25), ("25", 25), ("0.35", 0.35), ("0", 0), ("100%", 100)] as [(String, Double)] {
      let percentage = try Quantity.percentage(text)
      #expect(percentage == value)
    }
    #expect(throws: QuantityFault(reason: "is above 100 %")) { try Quantity.percentage("101%") }
    #expect(throws: QuantityFault(reason: "is negative")) { try Quantity.percentage("-1") }
  }

  @Test("Sizes and bandwidths")
  func sizes() throws {
    for (text, bytes) in [("16KiB", 16384), ("1KB", 1000), ("1MiB", 1_048_576), ("7", 7), ("1.5KiB", 1536)]
      as [(String, Int64)]
    {
      let size = try Quantity.size(text)
      #expect(size == bytes)
    }
    #expect(throws: QuantityFault(reason: "is no whole number of bytes")) { try Quantity.size("0.3KiB") }
    let bandwidth = try Quantity.bandwidth("10Gbps")
    #expect(bandwidth == 10e9)
  }

  @Test("Whole numbers have no fraction and fit")
  func integers() throws {
    let million = try Quantity.integer("1e6")
    #expect(million == 1_000_000)
    for text in ["1.5", "abc", "", "0x10", "1e300"] {
      #expect(throws: QuantityFault.self) { try Quantity.integer(text) }
    }
  }

  @Test("Spans are written in the largest unit that keeps them whole")
  func written() {
    let spans: [(Int64, String)] = [
      (0, "0s"), (90_000_000_000, "90s"), (250_000, "250us"), (1, "1ns"), (7_200_000_000_000, "2h"),
    ]
    for (nanoseconds, text) in spans { #expect(QuantityText.span(TimeSpan(nanoseconds: nanoseconds)) == text) }
  }
}
