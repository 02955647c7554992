import Experiments
import Simulation
import Testing

/// Goal: requests of a scenario go where `weir place`, and with it a real Envoy, sends their keys. Method: hosts of unequal weight
/// under their addresses, a run of a few requests for each key, and whoever answered.
@Suite struct KeyPlacementTests {
  private static let hosts: [(address: String, weight: Int)] = [
    ("10.0.0.1:80", 1), ("10.0.0.2:8080", 3), ("10.0.0.3:80", 1), ("web-3", 2), ("10.0.0.5:80", 1),
  ]

  /// Whoever answered requests with keys as `client` says.
  private func answering(_ balancer: String, client: String, _ files: [String: String] = [:]) throws -> Set<String> {
    let replicas = Self.hosts.map { "{name: \"\($0.address)\", weight: \($0.weight)}" }.joined(separator: ", ")
    let text = """
      scenario: placement
      run: {duration: 1s, replications: 1}
      world:
        services: {web: {replicas: [\(replicas)], workers: 50, time: 1ms}}
        clients: {users: \(client)}
      mesh: {clusters: {web: {balancer: \(balancer)}}}
      """
    let runner = ExperimentRunner(jobs: 1) { try $0.simulate(monitor: $1) }
    let result = try runner.run(ScenarioFile(text, besides: files).scenario())
    let endpoints = result.variants[0].replications[0].endpoints
    return Set(endpoints.filter { $0.requests > 0 }.map(\.endpoint))
  }

  /// Where `weir place` puts keys.
  private func placed(_ balancer: String, _ keys: [String]) throws -> [String] {
    let rows = Self.hosts.map { "\($0.address),\($0.weight)\n" }.joined()
    let files = try ScenarioFile(
      "", besides: ["h.csv": "address,weight\n" + rows, "k.txt": keys.map { $0 + "\n" }.joined()])
    defer { files.remove() }
    let placement = try KeyPlacement.read(
      balancer: balancer, hosts: files.folder + "/h.csv", keys: files.folder + "/k.txt"
    ).get()
    return placement.placements.map { placement.hosts[$0.host] }
  }

  @Test(arguments: ["{ringHash: {minimumRingSize: 1024}}", "{maglev: {tableSize: 251}}"])
  func scenariosPlaceKeysAsEnvoyDoes(balancer: String) throws {
    let texts = (0..<12).map { "user-\($0)" } + ["ключ, 'two'"]
    for (text, host) in zip(texts, try placed(balancer, texts)) {
      let constant = "{arrivals: {constant: 5/s}, request: {key: {constant: \"\(text)\"}}}"
      #expect(try answering(balancer, client: constant) == [host], "\(text)")
      let trace = ["t.csv": "time_s,key\n0,\"\(text)\"\n0.5,\"\(text)\"\n"]
      #expect(try answering(balancer, client: "{arrivals: {trace: {file: t.csv}}}", trace) == [host], "\(text)")
    }
    let numbers = (1...3).map { String($0) }
    let hosts = try placed(balancer, numbers)
    for keys in 1...3 {
      for law in ["{uniform: \(keys)}", "{zipf: {keys: \(keys), exponent: 0.5}}"] {
        let client = "{arrivals: {constant: 100/s}, request: {key: \(law)}}"
        #expect(try answering(balancer, client: client) == Set(hosts.prefix(keys)), "\(law)")
      }
    }
  }
}
