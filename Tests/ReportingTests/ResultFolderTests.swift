import Experiments
import Foundation
import Testing

@testable import Reporting

@Suite struct ResultFolderTests {
  /// Calls `body` with the path of an empty folder that is gone afterwards.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "weir-results-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func entries(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  private let allFiles = ResultFile.allCases.map(\.rawValue).sorted()

  /// All files of the contract are written, into folders that are made, and nothing else is left.
  @Test func writesAllFiles() throws {
    try withFolder { root in
      let folder = ResultFolder(parent: root + "/a/b", name: "synthetic")
      try folder.check()
      #expect(try entries(root).isEmpty)
      try folder.write(syntheticExperiment())
      #expect(try entries(root + "/a/b") == ["synthetic"])
      #expect(try entries(folder.path) == allFiles)
    }
  }

  /// New files take the place of all old ones, and other people's files stay.
  @Test func replacesOldFiles() throws {
    try withFolder { root in
      let folder = ResultFolder(parent: root, name: "synthetic")
      try folder.write(syntheticExperiment())
      try "old".write(toFile: folder.path + "/summary.csv", atomically: false, encoding: .utf8)
      try "mine".write(toFile: folder.path + "/notes.txt", atomically: false, encoding: .utf8)
      try FileManager.default.createDirectory(atPath: folder.path + "/charts", withIntermediateDirectories: false)
      try folder.write(syntheticExperiment())
      #expect(try entries(root) == ["synthetic"])
      #expect(try entries(folder.path) == (allFiles + ["charts", "notes.txt"]).sorted())
      #expect(try String(contentsOfFile: folder.path + "/notes.txt", encoding: .utf8) == "mine")
      #expect(try String(contentsOfFile: folder.path + "/summary.csv", encoding: .utf8).hasPrefix("scenario,"))
    }
  }

  /// An interrupt after any number of files leaves what was there, to the byte, and nothing half-written.
  @Test(arguments: 1...11)
  func interruptLeavesOldFiles(after calls: Int) throws {
    try withFolder { root in
      let folder = ResultFolder(parent: root, name: "synthetic")
      try folder.write(syntheticExperiment())
      try "old".write(toFile: folder.path + "/summary.csv", atomically: false, encoding: .utf8)
      var count = 0
      #expect(throws: ExperimentError.interrupted) {
        try folder.write(
          syntheticExperiment(),
          isInterrupted: {
            count += 1
            return count == calls
          })
      }
      #expect(try entries(root) == ["synthetic"])
      #expect(try entries(folder.path) == allFiles)
      #expect(try String(contentsOfFile: folder.path + "/summary.csv", encoding: .utf8) == "old")
    }
  }

  /// An interrupt of a first run takes away the folders that were made for it.
  @Test func interruptedFirstRunLeavesNothing() throws {
    try withFolder { root in
      let folder = ResultFolder(parent: root + "/Results", name: "synthetic")
      #expect(throws: ExperimentError.interrupted) { try folder.write(syntheticExperiment(), isInterrupted: { true }) }
      let left = try entries(root)
      #expect(left.isEmpty)
    }
  }

  /// Places where no folder can be are told in words, before and at writing.
  @Test func unwritablePlaces() throws {
    try withFolder { root in
      try "x".write(toFile: root + "/file", atomically: false, encoding: .utf8)
      for folder in [
        ResultFolder(parent: root + "/file", name: "s"), ResultFolder(parent: root, name: "file"),
        ResultFolder(parent: root + "/file/deeper", name: "s"), ResultFolder(parent: "/proc/none", name: "s"),
      ] {
        #expect(throws: SystemError.self) { try folder.check() }
        #expect(throws: SystemError.self) { try folder.write(syntheticExperiment()) }
      }
      #expect(try entries(root) == ["file"])
      #expect(try String(contentsOfFile: root + "/file", encoding: .utf8) == "x")
    }
  }

  /// A result folder that is a link stays one; the folder behind it is replaced.
  @Test func linkStays() throws {
    try withFolder { root in
      try FileManager.default.createDirectory(atPath: root + "/elsewhere", withIntermediateDirectories: false)
      try FileManager.default.createSymbolicLink(atPath: root + "/synthetic", withDestinationPath: root + "/elsewhere")
      try ResultFolder(parent: root, name: "synthetic").write(syntheticExperiment())
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: root + "/synthetic") == root + "/elsewhere")
      #expect(try entries(root + "/elsewhere") == allFiles)
      #expect(try entries(root) == ["elsewhere", "synthetic"])
    }
  }

  /// Single files: replacing is whole, creating never overwrites.
  @Test func singleFiles() throws {
    try withFolder { root in
      let file = NewFile(root + "/a.xml")
      try file.check()
      #expect(try entries(root).isEmpty)
      try file.create(with: "one")
      #expect(throws: SystemError(path: file.path, reason: "exists already")) { try file.create(with: "two") }
      #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "one")
      try file.replace(with: "three")
      #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "three")
      #expect(try entries(root) == ["a.xml"])
      #expect(throws: SystemError.self) { try NewFile(root).check() }
      #expect(throws: SystemError.self) { try NewFile(root + "/none/a.xml").check() }
    }
  }
}
