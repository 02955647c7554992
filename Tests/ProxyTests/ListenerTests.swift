// Listeners that come, go and change while the proxy runs.

import Foundation
import MeshConfiguration
import NIOCore
import NIOPosix
import Testing

@testable import Proxy

@Suite("listeners", .serialized)
struct ListenerTests {
  private func description(_ mesh: String, _ listeners: [String], admin: String = "127.0.0.1:0") throws
    -> ProxyDescription
  {
    let text = """
      mesh:
      \(mesh)
        proxy:
          listen: [\(listeners.joined(separator: ", "))]
          admin: \(admin)
      """
    return try ProxyReader.read([UInt8](text.utf8), path: "test.yaml").get()
  }

  private func get(_ port: Int) async throws -> String {
    let connection = try await RawConnection(port: port)
    try await connection.send("GET / HTTP/1.1\nHost: web.test\nConnection: close\n\n")
    let answer = await connection.receive { $0.hasSuffix("ok") }
    await connection.close()
    return answer
  }

  /// A port that was free a moment ago, of those that the system gives nobody who asks for any.
  private func freePort() async throws -> Int {
    for _ in 0..<100 {
      let port = Int.random(in: 23_000..<29_000)
      let channel = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .bind(host: "127.0.0.1", port: port).get()
      guard let channel else { continue }
      try await channel.close()
      return port
    }
    throw ChannelError.inappropriateOperationForState
  }

  /// Goal: a new configuration opens listeners and closes those that are gone; one that stays keeps its port and its connections, also
  /// when it was given as any free port.
  @Test func comeAndGo() async throws {
    let server = try await TestServer()
    let mesh = RunningProxy.mesh([server.address])
    let proxy = try await RunningProxy(mesh)
    let open = try await RawConnection(port: proxy.port)
    try await open.send("GET / HTTP/1.1\nHost: web.test\n\n")
    #expect(await open.receive { $0.hasSuffix("ok") }.hasPrefix("HTTP/1.1 200"))
    let second = try await freePort()
    let names = ["{address: \"127.0.0.1:0\"}", "{address: \"127.0.0.1:\(second)\"}"]
    try await proxy.server.take(try description(mesh, names))
    #expect(try await get(second).hasPrefix("HTTP/1.1 200"))
    #expect(try await get(proxy.port).hasPrefix("HTTP/1.1 200"))
    try await proxy.server.take(try description(mesh, [names[1]]))
    await #expect(throws: (any Error).self) { try await get(proxy.port) }
    #expect(try await get(second).hasPrefix("HTTP/1.1 200"))
    // Where nobody connects any more, who is connected is still served.
    try await open.send("GET / HTTP/1.1\nHost: web.test\n\n")
    let both = await open.receive { $0.components(separatedBy: "HTTP/1.1 200").count > 2 }
    #expect(both.components(separatedBy: "HTTP/1.1 200").count == 3)
    await open.close()
    await proxy.stop()
    await server.stop()
  }

  /// Goal: a listener that stays where it is and is said to be something else treats its next connections so.
  @Test func changeInPlace() async throws {
    let server = try await TestServer()
    let mesh = RunningProxy.mesh([server.address])
    let proxy = try await RunningProxy(mesh)
    #expect(try await get(proxy.port).hasPrefix("HTTP/1.1 200"))
    let tcp = "{address: \"127.0.0.1:0\", protocol: tcp, cluster: web}"
    try await proxy.server.take(try description(mesh, [tcp]))
    #expect(try await get(proxy.port).hasPrefix("HTTP/1.1 200"))
    // Passed through as it came: nobody has added anything.
    #expect(server.seen.map { $0.head.headers.contains(name: "x-request-id") } == [true, false])
    await proxy.stop()
    await server.stop()
  }

  /// Goal: an address that cannot be had refuses the whole configuration by a line that names it; the former one stays in force, and
  /// nothing that was opened for the new one stays open.
  @Test func refuses() async throws {
    let server = try await TestServer()
    let mesh = RunningProxy.mesh([server.address])
    let proxy = try await RunningProxy(mesh)
    let free = try await freePort()
    let listeners = ["127.0.0.1:0", "127.0.0.1:\(free)", server.address].map { "{address: \"\($0)\"}" }
    let other = mesh.replacingOccurrences(of: "web.test", with: "other.test")
    do {
      try await proxy.server.take(try description(other, listeners))
      Issue.record("a port that another program has was taken")
    } catch {
      #expect("\(error)".hasPrefix("mesh.proxy: cannot listen on \(server.address): "))
    }
    #expect(try await get(proxy.port).hasPrefix("HTTP/1.1 200"))
    await #expect(throws: (any Error).self) { try await get(free) }
    await proxy.stop()
    await server.stop()
  }

