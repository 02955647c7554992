// A replication as it went, in time: what `--trace` shows. Requests, calls and attempts are spans on tracks, faults
// too; queues are counters; what detectors say are moments.
//
// Tracks are what viewers of nested spans need (Trace Event Format, "nestable async events"): on one track a span ends
// before the one around it does. So a request and the attempts that it makes one after another share a track; an attempt
// that begins while another is open (a hedge, a mirror's copy), and a call that a replica makes, have their own.

import MeshCore

/// What of a replication is traced.
public struct TraceScope: Sendable, Hashable {
  /// Client requests wanted before are left out, and until then queues are told once a window.
  public var from: Timestamp
  /// At most so many client requests are traced, each with all that it leads to. From the next one on queues are told
  /// once a window.
  public var requests: Int
  /// At most so many events are kept of requests, and as many of queues: a request may lead to thousands of calls.
  public var events: Int

  /// A scope.
  public init(from: Timestamp = .zero, requests: Int = 20_000, events: Int = 1_000_000) {
    self.from = from
    self.requests = requests
    self.events = events
  }
}

/// Where spans nest.
public struct TraceTrack: Sendable, Hashable {
  /// What it is a track of.
  public enum Category: String, Sendable, Hashable {
    /// A client's request, and what it leads to.
    case request
    /// A fault.
    case fault
  }

  /// What it is a track of.
  public var category: Category
  /// The request's number among those that are traced, or the fault's in the file; from 0.
  public var number: Int
  /// 0 for the request itself, a number of its own for each call and attempt beside it; of a fault the round. From 0.
  public var part: Int

  /// A track.
  public init(_ category: Category, number: Int, part: Int) {
    self.category = category
    self.number = number
    self.part = part
  }
}

/// Where something happens.
public enum TracePlace: Sendable, Hashable {
  /// Nowhere in particular.
  case world
  /// At a client, by its number.
  case client(Int)
  /// At a replica, by its number.
  case replica(Int)
}

/// Something said of a span.
public struct TraceDetail: Sendable, Hashable {
  /// What about.
  public var name: String
  /// What.
  public var text: String

  /// A detail.
  public init(_ name: String, _ text: String) {
    self.name = name
    self.text = text
  }
}

/// One thing that a trace tells.
public struct TraceEvent: Sendable, Hashable {
  /// What it is.
  public enum Kind: Sendable, Hashable {
    /// A span begins on a track, within those that are open on it.
    case begins(TraceTrack, name: String, at: TracePlace, details: [TraceDetail])
    /// Something happens to the innermost open span of a track.
    case passes(TraceTrack, name: String)
    /// The innermost open span of a track ends; the text says how.
    case ends(TraceTrack, outcome: String)
    /// A worker of a replica serves for so long from now on; whether somebody waits for it at its end. Where its rate
    /// changed meanwhile (`mode: rate`, a pause) this is the last stretch.
    case serves(TraceTrack, replica: Int, span: TimeSpan, name: String, isWanted: Bool)
    /// What a replica holds from now on.
    case holds(replica: Int, waiting: Int, inService: Int)
    /// Client requests open, and endpoints of the first client's target that its first data plane may choose, at a
    /// window's end.
    case counts(open: Int, healthyEndpoints: Int)
    /// A line of the event list, faults left out.
    case tells(EventRow)
  }

  /// When.
  public var time: Timestamp
  /// What.
  public var kind: Kind

  /// An event.
  public init(time: Timestamp, _ kind: Kind) {
    self.time = time
    self.kind = kind
  }
}

/// A replication as it went.
public struct ReplicationTrace: Sendable {
  /// The clients' names.
  public var clients: [String]
  /// The replicas' names, those that come later included.
  public var replicas: [String]
  /// By time; those of one instant in the order in which they happened.
  public var events: [TraceEvent]
  /// How many client requests are traced.
  public var requests: Int
  /// How many client requests were wanted.
  public var wanted: Int64
  /// What is left out, one line each.
  public var notes: [String]
  /// The replication's result, the same as without a trace.
  public var result: ReplicationResult

  /// A trace.
  public init(
    clients: [String], replicas: [String], events: [TraceEvent], requests: Int, wanted: Int64, notes: [String],
    result: ReplicationResult
  ) {
    self.clients = clients
    self.replicas = replicas
    self.events = events
    self.requests = requests
    self.wanted = wanted
    self.notes = notes
    self.result = result
  }
}

extension Replication {
  /// Simulates it and tells how it went. The result is that of `simulate`, to the bit.
  ///
  /// - Parameter isStopped: Asked now and then; the run ends when it says so.
  /// - Throws: As `simulate`.
  public func trace(
    _ scope: TraceScope = TraceScope(), isStopped: () -> Bool = { false }
  ) throws(SimulationError) -> ReplicationTrace {
    var world = World(self)
    return try world.trace(scope, isStopped)
  }
}
