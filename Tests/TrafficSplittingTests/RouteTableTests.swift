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
  RouteMatch(host: "web", path: path, method: method, headers: headers.map { FieldMatch($0) })
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

  // Goal: routes that take a share are asked in order until one that takes all; a number falls to the first whose share holds it, and to
  // nobody where all are shares. What does not fit is not asked.
  @Test func shares() {
    func share(_ percent: UInt64?, _ path: PathMatch = .any) -> RouteMatch {
      var own = match(path)
      own.fraction = percent.map { RuntimeFraction($0) }
      return own
    }
    let routes = table([share(10), share(100, .exact("/other")), share(30), share(nil), share(50)], profile: .envoy)
    let chances = routes.chances(get("/"))
    #expect(chances.map(\.route) == [0, 2, 3] && routes.match(get("/")) == 0)
    let taken = (0..<100 as Range<UInt64>).map { RouteChance.route(of: chances, number: $0) }
    #expect(taken == Array(repeating: 0, count: 10) + Array(repeating: 2, count: 20) + Array(repeating: 3, count: 70))
    let partial = table([share(10), share(30)], profile: .envoy).chances(get("/"))
    #expect(RouteChance.route(of: partial, number: 29) == 1 && RouteChance.route(of: partial, number: 130) == -1)
    #expect(routes.chances(RequestAttributes(host: "nobody")).isEmpty)
    #expect(RouteChance.route(of: [], number: 0) == -1)
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

  // Goal: a query's parameters are compared whole and as they stand, of several values the first; a query more makes a route more
  // specific than none.
  @Test func queriesMatchByTheirFirstValue() {
    let routes = table([
      match(.any),
      RouteMatch(host: "web", query: [FieldMatch(name: "version", value: .exact("2"))]),
      RouteMatch(host: "web", path: .prefix("/a"), query: [FieldMatch(name: "beta", value: .present)]),
      RouteMatch(
        host: "web", path: .prefix("/b"), query: [FieldMatch(name: "beta", value: .present, isInverted: true)]),
    ])
    for path in ["/?version=2", "/x?a=1&version=2#version=1", "/?version=2&version=3"] {
      #expect(routes.match(get(path)) == 1, "\(path)")
    }
    for path in ["/", "/?version=", "/?version=20", "/?aversion=2", "/?version=3&version=2", "/?a=1#?version=2"] {
      #expect(routes.match(get(path)) == 0, "\(path)")
    }
    #expect(routes.match(get("/a?beta")) == 2)
    #expect(routes.match(get("/a?c")) == 0)
    #expect(routes.match(get("/b?c")) == 3)
    #expect(routes.match(get("/b?beta=")) == 0)
  }

  // Goal: texts are compared by their beginning, end, middle, or a regular expression that must fit the whole.
  @Test func textsMatchByForm() {
    let forms: [(TextMatch, yes: [String], no: [String])] = [
      (.prefix("ab"), ["ab", "abc"], ["a", "cab", ""]), (.suffix("ab"), ["ab", "cab"], ["b", "abc", ""]),
      (.contains("ab"), ["ab", "cabd"], ["a", "acb", ""]), (.contains(""), ["", "x"], []),
      (.regex("v[0-9]+"), ["v1", "v12"], ["v", "v1x", "xv1"]), (.regex("a|ab"), ["a", "ab"], ["abb"]),
      (.present, ["", "x"], []), (.exact("ab"), ["ab"], ["a", "abc", "AB"]),
    ]
    for (form, yes, no) in forms {
      let routes = table([RouteMatch(host: "web", headers: [FieldMatch(name: "h", value: form)])])
      for text in yes { #expect(routes.match(get("/", [HeaderField(name: "H", value: text)])) == 0, "\(form) \(text)") }
      for text in no { #expect(routes.match(get("/", [HeaderField(name: "h", value: text)])) == -1, "\(form) \(text)") }
      #expect(routes.match(get("/")) == -1)
    }
    let absent = table([
      RouteMatch(host: "web", headers: [FieldMatch(name: "h", value: .present, isInverted: true)])
    ])
    #expect(absent.match(get("/")) == 0)
    #expect(absent.match(get("/", [HeaderField(name: "h", value: "")])) == -1)
  }

  // Goal: a path's regular expression fits all of the path and nothing of the query; it ranks between exact paths and prefixes.
  @Test func pathsMatchByExpression() {
    let routes = table([
      match(.prefix("/users/1")), match(.regex("/users/[0-9]+")), match(.exact("/users/7")), match(.regex("(")),
    ])
    #expect(routes.match(get("/users/1")) == 1)
    #expect(routes.match(get("/users/12?x=/y")) == 1)
    #expect(routes.match(get("/users/7")) == 2)
    #expect(routes.match(get("/users/1/x")) == 0)
    #expect(routes.match(get("/(")) == -1)
  }

  // Goal: Envoy's plain prefix looks at the text alone.
  @Test func textPrefixesEndAnywhere() {
    let routes = table([match(.textPrefix("/api"))])
    for path in ["/api", "/apis", "/api/x", "/api?x"] { #expect(routes.match(get(path)) == 0) }
    for path in ["/ap", "/", "/ap?/api"] { #expect(routes.match(get(path)) == -1) }
  }

  // Goal: what RE2 does not know is refused, with the construct's name; what it knows is not.
  @Test func expressionsAreThoseOfRE2() {
    for pattern in ["a(?=b)", "(?!a)", "(?<=a)b", "(?<!a)b", "(?>a)b", "(a)\\1", "(", "[a", "*"] {
      #expect(RegularExpression.fault(in: pattern) != nil, "\(pattern)")
    }
    for pattern in ["/v[0-9]+", "(?:a|b)+", "(?P<n>a)", "(?i)abc", "\\d{2,3}\\.x", "\\(?=", "[[:alpha:]]*"] {
      #expect(RegularExpression.fault(in: pattern) == nil, "\(pattern)")
    }
  }

  // Goal: a host belongs to its own name, then the longest end, the longest beginning, any; and to no second one.
  @Test func hostsBelongToOnePattern() {
    let routes = table([
      RouteMatch(host: "*"), RouteMatch(host: "web.*"), RouteMatch(host: "*.example.com"),
      RouteMatch(host: "*.eu.example.com"), RouteMatch(host: "web.example.com", method: "GET"),
      RouteMatch(host: "web.e*"),
    ])
    func host(_ host: String, _ method: String = "GET") -> Int32 {
      routes.match(RequestAttributes(host: host, method: method))
    }
    #expect(host("web.example.com") == 4)
    #expect(host("web.example.com", "PUT") == -1)
    #expect(host("a.b.example.com") == 2)
    #expect(host("a.eu.example.com") == 3)
    #expect(host(".example.com") == 0)
    #expect(host("web.org") == 1)
    #expect(host("web.edu") == 5)
    #expect(host("db") == 0)
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
        headers: fields.filter { _ in random.below(3) == 0 }.map { FieldMatch($0) })
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
      case .textPrefix, .regex: false
      }
    return path && match.host == request.host && (match.method ?? request.method) == request.method
      && match.headers.allSatisfy(request.headers.map { FieldMatch($0) }.contains)
  }

  /// What the Gateway API compares, the more specific the larger.
  private func rank(_ match: RouteMatch, _ index: Int) -> [Int] {
    let path =
      switch match.path {
      case .any: 0
      case .exact: 1000
      case .prefix(let wanted): segments(wanted).joined(separator: "/").count
      case .textPrefix, .regex: -1
      }
    return [path, match.method == nil ? 0 : 1, match.headers.count, -index]
  }
}
