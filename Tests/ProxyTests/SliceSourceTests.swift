// The Kubernetes source before a stand-in for the API server, which the real kubectl has accepted (KubectlTests).

import Foundation
import MeshConfiguration
import Testing

@testable import Proxy

@Suite("slices", .serialized)
struct SliceSourceTests {
  /// A source that asks `server`, and does not wait long.
  static func source(_ server: StandInAPIServer, port: String? = nil, page: Int = 500, span: Int = 60) -> SliceSource {
    var source = KubernetesSource(service: "web")
    source.namespace = "shop"
    source.server = server.address
    source.token = "letmein"
    source.authorityFile = StandInAPIServer.fixture("authority.pem")
    source.port = port
    let backoff = Backoff(first: .milliseconds(20), most: .milliseconds(100))
    return SliceSource(source, backoff: backoff, span: span, page: page)
  }

  /// Follows a source for the length of a test's body.
  private func following(_ source: SliceSource, _ body: (Reports) async throws -> Void) async throws {
    let reports = Reports()
    let task = Task { await source.follow(reports.take) }
    do {
      try await body(reports)
    } catch {
      task.cancel()
      throw error
    }
    task.cancel()
    await task.value
  }

  /// Goal: slices are listed in pages, then every change comes by the watch: new, changed and deleted slices, merged, with zones; slices of
  /// other services and families count for nothing. All that takes one list and one watch.
  @Test func listsAndWatches() async throws {
    let server = try await StandInAPIServer()
    server.put("web-a", [StandInEndpoint(address: "10.0.0.2", zone: "a")], ports: [("http", 80)])
    server.put("web-b", [StandInEndpoint(address: "10.0.0.1", zone: "b")], ports: [("http", 80)])
    server.put("web-c", [StandInEndpoint(address: "10.0.0.2")], ports: [("http", 80)])
    server.put("web-6", [StandInEndpoint(address: "fd00::1")], family: "IPv6", ports: [("http", 80)])
    server.put("db-a", [StandInEndpoint(address: "10.9.0.1")], service: "db", ports: [("sql", 5432)])
    try await following(Self.source(server, page: 2)) { reports in
      #expect(await reports.wait { $0.servers == [["10.0.0.1:80@b", "10.0.0.2:80@a"]] }, "\(reports.faults)")
      for _ in 0..<500 where server.watches == 0 { try await Task.sleep(nanoseconds: 5_000_000) }
      server.put("web-d", [StandInEndpoint(address: "10.0.0.3")], ports: [("http", 80)])
      #expect(await reports.wait { $0.servers.last == ["10.0.0.1:80@b", "10.0.0.2:80@a", "10.0.0.3:80"] })
      server.put("web-b", [StandInEndpoint(address: "10.0.0.1", zone: "b", ready: false)], ports: [("http", 80)])
      #expect(await reports.wait { $0.servers.last == ["10.0.0.2:80@a", "10.0.0.3:80"] })
      server.remove("web-a")
      #expect(await reports.wait { $0.servers.last == ["10.0.0.2:80", "10.0.0.3:80"] })
      server.put("db-b", [StandInEndpoint(address: "10.9.0.2")], service: "db", ports: [("sql", 5432)])
      server.remove("web-c")
      server.remove("web-d")
      // IPv4 has nobody left.
      #expect(await reports.wait { $0.servers.last == ["[fd00::1]:80"] })
      #expect(reports.faults == [])
    }
    let kinds = server.requests.map { $0.contains("watch=true") ? "watch" : $0.contains("continue=") ? "page" : "list" }
    #expect(kinds == ["list", "page", "watch"])
    #expect(server.requests.allSatisfy { $0.contains("labelSelector=kubernetes.io%2Fservice-name%3Dweb") })
    await server.stop()
  }

