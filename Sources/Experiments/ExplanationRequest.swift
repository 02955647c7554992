// What `--explain` asks for: `1234`, `users:1234` or `50.2s`.

import MeshConfiguration
import MeshCore
import Simulation

/// A request by its number, maybe with its client's name, or a moment.
public enum ExplanationRequest: Sendable, Hashable {
  /// A client's request, counted from 0; the first client's if none is named.
  case request(client: String?, number: UInt64)
  /// A moment of the run.
  case moment(TimeSpan)

  /// What `text` asks for, or nil when it is neither.
  public init?(_ text: String) {
    if let number = UInt64(text) {
      self = .request(client: nil, number: number)
    } else if let span = try? Quantity.span(text), span >= .zero {
      self = .moment(span)
    } else if let colon = text.lastIndex(of: ":"), let number = UInt64(text[text.index(after: colon)...]) {
      self = .request(client: String(text[..<colon]), number: number)
    } else {
      return nil
    }
  }

  /// What it means in a variant's world; nil when there is no client of that name.
  public func target(in variant: Variant) -> ExplanationTarget? {
    switch self {
    case .moment(let span): return .moment(.zero + span)
    case .request(let name, let number):
      let client = name.map { name in variant.world.clients.firstIndex { $0.name == name } } ?? 0
      return client.map { .request(client: $0, number: number) }
    }
  }
}

extension Scenario {
  /// Explains a request or a moment of a variant's first replication.
  ///
  /// - Returns: nil when there is no such client or request, or the run is over before the moment.
  /// - Throws: `SimulationError`.
  public func explain(_ request: ExplanationRequest, in variant: Variant) throws -> Explanation? {
    guard let target = request.target(in: variant) else { return nil }
    return try Replication(world: variant.world, mesh: variant.mesh, run: variant.run, seed: seed, number: 0)
      .explain(target)
  }
}
