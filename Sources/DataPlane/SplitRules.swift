// What routes say of dividing their requests beyond weights: modes, sources, slices, and what canaries were answered.

import MeshCore
import TrafficSplitting

/// What a route says of its split beyond weights.
struct SplitRule: ~Copyable {
  var mode: SplitMode
  var source: SplitSource
  var slices: TrafficSlices
  /// Whether a header places requests on the weights, and by what they carry: the number that it gives them.
  let goesByHeader: Bool
  let goesByKey: Bool
  var headerNumbers: [UInt64?]
  /// The cluster or the aggregate whose answers are watched, or `nobody`, and what they were.
  var watched: Int32
  var sample = CanarySample()

  /// Stands for no cluster; -1 is one that there is not.
  static let nobody: Int32 = -3

  init(_ route: RouteDescription) {
    mode = route.splitMode
    source = route.splitSource
    slices = TrafficSlices(route.slices)
    goesByKey = source == .key
    if case .header = source { goesByHeader = true } else { goesByHeader = false }
    headerNumbers = [nil]
    watched = route.canary.map { Int32(truncatingIfNeeded: route.split[$0.destination].cluster) } ?? Self.nobody
  }

  /// What `headers` say to the split.
  func number(in headers: [HeaderField]) -> UInt64? {
    guard case .header(let name) = source else { return nil }
    let values = headers.filter { $0.name == name }
    return values.count == 1 ? UInt64(values[0].value) : nil
  }
}

/// The rules of all routes that have any.
struct SplitRules: ~Copyable {
  private let ruleOfRoute: [Int32]
  // Behind a pointer: a copy of one for each request would retain all that it holds.
  let rules: UnsafeMutablePointer<SplitRule>
  private let count: Int

  init(_ mesh: MeshDescription) {
    var numbers: [Int32] = []
    var ruled: [RouteDescription] = []
    for route in mesh.routes {
      let isPlain =
        route.slices.isEmpty && route.canary == nil && route.splitSource == .random
        && (route.splitMode != .linkerd || route.split.count < 2)
        && !route.split.contains { $0.cluster == WeightedCluster.nowhere }
      numbers.append(isPlain ? -1 : Int32(truncatingIfNeeded: ruled.count))
      if !isPlain { ruled.append(route) }
    }
    ruleOfRoute = numbers
    count = ruled.count
    rules = .allocate(capacity: max(1, ruled.count))
    for (place, route) in ruled.enumerated() { (rules + place).initialize(to: SplitRule(route)) }
  }

  deinit {
    rules.deinitialize(count: count)
    rules.deallocate()
  }

  /// The number of a route's rule, or -1 when its weights say everything.
  func number(ofRoute route: Int32) -> Int32 { ruleOfRoute[Int(route)] }

  /// Notes headers that requests carry, by the next number.
  mutating func know(_ headers: [HeaderField]) {
    for place in 0..<count {
      rules[place].slices.know(headers)
      rules[place].headerNumbers.append(rules[place].number(in: headers))
    }
  }

  /// Takes requests that name no headers to carry these.
  mutating func assume(_ headers: [HeaderField]) {
    for place in 0..<count {
      rules[place].slices.assume(headers)
      rules[place].headerNumbers[0] = rules[place].number(in: headers)
    }
  }
}
