// The command line of `weir-proxy`.

import ArgumentParser
import Foundation
import Logging
import MeshConfiguration
import Proxy
import ServiceLifecycle

/// The whole program.
struct WeirProxy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weir-proxy", abstract: "Runs the mesh part of a scenario as a real proxy.",
    subcommands: [RunCommand.self, IdentityCommand.self], defaultSubcommand: RunCommand.self)

  /// Says what went wrong, and exits with 2.
  static func end(_ error: any Error) -> Never {
    if let failure = error as? ProxyFailure {
      for line in failure.lines { FileHandle.standardError.write(Data((line + "\n").utf8)) }
      Foundation.exit(2)
    }
    let code = exitCode(for: error).rawValue
    let text = fullMessage(for: error)
    if code == 0 {
      print(text)
      Foundation.exit(0)
    }
    FileHandle.standardError.write(Data((text + "\n").utf8))
    Foundation.exit(2)
  }
}

/// Runs the mesh part of a scenario on real sockets.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs the mesh part of a scenario as a real proxy (what is done without a name).",
    discussion: "It listens where mesh.proxy.listen says. SIGHUP reads the file again, SIGTERM drains.")

  @Option(help: ArgumentHelp("The scenario, or a file with its mesh alone.", valueName: "file"))
  var config: String

  @Flag(help: "Reads the file and exits: 0 when it can be run, 2 when not.")
  var check = false

  @Option(help: ArgumentHelp("Event loops, each a proxy of its own (default: one a core).", valueName: "n"))
  var loops = ProcessInfo.processInfo.activeProcessorCount

  @Option(
    name: .customLong("decision-log"),
    help: ArgumentHelp("Keeps every event and decision in this file, for weir replay.", valueName: "file"))
  var decisionLog: String?

  func validate() throws {
    if !(1...1024).contains(loops) { throw ValidationError("--loops \(loops) is out of range; expected 1 to 1024") }
  }

  func run() async throws {
    let description = try Self.read(config)
    if description.listeners.isEmpty {
      throw ProxyFailure(lines: [
        "\(config): error: mesh.proxy.listen: nowhere to listen; expected at least one address"
      ])
    }
    if check {
      do {
        try ProxyServer.check(description)
      } catch {
        throw ProxyFailure(lines: ["\(config): error: \(error)"])
      }
      return
    }
    var logger = Logger(label: "weir-proxy") { _ in JSONLogHandler() }
    logger.logLevel = .info
    let server: ProxyServer
    do {
      server = try ProxyServer(description, loops: loops, decisions: decisionLog, logger: logger)
    } catch let fault as CertificateFault {
      throw ProxyFailure(lines: ["\(config): error: \(fault)"])
    } catch {
      throw ProxyFailure(lines: ["\(config): error: cannot write a log: \(error.localizedDescription)"])
    }
    if description.tls == nil {
      for cluster in description.mesh.clusters where cluster.usesTLS {
        logger.warning("cluster \(cluster.name) has tls: true, and without mesh.proxy.tls is spoken to in plain text")
      }
    }
    for side in description.mesh.inbound where !description.listeners.contains(where: { $0.inbound == side.service }) {
      logger.warning("mesh.inbound.\(side.service) stands before no listener; one with inbound: \(side.service) has it")
    }
    let service = ProxyService(server: server, path: config, logger: logger)
    let group = ServiceGroup(
      configuration: .init(
        services: [.init(service: service)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
  }

  /// What the file at `path` says.
  static func read(_ path: String) throws -> ProxyDescription {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ProxyFailure(lines: ["\(path):1:1: error: cannot be read; expected a scenario file"])
    }
    if data.count > ConfigurationParser.sizeLimit {
      throw ProxyFailure(lines: [
        "\(path):1:1: error: \(data.count) bytes; expected at most \(ConfigurationParser.sizeLimit)"
      ])
    }
    switch ProxyReader.read([UInt8](data), path: path) {
    case .success(let description): return description
    case .failure(let diagnostics): throw ProxyFailure(lines: diagnostics.lines)
    }
  }
}

/// A bad file, or an address that cannot be had.
struct ProxyFailure: Error {
  var lines: [String]
}
