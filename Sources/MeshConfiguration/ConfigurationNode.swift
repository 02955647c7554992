// A configuration as written: scalars, lists and maps, each with where it stands. Nothing is interpreted yet.

/// A value as written.
public struct ConfigurationNode: Sendable, Hashable {
  /// What stands there.
  public indirect enum Content: Sendable, Hashable {
    /// Nothing, `~` or `null`.
    case null
    /// A scalar's text, and whether it stood in quotes.
    case scalar(String, isQuoted: Bool)
    /// A list.
    case list([ConfigurationNode])
    /// A map, in the order written, without duplicates.
    case map([ConfigurationEntry])
  }

  /// What stands there.
  public var content: Content
  /// Where.
  public var origin: Origin

  /// A value.
  public init(_ content: Content, origin: Origin) {
    self.content = content
    self.origin = origin
  }

  /// A map without entries.
  public static func emptyMap(_ origin: Origin) -> ConfigurationNode { ConfigurationNode(.map([]), origin: origin) }

  /// An unquoted scalar.
  public static func word(_ text: String, _ origin: Origin) -> ConfigurationNode {
    ConfigurationNode(.scalar(text, isQuoted: false), origin: origin)
  }

  /// A map of these entries, all from the same origin.
  public static func map(_ entries: [(String, ConfigurationNode)], _ origin: Origin) -> ConfigurationNode {
    ConfigurationNode(
      .map(entries.map { ConfigurationEntry(key: $0.0, keyOrigin: origin, value: $0.1) }), origin: origin)
  }

  /// The entries, when it is a map.
  public var entries: [ConfigurationEntry]? {
    if case .map(let entries) = content { return entries }
    return nil
  }

  /// The items, when it is a list.
  public var items: [ConfigurationNode]? {
    if case .list(let items) = content { return items }
    return nil
  }

  /// The text, when it is a scalar.
  public var text: String? {
    if case .scalar(let text, _) = content { return text }
    return nil
  }

  /// Whether nothing stands there.
  public var isNull: Bool { content == .null }

  /// The value of `key`, when it is a map that has one. Setting it adds or replaces the entry, and makes a map of what is
  /// none; setting nil takes it out.
  public subscript(key: String) -> ConfigurationNode? {
    get { entries?.first { $0.key == key }?.value }
    set {
      var entries = self.entries ?? []
      let place = entries.firstIndex { $0.key == key }
      switch (place, newValue) {
      case (let place?, let value?): entries[place].value = value
      case (nil, let value?): entries.append(ConfigurationEntry(key: key, keyOrigin: value.origin, value: value))
      case (let place?, nil): entries.remove(at: place)
      case (nil, nil): return
      }
      content = .map(entries)
    }
  }

  /// What it is, for a message.
  public var kindName: String {
    switch content {
    case .null: return "nothing"
    case .scalar(let text, _): return quoted(text)
    case .list: return "a list"
    case .map: return "a map"
    }
  }

  /// Whether somebody wrote it or something in it.
  public var hasExplicitPart: Bool {
    if !origin.isImplied { return true }
    switch content {
    case .null, .scalar: return false
    case .list(let items): return items.contains { $0.hasExplicitPart }
    case .map(let entries): return entries.contains { $0.value.hasExplicitPart }
    }
  }

  /// How many values it consists of, itself included.
  public var size: Int {
    switch content {
    case .null, .scalar: return 1
    case .list(let items): return items.reduce(1) { $0 + $1.size }
    case .map(let entries): return entries.reduce(1) { $0 + $1.value.size }
    }
  }

  /// The same value with every origin given by `source`, each at its own place.
  public func given(by source: Origin.Source) -> ConfigurationNode {
    var node = self
    node.origin = origin.given(by: source)
    switch content {
    case .null, .scalar: break
    case .list(let items): node.content = .list(items.map { $0.given(by: source) })
    case .map(let entries):
      node.content = .map(
        entries.map {
          ConfigurationEntry(
            key: $0.key, keyOrigin: $0.keyOrigin.given(by: source), value: $0.value.given(by: source))
        })
    }
    return node
  }
}

/// A key of a map with its value.
public struct ConfigurationEntry: Sendable, Hashable {
  /// The key.
  public var key: String
  /// Where the key stands.
  public var keyOrigin: Origin
  /// The value.
  public var value: ConfigurationNode

  /// An entry.
  public init(key: String, keyOrigin: Origin, value: ConfigurationNode) {
    self.key = key
    self.keyOrigin = keyOrigin
    self.value = value
  }
}