  /// Goal: an access log that was moved away is begun anew when the configuration is taken again, and one that cannot be opened refuses
  /// the configuration.
  @Test func accessLogs() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (file, moved) = (folder.appendingPathComponent("log"), folder.appendingPathComponent("log.1"))
    let server = try await TestServer()
    let mesh = RunningProxy.mesh([server.address])
    func logging(_ path: String) throws -> ProxyDescription {
      try RunningProxy.description(mesh, proxy: "    accessLog: {file: \"\(path)\"}")
    }
    let proxy = try await RunningProxy(mesh, proxy: "    accessLog: {file: \"\(file.path)\"}")
    _ = try await proxy.get("/one")
    try FileManager.default.moveItem(at: file, to: moved)
    try await proxy.server.take(try logging(file.path))
    _ = try await proxy.get("/two")
    await #expect(throws: (any Error).self) {
      try await proxy.server.take(try logging(folder.appendingPathComponent("none/log").path))
    }
    _ = try await proxy.get("/three")
    await proxy.stop()
    let paths = try [moved, file].map { url in
      try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
        line.firstMatch(of: #/"path":"([^"]*)"/#)?.1 ?? ""
      }
    }
    #expect(paths == [["/one"], ["/two", "/three"]])
    await server.stop()
  }

  /// Goal: a listener may move to another name of its own port, and trade places with the admin port; where the new configuration is
  /// refused after all, the former listener is back.
  @Test func movesOnItsOwnPort() async throws {
    let server = try await TestServer()
    let mesh = RunningProxy.mesh([server.address])
    let (port, other) = (try await freePort(), try await freePort())
    let proxy = try await RunningProxy(mesh)
    func listening(_ address: String) -> String { "{address: \"\(address)\"}" }
    try await proxy.server.take(try description(mesh, [listening("127.0.0.1:\(port)")], admin: "127.0.0.1:\(other)"))
    #expect(try await get(port).hasPrefix("HTTP/1.1 200"))
    try await proxy.server.take(try description(mesh, [listening("0.0.0.0:\(port)")], admin: "127.0.0.1:\(other)"))
    #expect(try await get(port).hasPrefix("HTTP/1.1 200"))
    try await proxy.server.take(try description(mesh, [listening("127.0.0.1:\(other)")], admin: "127.0.0.1:\(port)"))
    #expect(try await get(other).hasPrefix("HTTP/1.1 200"))
    await #expect(throws: ListenFailure.self) {
      let moved = [listening("0.0.0.0:\(other)"), listening(server.address)]
      try await proxy.server.take(try description(mesh, moved, admin: "127.0.0.1:\(port)"))
    }
    #expect(try await get(other).hasPrefix("HTTP/1.1 200"))
    await proxy.stop()
    await server.stop()
  }

  /// Goal: changes asked for at once come one after the other: the last one asked for holds, and nothing else is listened on.
  @Test func changesInTurn() async throws {
    let server = try await TestServer()
    let mesh = RunningProxy.mesh([server.address])
    let proxy = try await RunningProxy(mesh)
    var ports: [Int] = []
    while ports.count < 4 {
      let port = try await freePort()
      if !ports.contains(port) { ports.append(port) }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for port in ports {
        let next = try description(mesh, ["{address: \"127.0.0.1:\(port)\"}"])
        group.addTask { try await proxy.server.take(next) }
      }
      try await group.waitForAll()
    }
    var open = 0
    for port in ports where (try? await get(port))?.hasPrefix("HTTP/1.1 200") == true { open += 1 }
    #expect(open == 1)
    await proxy.stop()
    await server.stop()
  }

  /// Goal: no line of an access log is lost or cut while the configuration is taken again and again under load.
  @Test func accessLogUnderLoad() async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: file) }
    let server = try await TestServer()
    let mesh = RunningProxy.mesh([server.address])
    let proxy = try await RunningProxy(mesh, loops: 2, proxy: "    accessLog: {file: \"\(file.path)\"}")
    let next = try RunningProxy.description(mesh, proxy: "    accessLog: {file: \"\(file.path)\"}")
    let count = 60
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in 0..<4 {
        group.addTask { for number in 0..<count { _ = try await proxy.get("/\(client)/\(number)") } }
      }
      group.addTask { for _ in 0..<40 { try await proxy.server.take(next) } }
      try await group.waitForAll()
    }
    await proxy.stop()
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let paths = Set(lines.compactMap { $0.wholeMatch(of: #/\{.*"path":"([^"]*)".*\}/#)?.1 })
    #expect(lines.count == 4 * count && paths.count == 4 * count)
    await server.stop()
  }
}
