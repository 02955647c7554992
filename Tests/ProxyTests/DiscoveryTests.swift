// Servers that others name: files and name servers, and what becomes of requests while lists change.

import Foundation
import Logging
import MeshConfiguration
import MeshCore
import NIOConcurrencyHelpers
import Testing

@testable import Proxy

/// What a source has said.
final class Reports: Sendable {
  private let box = NIOLockedValueBox<(servers: [[String]], faults: [String])>(([], []))

  func take(_ report: SourceReport) {
    box.withLockedValue { said in
      switch report {
      case .servers(let servers):
        let text = servers.map { "\($0.address)\($0.zone.map { "@\($0)" } ?? "")" }
        if said.servers.last != text { said.servers.append(text) }
      case .fault(let fault): said.faults.append(fault)
      }
    }
  }

  var servers: [[String]] { box.withLockedValue { $0.servers } }
  var faults: [String] { box.withLockedValue { $0.faults } }

  /// Waits until something is so, ten seconds at most.
  func wait(until holds: @Sendable (Reports) -> Bool) async -> Bool {
    for _ in 0..<1000 {
      if holds(self) { return true }
      try? await Task.sleep(nanoseconds: 10_000_000)
    }
    return false
  }
}

/// A folder for the length of a test.
struct TestFolder {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("proxy-\(UUID().uuidString)").path

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  /// Writes a file in place of what was there, at once.
  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"), options: .atomic)
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("discovery", .serialized)
struct DiscoveryTests {
  /// Goal: a file is followed through renames and changes within; one that is bad or gone is told of, with its place, and names nobody.
  @Test func filesAreFollowed() async throws {
    let folder = try TestFolder()
    defer { folder.remove() }
    try folder.write("web.yaml", "- 10.0.0.1:80\n- {address: \"10.0.0.2:80\", zone: a, weight: 3}\n")
    let reports = Reports()
    let path = "\(folder.path)/web.yaml"
    let task = Task { await FileSource(path: path, refresh: .milliseconds(10)).follow(reports.take) }
    #expect(await reports.wait { $0.servers == [["10.0.0.1:80", "10.0.0.2:80@a"]] })
    try folder.write("web.yaml", "{\"endpoints\": [{\"address\": \"10.0.0.3:80\"}]}")
    #expect(await reports.wait { $0.servers.last == ["10.0.0.3:80"] })
    try Data("- 10.0.0.4:80\n".utf8).write(to: URL(fileURLWithPath: path))
    #expect(await reports.wait { $0.servers.last == ["10.0.0.4:80"] })
    let bad = [
      ("- nonsense\n", "is no address"), ("- {address: \"a:1\", wait: 3}\n", "unknown key 'wait'"), ("", "empty"),
      ("- a:1\n- a:1\n", "expected each address once"), ("- a:0\n", "has port 0"), ("[a:1", "error"),
    ]
    for (text, words) in bad {
      try folder.write("web.yaml", text)
      #expect(await reports.wait { $0.faults.last?.contains(words) == true }, "\(text): \(reports.faults.last ?? "")")
      #expect(reports.faults.last?.contains("web.yaml:") == true)
    }
    try FileManager.default.removeItem(atPath: path)
    #expect(await reports.wait { $0.faults.last?.contains("cannot be read") == true })
    #expect(reports.servers.count == 3)
    try folder.write("web.yaml", "[]")
    #expect(await reports.wait { $0.servers.last == [] })
    task.cancel()
    await task.value
  }

  /// Goal: a file behind a link is followed when the link is turned to another folder, as Kubernetes changes mounted files.
  @Test func linksAreFollowed() async throws {
    let folder = try TestFolder()
    defer { folder.remove() }
    for (name, address) in [("one", "10.0.0.1:80"), ("two", "10.0.0.2:80")] {
      try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
      try folder.write("\(name)/web.yaml", "- \(address)\n")
    }
    let link = "\(folder.path)/data"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "one")
    let reports = Reports()
    let task = Task { await FileSource(path: "\(link)/web.yaml", refresh: .milliseconds(10)).follow(reports.take) }
    #expect(await reports.wait { $0.servers == [["10.0.0.1:80"]] })
    try FileManager.default.createSymbolicLink(atPath: link + "2", withDestinationPath: "two")
    #expect(rename(link + "2", link) == 0)
    #expect(await reports.wait { $0.servers.last == ["10.0.0.2:80"] })
    task.cancel()
    await task.value
  }

  /// Goal: all addresses of a name serve, in one order whatever the answer's; a failure names nobody, and what comes after it counts again.
  @Test func namesAreAskedAgain() async throws {
    let answers = NIOLockedValueBox<[Result<[String], NameFault>]>([
      .success(["10.0.0.2", "10.0.0.1", "::1"]), .success(["::1", "10.0.0.1", "10.0.0.2"]),
      .failure(NameFault(reason: "no such name")), .success([]), .success(["10.0.0.9"]),
    ])
    let reports = Reports()
    let source = NameSource(name: SocketName(host: "web.test", port: 81), refresh: .milliseconds(5)) { host in
      #expect(host == "web.test")
      return answers.withLockedValue { $0.count > 1 ? $0.removeFirst() : $0[0] }
    }
    let task = Task { await source.follow(reports.take) }
    #expect(await reports.wait { $0.servers.last == ["10.0.0.9:81"] })
    task.cancel()
    await task.value
    #expect(reports.servers == [["10.0.0.1:81", "10.0.0.2:81", "[::1]:81"], ["10.0.0.9:81"]])
    #expect(reports.faults == ["web.test: no such name", "web.test has no address"])
  }

