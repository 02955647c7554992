// Runs the built `weir` as a user would.

import Foundation

/// What became of a run of the program.
struct Outcome {
  var status: Int32
  var output: String
  var errors: String

  /// The lines on standard error.
  var faults: [String] { errors.split(separator: "\n").map(String.init) }
}

/// The executable under test: it stands beside the test bundle.
let weirPath: String = {
  let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
  let linux = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).map(
    URL.init(fileURLWithPath:))
  let candidates = [linux, own, Bundle.main.bundleURL].compactMap { $0 }
  // On macOS the bundle is a folder a few levels above what runs.
  for candidate in candidates {
    var folder = candidate.deletingLastPathComponent()
    for _ in 0..<5 {
      let path = folder.appendingPathComponent("weir").path
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue { return path }
      folder.deleteLastPathComponent()
    }
  }
  return "weir"
}()

/// A folder for one test, gone afterwards.
final class Workplace {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "weir-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file into the folder.
  func write(_ name: String, _ text: String) throws {
    let file = URL(fileURLWithPath: path).appendingPathComponent(name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: false, encoding: .utf8)
  }

  /// The bytes of a file in the folder.
  func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)) }

  /// Every file and folder below, hidden ones too, with the files' bytes.
  func contents() throws -> [String: Data?] {
    var contents: [String: Data?] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      contents[name] = .some(try? Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }
    return contents
  }

  /// Runs `weir` in the folder and waits for it.
  func weir(_ arguments: String..., interruptAfter seconds: Double? = nil) throws -> Outcome {
    try run(weirPath, arguments, interruptAfter: seconds)
  }

  /// Runs a line of shell in the folder, `weir` being `$WEIR`.
  func shell(_ line: String) throws -> Outcome { try run("/bin/bash", ["-c", line]) }

  private func run(_ program: String, _ arguments: [String], interruptAfter seconds: Double? = nil) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    process.environment = ProcessInfo.processInfo.environment.merging(["WEIR": weirPath]) { $1 }
    // Files rather than pipes: nothing fills up, whatever the order of reading.
    let streams = NSTemporaryDirectory() + "weir-streams-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: streams, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: streams) }
    for name in ["/out", "/err"] { try Data().write(to: URL(fileURLWithPath: streams + name)) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: streams + "/out"))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: streams + "/err"))
    try process.run()
    if let seconds {
      Thread.sleep(forTimeInterval: seconds)
      process.interrupt()
    }
    process.waitUntilExit()
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOfFile: streams + "/out", encoding: .utf8),
      errors: try String(contentsOfFile: streams + "/err", encoding: .utf8))
  }
}

/// A scenario of two variants that runs in no time.
func tinyScenario(name: String = "tiny", duration: String = "2s", expect: [String] = []) -> String {
  """
  scenario: \(name)
  about: Two variants that take no time.
  seed: 7
  run: {duration: \(duration), replications: 3}
  world:
    services:
      web: {replicas: 3, time: {exponential: {mean: 5ms}}}
    clients:
      users: {target: web, arrivals: {poisson: 200/s}}
  mesh:
    clusters:
      web: {service: web, balancer: random}
  variants:
    - name: random
    - name: leastRequest
      set: {mesh.clusters.web.balancer: leastRequest}
  \(expect.isEmpty ? "" : "expect:\n" + expect.map { "  - \($0)\n" }.joined())
  """
}
