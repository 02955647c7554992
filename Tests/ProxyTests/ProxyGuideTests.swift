// The guide to the proxy: its examples can be run as they stand.

import Foundation
import MeshConfiguration
import Testing

@testable import Proxy

@Suite struct ProxyGuideTests {
  private static var guide: String {
    get throws {
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      return try String(contentsOf: root.appendingPathComponent("Documentation/Proxy.md"), encoding: .utf8)
    }
  }

  /// Goal: every configuration in the guide is read without a fault, and says where to listen.
  @Test func examplesAreRead() throws {
    let fences = try Self.guide.components(separatedBy: "```").filter { $0.hasPrefix("yaml\nmesh:") }
    #expect(fences.count >= 3)
    for fence in fences {
      let text = String(fence.dropFirst("yaml\n".count))
      let description = try ProxyReader.read([UInt8](text.utf8), path: "proxy.yaml").get()
      #expect(!description.listeners.isEmpty)
    }
  }

  /// Goal: each metric and path that the guide and the dashboard name is there, and each metric of the proxy's own is in the guide.
  @Test func metricsAreNamed() async throws {
    let folder = try TestFolder()
    defer { folder.remove() }
    try folder.write("web.yaml", "[]")
    let proxy = try await RunningProxy(
      """
        clusters: {web: {protocol: http1}, next: {protocol: http1}}
        routes:
          - {match: {host: web.test}, split: [{to: web}, {to: next}], canary: {to: next, stepWeight: 50}}
      """,
      proxy: "    discovery: {web: {file: \(folder.path)/web.yaml}}\n    tracing: \"http://127.0.0.1:1\"")
    let text = await proxy.server.metricsText()
    let present = Set(
      text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) })
    let guide = try Self.guide
    let named = Set(guide.matches(of: /`(weir_[a-z_]+)`/).map { String($0.1) })
    #expect(named == present.filter { $0.hasPrefix("weir_") })
    let dashboard = try String(
      contentsOfFile: #filePath.replacingOccurrences(
        of: "Tests/ProxyTests/ProxyGuideTests.swift", with: "Documentation/dashboards/weir-proxy.json"), encoding: .utf8
    )
    for match in dashboard.matches(of: /\b((weir|request|response)_[a-z_]+)\{/) {
      let name = String(match.1).replacing("_bucket", with: "")
      #expect(present.contains(name), "\(name)")
    }
    for path in ["/", "/ready", "/live", "/metrics", "/endpoints", "/explain", "/stats", "/config_dump"] {
      #expect(await AdminAnswer.answer(path, of: proxy.server).status == 200)
      #expect(guide.contains("`\(path)"))
    }
    await proxy.stop()
  }
}
