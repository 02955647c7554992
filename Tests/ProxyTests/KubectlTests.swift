// The real kubectl before the stand-in for an API server: what the proxy's client is judged by has to be one to Kubernetes' own client.

import Foundation
import Testing

@Suite("kubectl", .serialized)
struct KubectlTests {
  private static let program: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/kubectl" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  /// Goal: kubectl discovers, lists and watches EndpointSlices at the stand-in over TLS with a token, and sees every change as the watch tells it; a
  /// wrong token is refused in its eyes too.
  @Test(.enabled(if: program != nil, "kubectl is not installed: the stand-in API server goes without its peer"))
  func acceptsTheStandIn() async throws {
    let program = try #require(Self.program)
    let server = try await StandInAPIServer()
    server.put("web-a", [StandInEndpoint(address: "10.0.0.1", zone: "a")], ports: [("http", 80)])
    server.put("db-a", [StandInEndpoint(address: "10.9.0.1")], service: "db", ports: [("sql", 5432)])
    let folder = try TestFolder()
    defer { folder.remove() }
    func kubectl(_ token: String, _ words: [String]) throws -> (process: Process, output: String) {
      let output = "\(folder.path)/\(UUID().uuidString)"
      _ = FileManager.default.createFile(atPath: output, contents: nil)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments =
        [
          "--kubeconfig", "/dev/null", "--cache-dir", "\(folder.path)/cache", "--server", server.address, "--token",
          token,
          "--certificate-authority", StandInAPIServer.fixture("authority.pem"), "-n", "shop", "get", "endpointslices",
          "-l", "kubernetes.io/service-name=web",
        ] + words
      var environment = ProcessInfo.processInfo.environment
      environment["HOME"] = folder.path
      process.environment = environment
      process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
      process.standardError = process.standardOutput
      try process.run()
      return (process, output)
    }
    func text(_ path: String, until words: String) async throws -> String {
      for _ in 0..<1500 {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        if text.contains(words) { return text }
        try await Task.sleep(nanoseconds: 10_000_000)
      }
      return try String(contentsOfFile: path, encoding: .utf8)
    }
    let watch = try kubectl(
      "letmein",
      [
        "--watch", "--output-watch-events", "-o",
        "jsonpath={.type}{\" \"}{.object.metadata.name}{\" \"}{.object.endpoints[*].addresses[0]}{\"\\n\"}",
      ])
    #expect(try await text(watch.output, until: "10.0.0.1").contains("ADDED web-a 10.0.0.1"))
    for _ in 0..<500 where server.watches == 0 { try await Task.sleep(nanoseconds: 10_000_000) }
    server.put("web-b", [StandInEndpoint(address: "10.0.0.2")], ports: [("http", 80)])
    server.put("db-b", [StandInEndpoint(address: "10.9.0.2")], service: "db", ports: [("sql", 5432)])
    server.put("web-a", [StandInEndpoint(address: "10.0.0.3")], ports: [("http", 80)])
    server.bookmark()
    server.remove("web-b")
    let seen = try await text(watch.output, until: "DELETED")
    #expect(
      seen.split(separator: "\n") == [
        "ADDED web-a 10.0.0.1", "ADDED web-b 10.0.0.2", "MODIFIED web-a 10.0.0.3", "BOOKMARK  ",
        "DELETED web-b 10.0.0.2",
      ], "\(seen)")
    watch.process.terminate()
    watch.process.waitUntilExit()
    let list = try kubectl("letmein", ["--chunk-size=1", "-o", "name"])
    list.process.waitUntilExit()
    let names = try String(contentsOfFile: list.output, encoding: .utf8)
    #expect(list.process.terminationStatus == 0 && names.contains("endpointslice.discovery.k8s.io/web-a"), "\(names)")
    let refused = try kubectl("wrong", ["-o", "name"])
    refused.process.waitUntilExit()
    #expect(refused.process.terminationStatus != 0)
    await server.stop()
  }
}
