// The proxy's parts by themselves.

import DataPlane
import MeshConfiguration
import MeshCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("parts of the proxy")
struct ProxyPartsTests {
  /// Goal: timers come out in the order of their deadlines, those that were cancelled never, whatever was set and cancelled before.
  @Test func timersAgainstAList() {
    for seed in 0..<20 as Range<UInt64> {
      var random = RandomKey(value: mix64(seed)).stream(for: .balancer, 1)
      var queue = TimerQueue()
      var reference: [(timer: TimerHandle, deadline: Int64)] = []
      var generations = [UInt32](repeating: 0, count: 50)
      var now: Int64 = 0
      for _ in 0..<4000 {
        switch random.next() % 4 {
        case 0, 1:
          let index = Int(random.next() % 50)
          if reference.contains(where: { Int($0.timer.index) == index }) { continue }
          generations[index] += 1
          let timer = TimerHandle(index: Int32(index), generation: generations[index])
          let deadline = now + Int64(random.next() % 1000)
          queue.set(timer, at: Timestamp(nanoseconds: deadline))
          reference.append((timer, deadline))
        case 2:
          if reference.isEmpty { continue }
          queue.cancel(reference.remove(at: Int(random.next() % UInt64(reference.count))).timer)
        default:
          now += Int64(random.next() % 300)
          var last = Int64.min
          while let timer = queue.takeDue(at: Timestamp(nanoseconds: now)) {
            guard let place = reference.firstIndex(where: { $0.timer == timer }) else {
              Issue.record("a timer that is not set")
              return
            }
            let deadline = reference.remove(at: place).deadline
            #expect(deadline <= now && deadline >= last)
            last = deadline
          }
          #expect(!reference.contains { $0.deadline <= now })
        }
        #expect(queue.count == reference.count)
      }
    }
  }

  /// Goal: who comes with the number of something past finds nothing, though its place is taken again.
  @Test func numbersAreNotGivenTwice() {
    final class Thing {}
    var registry = Registry<Thing>()
    let (first, second) = (Thing(), Thing())
    let number = registry.insert(first)
    #expect(registry[number] === first)
    registry.remove(number)
    let next = registry.insert(second)
    #expect(registry[number] == nil && registry[next] === second && next != number && registry.count == 1)
  }

  /// Goal: ORCA's text and JSON forms are read by their names, and what is no number is left out.
  @Test func loadReports() throws {
    let text = HTTPHeaders([
      ("endpoint-load-metrics", "TEXT cpu_utilization=0.3, application_utilization=0.8, rps_fractional=10.5, eps=nan")
    ])
    let report = try #require(LoadReportHeader.report(in: text))
    #expect(report.cpuUtilization == 0.3 && report.applicationUtilization == 0.8 && report.requestsPerSecond == 10.5)
    #expect(report.errorsPerSecond == 0)
    let json = HTTPHeaders([
      ("Endpoint-Load-Metrics", "JSON {\"cpu_utilization\": 0.25, \"mem_utilization\": 0.5, \"rps_fractional\": 7}")
    ])
    let other = try #require(LoadReportHeader.report(in: json))
    #expect(other.cpuUtilization == 0.25 && other.memoryUtilization == 0.5 && other.requestsPerSecond == 7)
    #expect(LoadReportHeader.report(in: HTTPHeaders([("endpoint-load-metrics", "BIN abc")])) == nil)
  }

  /// Goal: a host is compared without its port and in lower case, an IPv6 address whole.
  @Test func hosts() {
    #expect(SocketWorld.routed("Web.Test:8080") == "web.test" && SocketWorld.routed("web") == "web")
    #expect(SocketWorld.routed("[::1]") == "[::1]" && SocketWorld.routed("[::1]:80") == "[::1]")
  }

  /// Goal: names of sockets are read as people write them, and nothing else.
  @Test func socketNames() {
    #expect(SocketName("127.0.0.1:80") == SocketName(host: "127.0.0.1", port: 80))
    #expect(
      SocketName("[::1]:0") == SocketName(host: "::1", port: 0) && SocketName("[::1]:0")?.description == "[::1]:0")
    for wrong in ["", "web", ":80", "web:", "web:65536", "web:-1", "::1:80", "web:8x"] {
      #expect(SocketName(wrong) == nil)
    }
  }

  /// Goal: a proxy reads the mesh of a whole scenario, and says each fault with its place.
  @Test func configuration() throws {
    let scenario = """
      scenario: a
      world: {services: {web: {replicas: 2, time: 5ms}}, clients: {users: {arrivals: {poisson: 10/s}}}}
      mesh:
        profile: envoy
        clusters: {web: {endpoints: [{address: "127.0.0.1:1", weight: 3, zone: a}], protocol: http1}}
        proxy: {listen: ["127.0.0.1:0"], admin: "127.0.0.1:0"}
      """
    let proxy = try ProxyReader.read([UInt8](scenario.utf8), path: "a.yaml").get()
    #expect(proxy.mesh.profile == .envoy && proxy.mesh.routes.map(\.timeout) == [.seconds(15)])
    #expect(proxy.clusters[0].servers.map(\.weight) == [3] && proxy.listeners.count == 1 && proxy.admin?.port == 0)
    let wrong = """
      mesh:
        clusters: {web: {endpoints: [{address: "nowhere"}], balancer: roundRobin}}
        proxy: {listen: [{address: "127.0.0.1:0", protocol: tcp}, {address: "127.0.0.1:99999"}]}
      extra: 1
      """
    guard case .failure(let diagnostics) = ProxyReader.read([UInt8](wrong.utf8), path: "b.yaml") else {
      Issue.record("was taken")
      return
    }
    #expect(
      diagnostics.lines == [
        "b.yaml:2:42: error: mesh.clusters.web.endpoints.0.address: 'nowhere' is no address; expected host:port, such as 127.0.0.1:8080",
        "b.yaml:3:20: error: mesh.proxy.listen.0: a listener of protocol tcp without a cluster; expected cluster: NAME",
        "b.yaml:3:71: error: mesh.proxy.listen.1.address: '127.0.0.1:99999' is no address; expected host:port, such as 127.0.0.1:8080",
        "b.yaml:4:1: error: extra: unknown key 'extra'; expected one of scenario, about, seed, run, world, mesh, variants, expect, sweep, validate",
      ])
  }
}
