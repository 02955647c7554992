// Rings of several priorities, as Envoy's tests tell of them in a line a step: who is well, and where hashes lead then.
//
//   P0 {:80 unhealthy}, P1 {:82 healthy} -> :82            P0 healthy -> :80
//   P0 {:80 healthy,:81 unhealthy} -> load 70/30: hash 69 -> P0, hash 71 -> P1
//
// A whole data plane is told who is well and asked where requests with these keys go: what holds here holds for its users.

import DataPlane
import LoadBalancing
import MeshCore
import TestVectors

/// Priorities of hosts in a data plane, and what is asserted of them.
struct FailoverScript: ~Copyable {
  private struct Host {
    var name: String
    var isHealthy: Bool
  }

  private var priorities: [[Host]] = []
  private var plane: DataPlane
  private var actions = ActionBuffer()

  init() {
    let parameters = PolicyParameters(RingHash.descriptor.parameters, given: [("minimumRingSize", .integer(12))])
    let cluster = ClusterDescription(
      name: "hosts", service: "hosts", balancer: PolicyChoice(name: RingHash.descriptor.name, parameters: parameters),
      layers: LayersDescription(panicThreshold: 50))
    let route = RouteDescription(match: RouteMatch(host: "hosts"), split: [WeightedCluster(cluster: 0)])
    plane = DataPlane(
      MeshDescription(profile: .envoy, clusters: [cluster], routes: [route]),
      key: RandomKey(seed: 1, replication: 0, purpose: .balancer, entity: 1))
  }

  /// Carries a step out and compares what it says.
  mutating func follow(_ step: String, _ check: inout VectorCheck) throws {
    guard let arrow = step.range(of: " -> ") else { throw VectorError(description: "no step \(step)") }
    try set(step[..<arrow.lowerBound])
    tellWhoIsThere()
    let told = step[arrow.upperBound...]
    if told.hasPrefix(":") {
      for hash in 0..<100 as Range<UInt64> {
        check.equal(host(of: hash)?.name ?? "none", String(told), "hash \(hash) in \(step)")
      }
    } else if told.hasPrefix("load "), let colon = told.firstIndex(of: ":") {
      var loads = [Int](repeating: 0, count: priorities.count)
      for hash in 0..<100 as Range<UInt64> {
        if let chosen = host(of: hash) { loads[chosen.priority] += 1 }
      }
      check.equal(loads, told[..<colon].dropFirst(5).split(separator: "/").compactMap { Int($0) }, "load")
      for pick in told[told.index(after: colon)...].split(separator: ",") {
        let words = pick.split(separator: " ")
        guard words.count == 4, words[0] == "hash", let hash = UInt64(words[1]), words[2] == "->" else {
          throw VectorError(description: "no pick \(pick)")
        }
        check.equal(host(of: hash).map { "P\($0.priority)" } ?? "none", String(words[3]), "hash \(hash)")
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

  /// Tells the data plane of all hosts, numbered through.
  private mutating func tellWhoIsThere() {
    var endpoints: [EndpointDescription] = []
    for (priority, hosts) in priorities.enumerated() {
      for host in hosts {
        endpoints.append(
          EndpointDescription(
            identity: EndpointIdentity(Int32(endpoints.count)), address: "127.0.0.1\(host.name)",
            priority: Int32(priority), health: host.isHealthy ? .healthy : .unhealthy))
      }
    }
    plane.endpointsChanged(cluster: 0, endpoints, at: .zero, into: &actions)
  }

  /// The host that a request with this hash is sent to, and its priority; nil when it is sent nowhere.
  private mutating func host(of hash: UInt64) -> (name: String, priority: Int)? {
    actions.removeAll()
    let arrival = RequestArrival(
      caller: CallerToken(hash), route: 0, randomness: RandomKey(value: hash), key: hash, hasKey: true)
    plane.requestArrived(arrival, at: .zero, into: &actions)
    for place in 0..<actions.count {
      guard case .startAttempt(let start) = actions[place] else { continue }
      plane.attemptAnswered(start.attempt, status: 200, at: .zero, into: &actions)
      var number = Int(start.endpoint.number)
      for (priority, hosts) in priorities.enumerated() {
        if number < hosts.count { return (hosts[number].name, priority) }
        number -= hosts.count
      }
    }
    return nil
  }
}
