// The `world` part of a scenario: what is out there.

import MeshConfiguration
import MeshCore
import Simulation

/// Shapes of the world part.
public enum WorldSchema {
  /// The whole part.
  public static let world = Shape.fields(
    FieldGroup(
      "the world",
      [
        Field(
          "services", .names(NameGroup("service", rule: .name, of: service, minimumCount: 1, isClosed: true)),
          .required,
          "who answers"),
        Field(
          "clients", .names(NameGroup("client", rule: .name, of: client, minimumCount: 1, isClosed: true)), .required,
          "who asks"),
        Field("links", .list(link, minimumCount: 0), .standard("[]"), "what messages go through"),
        Field("faults", .list(FaultSchema.fault, minimumCount: 0), .standard("[]"), "what goes wrong, and when"),
      ]))

  private static func words<Word: CaseIterable & RawRepresentable>(_: Word.Type) -> Shape
  where Word.RawValue == String { .word(Word.allCases.map(\.rawValue)) }

  private static let service = Shape.named("service") {
    .fields(
      FieldGroup(
        "a service",
        [
          Field(
            "replicas", .either([.integer(1...100_000), .list(replica, minimumCount: 1)]), .standard("1"),
            "how many replicas, or a list of them"),
          Field("zone", .text(.name), .optional, "where its replicas are"),
          Field("workers", .integer(1...1_000_000), .standard("1"), "parallel servers in one replica"),
          Field(
            "allocation", .integer(1...1_000_000), .optional,
            "how many busy workers are reported as a utilization of 1, as a CPU request is; all of them by default"),
          Field(
            "queue", .either([.word(["unbounded"]), .integer(0...1_000_000_000)]), .standard("unbounded"),
            "waiting places in one replica; a full queue answers 503"),
          Field("codel", codel, .optional, "sheds from the queue by how long it is, in time (RFC 8289)"),
          Field("discipline", words(Discipline.self), .standard("fifo"), "in which order it serves"),
          Field("time", Distributions.shape, .standard("0s"), "the service demand of one request"),
          Field("errors", .ratio(maximum: 1), .standard("0"), "answered with 500 after the service time"),
          Field(
            "calls", .list(.either([call, .list(call, minimumCount: 1)]), minimumCount: 0), .standard("[]"),
            "what it calls after its own service, in order; a list in the list goes out at once"),
          Field("holdsWorker", .flag, .standard("true"), "whether the worker is held until the last call has answered"),
          Field("onCancel", words(CancelBehaviour.self), .standard("finish"), "what becomes of work nobody waits for"),
          Field("responseSize", .size, .standard("0"), "the size of an answer"),
          Field(
            "perConcurrent", .anySpan, .standard("0s"), "how much longer service takes for each request in service"),
          Field("fluctuate", fluctuation, .optional, "a speed that changes by chance"),
          Field("coldStart", coldStart, .optional, "slowness of young replicas"),
          Field("antagonist", antagonist, .optional, "a neighbour that takes capacity"),
          Field(
            "readinessProbe", readinessProbe, .optional, "discovery lists a replica only while it passes (Kubernetes)"),
          Field(
            "endpointSlice", endpointSlice, .standard("{}"), "how late the control plane publishes what is ready"),
          Field(
            "proxies", .word(["perReplica", "shared"]), .standard("perReplica"),
            "whether its replicas' calls go through a data plane each or through one"),
        ]))
  }

  static let replica = Shape.fields(
    FieldGroup(
      "a replica",
      [
        Field("name", .text(.endpoint), .optional, "its name or address; <service>-<number> by default"),
        Field("count", .integer(1...100_000), .standard("1"), "how many like this"),
        Field("zone", .text(.name), .optional, "where it is"),
        Field("weight", .integer(1...4_294_967_295), .standard("1"), "its share of traffic"),
        Field("speed", .number(0...1e6, above: true), .standard("1"), "how fast it serves; 2 is twice as fast"),
        Field("time", Distributions.shape, .optional, "its own service demand"),
        Field("workers", .integer(1...1_000_000), .optional, "its own number of parallel servers"),
      ] + MeshSchema.standing))

  private static let readinessProbe = Shape.fields(
    FieldGroup(
      "a readiness probe",
      [
        Field("initialDelay", .anySpan, .standard("0s"), "from a replica's start to its first probe"),
        Field("period", .positiveSpan, .standard("10s"), "from probe to probe"),
        Field("timeout", .positiveSpan, .standard("1s"), "how long a hung replica's probe waits before it has failed"),
        Field("successThreshold", .integer(1...1_000_000), .standard("1"), "successes in a row that make it ready"),
        Field("failureThreshold", .integer(1...1_000_000), .standard("3"), "failures in a row that make it unready"),
      ]))

