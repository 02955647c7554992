// A proxy's report as JSON, for the admin port.

import Foundation
import MeshCore

extension EndpointRow {
  /// As in /endpoints.
  var object: [String: Any] {
    var object: [String: Any] = [
      "cluster": cluster, "endpoint": address, "weight": Int(weight), "state": state, "ready": isReady,
      "in_flight": inFlight, "picks": Int(clamping: picks), "failures": Int(clamping: failures),
      "ejections": Int(clamping: ejections), "excluded_by": exclusions,
    ]
    object["zone"] = zone
    if let notice {
      object["last_event"] = [
        "event": notice.kind, "why": notice.words, "seconds_ago": (notice.age.milliseconds / 1000 * 10).rounded() / 10,
      ]
    }
    return object
  }
}

extension ProxyReport {
  /// As in /stats.
  var object: [String: Any] {
    let routes = zip(mesh.routes.map(\.match.host) + ["no route"], counts.routes + [counts.astray]).map {
      host, answers -> [String: Any] in
      let failures = answers.statuses[0] + answers.statuses[500...].reduce(0, +) + answers.statuses[429]
      return [
        "host": host, "requests": Int(clamping: answers.total), "failures": Int(clamping: failures),
        "latencies": answers.latencies.map { Int(clamping: $0) },
      ]
    }
    return [
      "routes": routes, "bucket_ends_ms": ProxyMetrics.buckets.map { Int($0) }, "open_requests": open,
      "open_connections": connections, "endpoints": endpoints.map(\.object),
      "pools": pools.map {
        ["cluster": $0.cluster, "connections": $0.connections, "pending": $0.pending, "active": $0.active]
      },
      "discovery": sources.map { source -> [String: Any] in
        var object: [String: Any] = [
          "cluster": source.cluster, "updates": Int(clamping: source.updates), "failures": Int(clamping: source.faults),
        ]
        object["error"] = source.fault
        return object
      },
    ]
  }
}
