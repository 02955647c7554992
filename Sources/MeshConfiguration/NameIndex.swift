// Names in their order, found in constant time.

/// Different names, numbered in the order in which they were added.
public struct NameIndex: Sendable {
  /// The names, in order.
  public private(set) var names: [String] = []
  private var numbers: [String: Int] = [:]

  /// The different ones of `names`.
  public init(_ names: some Sequence<String> = EmptyCollection()) {
    for name in names { add(name) }
  }

  /// Adds a name unless it is there.
  public mutating func add(_ name: String) {
    if numbers[name] != nil { return }
    numbers[name] = names.count
    names.append(name)
  }

  /// The number of `name`.
  public func number(of name: String) -> Int? { numbers[name] }

  /// Whether there is no name.
  public var isEmpty: Bool { names.isEmpty }
}
