// Who names a cluster's servers: a file, a name server, Kubernetes. Each is followed by a task of its own, far from event loops, and
// says only two things: these are the servers now, or something is wrong. What is wrong changes nothing: the former list serves on.

import MeshConfiguration

/// Something that knows a cluster's servers.
protocol ServerSource: Sendable {
  /// Tells of the servers, first and whenever they change, until its task is cancelled.
  func follow(_ report: @escaping @Sendable (SourceReport) -> Void) async
}

/// What a source says.
enum SourceReport: Sendable {
  /// All servers there are.
  case servers([ServerDescription])
  /// The list is not known: why.
  case fault(String)
}

/// Waits that double, up to a limit, each cut by up to a half at random so that many proxies do not come back at once.
struct Backoff: Sendable {
  var first: Duration = .seconds(1)
  var most: Duration = .seconds(30)
  private var next: Duration?

  init(first: Duration = .seconds(1), most: Duration = .seconds(30)) {
    self.first = first
    self.most = most
  }

  /// How long to wait now; `share` is a random number from 0 to 1.
  mutating func wait(_ share: Double = .random(in: 0...1)) -> Duration {
    let whole = next ?? first
    next = min(whole * 2, most)
    return whole * (0.5 + share / 2)
  }

  /// It went well: the next wait is the first again.
  mutating func reset() { next = nil }
}
