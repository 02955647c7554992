// What `weir place` prints: a row for each key, with the host that it goes to.

import Experiments

/// Placements of keys as CSV.
public enum PlacementTable {
  /// Writes `key,host` and a row for each key, in the keys' order.
  public static func write(_ placement: KeyPlacement, to emit: @escaping (String) throws -> Void) throws {
    var writer = try CSVWriter(columns: ["key", "host"]) { try emit(String(decoding: $0, as: UTF8.self)) }
    for (key, host) in placement.placements { try writer.row([.text(key), .text(placement.hosts[host])]) }
    try writer.flush()
  }
}
