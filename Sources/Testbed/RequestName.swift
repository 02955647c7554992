// What a request is called in both worlds, as headers say it between the load, the proxy and the servers.
//
// | header | says |
// | --- | --- |
// | `x-weir-client` | the client's name in the scenario |
// | `x-weir-request` | the request's number among the client's (or its user's), from 0 |
// | `x-weir-user` | in a closed loop, the user's number from 0 |
// | `x-weir-at` | when it was wanted, nanoseconds of the run's clock |
// | `x-weir-replication` | whose random numbers it draws |
// | `x-weir-key` | the text that hashing balancers go by, where requests have keys |
// | `x-envoy-attempt-count` | which attempt it is, from 1, where the proxy says so (Envoy's `include_request_attempt_count`) |
// | `x-weir-attempt` | of Weir's proxy: what kind of attempt it is when not the first, and which of its kind: `retry 1`, `hedge 1`, `mirror 1` |
//
// A server that knows these draws just what the lab draws for the same attempt.

import DataPlane
import MeshCore
import NIOHTTP1
import Simulation

/// A request's name.
public struct RequestName: Sendable, Hashable {
  /// The client's name.
  public var client: String
  /// The user's number in a closed loop.
  public var user: UInt64?
  /// The request's number, from 0.
  public var number: UInt64
  /// When it was wanted, on the run's clock.
  public var wanted: Timestamp
  /// The replication whose random numbers it draws.
  public var replication: Int

  /// A name.
  public init(client: String, user: UInt64? = nil, number: UInt64, wanted: Timestamp, replication: Int = 0) {
    self.client = client
    self.user = user
    self.number = number
    self.wanted = wanted
    self.replication = replication
  }

  /// The name that headers say; nil when they say none, or none that can be read.
  public init?(_ headers: HTTPHeaders) {
    guard let client = headers.first(name: "x-weir-client"),
      let number = headers.first(name: "x-weir-request").flatMap({ UInt64($0) })
    else { return nil }
    self.init(
      client: client, user: headers.first(name: "x-weir-user").flatMap { UInt64($0) }, number: number,
      wanted: Timestamp(nanoseconds: headers.first(name: "x-weir-at").flatMap { Int64($0) } ?? 0),
      replication: headers.first(name: "x-weir-replication").flatMap { Int($0) } ?? 0)
  }

  /// Adds the headers that say it.
  public func write(to headers: inout HTTPHeaders) {
    headers.add(name: "x-weir-client", value: client)
    headers.add(name: "x-weir-request", value: String(number))
    if let user { headers.add(name: "x-weir-user", value: String(user)) }
    headers.add(name: "x-weir-at", value: String(wanted.nanoseconds))
    headers.add(name: "x-weir-replication", value: String(replication))
  }

  /// What the request draws, as the lab has it.
  public func key(seed: UInt64) -> RandomKey {
    let streams = TrafficStreams(seed: seed, replication: replication)
    if let user { return streams.request(client: client, user: user, number: number) }
    return streams.request(client: client, number: number)
  }

  /// What one of its attempts draws.
  public func key(seed: UInt64, attempt: AttemptName) -> RandomKey {
    TrafficStreams.attempt(of: key(seed: seed), kind: attempt.kind, number: attempt.number)
  }
}

/// Which attempt of a request it is.
public struct AttemptName: Sendable, Hashable {
  /// Why it was made.
  public var kind: AttemptKind
  /// Its number among those of its kind, from 1; of no account for the first.
  public var number: Int32

  /// A name.
  public init(_ kind: AttemptKind, number: Int32 = 1) {
    self.kind = kind
    self.number = number
  }

  /// Try number `place` of all, from 1: the first one, or a retry for all that is known.
  public init(place: Int) {
    self.init(place > 1 ? .retry : .first, number: Int32(clamping: max(1, place - 1)))
  }

  /// The name that headers say; nil when they say none.
  public init?(_ headers: HTTPHeaders) {
    if let words = headers.first(name: "x-weir-attempt")?.split(separator: " "), words.count == 2,
      let kind = [AttemptKind.retry, .hedge, .mirror].first(where: { "\($0)" == words[0] }),
      let number = Int32(words[1])
    {
      self.init(kind, number: number)
    } else if let place = headers.first(name: "x-envoy-attempt-count").flatMap({ Int($0) }) {
      self.init(place: place)
    } else {
      return nil
    }
  }
}
