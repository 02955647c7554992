// One line a request, as JSON or in Apache's combined form. Lines of all event loops go through one queue to one file.

import Foundation
import MeshConfiguration
import MeshCore

/// Appends lines to a file.
final class AccessLog: Sendable {
  /// Where it goes, and in which format.
  let description: AccessLogDescription
  private var format: AccessLogFormat { description.format }
  private let file: AppendedFile

  /// A log as described.
  ///
  /// - Throws: what the system says when the file cannot be opened.
  init(_ description: AccessLogDescription) throws {
    self.description = description
    file = try AppendedFile(path: description.file)
  }

  /// Notes a request that is over; a `status` of 0 is a client that did not wait.
  func write(_ exchange: Exchange, status: Int, latency: TimeSpan) {
    let head = exchange.head
    let endpoint = exchange.winner.flatMap { $0.world.endpoints.address(of: $0.endpoint)?.description } ?? ""
    let line: String
    switch format {
    case .json:
      line =
        "{\"time\":\"\(Self.now.formatted(.iso8601))\",\"method\":\(Self.quoted(head.method.rawValue)),"
        + "\"host\":\(Self.quoted(head.headers.first(name: "host") ?? "")),\"path\":\(Self.quoted(exchange.target)),"
        + "\"status\":\(status),\"duration_ms\":\(latency.milliseconds),\"endpoint\":\(Self.quoted(endpoint)),"
        + "\"cause\":\"\(exchange.isDenied ? "denied" : "\(exchange.cause)")\","
        + (exchange.policy.map { "\"policy\":\(Self.quoted($0))," } ?? "")
        + "\"request_id\":\(Self.quoted(head.headers.first(name: "x-request-id") ?? ""))}\n"
    case .apache:
      let client = head.headers.first(name: "x-forwarded-for") ?? "-"
      let size = exchange.winner?.responseHead?.headers.first(name: "content-length") ?? "-"
      let (referrer, agent) = (
        head.headers.first(name: "referer") ?? "-", head.headers.first(name: "user-agent") ?? "-"
      )
      line =
        "\(client) - - [\(Self.apacheTime)] \(Self.quoted("\(head.method.rawValue) \(exchange.target) HTTP/1.1")) \(status) \(size) "
        + "\(Self.quoted(referrer)) \(Self.quoted(agent))\n"
    }
    file.append(Array(line.utf8))
  }

  /// Waits until everything is written.
  func flush() { file.flush() }

  private static var now: Date { Date() }

  private static var apacheTime: String {
    let style = Date.VerbatimFormatStyle(
      format:
        "\(day: .twoDigits)/\(month: .abbreviated)/\(year: .defaultDigits):\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) +0000",
      locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian))
    return now.formatted(style)
  }

  private static func quoted(_ text: String) -> String { JSONValue.text(text).text }
}
