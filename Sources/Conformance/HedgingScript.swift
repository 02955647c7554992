// gRPC's hedging (gRFC A6): when the tries of a request that nobody answers begin, as a whole data plane sends them.

import MeshCore
import TestVectors

enum HedgingScript {
  static func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let configuration = try vector("config")
    let attempts = try configuration("maxAttempts").int
    let milliseconds = try configuration("hedgingDelay_ms").int
    guard (1...100).contains(attempts), (1...1_000_000).contains(milliseconds) else {
      throw VectorError(description: "no such hedging")
    }
    var silent = driver(maxAttempts: attempts, milliseconds: milliseconds)
    check.equal(begun(&silent), try vector("attempt_start_ms").ints, "nobody answers")
    guard let rule = try vector.member("nonfatal_status")?.string else { return }
    if rule != "sends next immediately, then delay resumes" { throw VectorError(description: "no rule \(rule)") }
    var failing = driver(maxAttempts: attempts, milliseconds: milliseconds)
    failing.advance(to: .zero + TimeSpan.milliseconds(Int64(milliseconds / 5)))
    failing.answer(503)
    let others = max(0, min(attempts, 5) - 1)
    check.equal(
      begun(&failing), [0] + (0..<others).map { milliseconds / 5 + $0 * milliseconds },
      "the first fails after \(milliseconds / 5) ms")
  }

  /// One request under way, whose failures with 503 are not fatal.
  private static func driver(maxAttempts: Int, milliseconds: Int) -> PlaneDriver {
    let policy = PolicyChoice(name: "random", parameters: PolicyParameters([]))
    var driver = PlaneDriver(
      ClusterDescription(name: "web", service: "web", balancer: policy), profile: .grpc, endpoints: 0...0,
      hedge: HedgeDescription(
        after: .delay(.milliseconds(Int64(milliseconds))), maxAttempts: Int32(clamping: min(maxAttempts, 5)),
        nonFatalStatusCodes: [503]))
    driver.request()
    return driver
  }

  /// When each try has begun once nothing is due any more, in milliseconds.
  private static func begun(_ driver: inout PlaneDriver) -> [Int] {
    while let next = driver.nextDeadline { driver.advance(to: next) }
    return driver.begun.map { Int(($0 - .zero as TimeSpan).nanoseconds / 1_000_000) }
  }
}
