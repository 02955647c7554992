// Keeps a data plane's decisions: every event with its time, and what the data plane asked for.
//
// A log begins with a mark. Then come parts, each of one data plane: its number, a checksum (xxHash64), a length, and records. A record is a code and what belongs
// to it: first the configuration (the event loop's number, which its random numbers come from, and the text of its file), then a cluster's
// endpoints, headers that requests carry, the weights of a route's destinations, or an event with its time, with the actions that followed.
// So a log holds all that a replay needs.

import DataPlane
import MeshCore

/// What a log's records are.
enum RecordCode {
  /// Of logs of former versions: without how many event loops there are, and without what endpoints say of themselves.
  static let formerConfiguration: UInt64 = 0
  static let formerEndpoints: UInt64 = 1
  static let headers: UInt64 = 2
  static let event: UInt64 = 3
  static let configuration: UInt64 = 4
  static let endpoints: UInt64 = 5
  static let weights: UInt64 = 6
}

/// The records of one data plane. Belongs to its event loop.
public final class DecisionRecorder {
  /// What a log begins with.
  public static let mark = Array("weir decisions 1\n".utf8)
  /// Bytes that are gathered before they go out.
  private static let partSize = 1 << 16

  private let number: Int
  private var part = DecisionBytes()
  private var time: Int64 = 0
  private let write: ([UInt8]) -> Void

  /// The recorder of a data plane; no other one in the log has this number. `write` gets bytes to be appended to the log.
  public init(number: Int, write: @escaping ([UInt8]) -> Void) {
    self.number = number
    self.write = write
  }

  /// The data plane begins on event loop `loop` of so many, with the configuration in a file of this text.
  public func begins(loop: Int, of loops: Int, _ text: [UInt8]) {
    part.put(RecordCode.configuration)
    part.put(UInt64(loop))
    part.put(UInt64(loops))
    part.put(text)
  }

  /// A cluster's endpoints are these now; `actions` followed.
  public func lists(
    cluster: Int, _ endpoints: [EndpointDescription], at now: Timestamp, _ actions: borrowing ActionBuffer
  ) {
    part.put(RecordCode.endpoints)
    put(now)
    part.put(UInt64(cluster))
    part.put(UInt64(endpoints.count))
    for endpoint in endpoints {
      part.put(signed: Int64(endpoint.identity.number))
      part.put(UInt64(endpoint.weight))
      part.put(signed: Int64(endpoint.zone))
      part.put(endpoint.address)
      part.put(UInt64(endpoint.priority))
      part.put(UInt64(endpoint.status.rawValue))
      part.put(UInt64(endpoint.metadata.count))
      for label in endpoint.metadata.sorted(by: { $0.key < $1.key }) {
        part.put(label.key)
        part.put(label.value)
      }
    }
    put(actions)
  }

  /// A route's destinations have these weights from now on.
  public func weighs(route: Int32, _ weights: [UInt64]) {
    part.put(RecordCode.weights)
    part.put(UInt64(route))
    part.put(UInt64(weights.count))
    for weight in weights { part.put(weight) }
  }

  /// Requests carry these headers from now on.
  public func assumes(_ headers: [HeaderField]) {
    part.put(RecordCode.headers)
    part.put(UInt64(headers.count))
    for header in headers {
      part.put(header.name)
      part.put(header.value)
    }
  }

  /// An event, and what followed.
  public func hears(_ event: Event, at now: Timestamp, _ actions: borrowing ActionBuffer) {
    part.put(RecordCode.event)
    put(now)
    part.put(event)
    put(actions)
    if part.bytes.count >= Self.partSize { flush() }
  }

  private func put(_ now: Timestamp) {
    part.put(signed: now.nanoseconds - time)
    time = now.nanoseconds
  }

  private func put(_ actions: borrowing ActionBuffer) {
    part.put(UInt64(actions.count))
    for place in 0..<actions.count { part.put(actions[place]) }
  }

  /// Hands on what has been gathered.
  public func flush() {
    if part.bytes.isEmpty { return }
    var whole = DecisionBytes()
    whole.put(UInt64(number))
    whole.put(XXHash64.hash(part.bytes, seed: UInt64(number)))
    whole.put(part.bytes)
    write(whole.bytes)
    part.removeAll()
  }
}