  /// Goal: a watch that ends goes on from the last version seen, a bookmark's if that came last, so nothing between two watches is missed
  /// and nothing is listed twice.
  @Test func goesOnFromTheLastVersion() async throws {
    let server = try await StandInAPIServer()
    server.put("web-a", [StandInEndpoint(address: "10.0.0.1")], ports: [("http", 80)])
    try await following(Self.source(server)) { reports in
      #expect(await reports.wait { $0.servers == [["10.0.0.1:80"]] })
      for _ in 0..<500 where server.watches == 0 { try await Task.sleep(nanoseconds: 5_000_000) }
      server.age(40)
      server.bookmark()
      try await Task.sleep(nanoseconds: 50_000_000)
      server.endWatches()
      server.put("web-b", [StandInEndpoint(address: "10.0.0.2")], ports: [("http", 80)])
      #expect(await reports.wait { $0.servers.last == ["10.0.0.1:80", "10.0.0.2:80"] })
      #expect(server.requests.last?.contains("resourceVersion=141") == true, "\(server.requests)")
      #expect(server.requests.filter { !$0.contains("watch=true") }.count == 1)
    }
    await server.stop()
  }

  /// Goal: a version that the server has forgotten is answered by a new list, whether the watch is told within or refused at its beginning; the
  /// servers between serve on, and nobody is told of a fault.
  @Test(arguments: [true, false]) func listsAgainWhenForgotten(isTold: Bool) async throws {
    let server = try await StandInAPIServer()
    server.put("web-a", [StandInEndpoint(address: "10.0.0.1")], ports: [("http", 80)])
    try await following(Self.source(server)) { reports in
      #expect(await reports.wait { $0.servers == [["10.0.0.1:80"]] })
      for _ in 0..<500 where server.watches == 0 { try await Task.sleep(nanoseconds: 5_000_000) }
      server.age(7)
      server.put("web-b", [StandInEndpoint(address: "10.0.0.2")], ports: [("http", 80)])
      server.age(1)
      server.forget(isTold: isTold)
      server.put("web-c", [StandInEndpoint(address: "10.0.0.3")], ports: [("http", 80)])
      #expect(await reports.wait { $0.servers.last == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"] })
      #expect(server.requests.filter { !$0.contains("watch=true") }.count == 2, "\(server.requests)")
      #expect(reports.faults == [])
    }
    await server.stop()
  }

  /// Goal: refusals and a wrong token are told of with the server's own words, waited out, and change nothing; the client does not storm the
  /// server meanwhile. A token in a file is read anew.
  @Test func waitsOutFailures() async throws {
    let server = try await StandInAPIServer()
    server.put("web-a", [StandInEndpoint(address: "10.0.0.1")], ports: [("http", 80)])
    server.refuse([500, 403, 429])
    try await following(Self.source(server)) { reports in
      #expect(await reports.wait { $0.servers == [["10.0.0.1:80"]] })
      #expect(reports.faults.first == "web: the API server answers 500: refused for the test")
      #expect(reports.faults.count == 3 && server.requests.count <= 5)
    }
    let folder = try TestFolder()
    defer { folder.remove() }
    try folder.write("token", "wrong\n")
    var told = KubernetesSource(service: "web")
    (told.namespace, told.server, told.tokenFile) = ("shop", server.address, "\(folder.path)/token")
    told.authorityFile = StandInAPIServer.fixture("authority.pem")
    let source = SliceSource(told, backoff: Backoff(first: .milliseconds(20), most: .milliseconds(50)))
    try await following(source) { reports in
      #expect(await reports.wait { $0.faults.first == "web: the API server answers 401: Unauthorized" })
      try folder.write("token", "letmein\n")
      #expect(await reports.wait { $0.servers == [["10.0.0.1:80"]] })
    }
    await server.stop()
  }

  /// Goal: a server whose certificate no trusted authority has signed gets no token and is not believed; authorities that cannot be read
  /// are told of.
  @Test func strangersAreNotBelieved() async throws {
    let server = try await StandInAPIServer()
    server.put("web-a", [StandInEndpoint(address: "10.0.0.1")], ports: [("http", 80)])
    var told = KubernetesSource(service: "web")
    (told.namespace, told.server, told.token) = ("shop", server.address, "letmein")
    let backoff = Backoff(first: .milliseconds(20), most: .milliseconds(50))
    try await following(SliceSource(told, backoff: backoff)) { reports in
      #expect(await reports.wait { !$0.faults.isEmpty })
      #expect(reports.servers == [] && server.requests == [])
    }
    told.authorityFile = "/nowhere/ca.crt"
    try await following(SliceSource(told, backoff: backoff)) { reports in
      #expect(await reports.wait { $0.faults.first?.contains("/nowhere/ca.crt cannot be read") == true })
    }
    await server.stop()
  }

