// Linkerd's queue before a balancer, as a cluster says it: the words of the outbound policy API.

import MeshCore

enum QueueSchema {
  static let clusterFields: [Field] = [
    Field(
      "queue",
      .fields(
        FieldGroup(
          "a queue",
          [
            Field("capacity", .integer(0...1_000_000), .standard("100"), "requests that may wait; 0 for no queue"),
            Field(
              "failfastTimeout", .positiveSpan, .standard("3s"),
              "how long they wait for an endpoint; then all fail, and those that come later at once"),
          ], shorthand: "capacity")), .optional,
      "lets requests wait while no endpoint is ready (Linkerd); else they are answered 503 at once")
  ]

  /// The queue of a cluster, if it has one.
  static func queue(_ value: ResolvedValue?) -> QueueDescription? {
    guard let value, let capacity = value["capacity"]?.integer, capacity > 0 else { return nil }
    return QueueDescription(
      capacity: Int32(clamping: capacity), failfastTimeout: value["failfastTimeout"]?.span ?? .seconds(3))
  }
}
