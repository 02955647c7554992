// The sources that a proxy follows, one task each, and what they said last.

import Logging
import MeshConfiguration
import MeshCore
import NIOConcurrencyHelpers

/// How a source stands, for people.
struct SourceStanding: Sendable {
  var cluster: String
  var updates: UInt64
  var faults: UInt64
  /// What is wrong now, if anything.
  var fault: String?
}

/// Follows sources. Safe to use from anywhere.
final class Discovery: Sendable {
  /// A source of a cluster. The same source of the same cluster is followed on when a new configuration comes.
  private struct Followed {
    var cluster: String
    var source: ServerDiscovery
    var task: Task<Void, Never>?
    var servers: [ServerDescription]?
    var standing: SourceStanding
  }

  private let followed = NIOLockedValueBox<[Followed]>([])
  private let logger: Logger
  /// Told of a cluster's servers when they have changed.
  private let tell: @Sendable (_ cluster: String, ServerDiscovery, [ServerDescription]) -> Void

  init(logger: Logger, tell: @escaping @Sendable (_ cluster: String, ServerDiscovery, [ServerDescription]) -> Void) {
    self.logger = logger
    self.tell = tell
  }

  /// Follows what a configuration names, and nothing else any more. In the configuration that comes back, clusters whose sources have
  /// been heard have the servers that these named.
  func follow(_ description: ProxyDescription) -> ProxyDescription {
    var result = description
    followed.withLockedValue { followed in
      var next: [Followed] = []
      for place in description.clusters.indices {
        guard let source = description.clusters[place].discovery else { continue }
        let cluster = description.mesh.clusters[place].name
        if let known = followed.first(where: { $0.cluster == cluster && $0.source == source }) {
          if let servers = known.servers { result.clusters[place].servers = servers }
          next.append(known)
        } else {
          let standing = SourceStanding(cluster: cluster, updates: 0, faults: 0, fault: nil)
          next.append(Followed(cluster: cluster, source: source, standing: standing))
        }
      }
      for old in followed where !next.contains(where: { $0.cluster == old.cluster && $0.source == old.source }) {
        old.task?.cancel()
      }
      for place in next.indices where next[place].task == nil {
        let (cluster, source) = (next[place].cluster, next[place].source)
        next[place].task = Task { [weak self] in
          await Self.follower(of: source).follow { [weak self] in self?.heard($0, of: cluster, source) }
        }
      }
      followed = next
    }
    return result
  }

  private static func follower(of source: ServerDiscovery) -> any ServerSource {
    switch source {
    case .file(let path, let refresh): FileSource(path: path, refresh: refresh)
    case .dns(let name, let refresh): NameSource(name: name, refresh: refresh)
    case .kubernetes(let source): SliceSource(source)
    }
  }

  private func heard(_ report: SourceReport, of cluster: String, _ source: ServerDiscovery) {
    let (news, fault) = followed.withLockedValue { followed -> ([ServerDescription]?, String?) in
      guard let place = followed.firstIndex(where: { $0.cluster == cluster && $0.source == source }) else {
        return (nil, nil)
      }
      switch report {
      case .servers(let servers):
        followed[place].standing.fault = nil
        if followed[place].servers == servers { return (nil, nil) }
        followed[place].servers = servers
        followed[place].standing.updates += 1
        return (servers, nil)
      case .fault(let text):
        followed[place].standing.faults += 1
        if followed[place].standing.fault == text { return (nil, nil) }
        followed[place].standing.fault = text
        return (nil, text)
      }
    }
    if let news { tell(cluster, source, news) }
    if let fault {
      logger.error("servers refused, the former stay", metadata: ["cluster": "\(cluster)", "error": "\(fault)"])
    }
  }

  /// Waits until each source has been heard, at the longest so long. Returns the clusters whose sources have not named servers yet.
  func settle(atMost limit: Duration) async -> [String] {
    let end = ContinuousClock.now + limit
    while true {
      let silent = followed.withLockedValue { $0.filter { $0.servers == nil && $0.standing.faults == 0 } }
      if silent.isEmpty || ContinuousClock.now >= end || Task.isCancelled { break }
      try? await Task.sleep(nanoseconds: 5_000_000)
    }
    return followed.withLockedValue { $0.filter { $0.servers == nil }.map(\.cluster) }
  }

  /// How each source stands.
  var standings: [SourceStanding] { followed.withLockedValue { $0.map(\.standing) } }

  /// Follows nothing any more.
  func end() {
    followed.withLockedValue { followed in
      for source in followed { source.task?.cancel() }
      followed = []
    }
  }
}
