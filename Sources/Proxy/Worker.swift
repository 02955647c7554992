// One event loop of the proxy: its world of sockets, and the connections of its clients.
//
// A new configuration makes a new world; requests that are under way end in the one they began in. Where only servers change, the world
// stays and is told of them, so that what is known of a server that is still there is kept.

import MeshConfiguration
import MeshCore
import NIOCore

/// One event loop. Confined to it: everything but `init` is called there.
final class Worker: @unchecked Sendable {
  let loop: any EventLoop
  let number: Int
  private(set) var world: SocketWorld
  private var former: [SocketWorld] = []
  private var connections: [DownstreamHandler] = []
  private(set) var isDraining = false
  private let accessLog: AccessLog?
  private let decisionLog: DecisionLog?
  private var identifiers: RandomStream

  init(
    _ description: ProxyDescription, number: Int, loop: any EventLoop, accessLog: AccessLog?,
    decisionLog: DecisionLog?, salt: UInt64
  ) {
    self.loop = loop
    self.number = number
    self.accessLog = accessLog
    self.decisionLog = decisionLog
    identifiers = RandomKey(value: salt).stream(for: .dataPlane, UInt64(truncatingIfNeeded: number))
    world = SocketWorld(
      description, number: number, loop: loop, accessLog: accessLog, recorder: decisionLog?.recorder())
  }

  /// Lists the first servers.
  func begin() { world.begin() }

  /// Takes another configuration.
  func take(_ description: ProxyDescription) {
    for world in former where world.openExchanges == 0 { world.flushDecisions() }
    former.removeAll { $0.openExchanges == 0 }
    if description.mesh == world.description.mesh {
      world.update(description)
      return
    }
    let next = SocketWorld(
      description, number: number, loop: loop, accessLog: accessLog, recorder: decisionLog?.recorder())
    next.metrics.inherit(world.metrics)
    world.close()
    world.flushDecisions()
    if world.openExchanges > 0 { former.append(world) }
    world = next
    world.begin()
  }

  /// Ends everything at once.
  func close() {
    world.close()
    for world in former + [world] { world.flushDecisions() }
  }

  /// Requests that are under way, in former worlds too.
  var openExchanges: Int { world.openExchanges + former.reduce(0) { $0 + $1.openExchanges } }

  /// Clients' connections and streams.
  var openConnections: Int { connections.count }

  /// A name for a request that has none, in the form of a random UUID.
  func nextRequestID() -> String {
    // 32 digits, with a hyphen before the 9th, 13th, 17th and 21st.
    let hyphens: UInt32 = 1 << 8 | 1 << 12 | 1 << 16 | 1 << 20
    var words = (identifiers.next(), identifiers.next())
    return String(unsafeUninitializedCapacity: 36) { bytes in
      var place = 0
      for digit in 0..<32 {
        if hyphens >> UInt32(digit) & 1 == 1 {
          bytes[place] = UInt8(ascii: "-")
          place += 1
        }
        if digit == 16 { words.0 = words.1 }
        let value = UInt8(truncatingIfNeeded: words.0 >> 60)
        words.0 <<= 4
        bytes[place] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
        place += 1
      }
      return place
    }
  }

  func opened(_ handler: DownstreamHandler) {
    handler.place = connections.count
    connections.append(handler)
    if isDraining { handler.drain() }
  }

  func closed(_ handler: DownstreamHandler) {
    guard handler.place < connections.count, connections[handler.place] === handler else { return }
    connections.swapAt(handler.place, connections.count - 1)
    connections[handler.place].place = handler.place
    connections.removeLast()
  }

  /// A request of a connection that stays open is over.
  func finished(_ handler: DownstreamHandler) { if isDraining { handler.drain() } }

  /// Ends each connection when its request is over.
  func drain() {
    isDraining = true
    // Who is idle goes at once, and out of the list.
    let open = connections
    for handler in open { handler.drain() }
  }
}
