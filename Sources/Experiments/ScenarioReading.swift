// One reading of one scenario: the tree, the variants made of it, and what is said about them.

import MeshConfiguration
import MeshCore
import Simulation

/// A scenario being read.
final class ScenarioReading {
  private let log: FaultLog
  private let files: NamedFiles
  private let reader: ShapeReader
  private let tree: ScenarioTree
  private var frame: ResolvedValue
  private var bodies: [(name: String, value: ResolvedValue)] = []

  /// A reading of the file at `path`, whose tree is `root`, with `PATH=VALUE` overrides; `cell` says which value of each path of the sweep
  /// is set after them.
  init(root: ConfigurationNode, path: String, overrides: [String], cell: [Int] = [], log: FaultLog) {
    self.log = log
    files = NamedFiles(besides: path)
    reader = ShapeReader(log: log)
    var tree = ScenarioTree(root)
    let assignments = overrides.enumerated().compactMap {
      Assignment.parse($1, flag: "--set", number: $0 + 1, log: log)
    }
    tree.apply(assignments, log: log)
    tree.apply(Self.assignments(ofCell: cell, in: tree.root["sweep"]), log: log)
    self.tree = tree
    frame = reader.read(tree.root, ScenarioSchema.frame, path: "")
  }

  private static func assignments(ofCell cell: [Int], in sweep: ConfigurationNode?) -> [Assignment] {
    zip(sweep?.entries ?? [], cell).compactMap { axis, place in
      guard let items = axis.value.items, items.indices.contains(place) else { return nil }
      return Assignment(
        path: axis.key, origin: axis.keyOrigin.given(by: .sweep), value: items[place].given(by: .sweep))
    }
  }

  /// What is read; only of use when the log is empty afterwards.
  func scenario(seed: UInt64?, replications: Int?) -> Scenario {
    setFlags(seed: seed, replications: replications)
    readBodies()
    let variants = bodies.map { variant($0.name, $0.value) }
    checkBounds(variants, replications: replications)
    let base = bodies.first?.value
    let expectations = ExpectationReader(log: log, variants: variants)
    let rows = (frame["expect"]?.items ?? []).compactMap { expectations.expectation($0) }
    var tolerances: [MetricTolerance] = []
    for entry in frame["validate"]?["tolerance"]?.entries ?? [] {
      tolerances.append(MetricTolerance(name: entry.key, value: entry.value.number ?? 0, span: entry.value.span))
      let name = ResolvedValue(.text(entry.key), origin: entry.keyOrigin, path: entry.value.path)
      let metric = ExpectationReader.metric(name, log: log, variants: variants)
      if entry.value.span != nil, let metric, metric.unit != .time {
        log.add(entry.value.origin, entry.value.path, "a duration for what is none; expected a ratio such as 2%")
      }
    }
    let run = base?["run"]
    let fileSeed = frame["seed"]?.integer.map { UInt64(clamping: $0) } ?? 1
    var scenario = Scenario(
      name: frame["scenario"]?.text ?? "", about: frame["about"]?.text ?? "", seed: seed ?? fileSeed,
      replications: replications ?? fileReplications,
      confidence: run.map { RunReader(log: log).confidence($0) } ?? 0.95, variants: variants, expectations: rows,
      digest: 0, notes: notes(variants), sweep: sweep(), tolerances: tolerances)
    if let run {
      let goal = RunReader(log: log).precision(run, variants: variants)
      if replications == nil { scenario.precision = goal }
    }
    scenario.findsWarmUp = bodies.contains { $0.value["run"]?["warmUp"]?.text == "auto" }
    if let precision = scenario.precision { scenario.replications = min(scenario.replications, precision.most) }
    if log.isEmpty { scenario.digest = digest(scenario) }
    return scenario
  }

  /// What the file says, and what `auto` begins with.
  private var fileReplications: Int {
    let value = bodies.first?.value["run"]?["replications"]
    return value?.text == "auto" ? PrecisionGoal.first : Int(value?.integer ?? 5)
  }

