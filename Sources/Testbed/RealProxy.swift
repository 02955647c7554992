// What stands between load and servers in a real run: Weir's own proxy in this process, or another one in a process of its own.

import DataPlane
import Foundation
import Logging
import MeshConfiguration
import MeshCore
import NIOConcurrencyHelpers
import Proxy
import Simulation

/// A proxy that runs.
protocol RealProxy: Sendable {
  /// Where clients connect.
  var listener: SocketName { get }
  /// Its process, when that is another one.
  var process: Int32? { get }
  /// Ends it.
  func stop() async
}

/// Hears when a proxy first puts an endpoint out after the first fault's beginning. Safe to use from anywhere.
final class FaultWatch: Sendable {
  private let first: Timestamp?
  private let clock: RunClock
  private let found = NIOLockedValueBox<TimeSpan?>(nil)

  init(_ faults: [FaultDescription], clock: RunClock) {
    first = faults.map(\.at).min()
    self.clock = clock
  }

  /// How long it took; nil when nobody was put out.
  var detection: TimeSpan? { found.withLockedValue { $0 } }

  /// An endpoint is put out, at an instant of the run's clock, or now.
  func putOut(at instant: Timestamp? = nil) {
    let now = instant ?? clock.now
    guard clock.isRunning, let first, now >= first else { return }
    found.withLockedValue { if $0 == nil { $0 = now - first } }
  }

  /// An endpoint was put out so long ago.
  func putOut(ago: TimeSpan) { putOut(at: Timestamp(nanoseconds: clock.now.nanoseconds - ago.nanoseconds)) }
}

/// Weir's own proxy, with one event loop.
struct OwnProxy: RealProxy {
  private let server: ProxyServer
  let listener: SocketName
  var process: Int32? { nil }

  init(_ description: ProxyDescription, watch: FaultWatch) async throws {
    server = try ProxyServer(
      description, loops: 1, logger: Logger(label: "testbed") { _ in SwiftLogNoOpLogHandler() })
    guard let first = try await server.start().listeners.first else { throw TestbedError(["nowhere to listen"]) }
    listener = first
    await server.listen(to: { notice in
      if notice.kind == .ejected || notice.kind == .unhealthy { watch.putOut() }
    })
  }

  func stop() async { await server.close() }
}

/// An installed proxy.
struct OtherProxy: RealProxy {
  private let peer: PeerProcess
  private let watch: FaultWatch
  var listener: SocketName { peer.listener }
  var process: Int32? { peer.identifier }

  init(_ kind: ProxyKind, _ description: ProxyDescription, watch: FaultWatch) async throws {
    peer = try await PeerProcess(kind, description)
    self.watch = watch
  }

  func stop() async {
    let events = peer.stop()
    for event in events { watch.putOut(ago: TimeSpan(nanoseconds: Int64(-event.timeIntervalSinceNow * 1e9))) }
  }
}
