// A scenario's tree being cut: places in it, and what is left without some of them.

import MeshConfiguration

extension ConfigurationNode {
  /// The value at a path of keys and indices; nil when there is none.
  func value(at path: [String]) -> ConfigurationNode? { value(at: path[...]) }

  private func value(at path: ArraySlice<String>) -> ConfigurationNode? {
    guard let part = path.first else { return self }
    if let items {
      guard let index = Int(part), items.indices.contains(index) else { return nil }
      return items[index].value(at: path.dropFirst())
    }
    return self[part]?.value(at: path.dropFirst())
  }

  /// The same with `value` at a path whose last part may be a new key; as it is where the path leads nowhere.
  func replacing(_ path: [String], with value: ConfigurationNode) -> ConfigurationNode {
    replacing(path[...], with: value)
  }

  private func replacing(_ path: ArraySlice<String>, with value: ConfigurationNode) -> ConfigurationNode {
    guard let part = path.first else { return value }
    var copy = self
    if var items {
      guard let index = Int(part), items.indices.contains(index) else { return self }
      items[index] = items[index].replacing(path.dropFirst(), with: value)
      copy.content = .list(items)
      return copy
    }
    if path.count == 1 {
      copy[part] = value
    } else if let inner = self[part] {
      copy[part] = inner.replacing(path.dropFirst(), with: value)
    }
    return copy
  }

  /// The same without what is at `paths`; `path` is its own.
  func removing(_ paths: Set<[String]>, at path: [String] = []) -> ConfigurationNode {
    var copy = self
    switch content {
    case .null, .scalar: break
    case .list(let items):
      copy.content = .list(
        items.enumerated().compactMap { index, item in
          let own = path + [String(index)]
          return paths.contains(own) ? nil : item.removing(paths, at: own)
        })
    case .map(let entries):
      copy.content = .map(
        entries.compactMap { entry in
          let own = path + [entry.key]
          if paths.contains(own) { return nil }
          var kept = entry
          kept.value = entry.value.removing(paths, at: own)
          return kept
        })
    }
    return copy
  }

  /// The paths of all values `depth` levels below, in the order of the file.
  func paths(depth: Int) -> [[String]] {
    if depth == 0 { return [[]] }
    let parts: [(String, ConfigurationNode)]
    switch content {
    case .null, .scalar: return []
    case .list(let items): parts = items.enumerated().map { (String($0), $1) }
    case .map(let entries): parts = entries.map { ($0.key, $0.value) }
    }
    return parts.flatMap { part, value in value.paths(depth: depth - 1).map { [part] + $0 } }
  }
}
