// What a route's requests stick to an endpoint by, in Envoy's words (`hash_policy`).

import MeshCore

enum HashPolicySchema {
  static let routeFields: [Field] = [
    Field(
      "hashPolicy", .list(policy, minimumCount: 1), .optional,
      "what of a request hashing balancers and splits by key go by; the key that it carries by default (Envoy)")
  ]

  private static let policy = Shape.choice(
    ChoiceGroup(
      "hash policy",
      [
        Field(
          "header",
          .fields(
            FieldGroup(
              "a header", [Field("headerName", .text(.token), .required, "its name")], shorthand: "headerName")),
          .optional, "all values of a header"),
        Field("cookie", cookie, .optional, "a cookie's value"),
        Field(
          "connectionProperties",
          .fields(
            FieldGroup(
              "properties of a connection",
              [Field("sourceIp", .flag, .required, "the address that the request comes from, without its port")])),
          .optional, "what is known of the client's connection"),
        Field(
          "queryParameter",
          .fields(
            FieldGroup(
              "a parameter of the query", [Field("name", .text(.any), .required, "its name")], shorthand: "name")),
          .optional, "a parameter of the query, the first of several"),
      ],
      siblings: [
        Field("terminal", .flag, .standard("false"), "whether policies behind it count only where there is no hash yet")
      ]))

  private static let cookie = Shape.fields(
    FieldGroup(
      "a cookie",
      [
        Field("name", .text(.token), .required, "its name"),
        Field(
          "ttl", .anySpan, .optional,
          "gives who has none one that holds so long; 0s for as long as the client runs. Without, none is given"),
        Field("path", .text(.path), .optional, "the paths that a given one is for"),
      ], shorthand: "name"))

  /// The policies in a route.
  static func policies(_ route: ResolvedValue, log: FaultLog) -> [HashPolicyDescription] {
    (route["hashPolicy"]?.items ?? []).compactMap { item in
      source(item, log).map { HashPolicyDescription($0, isTerminal: item["terminal"]?.flag ?? false) }
    }
  }

  private static func source(_ item: ResolvedValue, _ log: FaultLog) -> HashPolicyDescription.Source? {
    guard let chosen = item.chosen else { return nil }
    let value = chosen.value
    switch chosen.key {
    case "header": return value["headerName"]?.text.map { .header($0.lowercased()) }
    case "cookie":
      if let path = value["path"], path.text?.contains(";") == true {
        log.add(path.origin, path.path, "has a ';', which ends it in a cookie; expected a path without")
      }
      return value["name"]?.text.map { .cookie(name: $0, ttl: value["ttl"]?.span, path: value["path"]?.text) }
    case "queryParameter": return value["name"]?.text.map { .queryParameter($0) }
    default:
      if let address = value["sourceIp"], address.flag == false {
        log.add(address.origin, address.path, "finds nothing; expected true, or no such policy")
      }
      return .sourceAddress
    }
  }
}
