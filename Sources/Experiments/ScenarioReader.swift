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
    guard let root = root(path: path, log: log) else { return .failure(log.diagnostics ?? Diagnostics(faults: [])) }
    let reading = ScenarioReading(root: root, path: path, overrides: overrides, log: log)
    let scenario = reading.scenario(seed: seed, replications: replications)
    if let diagnostics = log.diagnostics { return .failure(diagnostics) }
    return .success(scenario)
  }

  /// The scenario file as resolved for `variant` (the first by default): every value with where it comes from.
  public static func show(
    path: String, variant: String? = nil, overrides: [String] = []
  ) -> Result<String, Diagnostics> {
    let log = FaultLog(file: path)
    guard let root = root(path: path, log: log) else { return .failure(log.diagnostics ?? Diagnostics(faults: [])) }
    let reading = ScenarioReading(root: root, path: path, overrides: overrides, log: log)
    let scenario = reading.scenario(seed: nil, replications: nil)
    if let variant, !scenario.variants.contains(where: { $0.name == variant }), log.isEmpty {
      let names = scenario.variants.map(\.name)
      let suggestion = Suggestion.closest(to: variant, among: names)
      log.add(
        Origin(.flag("--variant")), "variants",
        "unknown variant \(quoted(variant)); expected one of \(names.joined(separator: ", "))",
        suggestion: suggestion)
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

  private static func root(path: String, log: FaultLog) -> ConfigurationNode? {
    do throws(FileFault) {
      let bytes = try NamedFiles.bytes(
        at: path, limit: ConfigurationParser.sizeLimit,
        large: "expected a scenario; samples and traces belong in CSV files")
      guard let root = ConfigurationParser.parse(bytes, log: log) else { return nil }
      if root.entries == nil {
        log.add(
          root.origin, "", root.isNull ? "empty; expected a scenario" : "found \(root.kindName); expected a scenario")
        return nil
      }
      return root
    } catch {
      log.add(
        Origin(.file), "", "\(error.reason)\(error.reason.contains("expected") ? "" : "; expected a scenario file")")
      return nil
    }
  }
}
