// Queues that no closed form describes, in the real simulator: n servers of one worker each, Poisson arrivals, exponential service
// with a mean of 1, first come first served. Rows give the mean response time and its quantiles by policy, n and load, as another
// program simulated them.

import MeshCore
import Simulation
import TestVectors

enum QueueingSimulation {
  /// One service time, which is the unit of the rows.
  private static let unit = 1e6

  /// Runs one row.
  static func run(_ row: VectorValue, _ check: inout VectorCheck) throws {
    let servers = try row("n").count
    let load = try row("lam").double
    guard (1...1000).contains(servers), (0.01...0.995).contains(load) else {
      throw VectorError(description: "\(servers) servers at \(load)")
    }
    let (balancer, parameters) = try policy(row("policy").string)
    let rate = Double(servers) * load / unit * 1e9
    var world = try ReferenceWorld(
      replicas: servers, time: .exponential(mean: unit), arrivals: .poisson(rate: rate), balancer: balancer, parameters)
    // The nearer to saturation, and the less queues help each other, the longer they remember.
    let isSlow = load > 0.92 || balancer == "random" || balancer == "roundRobin"
    let requests = check.requests(isSlow ? 5_000_000 : 2_000_000)
    let duration = Double(requests) / rate
    world.run.duration = .seconds(of: duration)
    world.run.warmUp = .seconds(of: duration / 5)
    let found = try world.simulate().summary
    let figures: [(name: String, value: Double?, tolerance: Double)] = [
      ("mean", found.latencyMean, 0.02), ("p50", found.latencyP50, 0.02), ("p90", found.latencyP90, 0.025),
      ("p99", found.latencyP99, 0.04), ("p99.9", found.latencyP999, 0.1),
    ]
    let tolerance = check.noise * (load > 0.92 ? 2 : 1)
    for (figure, expected) in zip(figures, try row("v").doubles) {
      guard let value = figure.value else { throw VectorError(description: "no requests") }
      check.close(value / unit, expected, relative: min(0.9, figure.tolerance * tolerance), figure.name)
    }
  }

  /// The policy that a row means; what stands in parentheses or after "random tie" is how it comes to its last choice.
  private static func policy(
    _ text: String
  ) throws -> (name: String, parameters: [(name: String, value: ParameterValue)]) {
    let words = text.split(separator: " ").map(String.init)
    switch words.first {
    case "random": return ("random", [])
    case "round_robin": return ("roundRobin", [])
    case "jsq": return ("joinShortestQueue", [])
    case "jiq": return ("joinIdleQueue", [])
    case "lwl": return ("leastWorkLeft", [])
    case "p2c": return ("leastRequest", [("choices", .integer(2)), ("sampling", .word("distinct"))])
    case "pod":
      guard words.count > 1, words[1].hasPrefix("d="), let choices = Int64(words[1].dropFirst(2)),
        (1...100).contains(choices)
      else { throw VectorError(description: "no choices in \(text)") }
      let sampling = words.contains("distinct") ? "distinct" : "withReplacement"
      return ("leastRequest", [("choices", .integer(choices)), ("sampling", .word(sampling))])
    default: throw VectorError(description: "no policy \(text)")
    }
  }
}
