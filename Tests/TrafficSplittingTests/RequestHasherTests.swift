import MeshCore
import Testing
import TrafficSplitting

@Suite struct RequestHasherTests {
  private func request(_ path: String = "/", _ headers: [(String, String)] = []) -> RequestAttributes {
    RequestAttributes(host: "web", path: path, headers: headers.map { HeaderField(name: $0.0, value: $0.1) })
  }

  private func hash(
    _ policies: [HashPolicyDescription], _ request: RequestAttributes, from address: String = "10.0.0.9"
  ) -> UInt64? {
    RequestHasher(policies).hash(of: request, from: address) { "" }.hash
  }

  // Goal: each policy finds what Envoy's finds: all values of a header sorted and chained, a cookie without its quotes, the first parameter of a
  // name as it stands, the address; and nothing where there is nothing.
  @Test func findings() {
    let cases: [(HashPolicyDescription.Source, RequestAttributes, UInt64?)] = [
      (.header("x-user"), request("/", [("X-User", "me")]), XXHash64.hash("me")),
      (
        .header("x-user"), request("/", [("x-user", "me"), ("other", "a"), ("x-user", "bar")]),
        RequestHash.chained(["bar", "me"])
      ),
      (.header("x-user"), request(), nil),
      (
        .cookie(name: "id", ttl: nil, path: nil), request("/", [("cookie", "a=b; id=\"7\"; id=8")]), XXHash64.hash("7")
      ),
      (.cookie(name: "id", ttl: nil, path: nil), request("/", [("cookie", "id=")]), nil),
      (.cookie(name: "id", ttl: nil, path: nil), request("/", [("cookie", "xid=7")]), nil),
      (.queryParameter("q"), request("/a?p=1&q=%20x&q=2#q=3"), XXHash64.hash("%20x")),
      (.queryParameter("q"), request("/a?qq=1"), nil), (.queryParameter("q"), request("/q"), nil),
      (.sourceAddress, request(), XXHash64.hash("10.0.0.9")),
    ]
    for (source, request, expected) in cases {
      #expect(hash([HashPolicyDescription(source)], request) == expected, "\(source) of \(request)")
    }
    #expect(hash([HashPolicyDescription(.sourceAddress)], request(), from: "") == nil)
    #expect(hash([], request()) == nil)
  }

  // Goal: hashes are folded together in order, those that find nothing are left out, and a terminal policy ends it once there is a hash, found by
  // itself or before.
  @Test func order() {
    let (a, b) = (HashPolicyDescription.Source.header("a"), HashPolicyDescription.Source.header("b"))
    let both = request("/", [("a", "1"), ("b", "2")])
    let (one, two) = (XXHash64.hash("1"), XXHash64.hash("2"))
    #expect(hash([.init(a), .init(b)], both) == RequestHash.combined(one, with: two))
    #expect(hash([.init(b), .init(a)], both) == RequestHash.combined(two, with: one))
    #expect(hash([.init(a), .init(b)], both) != hash([.init(b), .init(a)], both))
    #expect(hash([.init(a, isTerminal: true), .init(b)], both) == one)
    let second = request("/", [("b", "2")])
    #expect(hash([.init(a, isTerminal: true), .init(b)], second) == two)
    #expect(hash([.init(a), .init(.header("c"), isTerminal: true), .init(b)], both) == one)
  }

  // Goal: random policies and requests agree with the rule said in the plainest way.
  @Test func agreesWithReference() {
    var random = RandomKey(seed: 5, replication: 0, purpose: .balancer, entity: 0).stream()
    for _ in 0..<2000 {
      let names = ["a", "b", "c"]
      var headers: [(String, String)] = []
      for name in names where random.next() % 2 == 0 { headers.append((name, String(random.next() % 3))) }
      let policies = (0..<Int(random.next() % 5)).map { _ in
        HashPolicyDescription(.header(names[Int(random.next() % 3)]), isTerminal: random.next() % 4 == 0)
      }
      var expected: UInt64?
      for policy in policies {
        guard case .header(let name) = policy.source else { continue }
        if let value = headers.first(where: { $0.0 == name })?.1 {
          let next = XXHash64.hash(value)
          expected = expected.map { ($0 << 1 | $0 >> 63) ^ next } ?? next
        }
        if policy.isTerminal, expected != nil { break }
      }
      #expect(hash(policies, request("/", headers)) == expected)
    }
  }

  // Goal: who has no cookie is given one with a ttl, the same for the same connection and the one that the next request is hashed by, wherever it
  // comes from; without a ttl nobody is given any. What Set-Cookie says is Envoy's form.
  @Test func cookiesAreGiven() {
    let source = HashPolicyDescription.Source.cookie(name: "id", ttl: .milliseconds(1500), path: "/shop")
    let hasher = RequestHasher([.init(source)])
    let (hash, cookies) = hasher.hash(of: request(), from: "10.0.0.9") { "10.0.0.9:1" }
    #expect(cookies.count == 1 && cookies[0].value.utf8.count == 16 && hash == XXHash64.hash(cookies[0].value))
    #expect(cookies[0].header == "id=\"\(cookies[0].value)\"; Max-Age=2; Path=/shop; HttpOnly")
    let next = hasher.hash(of: request("/", [("cookie", "id=\"\(cookies[0].value)\"")]), from: "10.0.0.1") {
      "10.0.0.1:5"
    }
    #expect(next.hash == hash && next.cookies.isEmpty)
    #expect(hasher.hash(of: request(), from: "10.0.0.9") { "10.0.0.9:1" }.hash == hash)
    #expect(hasher.hash(of: request(), from: "10.0.0.9") { "10.0.0.9:2" }.hash != hash)
    #expect(SetCookie(name: "a", value: "b").header == "a=\"b\"; HttpOnly")
    let without = RequestHasher([.init(.cookie(name: "id", ttl: nil, path: nil))]).hash(of: request(), from: "a") {
      "b"
    }
    #expect(without.hash == nil && without.cookies.isEmpty)
  }
}
