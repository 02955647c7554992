// `mesh.proxy.discovery` and `mesh.proxy.tracing`, and the files that list endpoints.

import MeshCore

enum ServerDiscoverySchema {
  static let fields = [
    Field(
      "discovery", .names(NameGroup("cluster", rule: .name, of: source)), .optional,
      "clusters whose servers others name; the file's endpoints serve until they do"),
    Field("tracing", tracing, .optional, "where spans of requests are sent"),
    Field(
      "explain", .integer(0...100_000), .standard("0"),
      "decisions that each event loop keeps for /explain; 0 to keep none until somebody asks"),
  ]

  private static let source = Shape.choice(
    ChoiceGroup(
      "source",
      [
        Field("file", .text(.file), "a file with a list of endpoints, YAML or JSON; read again when it changes"),
        Field("dns", .text(.title), "a name and a port: all addresses of the name serve at that port"),
        Field("kubernetes", kubernetes, "the EndpointSlices of a service"),
      ],
      siblings: [
        Field(
          "refresh", .span(minimum: .milliseconds(10)), .optional, "how often file (500ms) and dns (5s) are looked at")
      ]))

  private static let kubernetes = Shape.fields(
    FieldGroup(
      "a Kubernetes service",
      [
        Field("service", .text(.name), .required, "the service's name"),
        Field("namespace", .text(.name), .optional, "its namespace; the pod's own by default"),
        Field("port", .text(.name), .optional, "the port's name or number in the slices; the first by default"),
        Field("server", .text(.title), .optional, "the API server; https://kubernetes.default.svc by default"),
        Field("token", .text(.any), .optional, "a bearer token; better in a file"),
        Field("tokenFile", .text(.file), .optional, "a file with a bearer token; the pod's own by default"),
        Field("ca", .text(.file), .optional, "a file with the API server's authorities; the pod's own by default"),
      ], shorthand: "service"))

  private static let tracing = Shape.fields(
    FieldGroup(
      "tracing",
      [
        Field("otlp", .text(.title), .required, "an OTLP/HTTP receiver such as http://127.0.0.1:4318"),
        Field(
          "sampling", .ratio(maximum: 1), .standard("100%"), "how many requests without a traced parent are traced"),
        Field("service", .text(.title), .standard("weir-proxy"), "service.name of the spans"),
        Field("queue", .integer(1...1_000_000), .standard("8192"), "spans that wait at most; more are dropped"),
      ], shorthand: "otlp"))
}

/// Reads what `ServerDiscoverySchema` describes.
struct ServerDiscoveryReader {
  let log: FaultLog
  /// The folder that file names are relative to, with its slash; empty for the working directory.
  let folder: String

  /// A reader for the file at `path`.
  init(path: String, log: FaultLog) {
    self.log = log
    folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
  }

  func read(_ value: ResolvedValue, into proxy: inout ProxyDescription) {
    for entry in value["discovery"]?.entries ?? [] {
      guard let place = proxy.mesh.clusters.firstIndex(where: { $0.name == entry.key }) else {
        log.addUnknown(
          entry.keyOrigin, entry.value.path, "unknown cluster", entry.key, among: proxy.mesh.clusters.map(\.name))
        continue
      }
      proxy.clusters[place].discovery = source(entry.value)
    }
    proxy.tracing = tracing(value["tracing"])
    proxy.explained = Int(value["explain"]?.integer ?? 0)
  }

  private func source(_ value: ResolvedValue) -> ServerDiscovery? {
    let refresh = value["refresh"]
    if let file = value["file"]?.text {
      return .file(path: placed(file), refresh: refresh?.span ?? .milliseconds(500))
    }
    if let dns = value["dns"], let text = dns.text {
      guard let name = SocketName(text), name.port > 0 else {
        log.add(dns.origin, dns.path, "\(quoted(text)) is no name and port; expected one such as web.example:8080")
        return nil
      }
      return .dns(name, refresh: refresh?.span ?? .seconds(5))
    }
    guard let given = value["kubernetes"], let service = given["service"]?.text else { return nil }
    if let refresh {
      log.add(
        refresh.origin, refresh.path, "Kubernetes tells of changes by itself; expected refresh beside file or dns")
    }
    var source = KubernetesSource(service: service)
    source.namespace = given["namespace"]?.text
    source.port = given["port"]?.text
    if let server = given["server"], let text = server.text {
      if !isAddress(text) {
        log.add(server.origin, server.path, "\(quoted(text)) is no URL; expected one such as https://10.0.0.1:6443")
      }
      source.server = text
    }
    source.token = given["token"]?.text
    source.tokenFile = (given["tokenFile"]?.text).map(placed)
    source.authorityFile = (given["ca"]?.text).map(placed)
    if let second = given["tokenFile"], source.token != nil {
      log.add(second.origin, second.path, "a second token; expected either token or tokenFile")
    }
    return .kubernetes(source)
  }

  private func tracing(_ value: ResolvedValue?) -> TracingDescription? {
    guard let value, let given = value["otlp"], let text = given.text else { return nil }
    if !isAddress(text) {
      log.add(given.origin, given.path, "\(quoted(text)) is no URL; expected one such as http://127.0.0.1:4318")
      return nil
    }
    // A receiver's own address stands for its traces', as OTEL_EXPORTER_OTLP_ENDPOINT does.
    let rest = text.drop { $0 != ":" }.dropFirst(3)
    let path = rest.drop { $0 != "/" }
    let endpoint = path.isEmpty ? text + "/v1/traces" : path == "/" ? text + "v1/traces" : text
    return TracingDescription(
      endpoint: endpoint, sampling: value["sampling"]?.number ?? 1, service: value["service"]?.text ?? "weir-proxy",
      queue: Int(value["queue"]?.integer ?? 8192))
  }

  private func isAddress(_ text: String) -> Bool {
    ["http://", "https://"].contains { text.hasPrefix($0) && text.count > $0.count } && !text.contains(" ")
  }

  private func placed(_ file: String) -> String { file.hasPrefix("/") ? file : folder + file }
}

/// Reads a file that lists a cluster's endpoints: a list, or a map with `endpoints`; each an address, or a map as in a cluster.
public enum EndpointFile {
  /// The servers in `bytes`, a file named `path` in messages; or everything that is wrong with it.
  public static func read(_ bytes: [UInt8], path: String) -> Result<[ServerDescription], Diagnostics> {
    let log = FaultLog(file: path)
    if bytes.count > ConfigurationParser.sizeLimit {
      log.add(Origin(.file), "", "\(bytes.count) bytes; expected at most \(ConfigurationParser.sizeLimit)")
    } else if let root = ConfigurationParser.parse(bytes, log: log) {
      let isMap = root.entries != nil
      let value = ShapeReader(log: log).read(root, isMap ? whole : list, path: "")
      let items = isMap ? value["endpoints"]?.items ?? [] : value.items
      let servers = items.compactMap { ProxyReader.server($0, log: log) }
      var known: Set<SocketName> = []
      for (server, item) in zip(servers, items) where !known.insert(server.address).inserted {
        log.add(item.origin, item.path, "\(server.address) stands there already; expected each address once")
      }
      if log.isEmpty { return .success(servers) }
    }
    return .failure(log.diagnostics ?? Diagnostics(faults: []))
  }

  private static let list = Shape.list(MeshSchema.endpoint, minimumCount: 0)
  private static let whole = Shape.fields(
    FieldGroup("a list of endpoints", [Field("endpoints", list, .required, "the endpoints")]))
}
