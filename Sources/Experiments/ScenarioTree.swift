// A scenario's tree while things are set in it: what is implied is put in so that paths find it, and worked out anew
// when something has changed.

import MeshConfiguration

struct ScenarioTree {
  /// The tree, with its implied parts.
  private(set) var root: ConfigurationNode

  /// A tree as read.
  init(_ root: ConfigurationNode) {
    self.root = root
    fill()
  }

  /// Sets each in turn; what cannot be set goes to the log.
  mutating func apply(_ assignments: [Assignment], log: FaultLog) {
    if assignments.isEmpty { return }
    for assignment in assignments {
      listReplicas(for: assignment)
      assignment.apply(to: &root, ScenarioSchema.scenario, log: log)
      fill()
    }
    root = MeshDefaults.stripped(root)
    fill()
  }

  /// The part that a variant runs.
  var body: ConfigurationNode {
    let keys = ["run", "world", "mesh"]
    let entries = (root.entries ?? []).filter { keys.contains($0.key) }
    return ConfigurationNode(.map(entries), origin: root.origin)
  }

  private mutating func fill() {
    guard root.entries != nil else { return }
    let services = (root["world"]?["services"]?.entries ?? []).map { (name: $0.key, origin: $0.keyOrigin) }
    if root["mesh"]?.isNull == true { root["mesh"] = nil }
    root["mesh"] = MeshDefaults.filled(root["mesh"], services: services, at: root.origin)
    fillRun()
    fillTargets()
  }

  private mutating func fillRun() {
    let implied = root.origin.given(by: .standard)
    var run = root["run"] ?? .emptyMap(implied)
    if run.isNull { run = .emptyMap(implied) }
    if run.entries == nil || run["duration"] != nil || run["requests"] != nil { return }
    run["duration"] = .word("60s", run.origin.given(by: .standard))
    root["run"] = run
  }

  /// Where there is one host only, it is every client's target.
  private mutating func fillTargets() {
    let hosts = Set(
      (root["mesh"]?["routes"]?.items ?? []).compactMap { $0["match"]?["host"]?.text ?? $0["match"]?.text })
    guard hosts.count == 1, let host = hosts.first, !host.contains("*"), var world = root["world"],
      var clients = world["clients"],
      var entries = clients.entries
    else { return }
    for place in entries.indices where entries[place].value.entries != nil && entries[place].value["target"] == nil {
      entries[place].value["target"] = .word(host, entries[place].value.origin.given(by: .standard))
    }
    clients.content = .map(entries)
    world["clients"] = clients
    root["world"] = world
  }

  /// A path into the replicas of a service that only counts them needs a list of them.
  private mutating func listReplicas(for assignment: Assignment) {
    guard let parts = ConfigurationPath.parts(assignment.path), parts.count > 4,
      parts[0] == "world", parts[1] == "services", parts[3] == "replicas",
      var world = root["world"], var services = world["services"], var service = services[parts[2]],
      service.isNull || service.entries != nil
    else { return }
    let origin = service.origin.given(by: .standard)
    let replicas = service["replicas"] ?? .word("1", origin)
    guard let count = replicas.text.flatMap({ Int($0) }), (1...100_000).contains(count) else { return }
    let items = (0..<count).map { number in
      ConfigurationNode.map([("name", .word("\(parts[2])-\(number)", replicas.origin))], replicas.origin)
    }
    service["replicas"] = ConfigurationNode(.list(items), origin: replicas.origin)
    services[parts[2]] = service
    world["services"] = services
    root["world"] = world
  }
}
