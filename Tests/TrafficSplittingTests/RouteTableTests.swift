import MeshCore
import Testing
import TrafficSplitting

private func table(_ matches: [RouteMatch], profile: MeshProfile = .weir) -> RouteTable {
  RouteTable(
    MeshDescription(
      profile: profile, clusters: [],
      routes: matches.map { RouteDescription(match: $0, split: [WeightedCluster(cluster: 0)]) }))
}

private func get(_ path: String, _ headers: [HeaderField] = [], method: String = "GET") -> RequestAttributes {
  RequestAttributes(host: "web", path: path, method: method, headers: headers)
}

private func match(_ path: PathMatch, method: String? = nil, _ headers: [HeaderField] = []) -> RouteMatch {
  RouteMatch(host: "web", path: path, method: method, headers: headers)
}

@Suite struct RouteTableTests {
  // Goal: a prefix takes whole segments, whatever slash ends it; a query does not belong to the path.
  @Test func prefixesAreWholeSegments() {
    for prefix in ["/api", "/api/"] {
      let routes = table([match(.prefix(prefix))])
      for path in ["/api", "/api/", "/api/users", "/api?x=1", "/api/users?x=/y"] {
        #expect(routes.match(get(path)) == 0, "\(prefix) \(path)")
      }
      for path in ["/", "/apis", "/ap", "/API", "/v1/api", "", "/a?/api", "/apis/api"] {
        #expect(routes.match(get(path)) == -1, "\(prefix) \(path)")
      }
    }
    let root = table([match(.prefix("/"))])
    for path in ["/", "/a", "/a/b", ""] { #expect(root.match(get(path)) == 0) }
  }

  // Goal: an exact path is the path itself, up to its query.
  @Test func exactPathsAreExact() {
    let routes = table([match(.exact("/api"))])
    #expect(routes.match(get("/api")) == 0)
    #expect(routes.match(get("/api?q=1")) == 0)
    for path in ["/api/", "/api/users", "/", "/Api"] { #expect(routes.match(get(path)) == -1) }
  }

  // Goal: hosts are exact; a host without routes and one whose routes do not match give none.
  @Test func hostsAreExact() {
    let routes = table([RouteMatch(host: "web"), RouteMatch(host: "db", method: "GET")])
    #expect(routes.match(RequestAttributes(host: "web")) == 0)
    #expect(routes.match(RequestAttributes(host: "db")) == 1)
    #expect(routes.match(RequestAttributes(host: "db", method: "POST")) == -1)
    #expect(routes.match(RequestAttributes(host: "webs")) == -1)
    #expect(routes.match(RequestAttributes(host: "")) == -1)
    #expect(table([]).match(RequestAttributes(host: "web")) == -1)
  }

  // Goal: all headers of a condition must be there; names compare without case, values with it; one of several lines is
  // enough.
  @Test func headersMatchByNameAndValue() {
    let gold = HeaderField(name: "x-tenant", value: "gold")
    let routes = table([match(.any, [gold, HeaderField(name: "x-canary", value: "1")])])
    let canary = HeaderField(name: "X-Canary", value: "1")
    #expect(routes.match(get("/", [gold, canary])) == 0)
    #expect(routes.match(get("/", [canary, HeaderField(name: "X-TENANT", value: "gold")])) == 0)
    #expect(routes.match(get("/", [HeaderField(name: "x-tenant", value: "lead"), gold, canary])) == 0)
    #expect(routes.match(get("/", [gold])) == -1)
    #expect(routes.match(get("/", [canary, HeaderField(name: "x-tenant", value: "Gold")])) == -1)
    #expect(routes.match(get("/")) == -1)
  }

  // Goal: exact path, longer prefix, method, more headers, file order: each rule decides before the next.
  @Test func mostSpecificWins() {
    let header = HeaderField(name: "a", value: "1")
    let second = HeaderField(name: "b", value: "2")
    let matches = [
      match(.any), match(.prefix("/")), match(.any, [header]), match(.any, [header, second]),
      match(.any, method: "GET"), match(.prefix("/api"), method: "GET", [header, second]), match(.prefix("/api/users")),
      match(.exact("/api/users")), match(.exact("/api/users")),
    ]
    let routes = table(matches)
    #expect(routes.match(get("/api/users", [header, second])) == 7)
    #expect(routes.match(get("/api/users/1", [header, second])) == 6)
    #expect(routes.match(get("/api/other", [header, second])) == 5)
    #expect(routes.match(get("/other", [header, second])) == 4)
    #expect(routes.match(get("/other", [header, second], method: "PUT")) == 3)
    #expect(routes.match(get("/other", [header], method: "PUT")) == 2)
    // Every path and the prefix "/" are the same condition: file order.
    #expect(routes.match(get("/other", method: "PUT")) == 0)
  }

  // Goal: profiles of proxies that read their file from the top take the first that matches.
  @Test(arguments: MeshProfile.allCases) func someProfilesTakeTheFirst(_ profile: MeshProfile) {
    let routes = table([match(.any), match(.exact("/a"))], profile: profile)
    let takesFirst: [MeshProfile] = [.envoy, .istio, .haproxy]
    #expect(routes.match(get("/a")) == (takesFirst.contains(profile) ? 0 : 1))
    #expect(routes.match(get("/b")) == 0)
  }

  // Goal: with random routes and requests the table gives what searching all routes for the best one gives.
  @Test(arguments: 1...200) func equalsASearchOfAllRoutes(_ round: Int) {
    var random = RandomStream(state: UInt64(round))
    let hosts = ["a", "b"]
    let paths = ["/", "/x", "/x/y", "/xy", "/x/y/z"]
    let fields = [HeaderField(name: "h", value: "1"), HeaderField(name: "k", value: "2")]
    let methods = ["GET", "PUT"]
    let matches = (0..<random.below(12)).map { _ in
      let path = paths[random.below(paths.count)]
      return RouteMatch(
        host: hosts[random.below(2)], path: [.any, .exact(path), .prefix(path)][random.below(3)],
        method: random.below(2) == 0 ? nil : methods[random.below(2)],
        headers: fields.filter { _ in random.below(3) == 0 })
    }
    for profile in [MeshProfile.weir, .envoy] {
      let routes = table(matches, profile: profile)
      for _ in 0..<100 {
        let request = RequestAttributes(
          host: hosts[random.below(2)], path: paths[random.below(paths.count)], method: methods[random.below(2)],
          headers: fields.filter { _ in random.below(2) == 0 })
        let fitting = matches.indices.filter { fits(matches[$0], request) }
        let best =
          profile == .envoy
          ? fitting.first : fitting.max { rank(matches[$0], $0).lexicographicallyPrecedes(rank(matches[$1], $1)) }
        #expect(routes.match(request) == Int32(best ?? -1), "\(matches) \(request)")
      }
    }
  }

  private func segments(_ path: String) -> [Substring] { path.split(separator: "/") }

  private func fits(_ match: RouteMatch, _ request: RequestAttributes) -> Bool {
    let path =
      switch match.path {
      case .any: true
      case .exact(let wanted): wanted == request.path
      case .prefix(let wanted): segments(request.path).starts(with: segments(wanted))
      }
    return path && match.host == request.host && (match.method ?? request.method) == request.method
      && match.headers.allSatisfy(request.headers.contains)
  }

  /// What the Gateway API compares, the more specific the larger.
  private func rank(_ match: RouteMatch, _ index: Int) -> [Int] {
    let path =
      switch match.path {
      case .any: 0
      case .exact: 1000
      case .prefix(let wanted): segments(wanted).joined(separator: "/").count
      }
    return [path, match.method == nil ? 0 : 1, match.headers.count, -index]
  }
}
