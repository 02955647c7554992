import Foundation
import Testing

/// Goal: what README and the guides tell people to type works as it stands there. Method: every line of shell that calls weir, and
/// every YAML example that is a whole scenario, with the built program in a folder that has the project's scenarios.
@Suite struct GuideTests {
  /// A fenced piece of a document.
  struct Fence {
    var document: String
    var language: String
    var text: String
  }

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func fences() throws -> [Fence] {
    let guides = try FileManager.default.contentsOfDirectory(atPath: root.path + "/Documentation").sorted()
    var fences: [Fence] = []
    for document in ["README.md", "CONTRIBUTING.md"] + guides.map({ "Documentation/\($0)" })
    where document.hasSuffix(".md") {
      let text = try String(contentsOf: root.appendingPathComponent(document), encoding: .utf8)
      for (number, part) in text.components(separatedBy: "```").enumerated() where number % 2 == 1 {
        let lines = part.components(separatedBy: "\n")
        fences.append(Fence(document: document, language: lines[0], text: lines.dropFirst().joined(separator: "\n")))
      }
    }
    return fences
  }

  /// Commands run in the order of each document, in one folder a document; `make` is what the tests of the tree look after.
  @Test func commands() throws {
    var count = 0
    var places: [String: Workplace] = [:]
    for fence in try Self.fences() where ["", "sh", "bash"].contains(fence.language) {
      let place = try places[fence.document] ?? Workplace()
      if places.updateValue(place, forKey: fence.document) == nil {
        try FileManager.default.copyItem(atPath: Self.root.path + "/Scenarios", toPath: place.path + "/Scenarios")
      }
      for line in fence.text.components(separatedBy: "\n") {
        let isCommand = line.hasPrefix("cp ") || line.hasPrefix("weir ") || line.hasPrefix(".build/release/weir ")
        if !isCommand { continue }
        count += 1
        // Debug builds are slow: the same run, shorter.
        let isRun = line.contains("weir run") || line.contains("weir check")
        let command =
          line.replacingOccurrences(of: ".build/release/weir", with: "\"$WEIR\"")
          .replacingOccurrences(of: "/tmp/weir", with: "out") + (isRun ? " --replications 2" : "")
        let shell = "weir() { \"$WEIR\" \"$@\"; }\n" + command
        let outcome = try place.shell(shell)
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(fence.document): \(line): \(outcome.errors)")
      }
    }
    #expect(count >= 3)
  }

  /// What runs for real, in the guide's fences of a terminal: `$ weir validate` runs, if shorter, and writes what the guide says (whether both
  /// worlds agree is this machine's business here); `$ weir load` finds the servers of `$ weir backend`.
  @Test func realCommands() throws {
    let lines = try Self.fences().filter { $0.language == "console" }.flatMap { fence in
      fence.text.components(separatedBy: "\n").filter { $0.hasPrefix("$ weir ") }.map { String($0.dropFirst(2)) }
    }
    let place = try Workplace()
    try FileManager.default.copyItem(atPath: Self.root.path + "/Scenarios", toPath: place.path + "/Scenarios")
    let function = "weir() { \"$WEIR\" \"$@\"; }\n"
    let shorter = " --set run.duration=1s --set run.warmUp=0s"
    let validate = try #require(lines.first { $0.hasPrefix("weir validate") })
    let outcome = try place.shell(function + validate + " --runs 1" + shorter)
    #expect([0, 1].contains(outcome.status) && outcome.errors.isEmpty, "\(validate): \(outcome.errors)")
    for file in ["validation.csv", "validation-latency.csv", "validation.svg"] {
      let path = "\(place.path)/Results/validation-equal-replicas/\(file)"
      #expect(FileManager.default.fileExists(atPath: path), "\(file) is not there")
    }
    let backend = try #require(lines.first { $0.hasPrefix("weir backend") })
    let load = try #require(lines.first { $0.hasPrefix("weir load") })
    let both = try place.shell(
      function + "\(backend.replacingOccurrences(of: "weir ", with: "\"$WEIR\" ")) >served & server=$!\n"
        + "for try in $(seq 100); do [ -s served ] && break; sleep 0.1; done\n"
        + "\(load)\(shorter) 2>warnings; status=$?; kill $server; exit $status")
    #expect(both.status == 0, "\(backend); \(load): \(both.errors)")
    #expect(FileManager.default.fileExists(atPath: place.path + "/Results/validation-equal-replicas/load.hgrm"))
  }

  /// A YAML example that names a scenario is one: it is read without a fault, its expectations hold.
  @Test func examples() throws {
    var count = 0
    for fence in try Self.fences() where fence.language == "yaml" && fence.text.hasPrefix("scenario:") {
      count += 1
      let place = try Workplace()
      try place.write("example.yaml", fence.text)
      let outcome = try place.weir("check", "example.yaml", "--set", "run.duration=20s")
      #expect(outcome.status == 0, "\(fence.document): \(outcome.output)\(outcome.errors)")
    }
    #expect(count >= 1)
  }
}
