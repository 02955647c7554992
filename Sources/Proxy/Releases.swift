// New versions that get their traffic step by step: one controller for all event loops, as Flagger is one beside all proxies.
//
// At each check it sums what all loops were answered by the new version since the last one, decides (`CanaryAnalysis`), and gives every loop the
// new weights. A new configuration that says the same of a release lets it go on where it is.

import Logging
import MeshConfiguration
import MeshCore
import NIOConcurrencyHelpers
import TrafficSplitting

/// What makes a release the same in two configurations.
struct ReleaseKey: Sendable, Hashable {
  let match: RouteMatch
  let canary: CanaryDescription
  private let destinations: [String]
  private let weights: [UInt32]

  /// The release of a route of `mesh`; nil where it has none.
  init?(_ route: RouteDescription, of mesh: MeshDescription) {
    guard let canary = route.canary else { return nil }
    self.canary = canary
    match = route.match
    destinations = route.split.map { mesh.name(ofDestination: $0.cluster) ?? "" }
    weights = route.split.map(\.weight)
  }

  /// The cluster that is tried.
  var cluster: String { destinations[canary.destination] }
}

/// How far a release is.
struct ReleaseStanding: Sendable {
  /// The route's number.
  var route: Int
  var host: String
  var cluster: String
  /// What the new version gets, per cent.
  var weight: Int32
}

/// The releases of a proxy. Safe to use from anywhere.
final class Releases: Sendable {
  private struct Release {
    var analysis: CanaryAnalysis
    var task: Task<Void, Never>?
  }

  private let workers: [Worker]
  private let logger: Logger
  /// In the order of the file.
  private let known = NIOLockedValueBox<[(key: ReleaseKey, release: Release)]>([])

  init(_ workers: [Worker], logger: Logger) {
    self.workers = workers
    self.logger = logger
  }

  /// How those of `mesh` stand.
  func standings(in mesh: MeshDescription) -> [ReleaseStanding] {
    let known = known.withLockedValue { $0 }
    return mesh.routes.enumerated().compactMap { number, route in
      guard let key = ReleaseKey(route, of: mesh), let entry = known.first(where: { $0.key == key }) else { return nil }
      return ReleaseStanding(
        route: number, host: key.match.host, cluster: key.cluster, weight: entry.release.analysis.weight)
    }
  }

  /// Follows the releases of `mesh`: those that are new begin, those that are there no more end.
  func follow(_ mesh: MeshDescription) {
    // Of routes that are alike in everything the first takes all requests.
    let keys = mesh.routes.compactMap { ReleaseKey($0, of: mesh) }
      .reduce(into: [ReleaseKey]()) { if !$0.contains($1) { $0.append($1) } }
    known.withLockedValue { known in
      for (key, release) in known where !keys.contains(key) { release.task?.cancel() }
      known = keys.map { key in
        if let entry = known.first(where: { $0.key == key }) { return entry }
        let task = Task { [weak self] in
          guard await Self.pause(key.canary.start) else { return }
          while let self, await check(key) {
            if !(await Self.pause(key.canary.interval)) { return }
          }
        }
        return (key, Release(analysis: CanaryAnalysis(key.canary), task: task))
      }
    }
  }

  /// Gives a world that has just been made the weights that the releases have come to. To be called on its loop.
  func apply(to world: SocketWorld) {
    for (key, release) in known.withLockedValue({ $0 }) where release.analysis.weight > 0 {
      world.weigh(key, release.analysis.weight)
    }
  }

  /// Ends all analyses.
  func end() { known.withLockedValue { known in for entry in known { entry.release.task?.cancel() } } }

  private static func pause(_ span: TimeSpan) async -> Bool {
    try? await Task.sleep(nanoseconds: UInt64(clamping: span.nanoseconds))
    return !Task.isCancelled
  }

  /// One check. Returns whether another follows.
  private func check(_ key: ReleaseKey) async -> Bool {
    var sample = CanarySample()
    for worker in workers {
      guard let part = try? await worker.loop.submit({ worker.takeSample(of: key) }).get() else { continue }
      sample.merge(part)
    }
    let whole = sample
    let outcome = known.withLockedValue { known -> (CanaryVerdict, CanaryAnalysis, isFirst: Bool)? in
      guard let place = known.firstIndex(where: { $0.key == key }) else { return nil }
      let isFirst = known[place].release.analysis.weight == 0
      guard let verdict = known[place].release.analysis.check(whole) else { return nil }
      return (verdict, known[place].release.analysis, isFirst)
    }
    guard let (verdict, analysis, isFirst) = outcome, !Task.isCancelled else { return false }
    for worker in workers { try? await worker.loop.submit { worker.world.weigh(key, analysis.weight) }.get() }
    logger.info(
      "canary \(verdict.event)",
      metadata: [
        "route": "\(key.match.host)", "cluster": "\(key.cluster)", "weight": "\(analysis.weight)",
        "why": "\(verdict.words(isFirst ? nil : whole, key.canary))",
      ])
    return analysis.phase == .progressing
  }
}
