// What stands before a service at its own side, as a mesh says it: the words of Linkerd's HTTPLocalRateLimitPolicy.

import MeshCore

enum InboundSchema {
  static let field = Field(
    "inbound", .names(NameGroup("service", rule: .name, of: inbound)), .standard("{}"),
    "what stands before a service at its own side, in each replica's sidecar")

  private static let limit = Shape.fields(
    FieldGroup(
      "a limit",
      [Field("requestsPerSecond", .integer(1...1_000_000_000), .required, "how many a second, and at once")],
      shorthand: "requestsPerSecond"))

  private static let inbound = Shape.fields(
    FieldGroup(
      "an inbound side",
      [
        Field(
          "rateLimit",
          .fields(
            FieldGroup(
              "a local rate limit",
              [
                Field("total", limit, .optional, "requests of all callers together"),
                Field("identity", limit, .optional, "requests of each caller"),
                Field("overrides", .list(override, minimumCount: 0), .standard("[]"), "limits for callers by name"),
              ])), .optional, "answers 429 beyond so many requests (Linkerd's HTTPLocalRateLimitPolicy)"),
        Field(
          "authorization",
          .fields(
            FieldGroup(
              "an authorization",
              [Field("allow", .list(caller, minimumCount: 0), .required, "clients and services by name")],
              shorthand: "allow")), .optional, "answers 403 to all others, before any limit"),
      ]))

  private static let caller = Shape.fields(
    FieldGroup(
      "a caller", [Field("name", .text(.title), .required, "a client or a service; for weir-proxy an identity too")],
      shorthand: "name"))

  private static let override = Shape.fields(
    FieldGroup(
      "an override",
      [
        Field("requestsPerSecond", .integer(1...1_000_000_000), .required, "how many a second, and at once"),
        Field(
          "clientRefs",
          .list(caller, minimumCount: 1), .required, "whom it is for: clients and services by name"),
      ]))
}

/// Reads what stands before services.
struct InboundReader {
  let services: NameIndex
  let callers: NameIndex
  let log: FaultLog

  /// The inbound sides that limit anything.
  func inbound(_ value: ResolvedValue?) -> [InboundDescription] {
    (value?.entries ?? []).compactMap { entry in
      if !services.isEmpty && services.number(of: entry.key) == nil {
        log.addUnknown(entry.keyOrigin, entry.value.path, "unknown service", entry.key, among: services.names)
      }
      let (limits, authorization) = (entry.value["rateLimit"], entry.value["authorization"])
      if limits?.isValid != true && authorization?.isValid != true { return nil }
      var inbound = InboundDescription(
        service: entry.key, total: rate(limits?["total"]), perIdentity: rate(limits?["identity"]),
        overrides: (limits?["overrides"]?.items ?? []).compactMap(override))
      inbound.allowed = (authorization?["allow"]).map(names)
      return inbound
    }
  }

  private func names(_ value: ResolvedValue) -> [String] {
    value.items.compactMap { item in
      guard let reference = item["name"], let name = reference.text else { return nil }
      if !callers.isEmpty && callers.number(of: name) == nil {
        log.addUnknown(reference.origin, reference.path, "unknown client", name, among: callers.names)
      }
      return name
    }
  }

  private func rate(_ value: ResolvedValue?) -> UInt32? {
    value?["requestsPerSecond"]?.integer.map { UInt32(clamping: $0) }
  }

  private func override(_ value: ResolvedValue) -> RateOverrideDescription? {
    guard let rate = rate(value) else { return nil }
    return RateOverrideDescription(requestsPerSecond: rate, clientRefs: value["clientRefs"].map(names) ?? [])
  }
}
