// Hands generated configurations to the programs they are for. Not every machine has them: a test that misses one says so.

import Foundation
import Testing

@testable import Testbed

enum PeerCheck {
  /// Expects that the program takes the configuration of `setup`. Cancels the test, with words, where there is no such program.
  static func accepts(_ kind: ProxyKind, _ given: PeerSetup) throws {
    guard let program = kind.program() else {
      try Test.cancel("no \(kind.rawValue) here: its own check did not run; to have it: \(kind.source)")
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("peer-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var setup = given
    setup.folder = folder.path
    let file = folder.appendingPathComponent(PeerProcess.fileName(kind))
    try kind.configuration(setup).write(to: file, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = PeerProcess.arguments(kind, file: file.path, isCheck: true)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(kind.rawValue): \(said)")
  }
}
