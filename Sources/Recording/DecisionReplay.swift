// Feeds a log to data planes made anew, and compares what they ask for with what was asked for then. The same modules, the same times and the
// same numbers give the same decisions; a module that has been changed gives others, and the first one is shown.

import DataPlane
import LoadBalancing
import MeshConfiguration
import MeshCore

/// What became of a replay.
public struct ReplayOutcome: Sendable {
  /// What was fed and compared before the first difference, if there is one.
  public var dataPlanes = 0
  public var events = 0
  public var requests = 0
  public var actions = 0
  /// The first difference, in lines for people.
  public var difference: [String] = []
}

/// Replays decision logs.
public enum DecisionReplay {
  /// Replays the log in `bytes`; `policies` are those that its configuration may name.
  ///
  /// - Throws: `DecisionLogFault` when it cannot be read to its end.
  public static func run(
    _ bytes: [UInt8], policies: [PolicyDescriptor] = PolicyRegistry.policies
  ) throws(DecisionLogFault) -> ReplayOutcome {
    guard bytes.starts(with: DecisionRecorder.mark) else {
      throw DecisionLogFault(reason: "is no decision log; expected one that weir-proxy --decision-log has written")
    }
    var parts: [[UInt8]] = []
    var file = DecisionBytes(Array(bytes.dropFirst(DecisionRecorder.mark.count)))
    while !file.isAtEnd {
      let number = Int(clamping: try file.number())
      guard number < 1 << 16 else { throw DecisionLogFault(reason: "names data plane \(number)") }
      while parts.count <= number { parts.append([]) }
      let (sum, part) = (try file.number(), try file.part())
      if sum != XXHash64.hash(part, seed: UInt64(number)) {
        throw DecisionLogFault(reason: "is damaged: a checksum does not agree")
      }
      parts[number] += part
    }
    var outcome = ReplayOutcome()
    for (number, part) in parts.enumerated() where !part.isEmpty {
      var replay = PlaneReplay(number: number, part, policies)
      try replay.run(&outcome)
      if !outcome.difference.isEmpty { break }
    }
    return outcome
  }
}

/// The replay of one data plane's records.
private struct PlaneReplay: ~Copyable {
  private let number: Int
  private var bytes: DecisionBytes
  private let policies: [PolicyDescriptor]
  private var current: PlaneBox?
  private var time: Int64 = 0

  init(number: Int, _ part: [UInt8], _ policies: [PolicyDescriptor]) {
    self.number = number
    self.policies = policies
    bytes = DecisionBytes(part)
  }

  mutating func run(_ outcome: inout ReplayOutcome) throws(DecisionLogFault) {
    var actions = ActionBuffer()
    while !bytes.isAtEnd && outcome.difference.isEmpty {
      actions.removeAll()
      let code = try bytes.number()
      switch code {
      case RecordCode.configuration, RecordCode.formerConfiguration:
        let loop = Int(clamping: try bytes.number())
        let loops = code == RecordCode.configuration ? Int(clamping: try bytes.number()) : 1
        let text = try bytes.part()
        guard loop < loops || loops == 1, loops <= 1 << 16, loop <= 1 << 16 else {
          throw DecisionLogFault(reason: "names event loop \(loop) of \(loops)")
        }
        guard case .success(var description) = ProxyReader.read(text, path: "the log's configuration") else {
          throw DecisionLogFault(reason: "has a configuration that this version does not take")
        }
        let isFormer = code == RecordCode.formerConfiguration
        if isFormer { Self.makeFormer(&description) }
        let place = isFormer ? BalancerContext() : description.place(ofLoop: loop, of: loops)
        current = PlaneBox(description, loop: loop, at: place, policies)
        outcome.dataPlanes += 1
      case RecordCode.endpoints, RecordCode.formerEndpoints:
        let now = try moment()
        let (cluster, count) = (Int(clamping: try bytes.number()), Int(clamping: try bytes.number()))
        var endpoints: [EndpointDescription] = []
        for _ in 0..<count {
          var endpoint = EndpointDescription(
            identity: EndpointIdentity(Int32(truncatingIfNeeded: try bytes.signed())),
            weight: UInt32(clamping: try bytes.number()), zone: Int32(truncatingIfNeeded: try bytes.signed()),
            address: try bytes.text())
          if code == RecordCode.endpoints { try standing(of: &endpoint) }
          endpoints.append(endpoint)
        }
        let plane = try plane()
        guard cluster < plane.plane.clusterCount else {
          throw DecisionLogFault(reason: "lists endpoints of no cluster")
        }
        plane.plane.endpointsChanged(cluster: cluster, endpoints, at: now, into: &actions)
        try compare(actions, "endpoints of cluster \(cluster)", at: now, &outcome)
      case RecordCode.headers:
        var headers: [HeaderField] = []
        for _ in 0..<Int(clamping: try bytes.number()) {
          headers.append(HeaderField(name: try bytes.text(), value: try bytes.text()))
        }
        try plane().plane.assume(headers: headers)
      case RecordCode.weights:
        let (route, count) = (Int(clamping: try bytes.number()), Int(clamping: try bytes.number()))
        var weights: [UInt64] = []
        for _ in 0..<count { weights.append(try bytes.number()) }
        let plane = try plane()
        let sum = weights.reduce(into: (UInt64(0), false)) { sum, weight in
          let (next, overflows) = sum.0.addingReportingOverflow(weight)
          sum = (next, sum.1 || overflows)
        }
        guard plane.destinations.indices.contains(route), plane.destinations[route] == count, sum.0 > 0, !sum.1 else {
          throw DecisionLogFault(reason: "has weights of no route")
        }
        plane.plane.setWeights(weights, ofRoute: Int32(truncatingIfNeeded: route))
      case RecordCode.event:
        let now = try moment()
        let event = try bytes.event()
        if case .requestArrived(let arrival) = event, Int(arrival.route) >= (try plane()).destinations.count {
          throw DecisionLogFault(reason: "has a request of no route")
        }
        try plane().plane.handle(event, at: now, into: &actions)
        outcome.events += 1
        if case .requestArrived = event { outcome.requests += 1 }
        try compare(actions, "\(event)", at: now, &outcome)
      default: throw DecisionLogFault(reason: "has a record that this version does not know")
      }
    }
  }

