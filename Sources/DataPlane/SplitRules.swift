// What routes say of dividing their requests beyond weights: modes, sources, slices, and what canaries were answered.

import MeshCore
import TrafficSplitting

/// What a route says of its split beyond weights.
struct SplitRule {
  var mode: SplitMode
  var source: SplitSource
  var slices: TrafficSlices?
  /// By what requests carry: the number that their header gives them on the weights.
  var headerNumbers: [UInt64?]
  /// The cluster or the aggregate whose answers are watched, or `nobody`, and what they were.
  var watched: Int32
  var sample = CanarySample()

  /// Stands for no cluster; -1 is one that there is not.
  static let nobody: Int32 = -3

  init(_ route: RouteDescription) {
    mode = route.splitMode
    source = route.splitSource
    slices = route.slices.isEmpty ? nil : TrafficSlices(route.slices)
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
struct SplitRules {
  private let ruleOfRoute: [Int32]
  var rules: [SplitRule] = []

  init(_ mesh: MeshDescription) {
    var numbers: [Int32] = []
    for route in mesh.routes {
      let isPlain =
        route.slices.isEmpty && route.canary == nil && route.splitSource == .random
        && (route.splitMode != .linkerd || route.split.count < 2)
        && !route.split.contains { $0.cluster == WeightedCluster.nowhere }
      numbers.append(isPlain ? -1 : Int32(truncatingIfNeeded: rules.count))
      if !isPlain { rules.append(SplitRule(route)) }
    }
    ruleOfRoute = numbers
  }

  /// The number of a route's rule, or -1 when its weights say everything.
  func number(ofRoute route: Int32) -> Int32 { ruleOfRoute[Int(route)] }

  /// Notes headers that requests carry, by the next number.
  mutating func know(_ headers: [HeaderField]) {
    for place in rules.indices {
      rules[place].slices?.know(headers)
      rules[place].headerNumbers.append(rules[place].number(in: headers))
    }
  }

  /// Takes requests that name no headers to carry these.
  mutating func assume(_ headers: [HeaderField]) {
    for place in rules.indices {
      rules[place].slices?.assume(headers)
      rules[place].headerNumbers[0] = rules[place].number(in: headers)
    }
  }
}
