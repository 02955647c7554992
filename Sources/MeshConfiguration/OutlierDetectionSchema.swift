// Outlier detection, as a cluster says it: Envoy's `outlier_detection` in lowerCamelCase, and the two parts of gRPC's (A50).

import MeshCore

enum OutlierDetectionSchema {
  static let clusterFields: [Field] = [
    Field("outlierDetection", outlierDetection, .optional, "ejects endpoints that stand out (Envoy, gRPC)")
  ]

  private static let count = Shape.integer(0...4_294_967_295)

  private static let outlierDetection = Shape.fields(
    FieldGroup(
      "outlier detection",
      [
        Field(
          "form", .word(OutlierDetectionDescription.Form.allCases.map(\.rawValue)), .standard("envoy"),
          "whose rules: Envoy's, or gRPC's, which looks at rates alone"),
        Field("consecutive5xx", count, .standard("5"), "server errors in a row; 0 for never"),
        Field("consecutiveGatewayFailure", count, .standard("5"), "502, 503 or 504 in a row; 0 for never"),
        Field(
          "consecutiveLocalOriginFailure", count, .standard("5"),
          "failures to reach the endpoint in a row, where they are counted apart; 0 for never"),
        Field("interval", .positiveSpan, .standard("10s"), "from sweep to sweep, counted from time 0"),
        Field("baseEjectionTime", .positiveSpan, .standard("30s"), "how long the first ejection lasts"),
        Field(
          "maxEjectionTime", .positiveSpan, .optional,
          "how long an ejection lasts at most; 300s, or the first one's time if that is more"),
        Field(
          "maxEjectionTimeJitter", .anySpan, .standard("0s"),
          "up to this much more, in whole milliseconds, drawn for each ejection"),
        Field(
          "maxEjectionPercent", .percentage, .standard("10"), "how many of all the cluster's endpoints may be out"),
        Field("alwaysEjectOneHost", .flag, .standard("false"), "whether one may always be out"),
        Field("enforcingConsecutive5xx", .percentage, .standard("100"), "how often it is enforced"),
        Field("enforcingConsecutiveGatewayFailure", .percentage, .standard("0"), "how often it is enforced"),
        Field("enforcingConsecutiveLocalOriginFailure", .percentage, .standard("100"), "how often it is enforced"),
        Field("enforcingSuccessRate", .percentage, .standard("100"), "how often it is enforced"),
        Field("enforcingLocalOriginSuccessRate", .percentage, .standard("100"), "how often it is enforced"),
        Field("enforcingFailurePercentage", .percentage, .standard("0"), "how often it is enforced"),
        Field("enforcingFailurePercentageLocalOrigin", .percentage, .standard("0"), "how often it is enforced"),
        Field("successRateMinimumHosts", count, .standard("5"), "endpoints with enough requests that it takes"),
        Field("successRateRequestVolume", count, .standard("100"), "requests in an interval that it takes"),
        Field("successRateStdevFactor", count, .standard("1900"), "standard deviations below the mean, times 1000"),
        Field("failurePercentageThreshold", .percentage, .standard("85"), "share of failures that ejects"),
        Field("failurePercentageMinimumHosts", count, .standard("5"), "endpoints with enough requests that it takes"),
        Field("failurePercentageRequestVolume", count, .standard("50"), "requests in an interval that it takes"),
        Field(
          "splitExternalLocalOriginErrors", .flag, .standard("false"), "whether failures to connect are counted apart"),
        Field(
          "successfulActiveHealthCheckUnejectHost", .flag, .standard("true"),
          "whether a passed health check ends an ejection"),
        Field("successRateEjection", successRateEjection, .optional, "compares success rates (gRPC's name for it)"),
        Field(
          "failurePercentageEjection", failurePercentageEjection, .optional,
          "judges shares of failures (gRPC's name for it)"),
      ]))

  private static let successRateEjection = Shape.fields(
    FieldGroup(
      "gRPC's success-rate ejection",
      [
        Field("stdevFactor", count, .standard("1900"), "standard deviations below the mean, times 1000"),
        Field("enforcementPercentage", .percentage, .standard("100"), "how often it is enforced"),
        Field("minimumHosts", count, .standard("5"), "endpoints with enough requests that it takes"),
        Field("requestVolume", count, .standard("100"), "requests in an interval that it takes"),
      ]))

  private static let failurePercentageEjection = Shape.fields(
    FieldGroup(
      "gRPC's failure-percentage ejection",
      [
        Field("threshold", .percentage, .standard("85"), "share of failures above which it ejects"),
        Field("enforcementPercentage", .percentage, .standard("100"), "how often it is enforced"),
        Field("minimumHosts", count, .standard("5"), "endpoints with enough requests that it takes"),
        Field("requestVolume", count, .standard("50"), "requests in an interval that it takes"),
      ]))
}
