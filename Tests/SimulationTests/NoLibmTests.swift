import Foundation
import Testing

/// Goal: what decides and what simulates calls no function of the C library whose last bit differs between machines, so the
/// same file gives the same bytes everywhere. Method: the symbols that the built objects ask the linker for.
@Suite struct NoLibmTests {
  static let modules = ["MeshCore", "LoadBalancing", "TrafficSplitting", "FaultDetection", "DataPlane", "Simulation"]

  /// `fma` is exact where it exists and differs where a compiler may or may not use it; `fmod` is exact but slow and unneeded.
  static let banned: Set<String> = {
    let functions = [
      "log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "pow", "sin", "cos", "tan", "atan", "atan2", "fma",
      "fmod",
      "cbrt", "hypot", "erf", "erfc", "lgamma", "tgamma",
    ]
    return Set(functions.flatMap { [$0, $0 + "f", $0 + "l"] })
  }()

  @Test(arguments: modules)
  func refersToNoLibraryFunction(module: String) throws {
    let objects = try Self.objects(of: module)
    #expect(!objects.isEmpty, "no object file of \(module) beside the test")
    var all: Set<String> = []
    for object in objects {
      let undefined = try Self.undefinedSymbols(of: object)
      #expect(undefined.intersection(Self.banned).isEmpty, "\(object.lastPathComponent)")
      all.formUnion(undefined)
    }
    #expect(!all.isEmpty, "\(module) refers to nothing at all: nm failed?")
  }

  /// Goal: the test above can fail. Method: this test's own object, which does call the library.
  @Test func aReferenceIsFound() throws {
    #expect(Foundation.log(Double(Self.modules.count)) > 1)
    let objects = try Self.objects(of: "SimulationTests")
    let all = try objects.reduce(into: Set<String>()) { try $0.formUnion(Self.undefinedSymbols(of: $1)) }
    #expect(all.contains("log"))
  }

  /// The object files of a module in the build that this test runs from, those of deleted sources left out.
  private static func objects(of module: String) throws -> [URL] {
    guard let folder = folder(named: "\(module).build") else { return [] }
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    let objects = files.filter { $0.pathExtension == "o" }
    let list = try? String(contentsOf: folder.appendingPathComponent("sources"), encoding: .utf8)
    let sources = Set((list ?? "").split(separator: "\n").map { $0.split(separator: "/").last.map(String.init) ?? "" })
    let present = objects.filter { sources.contains($0.deletingPathExtension().lastPathComponent) }
    return present.isEmpty ? objects : present
  }

  /// The folder of that name in the nearest folder above the running program or one of its bundles.
  private static func folder(named name: String) -> URL? {
    for bundle in [Bundle.main] + Bundle.allBundles {
      var place = bundle.bundleURL
      while place.pathComponents.count > 1 {
        let candidate = place.appendingPathComponent(name)
        if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
        place.deleteLastPathComponent()
      }
    }
    return nil
  }

  private static func undefinedSymbols(of object: URL) throws -> Set<String> {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["nm", "-u", "-P", object.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let names = text.split(separator: "\n").compactMap { $0.split(separator: " ").first }
    // Mach-O puts an underscore before C names, ELF may put a version behind.
    return Set(
      names.map { name in
        let plain = name.prefix { $0 != "@" }
        return String(plain.hasPrefix("_") ? plain.dropFirst() : plain)
      })
  }
}
