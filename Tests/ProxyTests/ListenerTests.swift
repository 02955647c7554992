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

  /// A port that was free a moment ago.
  private func freePort() async throws -> Int {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    try await channel.close()
    return port
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
    #expect(try await get(proxy.port).contains("x-request-id") == false)
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
}
