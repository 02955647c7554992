// Closed forms of queues, computed independently: the forms that simulations are held against have to be right themselves. And
// where there is no form, what somebody else's simulation of the same queues gave.

import Statistics
import TestVectors

struct QueueingTheoryVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.name == "queueing_reference" || file.content.member("analytic")?.member("lam") != nil
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    let table = file.content.member("analytic") ?? .null
    let columns = (try? table.members) ?? []
    for (key, column) in columns where key != "lam" && key != "formulas" {
      report.run(key) { check in
        if key.hasPrefix("s_i_d") {
          try runTails(column, choices: number(after: "s_i_d", in: key), &check)
        } else {
          let form = try form(of: key)
          for (load, expected) in zip(try table("lam").doubles, try column.doubles) {
            check.close(form(load), expected, relative: 1e-10, "load \(load)")
          }
        }
      }
    }
    let rows = file.content.member("independent_sim").flatMap { try? $0("rows").items } ?? []
    for row in rows {
      let name =
        "\((try? row("policy").string) ?? "?") n=\((try? row("n").int) ?? 0) at \((try? row("lam").double) ?? 0)"
      report.run(name) { try QueueingSimulation.run(row, &$0) }
    }
  }

  private func number(after prefix: String, in key: String) throws -> Int {
    guard key.hasPrefix(prefix), let number = Int(key.dropFirst(prefix.count)), (1...100_000).contains(number) else {
      throw VectorError(description: "no column \(key)")
    }
    return number
  }

  /// The mean response by load, of mean services.
  private func form(of key: String) throws -> (Double) -> Double {
    if key == "random" { return { QueueingTheory.meanResponse(servers: 1, arrivalRate: $0, serviceRate: 1) } }
    if key.hasPrefix("pod_d") {
      let choices = try number(after: "pod_d", in: key)
      return { QueueingTheory.supermarketMeanResponse(choices: choices, utilization: $0) }
    }
    if key.hasPrefix("rr_n") {
      let servers = try number(after: "rr_n", in: key)
      return { QueueingTheory.roundRobinMeanResponse(servers: servers, utilization: $0) }
    }
    let servers = try number(after: "mmn_n", in: key)
    return { QueueingTheory.meanResponse(servers: servers, arrivalRate: $0 * Double(servers), serviceRate: 1) }
  }

  private func runTails(_ column: VectorValue, choices: Int, _ check: inout VectorCheck) throws {
    for (load, tail) in try column.members {
      guard let utilization = Double(load) else { throw VectorError(description: "\(load) is no load") }
      for (index, expected) in try tail.doubles.enumerated() {
        let value = QueueingTheory.supermarketTail(length: index + 1, choices: choices, utilization: utilization)
        check.close(value, expected, relative: 1e-9, "load \(load), length \(index + 1)")
      }
    }
  }
}
