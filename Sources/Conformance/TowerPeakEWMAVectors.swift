// tower's peak EWMA, which Linkerd 2 used: tower/src/load/peak_ewma.rs, tests default_decay and compound_decay.

import LoadBalancing
import MeshCore
import TestVectors

/// A peak EWMA policy by itself with one endpoint, at a time given in milliseconds.
struct PeakEWMADriver: ~Copyable {
  private var driver: PolicyDriver

  init(form: String, decay: Double, defaultRtt: Double = 0) {
    let span = { (milliseconds: Double) in ParameterValue.integer(TimeSpan.milliseconds(of: milliseconds).nanoseconds) }
    let parameters = PolicyDriver.parameters(
      PeakEWMA.descriptor, [("form", .word(form)), ("decay", span(decay)), ("defaultRtt", span(defaultRtt))])
    driver = PolicyDriver(PeakEWMA(parameters))
    driver.list(weights: [1])
  }

  var inFlight: Int32 { driver.endpoints.states[0].inFlight }

  private mutating func go(to time: Double) { driver.now = .zero + .milliseconds(of: time) }

  /// What one more request would cost, in milliseconds. Looking lets the estimate fade.
  mutating func cost(at time: Double) -> Double {
    go(to: time)
    return (driver.policy.rank(driver.endpoints.view, slot: 0, at: driver.now) ?? .nan) / 1e6
  }

  mutating func start(at time: Double) {
    go(to: time)
    driver.begin(0)
  }

  mutating func finish(latency: Double, at time: Double) {
    go(to: time)
    driver.end(0, latency: .milliseconds(of: latency))
  }
}

struct TowerPeakEWMAVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "peak_ewma_tower" || (file.list("cases").contains { $0.member("tau") != nil })
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.list("cases"), of: "cases") { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    var driver = PeakEWMADriver(
      form: "tower", decay: try vector("tau").time, defaultRtt: try vector("default_rtt").time)
    for read in try vector.member("reads")?.items ?? [] {
      let row = try read.doubles
      guard row.count == 2 else { throw VectorError(description: "a read of \(row.count) numbers") }
      check.close(driver.cost(at: try read.items[0].time), row[1], relative: 1e-11, "at \(row[0])")
    }
    for step in try vector.member("steps")?.items ?? [] {
      guard try step.items.count == 3 else { throw VectorError(description: "a step of another length") }
      let operation = try step.items[0].string
      let time = try step.items[1].time
      if operation.hasPrefix("start") {
        driver.start(at: time)
      } else if operation.hasPrefix("finish") {
        guard driver.inFlight > 0 else { throw VectorError(description: "a finish without a start") }
        driver.finish(latency: try Self.number(after: "rtt", in: operation), at: time)
      } else if operation != "load" {
        throw VectorError(description: "no operation \(operation)")
      }
      check.close(driver.cost(at: time), try step.items[2].double, relative: 1e-11, operation)
    }
  }

  /// The number that follows the last `mark` in a text.
  static func number(after mark: String, in text: String) throws -> Double {
    guard let range = text.ranges(of: mark).last,
      let value = Double(String(text[range.upperBound...].prefix { $0.isNumber || $0 == "." }))
    else { throw VectorError(description: "no number after \(mark) in \(text)") }
    return value
  }
}
