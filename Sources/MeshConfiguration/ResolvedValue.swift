// A configuration as understood: each value of its type, defaults filled in, each with where it came from.

import MeshCore

/// A value that has been checked against its shape.
public struct ResolvedValue: Sendable, Hashable {
  /// What it is.
  public indirect enum Content: Sendable, Hashable {
    /// Something wrong, which has been told.
    case invalid
    /// Text, or a word.
    case text(String)
    /// True or false.
    case flag(Bool)
    /// A whole number, or bytes.
    case integer(Int64)
    /// A number, a fraction, a rate per second, per cent or bits per second.
    case number(Double)
    /// A length of time.
    case span(TimeSpan)
    /// A key that says all by being there.
    case mark
    /// A list.
    case list([ResolvedValue])
    /// A map.
    case map([ResolvedEntry])
    /// One of several alternatives, with what stands beside it.
    case choice(ResolvedEntry, siblings: [ResolvedEntry])
    /// As written: read by somebody else.
    case raw(ConfigurationNode)
  }

  /// What it is.
  public var content: Content
  /// Who said so, and where.
  public var origin: Origin
  /// Its dotted path.
  public var path: String
  /// A scalar as written.
  public var written: String

  /// A value.
  public init(_ content: Content, origin: Origin, path: String, written: String = "") {
    self.content = content
    self.origin = origin
    self.path = path
    self.written = written
  }

  /// Whether it could be understood.
  public var isValid: Bool { content != .invalid }

  /// The entries of a map, or the alternative and what stands beside it.
  public var entries: [ResolvedEntry] {
    switch content {
    case .map(let entries): return entries
    case .choice(let entry, let siblings): return [entry] + siblings
    default: return []
    }
  }

  /// The items of a list.
  public var items: [ResolvedValue] {
    if case .list(let items) = content { return items }
    return []
  }

  /// The value of `key`, when there is a valid one.
  public subscript(key: String) -> ResolvedValue? {
    guard let value = entries.first(where: { $0.key == key })?.value, value.isValid else { return nil }
    return value
  }

  /// Whether `key` is there, valid or not.
  public func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

  /// The chosen alternative.
  public var chosen: ResolvedEntry? {
    if case .choice(let entry, _) = content { return entry }
    return nil
  }

  /// The text.
  public var text: String? {
    if case .text(let text) = content { return text }
    return nil
  }

  /// True or false.
  public var flag: Bool? {
    if case .flag(let flag) = content { return flag }
    return nil
  }

  /// The whole number.
  public var integer: Int64? {
    if case .integer(let number) = content { return number }
    return nil
  }

  /// The number, whole or not.
  public var number: Double? {
    switch content {
    case .number(let number): return number
    case .integer(let number): return Double(number)
    default: return nil
    }
  }

  /// The length of time.
  public var span: TimeSpan? {
    if case .span(let span) = content { return span }
    return nil
  }

  /// Whether it is zero, off or empty, and so has no effect.
  public var isZero: Bool {
    switch content {
    case .flag(let flag): return !flag
    case .integer(let number): return number == 0
    case .number(let number): return number == 0
    case .span(let span): return span == .zero
    case .list(let items): return items.isEmpty
    case .invalid: return true
    case .raw(let node): return node.items?.isEmpty ?? node.entries?.isEmpty ?? node.isNull
    case .text, .mark, .map, .choice: return false
    }
  }
}

/// A key with its checked value.
public struct ResolvedEntry: Sendable, Hashable {
  /// The key.
  public var key: String
  /// Where the key stands.
  public var keyOrigin: Origin
  /// The value.
  public var value: ResolvedValue

  /// An entry.
  public init(key: String, keyOrigin: Origin, value: ResolvedValue) {
    self.key = key
    self.keyOrigin = keyOrigin
    self.value = value
  }
}