  private static let codel = Shape.fields(
    FieldGroup(
      "controlled delay",
      [
        Field("target", .positiveSpan, .standard("5ms"), "a wait that is fine"),
        Field("interval", .positiveSpan, .standard("100ms"), "how long waits may stay above it"),
        Field(
          "sloughs", .flag, .standard("false"),
          "while the queue stands, sheds all who have waited for more than twice the target (Facebook)"),
        Field("adaptiveLifo", .flag, .standard("false"), "serves the youngest first while the queue stands (Facebook)"),
      ], shorthand: "target"))

  private static let endpointSlice = Shape.fields(
    FieldGroup(
      "an endpoint slice",
      [
        Field("delay", .anySpan, .standard("0s"), "how late a change is published, at the least"),
        Field("jitter", .anySpan, .standard("0s"), "up to this much later, drawn per change"),
      ], shorthand: "delay"))

  private static let call = Shape.fields(
    FieldGroup(
      "a call",
      [
        Field("to", .text(.host), .required, "a host that routes match"),
        Field("count", .integer(1...100_000), .standard("1"), "how many times"),
        Field("parallel", .flag, .standard("false"), "whether its copies go out at once"),
        Field("onError", words(CallErrorBehaviour.self), .standard("fail"), "what a failure does"),
      ], shorthand: "to"))

  private static let fluctuation = Shape.fields(
    FieldGroup(
      "a fluctuation",
      [
        Field("every", .positiveSpan, .required, "from draw to draw"),
        Field("factors", .list(.number(0...1e6, above: true), minimumCount: 1), .required, "speeds, equally likely"),
      ]))

  private static let coldStart = Shape.fields(
    FieldGroup(
      "a cold start",
      [
        Field("factor", .number(1...1e6, above: false), .required, "how many times as long service takes at first"),
        Field("over", .positiveSpan, .required, "how long it takes to get warm"),
      ]))

  private static let antagonist = Shape.fields(
    FieldGroup(
      "an antagonist",
      [
        Field("share", .ratio(maximum: 1), .required, "the share of time it takes"),
        Field("period", .positiveSpan, .required, "how often"),
      ]))

  private static let client = Shape.named("client") {
    .fields(
      FieldGroup(
        "a client",
        [
          Field("target", .text(.host), .optional, "a host that routes match; the only one by default"),
          Field("arrivals", ArrivalSchema.arrivals, .required, "how its requests come"),
          Field(
            "success",
            .fields(
              FieldGroup(
                "success", [Field("within", .positiveSpan, .optional, "later answers are failures")],
                shorthand: "within")),
            .optional, "what counts as success beyond the status"),
          Field("zone", .text(.name), .optional, "where its data planes are"),
          Field(
            "proxies", .either([.integer(1...100_000), .list(dataPlanes, minimumCount: 1)]), .standard("1"),
            "data planes its load is spread over"),
          Field("request", request, .standard("{}"), "what its requests look like"),
        ]))
  }

  private static let dataPlanes = Shape.fields(
    FieldGroup(
      "data planes",
      [
        Field("zone", .text(.name), .optional, "where they are"),
        Field("count", .integer(1...100_000), .standard("1"), "how many"),
      ]))

  private static let request = Shape.fields(
    FieldGroup(
      "a request",
      [
        Field("path", .text(.path), .standard("/"), "its path"),
        Field("method", .text(.method), .standard("GET"), "its method"),
        Field("headers", .names(NameGroup("header", rule: .token, of: .text(.any))), .standard("{}"), "its headers"),
        Field("size", .size, .standard("0"), "its size"),
        Field("key", key, .optional, "what hashing balancers go by"),
        Field("keyHeader", .text(.token), .optional, "the header that the key stands in; x-weir-key by default"),
      ]))

  private static let key = Shape.choice(
    ChoiceGroup(
      "key",
      [
        Field(
          "zipf",
          .fields(
            FieldGroup(
              "zipf",
              [
                Field("keys", .count, .required, "how many keys"),
                Field(
                  "exponent", .number(0...100, above: false), .required, "key k has probability like 1 / k^exponent"),
              ])), "some keys are far more common than others"),
        Field(
          "uniform",
          .fields(FieldGroup("uniform", [Field("keys", .count, .required, "how many keys")], shorthand: "keys")),
          "all keys alike"),
        Field("constant", .text(.title), "always this one"),
      ], bare: .value(of: "constant")))

  private static let link = Shape.fields(
    FieldGroup(
      "a link",
      [
        Field("from", .text(.title), .required, "a client, service, replica or zone:NAME"),
        Field("to", .text(.title), .required, "a client, service, replica or zone:NAME"),
        Field("delay", Distributions.shape, .standard("0s"), "one way, drawn each way"),
        Field("loss", .ratio(maximum: 1), .standard("0"), "messages lost, each way; 100% is a partition"),
        Field("bandwidth", .bandwidth, .optional, "one queue each way"),
        Field("rto", .positiveSpan, .standard("200ms"), "when a lost message is sent again; doubles"),
      ]))
}
