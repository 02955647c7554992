// One event loop of the proxy: its world of sockets, and the connections of its clients.
//
// A new configuration makes a new world; requests that are under way end in the one they began in. Where only servers change, the world
// stays and is told of them, so that what is known of a server that is still there is kept.

import MeshConfiguration
import MeshCore
import NIOCore
import TrafficSplitting

/// A client's connection, which ends when it is asked to and can.
protocol Drainable: AnyObject {
  /// Where it stands in its worker's list.
  var place: Int { get set }
  /// Ends, after what is under way.
  func drain()
}

/// One event loop. Confined to it: everything but `init` is called there.
final class Worker: @unchecked Sendable {
  let loop: any EventLoop
  let number: Int
  /// How many event loops there are.
  private let loops: Int
  private(set) var world: SocketWorld
  private var former: [SocketWorld] = []
  private var connections: [any Drainable] = []
  private(set) var isDraining = false
  /// What releases were answered in worlds that are no more, and that nobody has looked at yet.
  private var carried: [(release: ReleaseKey, sample: CanarySample)] = []
  let certificates: Certificates
  /// Where requests are noted when they are over, if anywhere.
  var accessLog: AccessLog? { didSet { for world in former + [world] { world.accessLog = accessLog } } }
  private let decisionLog: DecisionLog?
  private var identifiers: RandomStream
  /// Where decisions are noted, while any ask.
  private var notes: DecisionNotes? { didSet { world.notes = notes } }
  /// What makes spans of requests, if anybody wants them.
  var tracer: Tracer?

  init(
    _ description: ProxyDescription, number: Int, of loops: Int, loop: any EventLoop, certificates: Certificates,
    accessLog: AccessLog?, decisionLog: DecisionLog?, salt: UInt64
  ) {
    self.certificates = certificates
    self.loop = loop
    self.number = number
    self.loops = loops
    self.accessLog = accessLog
    self.decisionLog = decisionLog
    identifiers = RandomKey(value: salt).stream(for: .dataPlane, UInt64(truncatingIfNeeded: number))
    world = SocketWorld(
      description, number: number, of: loops, loop: loop, certificates: certificates, accessLog: accessLog,
      recorder: decisionLog?.recorder())
    if description.explained > 0 { notes = DecisionNotes(loop: number, capacity: description.explained) }
    world.notes = notes
  }

  /// Lists the first servers.
  func begin() { world.begin() }

  /// The last decisions, oldest first. Where none are kept they are from now on, for a minute.
  func explain(last count: Int) -> [DecisionNote] {
    if let notes { return notes.last(count) }
    notes = DecisionNotes(loop: number, capacity: max(count, 100))
    loop.scheduleTask(in: .seconds(60)) { [weak self] in
      if let self, world.description.explained == 0 { notes = nil }
    }
    return []
  }

  /// Takes another configuration.
  func take(_ description: ProxyDescription) {
    letFormerGo()
    if description.explained != world.description.explained {
      notes = description.explained > 0 ? DecisionNotes(loop: number, capacity: description.explained) : nil
    }
    if description.mesh == world.description.mesh && description.locality == world.description.locality {
      world.update(description)
      return
    }
    let next = SocketWorld(
      description, number: number, of: loops, loop: loop, certificates: certificates, accessLog: accessLog,
      recorder: decisionLog?.recorder())
    next.metrics.inherit(world.metrics)
    world.retire()
    world.flushDecisions()
    former.append(world)
    if former.count == 1 { watchFormer() }
    world = next
    world.notes = notes
    world.begin()
  }

  /// Takes out what the new version of a release was answered since the last time, in former worlds too.
  func takeSample(of release: ReleaseKey) -> CanarySample {
    var sample = CanarySample()
    for entry in carried where entry.release == release { sample.merge(entry.sample) }
    carried.removeAll { $0.release == release }
    for world in former + [world] { sample.merge(world.takeSample(of: release)) }
    return sample
  }

  private func letFormerGo() {
    for world in former where world.isQuiet {
      for release in world.releases {
        let sample = world.takeSample(of: release)
        if let place = carried.firstIndex(where: { $0.release == release }) {
          carried[place].sample.merge(sample)
        } else {
          carried.append((release, sample))
        }
      }
      world.flushDecisions()
      world.close()
    }
    former.removeAll { $0.isQuiet }
    if !carried.isEmpty {
      let releases = world.releases
      carried.removeAll { !releases.contains($0.release) }
    }
  }

  private func watchFormer() {
    loop.scheduleTask(in: .seconds(1)) { [weak self] in
      guard let self else { return }
      letFormerGo()
      if !former.isEmpty { watchFormer() }
    }
  }

  /// Ends everything at once.
  func close() {
    for world in former + [world] { world.close() }
    for world in former + [world] { world.flushDecisions() }
  }

  /// Requests that are under way, in former worlds too.
  var openExchanges: Int { world.openExchanges + former.reduce(0) { $0 + $1.openExchanges } }

  /// Clients' connections.
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

  func opened(_ handler: any Drainable) {
    handler.place = connections.count
    connections.append(handler)
    if isDraining { handler.drain() }
  }

  func closed(_ handler: any Drainable) {
    guard handler.place < connections.count, connections[handler.place] === handler else { return }
    connections.swapAt(handler.place, connections.count - 1)
    connections[handler.place].place = handler.place
    connections.removeLast()
  }

  /// A request of a connection that stays open is over.
  func finished(_ handler: any Drainable) { if isDraining { handler.drain() } }

  /// Ends each connection when its request is over.
  func drain() {
    isDraining = true
    // Who is idle goes at once, and out of the list.
    let open = connections
    for handler in open { handler.drain() }
  }
}