  /// Goal: conditions say who serves: nothing said is ready, not ready is out, and who terminates serves on only where nobody is ready. A port
  /// is found by name, by number, or is the first; a slice without it has no servers.
  @Test func conditionsAndPorts() throws {
    func merged(_ port: String?, _ slices: String...) throws -> [String] {
      let decoded = try slices.map { try JSONDecoder().decode(EndpointSlice.self, from: Data($0.utf8)) }
      return SliceMerge.servers(decoded, port: port).map(\.address.description)
    }
    func slice(_ endpoints: String, ports: String = "{\"name\":\"\",\"port\":80}") -> String {
      "{\"metadata\":{\"name\":\"a\"},\"addressType\":\"IPv4\",\"ports\":[\(ports)],\"endpoints\":[\(endpoints)]}"
    }
    let silent = "{\"addresses\":[\"10.0.0.1\",\"10.0.0.9\"]}"
    let out = "{\"addresses\":[\"10.0.0.2\"],\"conditions\":{\"ready\":false}}"
    let leaving =
      "{\"addresses\":[\"10.0.0.3\"],\"conditions\":{\"ready\":false,\"serving\":true,\"terminating\":true}}"
    let gone =
      "{\"addresses\":[\"10.0.0.4\"],\"conditions\":{\"ready\":false,\"serving\":false,\"terminating\":true}}"
    #expect(try merged(nil, slice("\(silent),\(out),\(leaving),\(gone)")) == ["10.0.0.1:80"])
    #expect(try merged(nil, slice("\(out),\(leaving),\(gone)")) == ["10.0.0.3:80"])
    #expect(try merged(nil, slice("\(out),\(gone)")) == [])
    let ports =
      "{\"name\":\"dns\",\"port\":53,\"protocol\":\"UDP\"},{\"name\":\"http\",\"port\":80},{\"name\":\"admin\",\"port\":81}"
    #expect(try merged("admin", slice(silent, ports: ports)) == ["10.0.0.1:81"])
    #expect(try merged("81", slice(silent, ports: ports)) == ["10.0.0.1:81"])
    #expect(try merged(nil, slice(silent, ports: ports)) == ["10.0.0.1:80"])
    #expect(try merged("dns", slice(silent, ports: ports)) == [])
    #expect(try merged(nil, "{\"metadata\":{},\"endpoints\":null,\"ports\":null}") == [])
  }

  /// Goal: waits double up to their limit, each cut by at most a half, and begin again after a success.
  @Test func waitsDouble() {
    var backoff = Backoff(first: .seconds(1), most: .seconds(5))
    #expect(
      [0, 1, 0, 1, 1].map { backoff.wait($0) } == [.seconds(0.5), .seconds(2), .seconds(2), .seconds(5), .seconds(5)])
    backoff.reset()
    #expect(backoff.wait(1) == .seconds(1))
  }

  /// Goal: a proxy whose configuration names a service serves from its slices, and follows them.
  @Test func proxyFollowsSlices() async throws {
    let one = try await TestServer { _ in TestAnswer(body: "one") }
    let two = try await TestServer { _ in TestAnswer(body: "two") }
    let server = try await StandInAPIServer()
    server.put("web-a", [StandInEndpoint(address: "127.0.0.1")], ports: [("http", one.port)])
    let source =
      "{service: web, namespace: shop, port: http, server: \"\(server.address)\", token: letmein, ca: \(StandInAPIServer.fixture("authority.pem"))}"
    let proxy = try await RunningProxy(RunningProxy.mesh([]), proxy: "    discovery: {web: {kubernetes: \(source)}}")
    #expect(try await proxy.get().body == "one")
    server.put("web-a", [StandInEndpoint(address: "127.0.0.1")], ports: [("http", two.port)])
    var body = ""
    for _ in 0..<200 where body != "two" { body = try await proxy.get().body }
    #expect(body == "two")
    await proxy.stop()
    await server.stop()
    await one.stop()
    await two.stop()
  }
}