  private func setFlags(seed: UInt64?, replications: Int?) {
    if let replications, !(1...100_000).contains(replications) {
      log.add(
        Origin(.flag("--replications")), "run.replications",
        "\(replications) is out of range; expected a whole number from 1 to 100000")
    }
    guard let seed, case .map(var entries) = frame.content else { return }
    let value = ResolvedValue(
      .text(String(seed)), origin: Origin(.flag("--seed")), path: "seed", written: String(seed))
    if let place = entries.firstIndex(where: { $0.key == "seed" }) { entries[place].value = value }
    frame.content = .map(entries)
  }

  // MARK: - Variants

  private func readBodies() {
    let variants = frame["variants"]?.items ?? []
    if isTooLarge(variants) { return }
    if variants.isEmpty {
      bodies = [("base", reader.read(tree.body, ScenarioSchema.body, path: ""))]
      return
    }
    var known: [String: ResolvedValue] = [:]
    for variant in variants {
      let name = variant["name"]?.text ?? ""
      if let value = variant["name"], let first = known.updateValue(value, forKey: name) {
        log.add(
          value.origin, value.path,
          "a second variant \(quoted(name)); the first is on line \(first.origin.line); expected different names")
        continue
      }
      var tree = self.tree
      tree.apply(assignments(variant, name), log: log)
      bodies.append((name, reader.read(tree.body, ScenarioSchema.body, path: "")))
    }
  }

  /// How many values are looked at in all: each variant and each value of a sweep is a reading of the whole file.
  private static let readingLimit = 500_000

  private func isTooLarge(_ variants: [ResolvedValue]) -> Bool {
    let cells = frame["sweep"]?.entries.reduce(0) { $0 + $1.value.items.count } ?? 0
    // Reading has its price however small the file.
    let size = tree.body.size + 20
    // One reading is bounded by the size of the file.
    if variants.count + cells <= 1 || (variants.count + cells) * size <= Self.readingLimit { return false }
    let culprit = variants.count > cells ? frame["variants"] : frame["sweep"]
    log.add(
      culprit?.origin ?? frame.origin, culprit?.path ?? "",
      "\(variants.count) variants and \(cells) values of a sweep, each a reading of \(size) values; expected at most \(Self.readingLimit) values in all"
    )
    return true
  }

  /// Parts that are the same for all variants.
  private static let shared = ["scenario", "about", "seed", "variants", "expect", "sweep", "validate"]

  private func assignments(_ variant: ResolvedValue, _ name: String) -> [Assignment] {
    (variant["set"]?.entries ?? []).compactMap { entry in
      guard case .raw(let node) = entry.value.content else { return nil }
      let parts = ConfigurationPath.parts(entry.key) ?? []
      let isShared =
        parts.first.map { Self.shared.contains($0) } == true || parts == ["run", "replications"]
        || (parts.first == "run" && parts.count > 1
          && ["confidence", "precision", "maxReplications"].contains(parts[1]))
      if isShared {
        log.add(
          entry.keyOrigin, entry.value.path,
          "\(quoted(entry.key)) is the same for all variants; expected a path into world, mesh or run")
        return nil
      }
      return Assignment(
        path: entry.key, origin: entry.keyOrigin.given(by: .variant(name)), value: node.given(by: .variant(name)))
    }
  }

  private func variant(_ name: String, _ body: ResolvedValue) -> Variant {
    let empty = ResolvedValue(.map([]), origin: body.origin, path: "")
    let world = body["world"] ?? empty
    let meshValue = body["mesh"] ?? empty
    let services = NameIndex((world["services"]?.entries ?? []).map(\.key))
    let zones = ZoneRegister(services: world["services"]?.entries ?? [], clients: world["clients"]?.entries ?? [])
    let clients = (world["clients"]?.entries ?? []).map(\.key)
    var mesh = MeshReader(
      services: services, zones: NameIndex(zones.names), callers: NameIndex(clients + services.names), log: log
    ).mesh(meshValue)
    let hosts = KnownHosts(mesh)
    let description = WorldReader(log: log, files: files).world(world, hop: meshValue["hop"], hosts: hosts)
    honourPriorities(of: description, in: &mesh)
    if let cycle = CallGraph(description, mesh).cycle() { tell(cycle, description, world) }
    return Variant(name: name, world: description, mesh: mesh, run: RunReader(log: log).run(body["run"] ?? empty))
  }

