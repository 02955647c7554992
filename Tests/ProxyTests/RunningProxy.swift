// A proxy for the length of a test.

import Foundation
import Logging
import MeshConfiguration
import Testing

@testable import Proxy

/// A proxy whose mesh is written as people write it.
struct RunningProxy {
  let server: ProxyServer
  let port: Int
  let adminPort: Int

  /// Starts one; `mesh` is what stands below `mesh:`, indented by two spaces, without `proxy`.
  init(
    _ mesh: String, loops: Int = 1, listener: String = "", proxy: String = "", decisions: String? = nil
  ) async throws {
    server = try ProxyServer(
      try Self.description(mesh, listener: listener, proxy: proxy), loops: loops, decisions: decisions,
      logger: Logger(label: "test"))
    let names = try await server.start()
    port = names.listeners.first?.port ?? 0
    adminPort = names.admin?.port ?? 0
  }

  /// `listener` is what is said of the listener beside its address, as `, key: value`; `proxy` more of `proxy`, indented by four spaces.
  static func description(_ mesh: String, listener: String = "", proxy: String = "") throws -> ProxyDescription {
    let text = """
      mesh:
      \(mesh)
        proxy:
          listen: [{address: "127.0.0.1:0"\(listener)}]
          admin: 127.0.0.1:0
          drainTime: 5s
      \(proxy)
      """
    return try ProxyReader.read([UInt8](text.utf8), path: "test.yaml").get()
  }

  /// A cluster `web` of these servers, by round robin, and what else its route says.
  static func mesh(_ servers: [String], cluster: String = "", route: String = "") -> String {
    let endpoints = servers.map { "{address: \"\($0)\"}" }.joined(separator: ", ")
    return """
        clusters:
          web:
            protocol: http1
            balancer: roundRobin
            endpoints: [\(endpoints)]
            \(cluster)
        routes:
          - match: {host: web.test}
            split: [{to: web}]
            \(route)
      """
  }

  /// Sends one request on a connection of its own, and returns all that comes back.
  func ask(_ text: String) async throws -> String {
    let connection = try await RawConnection(port: port)
    try await connection.send(text)
    return await connection.receive()
  }

  /// The status and the body of a request for a path, on a connection of its own.
  func get(_ path: String = "/", headers: String = "") async throws -> (status: Int, body: String) {
    let answer = try await ask("GET \(path) HTTP/1.1\nHost: web.test\nConnection: close\n\(headers)\n")
    let parts = answer.components(separatedBy: "\r\n\r\n")
    let status = answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return (status, parts.dropFirst().joined(separator: "\r\n\r\n"))
  }

  func stop() async { await server.close() }
}
