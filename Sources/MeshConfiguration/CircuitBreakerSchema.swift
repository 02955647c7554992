// Envoy's circuit breakers, as a cluster says them: the names of config.cluster.v3.CircuitBreakers in lowerCamelCase.

import MeshCore

enum CircuitBreakerSchema {
  private static let number = Shape.integer(0...4_294_967_295)

  static let clusterFields: [Field] = [
    Field(
      "circuitBreaker",
      .fields(
        FieldGroup(
          "a circuit breaker",
          [
            Field("maxConnections", number, .optional, "connections, those that are being opened included"),
            Field(
              "perHostThresholds",
              .fields(
                FieldGroup(
                  "limits of one endpoint",
                  [
                    Field(
                      "maxConnections", number, .required, "connections to it, those that are being opened included")
                  ])),
              .optional, "limits of what is open to one endpoint"),
            Field("maxPendingRequests", number, .optional, "requests that wait for a connection"),
            Field("maxRequests", number, .optional, "requests on connections"),
            Field("maxRetries", number, .optional, "retries under way, pauses included"),
            Field(
              "retryBudget",
              .fields(
                FieldGroup(
                  "a retry budget",
                  [
                    Field(
                      "budgetPercent", .percentage, .standard("20"), "retries per request under way or waiting"),
                    Field("minRetryConcurrency", number, .standard("3"), "retries that there may always be"),
                  ])), .optional, "the limit of retries by requests, in place of maxRetries"),
          ])), .optional, "limits of what a data plane has open at a time (Envoy)")
  ]

  /// The limits of a cluster. Envoy's largest number, 2^32 − 1, is how Istio says that there is none.
  static func circuitBreaker(_ value: ResolvedValue?) -> CircuitBreakerDescription {
    var breaker = CircuitBreakerDescription()
    guard let value, value.isValid else { return breaker }
    breaker.maxConnections = limit(value["maxConnections"])
    breaker.maxConnectionsPerHost = limit(value["perHostThresholds"]?["maxConnections"])
    breaker.maxPendingRequests = limit(value["maxPendingRequests"])
    breaker.maxRequests = limit(value["maxRequests"])
    breaker.maxRetries = limit(value["maxRetries"])
    if let budget = value["retryBudget"], budget.isValid {
      breaker.retryBudget = RetryShareDescription(
        budgetPercent: budget["budgetPercent"]?.number ?? 20,
        minRetryConcurrency: limit(budget["minRetryConcurrency"]) ?? .max)
    }
    return breaker
  }

  private static func limit(_ value: ResolvedValue?) -> Int32? {
    guard let number = value?.integer, number < Int64(Int32.max) else { return nil }
    return Int32(number)
  }
}