  /// Goal: the system's resolver knows this machine, each address once, and says why it does not know a name.
  @Test func systemResolves() async throws {
    let here = try await SystemResolver.addresses(of: "localhost").get()
    #expect(here.contains("127.0.0.1") && Set(here).count == here.count)
    let nowhere = await SystemResolver.addresses(of: "no-such-host.invalid")
    #expect(throws: NameFault.self) { _ = try nowhere.get() }
  }

  /// Goal: a proxy serves from a file's list, keeps it when the file goes bad, with a fault that people see, and takes the next one; what the
  /// configuration lists serves until the file has been read. A reload with the same source keeps what it named.
  @Test func proxyFollowsFile() async throws {
    let one = try await TestServer { _ in TestAnswer(body: "one") }
    let two = try await TestServer { _ in TestAnswer(body: "two") }
    let folder = try TestFolder()
    defer { folder.remove() }
    let told = "    discovery: {web: {file: \(folder.path)/web.yaml, refresh: 10ms}}"
    let mesh = RunningProxy.mesh([one.address])
    let proxy = try await RunningProxy(mesh, proxy: told)
    #expect(try await proxy.get().body == "one")
    try folder.write("web.yaml", "- \(two.address)\n")
    var body = ""
    for _ in 0..<200 where body != "two" { body = try await proxy.get().body }
    #expect(body == "two")
    try folder.write("web.yaml", "- nonsense\n")
    for _ in 0..<200 where proxy.server.sources.first?.fault == nil { try await Task.sleep(nanoseconds: 10_000_000) }
    #expect(proxy.server.sources.first?.fault?.contains("web.yaml:1:3: error: 0: 'nonsense' is no address") == true)
    #expect(try await proxy.get().body == "two")
    try await proxy.server.take(
      try RunningProxy.description(RunningProxy.mesh([one.address], route: "timeout: 3s"), proxy: told))
    #expect(try await proxy.get().body == "two")
    // Without a source the configuration's own servers count.
    try await proxy.server.take(try RunningProxy.description(mesh))
    #expect(try await proxy.get().body == "one")
    await proxy.stop()
    await one.stop()
    await two.stop()
  }

  /// Goal: endpoints come and go a hundred times a second under load, and no request is lost: those that are removed are up still, so whatever
  /// fails was lost by the proxy. An endpoint that stays all the time keeps its connection.
  @Test(arguments: ["http1", "http2"])
  func churn(_ transport: String) async throws {
    let servers = try await (0..<4).manyServers(isHTTP2: transport == "http2")
    let folder = try TestFolder()
    defer { folder.remove() }
    let mesh = RunningProxy.mesh([servers[0].address]).replacingOccurrences(
      of: "protocol: http1", with: "protocol: \(transport)")
    let proxy = try await RunningProxy(
      mesh, loops: 2, proxy: "    discovery: {web: {file: \(folder.path)/web.json, refresh: 10ms}}")
    let lost = NIOLockedValueBox<[String]>([])
    let answered = NIOLockedValueBox(0)
    let end = ContinuousClock.now + .seconds(3)
    let addresses = servers.map(\.address)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        var round = 0
        while ContinuousClock.now < end {
          round += 1
          let list = [addresses[0]] + (1..<4).filter { round >> ($0 - 1) & 1 == 1 }.map { addresses[$0] }
          try? folder.write("web.json", "[\(list.map { "\"\($0)\"" }.joined(separator: ","))]")
          try? await Task.sleep(nanoseconds: 5_000_000)
        }
      }
      for _ in 0..<8 {
        group.addTask {
          do {
            let count = try await Self.askUntil(end, port: proxy.port)
            answered.withLockedValue { $0 += count }
          } catch {
            lost.withLockedValue { $0.append("\(error)") }
          }
        }
      }
    }
    #expect(lost.withLockedValue { $0 } == [])
    let updates = proxy.server.sources.first?.updates ?? 0
    #expect(updates > 100 && answered.withLockedValue { $0 } > 300, "\(updates) updates")
    // Whoever stays all the time is not connected to anew: a loop needs at most as many connections as it has clients.
    #expect(servers[0].connections <= 8 && servers[1].seen.count > 20)
    await proxy.stop()
    for server in servers { await server.stop() }
  }

  /// Sends requests one after the other on one connection. Returns how many were answered; the first that was not ends it with an error.
  private static func askUntil(_ end: ContinuousClock.Instant, port: Int) async throws -> Int {
    let connection = try await RawConnection(port: port)
    var count = 0
    while ContinuousClock.now < end {
      let before = connection.received
      try await connection.send("GET /\(count) HTTP/1.1\nHost: web.test\n\n")
      count += 1
      let least = "HTTP/1.1 200 OK".utf8.count
      let expected = count
      let text = await connection.receive { $0.utf8.count >= before + least && $0.hasSuffix("\r\n\r\nok") }
      let answer = String(decoding: text.utf8.dropFirst(before), as: UTF8.self)
      if !answer.hasPrefix("HTTP/1.1 200 OK") { throw NameFault(reason: "request \(expected): \(answer)") }
    }
    await connection.close()
    return count
  }
}

extension Range<Int> {
  /// So many servers.
  fileprivate func manyServers(isHTTP2: Bool) async throws -> [TestServer] {
    var servers: [TestServer] = []
    for _ in self { servers.append(try await TestServer(isHTTP2: isHTTP2)) }
    return servers
  }
}
