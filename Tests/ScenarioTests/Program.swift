// The program under test, as a user would run it: once as built for tests, once as users build it.

import Foundation

/// Where the package lies.
let packageRoot = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// A built `weir`.
struct Program: Sendable {
  var path: String

  /// The one built with the tests, without optimisation: it stands beside the test bundle.
  static let debug: Program? = {
    let linux = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    let own = URL(fileURLWithPath: linux ?? CommandLine.arguments[0]).resolvingSymlinksInPath()
    for candidate in [own, Bundle.main.bundleURL] {
      var folder = candidate.deletingLastPathComponent()
      // On macOS the bundle is a folder a few levels above what runs.
      for _ in 0..<5 {
        let path = folder.appendingPathComponent("weir").path
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
          return Program(path: path)
        }
        folder.deleteLastPathComponent()
      }
    }
    return nil
  }()

  /// The optimised one. Scenarios that are held against theory need hundreds of millions of events, too many for a debug
  /// build, so this builds it, unless `WEIR_RELEASE` names one that is up to date.
  static let release: Result<Program, ProgramFault> = {
    if let path = ProcessInfo.processInfo.environment["WEIR_RELEASE"] { return .success(Program(path: path)) }
    // The tests hold the lock of the build folder while they run; nothing else builds there meanwhile.
    let build = ["swift", "build", "-c", "release", "--product", "weir", "--ignore-lock"]
    let root = packageRoot.path
    guard
      let built = try? run("/usr/bin/env", build, in: root), built.status == 0,
      let shown = try? run("/usr/bin/env", build + ["--show-bin-path"], in: root), shown.status == 0
    else { return .failure(ProgramFault(reason: "`\(build.joined(separator: " "))` fails in \(root)")) }
    return .success(Program(path: shown.output.trimmingCharacters(in: .whitespacesAndNewlines) + "/weir"))
  }()

  /// Runs it in the package's folder and waits.
  func callAsFunction(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
    try Self.run(path, arguments, in: packageRoot.path, environment: environment)
  }

  private static func run(
    _ program: String, _ arguments: [String], in folder: String, environment: [String: String] = [:]
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // A file rather than a pipe: it does not fill up while nobody reads.
    let place = try Folder()
    let output = place.url.appendingPathComponent("output")
    try Data().write(to: output)
    let handle = try FileHandle(forWritingTo: output)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOf: output, encoding: .utf8))
  }
}

/// Why there is no program to test.
struct ProgramFault: Error, CustomStringConvertible {
  var reason: String
  var description: String { reason }
}

/// What became of a run.
struct Outcome {
  var status: Int32
  /// What it printed, on both streams.
  var output: String
}

/// A folder that is gone afterwards.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("weir-scenarios-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The bytes of the file at `path` in it.
  func bytes(_ path: String) throws -> Data { try Data(contentsOf: url.appendingPathComponent(path)) }
}
