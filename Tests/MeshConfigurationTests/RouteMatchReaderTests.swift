// What a route asks of a request, as the route says it.

import MeshCore
import Testing

@testable import MeshConfiguration

@Suite("reading route matches")
struct RouteMatchReaderTests {
  private func read(_ match: String, profile: String = "weir") -> (match: RouteMatch?, faults: [String]) {
    let log = FaultLog(file: "s.yaml")
    let origin = Origin(.standard)
    let text = "{profile: \(profile), clusters: {web: {}}, routes: [{match: \(match), split: [web]}]}"
    let node = ConfigurationParser.parse(text, source: .file, line: 1, column: 1, path: "mesh", log: log)
    let filled = MeshDefaults.filled(node, services: [(name: "web", origin: origin)], at: origin)
    let value = ShapeReader(log: log).read(filled, MeshSchema.mesh, path: "mesh")
    let mesh = MeshReader(services: NameIndex(["web"]), log: log).mesh(value)
    return (mesh.routes.first?.match, log.diagnostics?.lines ?? [])
  }

  // Goal: every form of a condition arrives, names of headers in lower case and sorted.
  @Test func everyForm() throws {
    let (match, faults) = read(
      "{host: '*.example.com', path: {regex: '/v[0-9]+'}, method: PUT, query: {Beta: {present: {}}, a: '1'}, headers: "
        + "{X-A: gold, b: {prefix: p}, c: {suffix: s}, d: {contains: c}, e: {regex: 'r+'}, f: {absent: {}}}}")
    #expect(faults == [])
    let expected = RouteMatch(
      host: "*.example.com", path: .regex("/v[0-9]+"), method: "PUT",
      headers: [
        FieldMatch(name: "b", value: .prefix("p")), FieldMatch(name: "c", value: .suffix("s")),
        FieldMatch(name: "d", value: .contains("c")), FieldMatch(name: "e", value: .regex("r+")),
        FieldMatch(name: "f", value: .present, isInverted: true), FieldMatch(name: "x-a", value: .exact("gold")),
      ], query: [FieldMatch(name: "Beta", value: .present), FieldMatch(name: "a", value: .exact("1"))])
    #expect(match == expected)
  }

  // Goal: a share arrives in millionths; what is none is told.
  @Test func fraction() {
    #expect(read("{host: web, runtimeFraction: 25%}").match?.fraction == RuntimeFraction(250_000, of: 1_000_000))
    #expect(read("{host: web, runtimeFraction: 0.35}").match?.fraction == RuntimeFraction(3_500, of: 1_000_000))
    #expect(read("web").match?.fraction == nil)
    #expect(read("{host: web, runtimeFraction: 101%}").faults.count == 1)
  }

  // Goal: a prefix is a text to the proxies whose own prefix is one, and whole segments to all others; either can be had anywhere.
  @Test(arguments: MeshProfile.allCases) func prefixesAreTheProfilesOwn(_ profile: MeshProfile) {
    let isText: [MeshProfile] = [.envoy, .istio, .haproxy]
    let expected: PathMatch = isText.contains(profile) ? .textPrefix("/api") : .prefix("/api")
    #expect(read("{host: web, path: /api}", profile: profile.rawValue).match?.path == expected)
    let separated = read("{host: web, path: {pathSeparatedPrefix: /api}}", profile: profile.rawValue)
    #expect(separated.match?.path == .prefix("/api"))
  }

  // Goal: what cannot be compared is told with its place.
  @Test func faultsAreTold() {
    #expect(
      read("{host: web, path: {regex: 'a(?=b)'}}").faults == [
        "s.yaml:1:81: error: mesh.routes.0.match.path.regex: 'a(?=b)': looking around is not known to RE2; expected a regular "
          + "expression as RE2 takes it"
      ])
    #expect(
      read("{host: 'a*b'}").faults == [
        "s.yaml:1:62: error: mesh.routes.0.match.host: 'a*b' has a star amid; expected one at its beginning or end, or *"
      ])
    #expect(read("{host: web, headers: {a: {exact: b, prefix: c}}}").faults.count == 1)
  }
}
