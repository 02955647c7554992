// What a load generator will send, known before it begins: the arrivals of the lab, request by request.
//
// A schedule fixed in advance is what keeps coordinated omission out: a slow answer delays no question, and latency counts from the
// instant at which a request was wanted, not from when the generator came round to it. (G. Tene, How NOT to Measure Latency, 2013.)

import MeshCore
import Simulation

/// A request to be sent.
public struct PlannedRequest: Sendable, Hashable {
  /// The client's place in the world.
  public var client: Int
  /// The request's number among the client's, from 0.
  public var number: UInt64
  /// When it is wanted, on the run's clock.
  public var wanted: Timestamp
}

/// Everything that open-loop clients will send.
public struct LoadPlan: Sendable, Hashable {
  /// In the order of time.
  public var requests: [PlannedRequest]
  /// When the last client stops.
  public var end: Timestamp

  /// How long users may take who ask for a number of requests rather than for a time.
  private static let longestRun = TimeSpan.seconds(86_400)

  /// The plan of one replication of `world`.
  public init(_ world: WorldDescription, run: RunDescription, streams: TrafficStreams) {
    let most = run.requests
    let stop = most == nil ? run.duration.nanoseconds : .max
    var planned: [PlannedRequest] = []
    for (index, client) in world.clients.enumerated() {
      var schedule = ArrivalSchedule(client, streams: streams)
      var number: UInt64 = 0
      while number < most.map({ UInt64($0) }) ?? .max, let at = schedule.next(), at.nanoseconds < stop {
        planned.append(PlannedRequest(client: index, number: number, wanted: at))
        number += 1
      }
    }
    planned.sort { ($0.wanted, $0.client, $0.number) < ($1.wanted, $1.client, $1.number) }
    if let most, planned.count > most { planned.removeLast(planned.count - most) }
    requests = planned
    let asksByAnswers = world.clients.contains { if case .closed = $0.arrivals { true } else { false } }
    end =
      most == nil
      ? .zero + run.duration : asksByAnswers ? .zero + Self.longestRun : planned.last?.wanted ?? .zero
  }
}
