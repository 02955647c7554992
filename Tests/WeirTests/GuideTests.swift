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
