// What stands before a service at its own side, where the proxy is its server's sidecar: who may call, and how often (`mesh.inbound`).
//
// A caller is known by its certificate. A name in `allow` or `clientRefs` stands for the identity that is this very text, and for service accounts
// of that name in any namespace: `spiffe://cluster.local/ns/shop/sa/front` (Istio), `front.shop.serviceaccount.identity.linkerd.cluster.local`
// (Linkerd), `spiffe://cluster.local/front` (our own). Who trusts an authority for several namespaces writes identities whole. Callers without a
// certificate are nobody: no name stands for them, and they share one limit. All event loops share a service's limits, as a pod has one sidecar.

import MeshCore
import NIOConcurrencyHelpers
import TrafficSplitting

/// What becomes of a request at the server's side.
enum InboundVerdict: Sendable {
  case allowed
  /// The caller may not call.
  case unauthorized
  /// Too many requests have come.
  case limited
}

/// What stands before one service. Safe to use from anywhere.
final class InboundGate: Sendable {
  private struct State {
    var limit: IdentityRateLimit
    /// Callers' numbers: first the names that have a limit of their own, then identities as they come.
    var callers: [[String]: Int32] = [:]
    var next: Int32
  }

  let description: InboundDescription
  private let state: NIOLockedValueBox<State>
  /// Names with a limit of their own, by number; who is named again has the first one's.
  private let named: [String]

  init(_ description: InboundDescription) {
    self.description = description
    let named = description.overrides.flatMap(\.clientRefs)
    self.named = named
    let limit = IdentityRateLimit(description) { name in
      named.firstIndex(of: name).map { [Int32(truncatingIfNeeded: $0)] } ?? []
    }
    state = NIOLockedValueBox(State(limit: limit, next: Int32(truncatingIfNeeded: named.count)))
  }

  /// What becomes of a request of a caller with these identities, the foremost first; none without a certificate.
  func verdict(identities: [String], at now: Timestamp) -> InboundVerdict {
    if let allowed = description.allowed, !allowed.contains(where: { Self.name($0, isOneOf: identities) }) {
      return .unauthorized
    }
    let denial = state.withLockedValue { state in
      let caller = number(of: identities, &state)
      return state.limit.denial(of: caller, at: now)
    }
    return denial == nil ? .allowed : .limited
  }

  private func number(of identities: [String], _ state: inout State) -> Int32 {
    if identities.isEmpty { return -1 }
    if let known = state.callers[identities] { return known }
    var number = state.next
    if let place = named.firstIndex(where: { Self.name($0, isOneOf: identities) }) {
      number = Int32(truncatingIfNeeded: place)
    } else {
      state.next += 1
    }
    state.callers[identities] = number
    return number
  }

  /// Whether a name of a scenario stands for one of these identities.
  static func name(_ name: String, isOneOf identities: [String]) -> Bool {
    identities.contains { identity in
      if identity == name { return true }
      if identity.hasPrefix("spiffe://") {
        let path = identity.dropFirst("spiffe://".count).drop { $0 != "/" }
        return path == "/" + name || path.hasPrefix("/ns/") && path.hasSuffix("/sa/" + name)
      }
      let labels = identity.split(separator: ".", omittingEmptySubsequences: false)
      return labels.count > 3 && labels[0] == name && labels[2] == "serviceaccount" && labels[3] == "identity"
    }
  }
}

/// The gates of all services that the proxy stands before. Safe to use from anywhere.
final class InboundGates: Sendable {
  private let gates = NIOLockedValueBox<[InboundGate]>([])

  init(_ mesh: MeshDescription) { take(mesh) }

  /// Takes another configuration: what is said of a service as before goes on with what has been used of its limits.
  func take(_ mesh: MeshDescription) {
    gates.withLockedValue { gates in
      gates = mesh.inbound.map { description in
        gates.first { $0.description == description } ?? InboundGate(description)
      }
    }
  }

  /// What stands before a service, if anything does.
  func gate(of service: String) -> InboundGate? {
    gates.withLockedValue { gates in gates.first { $0.description.service == service } }
  }
}
