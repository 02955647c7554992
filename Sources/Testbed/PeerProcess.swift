// Another proxy as a child process: started with its configuration in a folder of its own, waited for until it takes connections, and
// ended with the run.

import Foundation
import MeshConfiguration
import MeshCore
import NIOCore
import NIOPosix

/// A proxy of others that runs. Used by one task at a time.
final class PeerProcess: @unchecked Sendable {
  let kind: ProxyKind
  private let process = Process()
  private let folder: URL
  /// Where clients connect.
  let listener: SocketName
  /// Its process, for whoever wants to know what the machine does to it.
  var identifier: Int32 { process.processIdentifier }

  /// Starts a proxy with what `description` says, and returns when it takes connections.
  ///
  /// - Throws: `TestbedError` when there is no such program, it cannot be told all that, or it does not come up.
  init(_ kind: ProxyKind, _ description: ProxyDescription) async throws {
    self.kind = kind
    let program = try kind.requireProgram()
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-\(kind.rawValue)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let ports = try await Self.freePorts(2)
    listener = SocketName(host: "127.0.0.1", port: ports[0])
    do {
      let text = try kind.configuration(
        PeerSetup(
          proxy: description, listener: listener, admin: SocketName(host: "127.0.0.1", port: ports[1]),
          folder: folder.path))
      try begin(program, text)
      try await waitUntilReady()
    } catch {
      stop()
      throw error
    }
  }

  /// The file that holds its configuration, and the program's arguments.
  static func arguments(_ kind: ProxyKind, file: String, isCheck: Bool = false) -> [String] {
    switch kind {
    case .weir: []
    case .envoy:
      ["-c", file, "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
        + (isCheck ? ["--mode", "validate"] : ["--file-flush-interval-msec", "100"])
    case .haproxy: isCheck ? ["-c", "-f", file] : ["-db", "-f", file]
    case .nginx: isCheck ? ["-t", "-c", file] : ["-c", file]
    }
  }

  /// The ending of the configuration's file name: Envoy tells formats by it.
  static func fileName(_ kind: ProxyKind) -> String { kind == .envoy ? "envoy.json" : "\(kind.rawValue).conf" }

  private func begin(_ program: String, _ text: String) throws {
    let file = folder.appendingPathComponent(Self.fileName(kind))
    try text.write(to: file, atomically: true, encoding: .utf8)
    let log = folder.appendingPathComponent("output")
    try Data().write(to: log)
    let handle = try FileHandle(forWritingTo: log)
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = Self.arguments(kind, file: file.path)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    do {
      try process.run()
    } catch {
      throw TestbedError(["--proxy \(kind.rawValue): \(program) cannot be started: \(error)"])
    }
  }

  private func waitUntilReady() async throws {
    for _ in 0..<200 {
      if !process.isRunning { break }
      if await takesConnections() { return }
      try await Task.sleep(nanoseconds: 50_000_000)
    }
    let said = (try? String(contentsOf: folder.appendingPathComponent("output"), encoding: .utf8)) ?? ""
    let lines = said.split(separator: "\n").suffix(5).map { "  \($0)" }
    throw TestbedError(["--proxy \(kind.rawValue): it did not come up within 10 s; it said:"] + lines)
  }

  private func takesConnections() async -> Bool {
    let group = MultiThreadedEventLoopGroup.singleton
    guard
      let channel = try? await ClientBootstrap(group: group).connectTimeout(.seconds(1))
        .connect(host: listener.host, port: listener.port).get()
    else { return false }
    try? await channel.close()
    return true
  }

  /// Ends it, and takes what it has written of events with it.
  ///
  /// - Returns: what each line of its event logs says of an endpoint that was put out, by the machine's calendar.
  @discardableResult
  func stop() -> [Date] {
    if process.isRunning {
      process.terminate()
      let limit = Date().addingTimeInterval(3)
      while process.isRunning && Date() < limit { usleep(10_000) }
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
    }
    let events = ["outliers.json", "checks.json"].flatMap { name in
      EnvoyEvents.removals(
        (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)) ?? "")
    }
    try? FileManager.default.removeItem(at: folder)
    return events.sorted()
  }

  /// Ports of the loopback that nobody listens on.
  static func freePorts(_ count: Int) async throws -> [Int] {
    var channels: [any Channel] = []
    for _ in 0..<count {
      channels.append(
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get())
    }
    let ports = channels.compactMap { $0.localAddress?.port }
    for channel in channels { try? await channel.close() }
    return ports
  }
}

/// What Envoy writes of outlier detection and health checks: one JSON object a line (envoy.data.cluster.v3.OutlierDetectionEvent,
/// envoy.data.core.v3.HealthCheckEvent).
enum EnvoyEvents {
  /// When endpoints were put out.
  static func removals(_ text: String) -> [Date] {
    text.split(separator: "\n").compactMap { line in
      guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else { return nil }
      let isEjection = object["action"] as? String == "EJECT" && object["enforced"] as? Bool == true
      if !isEjection && object["eject_unhealthy_event"] == nil { return nil }
      return (object["timestamp"] as? String).flatMap(date)
    }
  }

  /// A time of protobuf's JSON, to the millisecond.
  static func date(_ text: String) -> Date? {
    let format = ISO8601DateFormatter()
    format.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    if let date = format.date(from: text) { return date }
    format.formatOptions = [.withInternetDateTime]
    return format.date(from: text)
  }
}
