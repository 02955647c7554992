// Where clients and people connect. A change of configuration opens what is new before anything else is changed, so that an address that
// cannot be had refuses the whole; what stays goes on without a gap. What a connection is treated as is up to the configuration that its
// event loop has when it comes: a socket knows no more than its place.

import MeshConfiguration
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A proxy's listening sockets. Safe to use from anywhere; who changes them sees to it that changes come one after the other.
final class Listeners: Sendable {
  /// A listener as a configuration has it: the first with this address, or a later one, which there may be where any port will do.
  struct Key: Sendable, Hashable {
    /// The address that is asked for: its port may be 0.
    var address: SocketName
    var number = 0
    /// Whether people connect there, not clients.
    var isAdmin = false

    /// What a description wants: clients' listeners in its order, and then people's.
    static func all(of description: ProxyDescription) -> [Key] {
      var keys: [Key] = []
      for listener in description.listeners {
        let number = keys.count { $0.address == listener.address }
        keys.append(Key(address: listener.address, number: number))
      }
      return keys + (description.admin.map { [Key(address: $0, isAdmin: true)] } ?? [])
    }

    /// What a description says of it; nil where it has no such listener.
    func listener(in description: ProxyDescription) -> ListenerDescription? {
      description.listeners.filter { $0.address == address }.dropFirst(number).first
    }
  }

  fileprivate struct Place: Sendable {
    var key: Key
    var channel: any Channel
  }

  /// From the places that are open to those that a description wants.
  struct Change: Sendable {
    fileprivate let install: Install
    fileprivate var places: [Place] = []
    fileprivate var opened: [Place] = []
    fileprivate var gone: [Place] = []
    /// Those of what is gone that had to make way already.
    fileprivate var displaced: [Place] = []

    /// Whether another address is listened on than before, or one less.
    var isMove: Bool { !opened.isEmpty || !gone.isEmpty }
  }

  /// Prepares a connection that has come to a place, on its event loop.
  typealias Install = @Sendable (any Channel, Key) throws -> Void

  private let group: any EventLoopGroup
  private let places = NIOLockedValueBox<[Place]>([])

  /// None.
  init(on group: any EventLoopGroup) { self.group = group }

  /// The places of clients, in their order, and of people: with the ports that were free where 0 was asked for.
  var names: (listeners: [SocketName], admin: SocketName?) {
    let names = places.withLockedValue { $0 }.map { place in
      let address = place.key.address
      return (place.key, SocketName(host: address.host, port: place.channel.localAddress?.port ?? address.port))
    }
    return (names.filter { !$0.0.isAdmin }.map(\.1), names.first { $0.0.isAdmin }?.1)
  }

  /// Opens what `description` wants and is not open. Nothing is accepted there before the change is over.
  ///
  /// - Throws: ``ListenFailure``; nothing has changed then.
  func open(_ description: ProxyDescription, install: @escaping Install) async throws -> Change {
    let wanted = Key.all(of: description)
    let known = places.withLockedValue { $0 }
    var change = Change(install: install, gone: known.filter { !wanted.contains($0.key) })
    for key in wanted {
      if let place = known.first(where: { $0.key == key }) {
        change.places.append(place)
        continue
      }
      do {
        let place = Place(key: key, channel: try await bind(key, in: &change))
        change.opened.append(place)
        change.places.append(place)
      } catch {
        await abandon(change)
        throw ListenFailure(address: key.address, cause: error)
      }
    }
    return change
  }

  /// Binds; where the port is our own, under another name or for another purpose, what is to go makes way first.
  private func bind(_ key: Key, in change: inout Change) async throws -> any Channel {
    do {
      return try await bind(key, change.install)
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      guard let own = change.gone.firstIndex(where: { $0.key.address.port == key.address.port }) else { throw error }
      let former = change.gone.remove(at: own)
      change.displaced.append(former)
      await close([former])
      return try await bind(key, change.install)
    }
  }

  /// Closes what a change does away with.
  func begin(_ change: Change) async {
    places.withLockedValue { $0 = change.places }
    await close(change.gone)
  }

  /// Lets connections in where a change has opened; all event loops must know of it.
  func end(_ change: Change) async {
    for place in change.opened { try? await place.channel.setOption(.autoRead, value: true).get() }
  }

  /// Closes what was opened for a change that is not to be, and opens again what had made way for it.
  func abandon(_ change: Change) async {
    await close(change.opened)
    for former in change.displaced {
      guard let channel = try? await bind(former.key, change.install) else { continue }
      try? await channel.setOption(.autoRead, value: true).get()
      places.withLockedValue { places in
        guard let index = places.firstIndex(where: { $0.key == former.key }) else { return }
        places[index].channel = channel
      }
    }
  }

  /// Closes all. Connections that were accepted stay.
  func close() async { await close(places.withLockedValue { $0 }) }

  private func close(_ places: [Place]) async {
    for place in places { try? await place.channel.close() }
  }

  private func bind(_ key: Key, _ install: @escaping Install) async throws -> any Channel {
    try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.autoRead, value: false)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: !key.isAdmin)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try install(channel, key) }
      }
      .bind(host: key.address.host, port: key.address.port).get()
  }
}

/// An address that cannot be listened on.
public struct ListenFailure: Error, CustomStringConvertible {
  public var address: SocketName
  public var cause: any Error

  public var description: String { "mesh.proxy: cannot listen on \(address): \(cause)" }
}
