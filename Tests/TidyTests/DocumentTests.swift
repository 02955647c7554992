// What README, CONTRIBUTING and the guides say of the tree is so.

import Foundation
import Testing

/// A piece of code in a document that is a file's own: the fence after `<!-- from PATH -->`.
struct Quotation: Hashable {
  var path: String
  var lines: [String]

  /// The quotations of a document.
  static func all(in text: String) -> [Quotation] {
    var quotations: [Quotation] = []
    var open: Quotation?
    var isInside = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.hasPrefix("<!-- from "), line.hasSuffix(" -->") {
        open = Quotation(path: String(line.dropFirst(10).dropLast(4)), lines: [])
      } else if line.hasPrefix("```") {
        if isInside, let quotation = open {
          quotations.append(quotation)
          open = nil
        }
        isInside = !isInside && open != nil
      } else if isInside {
        open?.lines.append(line)
      }
    }
    return quotations
  }

  /// The first line that the file does not have at that place. A line with an ellipsis alone skips any number of lines.
  func stray(in text: String) -> String? {
    let source = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var place = 0
    var mayskip = true
    for line in lines {
      if ["…", "// …", "..."].contains(line.trimmingCharacters(in: .whitespaces)) {
        mayskip = true
        continue
      }
      if mayskip {
        guard let next = source[place...].firstIndex(of: line) else { return line }
        place = next
      } else if place >= source.count || source[place] != line {
        return line
      }
      place += 1
      mayskip = false
    }
    return nil
  }
}

/// What a document points at.
enum Pointers {
  /// Targets of Markdown links that lie in the tree, and paths in backticks that begin with one of its folders.
  static func all(in text: String) -> [String] {
    var paths: [String] = []
    for part in text.components(separatedBy: "](").dropFirst() {
      let target = part.prefix { $0 != ")" && $0 != "#" }
      if !target.isEmpty && !target.contains("://") { paths.append(String(target)) }
    }
    let tops = ["Sources/", "Tests/", "Scenarios/", "Documentation/", "Benchmarks/", "Scripts/"]
    for (number, part) in text.components(separatedBy: "`").enumerated() where number % 2 == 1 {
      if tops.contains(where: part.hasPrefix), !part.contains(where: { "<*… {\n".contains($0) }) { paths.append(part) }
    }
    return paths
  }
}

@Suite struct DocumentTests {
  private static let documents = [
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "NOTICE", "Documentation", "Benchmarks",
  ]

  private static func files() throws -> [SourceFile] {
    try documents.flatMap { try SourceTree.files(below: $0) }
      .filter { $0.path.hasSuffix(".md") || $0.path == "NOTICE" }
  }

  // Goal: the example of CONTRIBUTING, and any code that a document says is a file's, stands in that file.
  @Test func quotedCodeIsReal() throws {
    var count = 0
    for file in try Self.files() {
      for quotation in Quotation.all(in: file.text) {
        count += 1
        let source = try SourceTree.files(below: quotation.path).first
        if let source, let line = quotation.stray(in: source.text) {
          Issue.record("\(file.path): \(quotation.path) has no such line there: \(line)")
        }
        #expect(source != nil, "\(file.path) quotes \(quotation.path), which is not there")
      }
    }
    #expect(count >= 2)
  }

  // Goal: links and paths lead somewhere.
  @Test func pointersLeadSomewhere() throws {
    for file in try Self.files() {
      let folder = SourceTree.root.appendingPathComponent(file.path).deletingLastPathComponent()
      for pointer in Pointers.all(in: file.text) {
        let found = [folder, SourceTree.root].contains {
          FileManager.default.fileExists(atPath: $0.appendingPathComponent(pointer).path)
        }
        #expect(found, "\(file.path) points at \(pointer), which is not there")
      }
    }
  }

  // Goal: every `make` target that a document names is in the Makefile.
  @Test func makeTargetsExist() throws {
    let makefile = try #require(try SourceTree.files(below: "Makefile").first)
    let targets = Set(makefile.lines.compactMap { $0.split(separator: ":").first.map(String.init) })
    for file in try Self.files() {
      for (number, part) in file.text.components(separatedBy: "`").enumerated() where number % 2 == 1 {
        let words = part.split(separator: " ").map(String.init)
        if words.count == 2 && words[0] == "make" { #expect(targets.contains(words[1]), "\(file.path): \(part)") }
      }
    }
  }

  // Goal: a quotation that differs from its file is found, and so is a pointer.
  @Test func theChecksCanFail() {
    let text =
      "<!-- from A.swift -->\n```swift\nlet a = 1\n…\nlet c = 3\n```\nsee [x](B.md) and `Sources/C.swift`, [y](https://d)"
    let quotations = Quotation.all(in: text)
    #expect(quotations == [Quotation(path: "A.swift", lines: ["let a = 1", "…", "let c = 3"])])
    #expect(quotations.first?.stray(in: "// A\nlet a = 1\nlet b = 2\nlet c = 3\n") == nil)
    #expect(quotations.first?.stray(in: "let a = 1\nlet b = 2\n") == "let c = 3")
    #expect(Quotation(path: "", lines: ["a", "b"]).stray(in: "a\nx\nb") == "b")
    #expect(Pointers.all(in: text) == ["B.md", "Sources/C.swift"])
  }
}