  /// Where replicas have priorities, or are not all well, their clusters go by that, whether or not anything else stands around the
  /// balancer.
  private func honourPriorities(of world: WorldDescription, in mesh: inout MeshDescription) {
    for cluster in mesh.clusters.indices where mesh.clusters[cluster].layers == nil {
      let service = world.services.first { $0.name == mesh.clusters[cluster].service }
      if service?.replicas.contains(where: { $0.priority > 0 || $0.status.health != .healthy }) == true {
        mesh.clusters[cluster].layers = LayersDescription()
      }
    }
  }

  private func tell(_ cycle: (services: [Int], host: String), _ world: WorldDescription, _ value: ResolvedValue) {
    let names = cycle.services.map { world.services[$0].name }.joined(separator: " → ")
    let caller = cycle.services.dropLast().last ?? 0
    let calls = value["services"]?[world.services[caller].name]?["calls"]
    let items = (calls?.items ?? []).flatMap { $0.items.isEmpty ? [$0] : $0.items }
    let culprit = items.compactMap { $0["to"] }.first { $0.text == cycle.host } ?? calls ?? value
    log.add(culprit.origin, culprit.path, "services call each other in a circle, \(names); expected none")
  }

  private func checkBounds(_ variants: [Variant], replications: Int?) {
    var given = bodies.first?.value["run"]?["replications"]
    if replications != nil { given?.origin = Origin(.flag("--replications")) }
    // With auto there may be as many as the cap allows.
    let most = bodies.first?.value["run"]?["maxReplications"]?.integer ?? 200
    let count = replications ?? (given?.text == "auto" ? Int(most) : fileReplications)
    ScenarioBounds(log: log).check(
      zip(variants, bodies).map { (variant: $0, body: $1.value) }, replications: given, count: count)
  }

  // MARK: - What else is said

  private func notes(_ variants: [Variant]) -> [String] {
    var notes: [String] = []
    if frame["sweep"]?.entries.isEmpty == false { notes.append("sweep: its values are run by weir sweep, not here") }
    for (place, variant) in variants.enumerated() {
      let mesh = bodies.indices.contains(place) ? bodies[place].value["mesh"] : nil
      let texts =
        FaultNotes(variant).texts + LayerNotes(variant).texts + SessionNotes(variant).texts
        + RouteNotes(variant, mesh).texts
      for text in texts where !notes.contains(text) { notes.append(text) }
    }
    let profiles = variants.map(\.mesh.profile).reduce(into: [MeshProfile]()) { if !$0.contains($1) { $0.append($1) } }
    for profile in profiles {
      let missing = profile.unsimulatedDefaults
      if !missing.isEmpty {
        notes.append("profile \(profile.rawValue): defaults not simulated yet: \(missing.joined(separator: "; "))")
      }
    }
    return notes
  }

  private func sweep() -> [SweepAxis] {
    if bodies.isEmpty { return [] }
    return (frame["sweep"]?.entries ?? []).map { entry in
      var values: [String] = []
      for item in entry.value.items {
        guard case .raw(let node) = item.content else { continue }
        values.append(FlowText.text(of: node))
        var cell = tree
        cell.apply(
          [Assignment(path: entry.key, origin: entry.keyOrigin.given(by: .sweep), value: node.given(by: .sweep))],
          log: log)
        _ = reader.read(cell.body, ScenarioSchema.body, path: "")
      }
      return SweepAxis(path: entry.key, values: values)
    }
  }

  private func digest(_ scenario: Scenario) -> UInt64 {
    var digest = ContentDigest()
    digest.add("\(scenario.name)\n\(scenario.seed)\n\(scenario.replications)\n\(scenario.confidence)")
    for body in bodies {
      digest.add(body.name)
      CanonicalText.add(body.value, to: &digest)
    }
    for file in files.digests { digest.add("\(file.name)\n\(file.digest)") }
    return digest.value
  }

  // MARK: - Listing

  /// The resolved scenario as YAML, with where each value comes from.
  func listing(variant: String?) -> String {
    let body = bodies.first { $0.name == variant } ?? bodies.first
    var entries = frame.entries.filter { !["run", "world", "mesh"].contains($0.key) }
    let place = entries.firstIndex { $0.key == "variants" } ?? entries.count
    entries.insert(contentsOf: body?.value.entries ?? [], at: place)
    let whole = ResolvedValue(.map(entries), origin: frame.origin, path: "")
    return ResolvedListing.text(of: whole)
  }
}
