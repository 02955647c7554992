// What a server says of its load with each answer: the header `endpoint-load-metrics` of ORCA in its text form,
// `TEXT cpu_utilization=0.3, application_utilization=0.8, rps_fractional=10, eps=1`, and Weir's own backend adds
// `named_metrics.requests_in_flight`. The JSON form `JSON {…}` is read by the same names. (Envoy, source/common/orca/orca_parser.cc)

import MeshCore
import NIOHTTP1

enum LoadReportHeader {
  static let name = "endpoint-load-metrics"

  /// The report in an answer's headers, if there is one that can be read.
  static func report(in headers: HTTPHeaders) -> LoadReport? {
    guard let text = headers.first(name: name) else { return nil }
    let body: Substring
    if text.hasPrefix("TEXT") || text.hasPrefix("JSON") { body = text.dropFirst(4) } else { return nil }
    var report = LoadReport()
    let separators: Set<Character> = [",", "{", "}"]
    for pair in body.split(whereSeparator: { separators.contains($0) }) {
      let sides = pair.split(whereSeparator: { $0 == "=" || $0 == ":" })
      guard sides.count == 2, let value = number(sides[1]) else { continue }
      switch trimmed(sides[0]) {
      case "cpu_utilization": report.cpuUtilization = value
      case "application_utilization": report.applicationUtilization = value
      case "mem_utilization": report.memoryUtilization = min(value, 1)
      case "rps_fractional", "rps": report.requestsPerSecond = value
      case "eps": report.errorsPerSecond = value
      case "named_metrics.requests_in_flight": report.requestsInFlight = Int32(min(value, 1e9))
      case "named_metrics.expected_latency_ms":
        report.expectedLatency = TimeSpan(nanoseconds: Int64(min(value, 1e9) * 1e6))
      case "named_metrics.service_time_ms": report.serviceTime = TimeSpan(nanoseconds: Int64(min(value, 1e9) * 1e6))
      default: break
      }
    }
    return report
  }

  private static func trimmed(_ text: Substring) -> String {
    String(text.filter { $0 != " " && $0 != "\"" && $0 != "\t" })
  }

  private static func number(_ text: Substring) -> Double? {
    guard let value = Double(trimmed(text)), value.isFinite, value >= 0 else { return nil }
    return value
  }
}
