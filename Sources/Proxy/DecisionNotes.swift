// The last decisions of one event loop with what they were taken on, for /explain. Off until somebody asks: looking at every endpoint for
// each request is what a proxy must not do for nothing.

import DataPlane
import Foundation
import MeshCore

/// One thing that was decided, in the words of /explain.
struct DecisionNote: Sendable {
  /// An endpoint as it stood then.
  struct Candidate: Sendable {
    var address: String
    var inFlight: Int
    var weight: UInt32
    var rank: Double?
    var exclusions: [String]
  }

  /// Nanoseconds since 1970.
  var time: Int64
  var loop: Int
  /// `x-request-id`; nil for what belongs to no request.
  var request: String?
  var method = ""
  var path = ""
  var cluster: String?
  /// What it was: `picked`, `answered`, `answeredItself`, `failed`, or a detector's word.
  var event: String
  var endpoint: String?
  var why: String
  var candidates: [Candidate] = []

  /// As JSON.
  var object: [String: Any] {
    let seconds = Double(time) / 1e9
    var object: [String: Any] = [
      "time": Date(timeIntervalSince1970: seconds).formatted(.iso8601.time(includingFractionalSeconds: true)),
      "loop": loop, "event": event, "why": why,
    ]
    object["request_id"] = request
    if request != nil { (object["method"], object["path"]) = (method, path) }
    object["cluster"] = cluster
    object["endpoint"] = endpoint
    if !candidates.isEmpty {
      object["endpoints"] = candidates.map { candidate -> [String: Any] in
        var entry: [String: Any] = [
          "endpoint": candidate.address, "in_flight": candidate.inFlight, "weight": Int(candidate.weight),
          "excluded_by": candidate.exclusions,
        ]
        entry["rank"] = candidate.rank
        return entry
      }
    }
    return object
  }
}

/// Keeps the last notes. Confined to its event loop.
final class DecisionNotes {
  let loop: Int
  private var ring: [DecisionNote] = []
  private var next = 0
  private let capacity: Int

  init(loop: Int, capacity: Int) {
    self.loop = loop
    self.capacity = max(1, capacity)
  }

  func add(_ note: DecisionNote) {
    if ring.count < capacity {
      ring.append(note)
    } else {
      ring[next] = note
      next = (next + 1) % capacity
    }
  }

  /// The last ones, oldest first.
  func last(_ count: Int) -> [DecisionNote] { Array((ring[next...] + ring[..<next]).suffix(count)) }

  private var now: Int64 { Int64(Date().timeIntervalSince1970 * 1e9) }

  // MARK: - What is noted

  /// An endpoint was chosen; `standings` are as of right after it.
  func picked(_ attempt: Attempt, by balancer: String, _ standings: [EndpointStanding]) {
    let world = attempt.world
    let candidates = standings.map { standing in
      let isChosen = standing.identity == attempt.endpoint
      return DecisionNote.Candidate(
        address: world.endpoints.address(of: standing.identity)?.description ?? "",
        // As the balancer saw it, without this attempt.
        inFlight: Int(standing.inFlight) - (isChosen ? 1 : 0), weight: standing.weight, rank: standing.rank,
        exclusions: standing.exclusions)
    }
    let open = candidates.count { $0.exclusions.isEmpty }
    var why = "\(balancer), \(open) of \(candidates.count) endpoints may be chosen"
    if attempt.kind != .first { why = "\(attempt.kind): " + why }
    if open == 0 && !candidates.isEmpty { why += ": panic, all are used" }
    note(attempt, "picked", why, candidates)
  }

  /// An attempt is over.
  func ended(_ attempt: Attempt, _ error: String?, after latency: TimeSpan) {
    let words = "after \(Int64(latency.milliseconds * 1000)) us"
    if let error {
      note(attempt, "failed", "\(error) \(words)")
    } else {
      note(attempt, "answered", "\(attempt.responseHead.map { String($0.status.code) } ?? "nothing") \(words)")
    }
  }

  private func note(_ attempt: Attempt, _ event: String, _ why: String, _ candidates: [DecisionNote.Candidate] = []) {
    let (exchange, world) = (attempt.exchange, attempt.world)
    add(
      DecisionNote(
        time: now, loop: loop, request: exchange.head.headers.first(name: "x-request-id") ?? "",
        method: exchange.head.method.rawValue, path: exchange.target,
        cluster: world.description.mesh.clusters[Int(attempt.cluster)].name, event: event,
        endpoint: world.endpoints.address(of: attempt.endpoint)?.description, why: why, candidates: candidates))
  }

  /// The proxy answered in an endpoint's place.
  func answeredItself(_ exchange: Exchange, status: Int, _ cause: ResponseCause) {
    add(
      DecisionNote(
        time: now, loop: loop, request: exchange.head.headers.first(name: "x-request-id") ?? "",
        method: exchange.head.method.rawValue, path: exchange.target, event: "answeredItself",
        why: "\(status): \(cause.text)"))
  }

  /// A detector decided.
  func noticed(_ notice: DetectionNotice, in world: SocketWorld) {
    add(
      DecisionNote(
        time: now, loop: loop, cluster: world.description.mesh.clusters[Int(notice.cluster)].name,
        event: "\(notice.kind)", endpoint: world.endpoints.address(of: notice.endpoint)?.description,
        why: notice.reason.words))
  }
}
