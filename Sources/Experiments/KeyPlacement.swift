// Where a hashing balancer puts keys: hosts and keys from files, placed as a proxy would place requests that carry them.
//
// A key is hashed as Envoy hashes a header's only value (common/http/hash_policy.cc), hosts go by their address. Nothing is in
// flight, so bounded load changes nothing.

import Foundation
import LoadBalancing
import MeshConfiguration
import MeshCore

/// Keys and the hosts that they go to.
public struct KeyPlacement: Sendable {
  /// Addresses, one a host.
  public let hosts: [String]
  /// Keys, and the number of each one's host.
  public let placements: [(key: String, host: Int)]

  /// The largest file, in bytes.
  private static let sizeLimit = 256 << 20
  /// The most hosts.
  private static let hostLimit = 100_000

  /// Places the keys of one file on the hosts of another by the policy that `balancer` describes in YAML, or tells everything
  /// that is wrong with them.
  public static func read(balancer: String, hosts: String, keys: String) -> Result<KeyPlacement, Diagnostics> {
    let balancerLog = FaultLog(file: "--balancer")
    let hostLog = FaultLog(file: hosts)
    let keyLog = FaultLog(file: keys)
    let choice = policy(balancer, log: balancerLog)
    let endpoints = endpoints(hosts, log: hostLog)
    let names = lines(keys, log: keyLog)
    let faults = [balancerLog, hostLog, keyLog].compactMap(\.diagnostics).flatMap(\.faults)
    guard faults.isEmpty, let choice, let policy = PolicyRegistry.policy(named: choice.name) else {
      return .failure(Diagnostics(faults: faults))
    }
    return .success(KeyPlacement(policy, choice.parameters, endpoints, names))
  }

  private init(
    _ policy: PolicyDescriptor, _ parameters: PolicyParameters, _ endpoints: [EndpointDescription], _ keys: [String]
  ) {
    var balancer = policy.make(parameters, BalancerContext())
    var random = RandomStream(state: 1)
    var set = EndpointSet(offer: balancer.offer)
    set.list(endpoints, at: .zero)
    balancer.endpointsChanged(set.roster, &random, at: .zero)
    var placements: [(key: String, host: Int)] = []
    for key in keys {
      let context = PickContext(key: RequestHash.header(key))
      let slot = balancer.pick(set.view, context, &random, at: .zero)
      if slot >= 0 { placements.append((key, Int(set.states[slot].identity.number))) }
    }
    self.hosts = endpoints.map(\.address)
    self.placements = placements
  }

  private static func policy(_ text: String, log: FaultLog) -> PolicyChoice? {
    let source = Origin.Source.flag("--balancer")
    guard let node = ConfigurationParser.parse(text, source: source, path: "balancer", log: log) else { return nil }
    let value = ShapeReader(log: log).read(node, PolicyShapes.balancer, path: "balancer")
    guard log.isEmpty, let choice = PolicyShapes.choice(value, log: log) else { return nil }
    if PolicyRegistry.policy(named: choice.name)?.placesKeys != true {
      let able = PolicyRegistry.policies.filter(\.placesKeys).map(\.name).joined(separator: ", ")
      log.add(node.origin, "balancer", "\(choice.name) does not choose by key; expected one of \(able)")
    }
    return choice
  }

  /// Rows `address,weight`; the columns may stand in another order, and without weights all are alike. Blanks around a cell say
  /// nothing.
  private static func endpoints(_ path: String, log: FaultLog) -> [EndpointDescription] {
    guard let bytes = bytes(path, log: log) else { return [] }
    var table = CommaSeparatedTable(bytes)
    let columns = table.columns.map(trimmed)
    guard let address = columns.firstIndex(of: "address") else {
      log.add(Origin(.file), "", "no column 'address'; expected a header row: address,weight")
      return []
    }
    let weight = columns.firstIndex(of: "weight")
    for (place, column) in columns.enumerated() where place != address && place != weight {
      let isTwice = column == "address" || column == "weight"
      let what = isTwice ? "column \(quoted(column)) stands there twice" : "unknown column \(quoted(column))"
      log.add(Origin(.file, line: 1), "", "\(what); expected a header row: address,weight")
    }
    var endpoints: [EndpointDescription] = []
    var known: Set<String> = []
    while let row = table.next()?.map(trimmed) {
      func tell(_ message: String) { log.add(Origin(.file, line: table.line), "", message) }
      if row.count > columns.count {
        tell("\(row.count) cells; expected \(columns.count) as in the header row")
        continue
      }
      guard address < row.count, !row[address].isEmpty else {
        tell("no address")
        continue
      }
      var share: UInt32 = 1
      if let weight, weight < row.count, !row[weight].isEmpty {
        guard let number = UInt32(row[weight]), number > 0 else {
          tell("weight \(row[weight]); expected a whole number from 1 to \(UInt32.max)")
          continue
        }
        share = number
      }
      if !known.insert(row[address]).inserted { tell("\(row[address]) stands there twice") }
      let identity = EndpointIdentity(Int32(truncatingIfNeeded: endpoints.count))
      endpoints.append(EndpointDescription(identity: identity, weight: share, address: row[address]))
      if endpoints.count > hostLimit {
        tell("more than \(hostLimit) hosts; expected fewer")
        break
      }
    }
    if endpoints.isEmpty && log.isEmpty { log.add(Origin(.file), "", "no host; expected a row for each") }
    return endpoints
  }

  /// A cell without blanks around it.
  private static func trimmed(_ cell: String) -> String { cell.trimmingCharacters(in: .whitespaces) }

  /// The lines of a file, the empty end after the last line break apart.
  private static func lines(_ path: String, log: FaultLog) -> [String] {
    guard let bytes = bytes(path, log: log) else { return [] }
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.enumerated().compactMap { number, line in
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      if let text = String(validating: line, as: UTF8.self) { return text }
      log.add(Origin(.file, line: number + 1), "", "not text; expected keys in UTF-8")
      return nil
    }
  }

  private static func bytes(_ path: String, log: FaultLog) -> [UInt8]? {
    do throws(FileFault) {
      return try NamedFiles.bytes(at: path, limit: sizeLimit, large: "expected a smaller one")
    } catch {
      log.add(Origin(.file), "", error.reason)
      return nil
    }
  }
}
