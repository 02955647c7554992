// Dotted paths into a configuration: `mesh.clusters.web.balancer`, `variants.0.set`, `quantiles.[p99.9]`.

/// Writes and reads paths. A name with a dot stands in brackets.
public enum ConfigurationPath {
  /// `path` and one part more.
  public static func joined(_ path: String, _ part: String) -> String {
    let plain =
      !part.isEmpty
      && part.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":"), UInt8(ascii: ";"): return false
        default: return byte > 0x20 && byte < 0x7f
        }
      }
    let shown = plain ? part : "[\(quoted(part).dropFirst().dropLast())]"
    return path.isEmpty ? shown : "\(path).\(shown)"
  }

  /// The parts of a path, or nil when it is none: an empty part, or a bracket without its partner.
  public static func parts(_ path: String) -> [String]? {
    var parts: [String] = []
    var rest = Substring(path)
    while true {
      if rest.hasPrefix("[") {
        guard let end = rest.firstIndex(of: "]") else { return nil }
        let part = rest[rest.index(after: rest.startIndex)..<end]
        if part.isEmpty { return nil }
        parts.append(String(part))
        rest = rest[rest.index(after: end)...]
      } else {
        let part = rest.prefix { $0 != "." && $0 != "[" }
        if part.isEmpty || part.contains("]") { return nil }
        parts.append(String(part))
        rest = rest.dropFirst(part.count)
      }
      if rest.isEmpty { return parts }
      if rest.hasPrefix(".") {
        rest = rest.dropFirst()
      } else if !rest.hasPrefix("[") {
        return nil
      }
    }
  }
}
