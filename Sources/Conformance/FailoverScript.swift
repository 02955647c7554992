// Rings of several priorities, as Envoy's tests tell of them in a line a step: who is well, and where hashes lead then.
//
//   P0 {:80 unhealthy}, P1 {:82 healthy} -> :82            P0 healthy -> :80
//   P0 {:80 healthy,:81 unhealthy} -> load 70/30: hash 69 -> P0, hash 71 -> P1
//
// One hash chooses the priority, by its remainder by 100, and the host on that priority's ring.

import LoadBalancing
import TestVectors

/// Priorities of hosts, and what is asserted of them.
struct FailoverScript {
  private struct Host {
    var name: String
    var isHealthy: Bool
  }

  private var priorities: [[Host]] = []

  /// Carries a step out and compares what it says.
  mutating func follow(_ step: String, _ check: inout VectorCheck) throws {
    guard let arrow = step.range(of: " -> ") else { throw VectorError(description: "no step \(step)") }
    try set(step[..<arrow.lowerBound])
    let told = step[arrow.upperBound...]
    var load = PriorityLoad()
    load.update(
      priorities.map { hosts in
        PriorityGroup(total: Int32(hosts.count), healthy: Int32(hosts.count { $0.isHealthy }))
      })
    if told.hasPrefix(":") {
      for hash in 0..<100 as Range<UInt64> {
        check.equal(host(of: hash, load), String(told), "hash \(hash) in \(step)")
      }
    } else if told.hasPrefix("load "), let colon = told.firstIndex(of: ":") {
      let loads = told[..<colon].dropFirst(5).split(separator: "/").map { Int32($0) }
      check.equal(load.healthy.map { Optional($0) }, loads, "load")
      for pick in told[told.index(after: colon)...].split(separator: ",") {
        let words = pick.split(separator: " ")
        guard words.count == 4, words[0] == "hash", let hash = UInt64(words[1]), words[2] == "->" else {
          throw VectorError(description: "no pick \(pick)")
        }
        check.equal("P\(load.choose(hash).priority)", String(words[3]), "hash \(hash)")
      }
    } else {
      throw VectorError(description: "no outcome \(told)")
    }
  }

  /// `P0 {:80 unhealthy}, P1 {…}` says who is there, `P0 healthy` how those who are there are.
  private mutating func set(_ text: Substring) throws {
    var rest = text
    while let first = rest.first {
      if first == " " || first == "," {
        rest.removeFirst()
        continue
      }
      guard first == "P", let number = rest.dropFirst().first?.wholeNumberValue else {
        throw VectorError(description: "no priority in \(text)")
      }
      rest = rest.dropFirst(2)
      while priorities.count <= number { priorities.append([]) }
      if rest.hasPrefix(" {"), let end = rest.firstIndex(of: "}") {
        priorities[number] = try rest[..<end].dropFirst(2).split(separator: ",").map { entry in
          let words = entry.split(separator: " ")
          guard words.count == 2 else { throw VectorError(description: "no host \(entry)") }
          return Host(name: String(words[0]), isHealthy: try Self.isHealthy(words[1]))
        }
        rest = rest[rest.index(after: end)...]
      } else {
        let words = rest.prefix { $0 != "," }.split(separator: " ")
        guard let word = words.first, words.dropFirst().allSatisfy({ $0 == "again" }) else {
          throw VectorError(description: "no health in \(text)")
        }
        for place in priorities[number].indices { priorities[number][place].isHealthy = try Self.isHealthy(word) }
        rest = rest.drop { $0 != "," }
      }
    }
  }

  private static func isHealthy(_ word: Substring) throws -> Bool {
    switch word {
    case "healthy": return true
    case "unhealthy": return false
    default: throw VectorError(description: "no health \(word)")
    }
  }

  /// The host that a hash leads to: of those that are well, or of all in a panic.
  private func host(of hash: UInt64, _ load: PriorityLoad) -> String {
    let choice = load.choose(hash)
    let hosts = priorities.indices.contains(Int(choice.priority)) ? priorities[Int(choice.priority)] : []
    let eligible = load.source(of: choice) == .all ? hosts : hosts.filter(\.isHealthy)
    if eligible.isEmpty { return "none" }
    let ring = RingTable(WeightedMember.normalised(eligible.map { ("127.0.0.1\($0.name)", 1) }), minimumSize: 12)
    return eligible[Int(ring.member(of: hash))].name
  }
}
