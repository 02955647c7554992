// A variant's balancer in words: its name may say something else.

import LoadBalancing
import MeshConfiguration
import MeshCore

extension Variant {
  /// The policy that chooses for the first client's requests, with the parameters that are not its defaults:
  /// `peakEwma (form finagle)`. Nil when there is none.
  public var balancerText: String? {
    guard let cluster = targetCluster, mesh.clusters.indices.contains(cluster) else { return nil }
    let choice = mesh.clusters[cluster].balancer
    let parameters = PolicyRegistry.policy(named: choice.name)?.parameters ?? []
    let changed = zip(parameters, choice.parameters.values).filter { $0.defaultValue != $1.value }.map {
      "\($0.name) \(text($1.value, $0.kind))"
    }
    return choice.name + (changed.isEmpty ? "" : " (\(changed.joined(separator: ", ")))")
  }

  private func text(_ value: ParameterValue, _ kind: ParameterKind) -> String {
    switch (value, kind) {
    case (.integer(let nanoseconds), .duration): QuantityText.span(TimeSpan(nanoseconds: nanoseconds))
    case (.integer(let number), _): String(number)
    case (.number(let number), _): DecimalNumber(number).text
    case (.flag(let flag), _): String(flag)
    case (.word(let word), _): word
    }
  }
}
