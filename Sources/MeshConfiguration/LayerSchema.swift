// What may stand around a cluster's balancer, in the words of the systems that have it: Envoy's `common_lb_config`,
// `lb_subset_config` and locality weights, gRPC's subsetting, Linkerd's penalty for failures.

import MeshCore

enum LayerSchema {
  static let clusterFields: [Field] = [
    Field(
      "panicThreshold", .percentage, .optional,
      "below this share of working endpoints a priority uses all of them; 0 for never"),
    Field(
      "overprovisioningFactor", .integer(1...100_000), .optional,
      "per cent of its share that a working endpoint can take before traffic spills over; 140 by default"),
    Field(
      "failover", .word(FailoverRule.allCases.map(\.rawValue)), .standard("spillOver"),
      "when later priorities, or an aggregate's later clusters, are used: for what the earlier cannot take (Envoy), or when these are down, for all (gRPC, HAProxy)"
    ),
    Field(
      "weightedPriorityHealth", .flag, .optional,
      "whether endpoints count by weight for what a priority can take, in place of alike"),
    Field("failTrafficOnPanic", .flag, .optional, "whether requests fail in a panic instead"),
    Field(
      "localityWeights", .names(NameGroup("zone", rule: .name, of: .integer(0...4_294_967_295))), .optional,
      "each zone's share of a priority's traffic, less as its endpoints fail; one that is not named gets none"),
    Field("zoneAwareLbConfig", zoneAware, .optional, "keeps requests in the caller's zone as far as it can take them"),
    Field(
      "loadAwareLocality", loadAwareLocality, .optional,
      "keeps requests in the caller's zone while it is not busier than others, by what servers report (Envoy)"),
    Field("lbSubsetConfig", subsets, .optional, "subsets of endpoints by their metadata"),
    Field(
      "randomSubsetting", subsetting, .optional,
      "each data plane uses some of the endpoints, by hash (gRPC proposal A68)"),
    Field(
      "deterministicSubsetting", subsetting, .optional,
      "each data plane uses some of the endpoints, dealt out in rounds (Site Reliability Engineering, chapter 20)"),
    Field(
      "tokenAware", tokenAware, .optional,
      "each key's data is on some of the endpoints, and only they are chosen from (Cassandra's drivers)"),
    Field(
      "penalizeFailures", .positiveSpan, .optional,
      "the latency that a failed answer counts as for the balancer (Linkerd: 5s)"),
    Field(
      "aggregate",
      .fields(
        FieldGroup(
          "an aggregate",
          [
            Field(
              "clusters", .list(.text(.name), minimumCount: 1), .required,
              "whose priorities count as one cluster's, one after the other")
          ])), .optional, "in place of endpoints: clusters that stand in for one another (Envoy)"),
    Field(
      "overrideHostStatus", .list(.word(HostStatus.allCases.map(\.word)), minimumCount: 1), .optional,
      "how an endpoint may be that a request names itself; unknown, healthy and degraded by default (Envoy)"),
    Field("slowStart", slowStart, .optional, "less traffic for young endpoints, where the balancer knows how (Envoy)"),
  ]

  static let routeFields: [Field] = [
    Field(
      "metadataMatch", .names(NameGroup("key", rule: .name, of: .text(.any))), .optional,
      "what endpoints must have where the cluster has subsets"),
    Field(
      "statefulSession", statefulSession, .optional,
      "requests of a key, or of a closed-loop user, go to the endpoint that answered the last one (Envoy)"),
  ]

  private static let statefulSession = Shape.fields(
    FieldGroup(
      "a stateful session",
      [
        Field(
          "cookie",
          .fields(
            FieldGroup(
              "a cookie",
              [
                Field(
                  "name", .text(.name), .standard("session"),
                  "what it is called; routes of one host that call it alike share it"),
                Field("ttl", .anySpan, .standard("0s"), "how long it holds; 0s for ever"),
              ])), .standard("{}"), "how the client names the endpoint"),
        Field("strict", .flag, .standard("false"), "whether such a request goes there or fails"),
      ]))

