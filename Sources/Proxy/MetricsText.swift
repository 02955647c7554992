// Counts in the text form of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).

import DataPlane
import MeshCore

/// Writes counts for Prometheus.
enum MetricsText {
  static func text(_ report: ProxyReport) -> String {
    let (counts, mesh) = (report.counts, report.mesh)
    var text = ""
    func family(_ name: String, _ type: String, _ help: String, _ rows: [String]) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
      for row in rows { text += "\(row)\n" }
    }
    let all = zip(mesh.routes.map(\.match.host), counts.routes) + [("", counts.astray)]
    let hosts = all.enumerated().map { place, entry in
      (
        "direction=\"outbound\",authority=\"\(escaped(entry.0))\",route=\"\(place < mesh.routes.count ? String(place) : "none")\"",
        entry.1
      )
    }
    family(
      "request_total", "counter", "Total count of HTTP requests.",
      hosts.map { "request_total{\($0.0)} \($0.1.total)" })
    family(
      "response_total", "counter", "Total count of HTTP responses.",
      hosts.flatMap { labels, answers in
        answers.statuses.enumerated().filter { $0.element > 0 }.map { status, count in
          let isSuccess = status > 0 && status < 500
          return
            "response_total{\(labels),status_code=\"\(status)\",classification=\"\(isSuccess ? "success" : "failure")\"} \(count)"
        }
      })
    family(
      "response_latency_ms", "histogram",
      "Elapsed times between a request's headers being received and its response stream completing.",
      hosts.flatMap { labels, answers in
        var sum: UInt64 = 0
        var rows: [String] = []
        for (bucket, count) in answers.latencies.enumerated() {
          sum += count
          let end = bucket < ProxyMetrics.buckets.count ? String(ProxyMetrics.buckets[bucket]) : "+Inf"
          rows.append("response_latency_ms_bucket{\(labels),le=\"\(end)\"} \(sum)")
        }
        return rows + [
          "response_latency_ms_sum{\(labels)} \(answers.latencySum)", "response_latency_ms_count{\(labels)} \(sum)",
        ]
      })
    let kinds = ["first", "retry", "hedge", "mirror"]
    family(
      "weir_attempts_total", "counter", "Attempts sent to endpoints, by what they were made for.",
      mesh.clusters.enumerated().flatMap { place, cluster in
        kinds.enumerated().map { kind, name in
          "weir_attempts_total{cluster=\"\(escaped(cluster.name))\",kind=\"\(name)\"} \(counts.attempts[place][kind])"
        }
      })
    family(
      "weir_local_responses_total", "counter", "Responses that the proxy gave in an endpoint's place, by cause.",
      counts.refusals.sorted { $0.key < $1.key }.map { "weir_local_responses_total{cause=\"\($0.key)\"} \($0.value)" })
    family(
      "weir_authorization_total", "counter", "Requests that policies have judged, by verdict and policy.",
      counts.verdicts.sorted { $0.key < $1.key }.flatMap { verdict, policies in
        policies.sorted { $0.key < $1.key }.map {
          "weir_authorization_total{verdict=\"\(verdict)\",policy=\"\(escaped($0.key))\"} \($0.value)"
        }
      })
    family(
      "weir_endpoint_events_total", "counter", "What fault detection decided, by kind.",
      counts.notices.sorted { $0.key < $1.key }.flatMap { cluster, kinds in
        kinds.sorted { $0.key < $1.key }.map {
          "weir_endpoint_events_total{cluster=\"\(escaped(mesh.clusters[cluster].name))\",event=\"\($0.key)\"} \($0.value)"
        }
      })
    appendEndpoints(report, family)
    appendOwn(report, family)
    return text
  }

  private static func appendEndpoints(
    _ report: ProxyReport, _ family: (_ name: String, _ type: String, _ help: String, _ rows: [String]) -> Void
  ) {
    func rows(_ name: String, _ value: (EndpointRow) -> some CustomStringConvertible) -> [String] {
      report.endpoints.map {
        "\(name){cluster=\"\(escaped($0.cluster))\",endpoint=\"\(escaped($0.address))\"} \(value($0))"
      }
    }
    family(
      "weir_endpoint_in_flight", "gauge", "Attempts that an endpoint has not answered.",
      rows("weir_endpoint_in_flight", \.inFlight))
    family(
      "weir_endpoint_ready", "gauge", "Whether an endpoint may be chosen, on every event loop: 1 or 0.",
      rows("weir_endpoint_ready") { $0.isReady ? 1 : 0 })
    family(
      "weir_endpoint_weight", "gauge", "An endpoint's share of traffic relative to its peers'.",
      rows("weir_endpoint_weight", \.weight))
    family(
      "weir_endpoint_picks_total", "counter", "Attempts for which an endpoint was chosen.",
      rows("weir_endpoint_picks_total", \.picks))
    family(
      "weir_endpoint_failures_total", "counter", "Attempts that broke, or were answered with 500 or more.",
      rows("weir_endpoint_failures_total", \.failures))
    family(
      "weir_endpoint_ejections_total", "counter", "How often fault detection took an endpoint out.",
      rows("weir_endpoint_ejections_total", \.ejections))
  }

  private static func appendOwn(
    _ report: ProxyReport, _ family: (_ name: String, _ type: String, _ help: String, _ rows: [String]) -> Void
  ) {
    func pools(_ name: String, _ value: (PoolRow) -> Int) -> [String] {
      report.pools.map { "\(name){cluster=\"\(escaped($0.cluster))\"} \(value($0))" }
    }
    func sources(_ name: String, _ value: (SourceStanding) -> UInt64) -> [String] {
      report.sources.map { "\(name){cluster=\"\(escaped($0.cluster))\"} \(value($0))" }
    }
    family(
      "weir_upstream_connections", "gauge", "Connections to a cluster's endpoints.",
      pools("weir_upstream_connections", \.connections))
    family(
      "weir_upstream_pending", "gauge", "Attempts that wait for a connection.",
      pools("weir_upstream_pending", \.pending))
    family(
      "weir_upstream_active", "gauge", "Attempts on connections.", pools("weir_upstream_active", \.active))
    if !report.sources.isEmpty {
      family(
        "weir_discovery_updates_total", "counter", "Lists of servers that differed from the one before.",
        sources("weir_discovery_updates_total", \.updates))
      family(
        "weir_discovery_failures_total", "counter", "Answers of a source that were no list of servers.",
        sources("weir_discovery_failures_total", \.faults))
      family(
        "weir_discovery_failing", "gauge", "Whether a source's last answer was none: 1 or 0.",
        sources("weir_discovery_failing") { $0.fault == nil ? 0 : 1 })
    }
    if !report.releases.isEmpty {
      family(
        "weir_canary_weight_percent", "gauge", "What a new version gets of its route's requests, per cent.",
        report.releases.map {
          "weir_canary_weight_percent{authority=\"\(escaped($0.host))\",route=\"\($0.route)\",cluster=\"\(escaped($0.cluster))\"} \($0.weight)"
        })
    }
    if let spans = report.spans {
      family(
        "weir_spans_exported_total", "counter", "Spans that the receiver has taken.",
        ["weir_spans_exported_total \(spans.exported)"])
      family(
        "weir_spans_dropped_total", "counter", "Spans that are lost, by why.",
        [
          "weir_spans_dropped_total{reason=\"queue full\"} \(spans.dropped)",
          "weir_spans_dropped_total{reason=\"not taken\"} \(spans.failed)",
        ])
    }
    family("weir_open_requests", "gauge", "Requests under way.", ["weir_open_requests \(report.open)"])
    family(
      "weir_open_connections", "gauge", "Connections and streams of clients.",
      ["weir_open_connections \(report.connections)"])
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
    return result
  }
}
