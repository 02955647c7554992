// Faults that strike nothing: a slip that no figure would show.

import MeshCore
import Simulation

/// What is to be said of faults that lie outside the run.
struct FaultNotes {
  private let variant: Variant

  /// Of the faults of `variant`.
  init(_ variant: Variant) { self.variant = variant }

  /// A line for each fault that begins when arrivals have stopped, or is over before anything is counted. A run that is given in
  /// requests ends nobody knows when.
  var texts: [String] { untimely + unheard }

  /// Whoever checks nobody does not hear who wants to be left alone (Envoy).
  private var unheard: [String] {
    variant.world.faults.compactMap { fault in
      guard case .healthCheckFail(let targets) = fault.kind else { return nil }
      let services = targets.map { variant.world.services[$0.service].name }
      let isHeard = variant.mesh.clusters.contains { $0.healthCheck?.form == .envoy && services.contains($0.service) }
      if isHeard { return nil }
      return
        "fault \(fault.summary) is heard by nobody: no cluster of \(services.joined(separator: ", ")) has Envoy's health checks"
    }
  }

  private var untimely: [String] {
    let run = variant.run
    return variant.world.faults.compactMap { fault in
      let begins = "fault \(fault.summary) begins at \(seconds(fault.at - .zero))"
      if run.requests == nil, fault.at - .zero >= run.duration {
        return "\(begins), when arrivals have stopped (\(seconds(run.duration))): it strikes no new request"
      }
      guard let duration = fault.duration, fault.period == nil, fault.at - .zero + duration <= run.warmUp else {
        return nil
      }
      return
        "\(begins) and is over at \(seconds(fault.at - .zero + duration)), before anything is counted (\(seconds(run.warmUp)))"
    }
  }

  private func seconds(_ span: TimeSpan) -> String { "\(DecimalNumber(span.seconds, significantDigits: 6).text) s" }
}
