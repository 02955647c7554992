// The proxy as a service: it begins, takes new configurations on SIGHUP and when its file changes, and drains on SIGTERM.

import Dispatch
import Foundation
import Logging
import MeshConfiguration
import Proxy
import ServiceLifecycle

struct ProxyService: Service {
  let server: ProxyServer
  let path: String
  let logger: Logger

  func run() async throws {
    // Before anybody can see that it listens: a signal that comes then must not end it.
    let (signals, continuation) = AsyncStream<Void>.makeStream()
    signal(SIGHUP, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
    source.setEventHandler { continuation.yield() }
    source.resume()
    let names: (listeners: [SocketName], admin: SocketName?)
    do {
      names = try await server.start()
    } catch {
      throw ProxyFailure(lines: ["\(path): error: \(error)"])
    }
    logger.info(
      "ready",
      metadata: [
        "listen": .array(names.listeners.map { "\($0)" }), "admin": "\(names.admin.map(\.description) ?? "")",
        "pid": "\(ProcessInfo.processInfo.processIdentifier)",
      ])
    let watching = Task {
      var known = modified()
      while !Task.isCancelled {
        try? await Task.sleep(nanoseconds: 1_000_000_000)
        let now = modified()
        if now != known {
          known = now
          continuation.yield()
        }
        server.refreshCertificates()
      }
    }
    await withGracefulShutdownHandler {
      for await _ in signals { await reload() }
    } onGracefulShutdown: {
      continuation.finish()
    }
    watching.cancel()
    source.cancel()
    logger.info("draining")
    await server.drain()
    logger.info("done")
  }

  private func modified() -> Date? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
  }

  /// Reads the file again; a bad one is told of, and the former stays in force.
  private func reload() async {
    do {
      try await server.take(try RunCommand.read(path))
    } catch let failure as ProxyFailure {
      for line in failure.lines { logger.error("configuration refused, the former stays: \(line)") }
    } catch {
      logger.error("configuration refused, the former stays: \(error)")
    }
  }
}

/// One JSON object a line on standard error.
struct JSONLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var object: [String: Any] = [
      "time": Date().formatted(.iso8601), "level": event.level.rawValue, "message": event.message.description,
    ]
    let fields = metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 })
    for (key, value) in fields { object[key] = Self.plain(value) }
    guard var data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys]) else { return }
    data.append(UInt8(ascii: "\n"))
    FileHandle.standardError.write(data)
  }

  private static func plain(_ value: Logger.MetadataValue) -> Any {
    switch value {
    case .string(let text): text
    case .stringConvertible(let value): value.description
    case .array(let values): values.map(plain)
    case .dictionary(let values): values.mapValues(plain)
    }
  }
}