  private mutating func standing(of endpoint: inout EndpointDescription) throws(DecisionLogFault) {
    endpoint.priority = Int32(clamping: try bytes.number())
    guard let status = HostStatus(rawValue: UInt8(truncatingIfNeeded: try bytes.number())) else {
      throw DecisionLogFault(reason: "has an endpoint in a state that this version does not know")
    }
    endpoint.status = status
    for _ in 0..<Int(clamping: try bytes.number()) { endpoint.metadata[try bytes.text()] = try bytes.text() }
  }

  /// What former versions read in a file: no layers for what endpoints may say of themselves, and idle timeouts as timeouts of the whole.
  private static func makeFormer(_ description: inout ProxyDescription) {
    for cluster in description.impliedLayers { description.mesh.clusters[cluster].layers = nil }
    for route in description.mesh.routes.indices {
      guard let idle = description.mesh.routes[route].idleTimeout else { continue }
      description.mesh.routes[route].timeout = min(idle, description.mesh.routes[route].timeout ?? idle)
    }
  }

  private mutating func moment() throws(DecisionLogFault) -> Timestamp {
    time &+= try bytes.signed()
    return Timestamp(nanoseconds: time)
  }

  private func plane() throws(DecisionLogFault) -> PlaneBox {
    guard let plane = current else { throw DecisionLogFault(reason: "begins without a configuration") }
    return plane
  }

  private mutating func compare(
    _ actions: borrowing ActionBuffer, _ event: @autoclosure () -> String, at now: Timestamp,
    _ outcome: inout ReplayOutcome
  ) throws(DecisionLogFault) {
    let count = Int(clamping: try bytes.number())
    var coded = DecisionBytes()
    for place in 0..<actions.count { coded.put(actions[place]) }
    if count == actions.count && bytes.take(coded.bytes) {
      outcome.actions += count
      return
    }
    // Only a difference is put into words.
    var then: [DecisionRecord] = []
    for _ in 0..<count { then.append(try bytes.action()) }
    var anew: [DecisionRecord] = []
    for _ in 0..<actions.count { anew.append(try coded.action()) }
    for place in 0..<max(then.count, anew.count) {
      let (old, new) = (place < then.count ? then[place] : nil, place < anew.count ? anew[place] : nil)
      if old == new {
        outcome.actions += 1
        continue
      }
      outcome.difference = [
        "data plane \(number), event \(outcome.events) at \(now.nanoseconds) ns: \(event())",
        "  then: \(old.map(\.description) ?? "nothing")", "  now:  \(new.map(\.description) ?? "nothing")",
      ]
      return
    }
  }
}

/// A data plane with what is to be checked of requests before it hears of them.
private final class PlaneBox {
  var plane: DataPlane
  /// By route: how many destinations it has.
  let destinations: [Int]

  init(_ description: ProxyDescription, loop: Int, at place: BalancerContext, _ policies: [PolicyDescriptor]) {
    destinations = description.mesh.routes.map(\.split.count)
    plane = DataPlane(description.mesh, place: place, key: description.key(ofLoop: loop), policies: policies)
  }
}