  private static let zoneAware = Shape.fields(
    FieldGroup(
      "zone-aware routing",
      [
        Field("routingEnabled", .percentage, .standard("100"), "the share of requests that it applies to"),
        Field(
          "minClusterSize", .integer(0...4_294_967_295), .standard("6"),
          "with fewer working endpoints it does not apply"),
        Field(
          "forceLocalZone",
          .fields(
            FieldGroup(
              "a forced local zone",
              [
                Field(
                  "minSize", .integer(1...4_294_967_295), .standard("1"),
                  "with so many working endpoints in the zone all requests stay")
              ])), .optional, "stays in the zone whenever it can"),
        Field(
          "localityBasis", .word(["healthyHostsNum", "healthyHostsWeight"]), .standard("healthyHostsNum"),
          "whether zones are compared by their working endpoints' number or weight"),
      ]))

  private static let loadAwareLocality = Shape.fields(
    FieldGroup(
      "load-aware locality",
      [
        Field("weightUpdatePeriod", .positiveSpan, .standard("1s"), "how often zones are weighed"),
        Field(
          "utilizationVarianceThreshold", .ratio(maximum: 1), .standard("10%"),
          "how much busier than the others the own zone may be and keep its traffic"),
        Field("ewmaAlpha", .ratio(maximum: 1), .standard("0.3"), "the weight of what is reported now"),
        Field("remoteProbeFraction", .ratio(maximum: 1), .standard("3%"), "what other zones get at least"),
        Field("weightExpirationPeriod", .positiveSpan, .standard("180s"), "how long a report counts"),
      ]))

  private static let fallbacks = Shape.word(["noFallback", "anyEndpoint", "defaultSubset"])

  private static let subsets = Shape.fields(
    FieldGroup(
      "subsets",
      [
        Field(
          "subsetSelectors",
          .list(
            .fields(
              FieldGroup(
                "a subset selector",
                [
                  Field("keys", .list(.text(.name), minimumCount: 1), .required, "metadata keys, together"),
                  Field(
                    "fallbackPolicy",
                    .word(["notDefined", "noFallback", "anyEndpoint", "defaultSubset", "keysSubset"]),
                    .standard("notDefined"), "what happens when no endpoint has the values"),
                  Field(
                    "fallbackKeysSubset", .list(.text(.name), minimumCount: 1), .optional,
                    "with keysSubset: the keys that are kept"),
                  Field(
                    "singleHostPerSubset", .flag, .standard("false"),
                    "whether a subset is the first endpoint that fits it"),
                ])), minimumCount: 1), .required, "by which keys subsets are made"),
        Field("fallbackPolicy", fallbacks, .standard("noFallback"), "what happens when no selector fits"),
        Field(
          "defaultSubset", .names(NameGroup("key", rule: .name, of: .text(.any))), .standard("{}"),
          "what endpoints of the default subset have"),
        Field(
          "panicModeAny", .flag, .standard("false"),
          "whether any endpoint will do when the default subset has none to give"),
        Field(
          "allowRedundantKeys", .flag, .standard("false"),
          "whether a route may demand more keys than a selector has; the first selector that fits counts"),
      ]))

  private static let subsetting = Shape.fields(
    FieldGroup(
      "subsetting",
      [Field("subsetSize", .integer(1...1_000_000), .required, "how many endpoints a data plane uses")],
      shorthand: "subsetSize"))

  private static let tokenAware = Shape.fields(
    FieldGroup(
      "data on some endpoints",
      [
        Field("replicationFactor", .integer(1...1000), .standard("3"), "how many endpoints have a key's data"),
        Field(
          "readRepairChance", .ratio(maximum: 1), .standard("0"),
          "the share of requests that are copied to all others that have the data"),
      ], shorthand: "replicationFactor"))

  private static let slowStart = Shape.fields(
    FieldGroup(
      "slow start",
      [
        Field("window", .anySpan, .required, "how long an endpoint counts as young"),
        Field("aggression", .number(0...1000, above: true), .standard("1"), "how the weight grows: age^(1/aggression)"),
        Field("minWeightPercent", .percentage, .standard("10"), "the least share of its weight"),
      ]))
}
