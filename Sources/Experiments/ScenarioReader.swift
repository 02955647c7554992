// A scenario file to a scenario: parse, set, check against the schema, check the sense, and describe.

import MeshConfiguration
import MeshCore
import Simulation

/// Reads scenario files.
public enum ScenarioReader {
  /// The scenario in the file at `path`, or everything that is wrong with it.
  ///
  /// `overrides` are `PATH=VALUE` in the order of the command line; `seed` and `replications` take the place of the
  /// file's.
  public static func read(
    path: String, overrides: [String] = [], seed: UInt64? = nil, replications: Int? = nil
  ) -> Result<Scenario, Diagnostics> {
    let log = FaultLog(file: path)
    guard let bytes = bytes(path: path, log: log) else { return failure(log) }
    return read(bytes: bytes, path: path, overrides: overrides, seed: seed, replications: replications, log: log)
  }

  /// The scenario in `bytes`, as if they were the file at `path`.
  static func read(
    bytes: [UInt8], path: String, overrides: [String] = [], seed: UInt64? = nil, replications: Int? = nil,
    log: FaultLog
  ) -> Result<Scenario, Diagnostics> {
    guard let root = root(bytes, log: log) else { return failure(log) }
    let reading = ScenarioReading(root: root, path: path, overrides: overrides, log: log)
    let scenario = reading.scenario(seed: seed, replications: replications)
    if let diagnostics = log.diagnostics { return .failure(diagnostics) }
    return .success(scenario)
  }

  static func failure<Success>(_ log: FaultLog) -> Result<Success, Diagnostics> {
    .failure(log.diagnostics ?? Diagnostics(faults: []))
  }

  /// The scenario file as resolved for `variant` (the first by default): every value with where it comes from.
  public static func show(
    path: String, variant: String? = nil, overrides: [String] = []
  ) -> Result<String, Diagnostics> {
    let log = FaultLog(file: path)
    guard let root = root(path: path, log: log) else { return failure(log) }
    let reading = ScenarioReading(root: root, path: path, overrides: overrides, log: log)
    let scenario = reading.scenario(seed: nil, replications: nil)
    if let variant, !scenario.variants.contains(where: { $0.name == variant }), log.isEmpty {
      log.addUnknown(
        Origin(.flag("--variant")), "variants", "unknown variant", variant, among: scenario.variants.map(\.name))
    }
    if let diagnostics = log.diagnostics { return .failure(diagnostics) }
    return .success(reading.listing(variant: variant))
  }

  /// The JSON Schema of scenario files, for editors.
  public static func jsonSchema() -> String {
    JSONSchema(
      title: "Weir scenario", description: "A scenario for the wind tunnel: a world, a mesh, and what is compared."
    ).text(of: ScenarioSchema.scenario)
  }

  private static func bytes(path: String, log: FaultLog) -> [UInt8]? {
    do throws(FileFault) {
      return try NamedFiles.bytes(
        at: path, limit: ConfigurationParser.sizeLimit,
        large: "expected a scenario; samples and traces belong in CSV files")
    } catch {
      let expected = error.reason.contains("expected") ? "" : "; expected a scenario file"
      log.add(Origin(.file), "", "\(error.reason)\(expected)")
      return nil
    }
  }

  /// The tree of the file at `path`; nil when something is wrong, which has then been told.
  static func root(path: String, log: FaultLog) -> ConfigurationNode? {
    bytes(path: path, log: log).flatMap { root($0, log: log) }
  }

  private static func root(_ bytes: [UInt8], log: FaultLog) -> ConfigurationNode? {
    guard let root = ConfigurationParser.parse(bytes, log: log) else { return nil }
    if root.entries != nil { return root }
    log.add(root.origin, "", root.isNull ? "empty; expected a scenario" : "found \(root.kindName); expected a scenario")
    return nil
  }
}
