// `set`, `--set` and sweep: one value put in place at a path, checked on the way against the schema and what exists.

/// A value for a path.
public struct Assignment: Sendable, Hashable {
  /// The path as written.
  public var path: String
  /// Where the path stands.
  public var origin: Origin
  /// The value.
  public var value: ConfigurationNode

  /// An assignment.
  public init(path: String, origin: Origin, value: ConfigurationNode) {
    self.path = path
    self.origin = origin
    self.value = value
  }

  /// Reads `PATH=VALUE`, where VALUE is YAML, as the `number`th flag called `flag`.
  public static func parse(_ argument: String, flag: String, number: Int, log: FaultLog) -> Assignment? {
    let origin = Origin(.flag(flag), line: number)
    guard let equals = argument.firstIndex(of: "=") else {
      log.add(origin, argument.isEmpty ? "''" : ConfigurationPath.joined("", argument), "no '='; expected PATH=VALUE")
      return nil
    }
    let path = String(argument[..<equals])
    if ConfigurationPath.parts(path) == nil {
      log.add(
        origin, ConfigurationPath.joined("", path), "no path; expected names joined by dots, such as run.duration")
      return nil
    }
    let text = String(argument[argument.index(after: equals)...])
    let column = path.unicodeScalars.count + 2
    guard
      let value = ConfigurationParser.parse(
        text, source: origin.source, line: number, column: column, path: path, log: log)
    else { return nil }
    return Assignment(path: path, origin: origin, value: value)
  }

  /// Puts the value in place in `root`, whose shape is `shape`. What the path needs on its way and nobody wrote is made;
  /// what does not exist is told to `log`.
  public func apply(to root: inout ConfigurationNode, _ shape: Shape, log: FaultLog) {
    guard let parts = ConfigurationPath.parts(path) else {
      log.add(
        origin, ConfigurationPath.joined("", path), "no path; expected names joined by dots, such as run.duration")
      return
    }
    var node: ConfigurationNode? = root
    if assign(&node, shape, parts[...], at: "", log), let node { root = node }
  }

  private func tell(_ log: FaultLog, _ path: String, _ message: String) -> Bool {
    log.add(origin, path, message)
    return false
  }

  private func unknown(_ log: FaultLog, _ path: String, _ noun: String, _ name: String, _ names: [String]) -> Bool {
    log.addUnknown(origin, path, "unknown \(noun)", name, among: names)
    return false
  }

  private func assign(
    _ node: inout ConfigurationNode?, _ shape: Shape, _ parts: ArraySlice<String>, at done: String, _ log: FaultLog
  ) -> Bool {
    guard let part = parts.first else {
      node = value
      return true
    }
    let rest = parts.dropFirst()
    let path = ConfigurationPath.joined(done, part)
    if node?.isNull == true { node = nil }
    switch shape.unnamed {
    case .fields(let group):
      guard let field = group.fields.first(where: { $0.name == part }) else {
        return unknown(log, path, "key", part, group.fields.map(\.name))
      }
      if let scalar = node, scalar.text != nil, let shorthand = group.shorthand {
        node = .map([(shorthand, scalar)], scalar.origin)
      }
      return descend(&node, part, field.shape, rest, done, path, log)
    case .names(let group):
      let names = node?.entries?.map(\.key) ?? []
      if group.isClosed && !names.contains(part) { return unknown(log, path, group.noun, part, names) }
      return descend(&node, part, group.shape, rest, done, path, log)
    case .choice(let group):
      guard let field = (group.options + group.siblings).first(where: { $0.name == part }) else {
        return unknown(log, path, group.noun, part, (group.options + group.siblings).map(\.name))
      }
      spellOut(&node, group)
      if let map = node, group.options.contains(where: { $0.name == part }) {
        // What nobody chose makes room; what somebody wrote stays, and is told as the second of two alternatives.
        for option in group.options where option.name != part && map[option.name]?.hasExplicitPart == false {
          node?[option.name] = nil
        }
      }
      return descend(&node, part, field.shape, rest, done, path, log)
    case .list(let item, _):
      guard let items = node == nil ? [] : node?.items else {
        return tell(log, path, "no list stands here; expected an item's index")
      }
      guard let index = Self.index(of: part, in: items) else {
        let names = items.compactMap { $0["name"]?.text }
        if Int(part) == nil && !names.isEmpty { return unknown(log, path, "item", part, names) }
        return tell(log, path, "no item \(quoted(part)); there are \(items.count), counted from 0")
      }
      var child: ConfigurationNode? = items[index]
      if !assign(&child, item, rest, at: path, log) { return false }
      if let child { node?.content = .list(items.replacing(index, with: child)) }
      return true
    case .either(let shapes):
      let containers = shapes.filter { $0.hasParts }
      let present = node
      guard let shape = containers.first(where: { present.map($0.takes) ?? true }) ?? containers.first else {
        return tell(log, path, "\(quoted(done)) has no parts")
      }
      return assign(&node, shape, parts, at: done, log)
    case .anything:
      if let items = node?.items {
        return assign(&node, .list(.anything, minimumCount: 0), parts, at: done, log) && items.count >= 0
      }
      return descend(&node, part, .anything, rest, done, path, log)
    default:
      return tell(log, path, "\(quoted(done)) has no parts; expected \(shape.expectation)")
    }
  }

  private func descend(
    _ node: inout ConfigurationNode?, _ key: String, _ shape: Shape, _ rest: ArraySlice<String>, _ done: String,
    _ path: String, _ log: FaultLog
  ) -> Bool {
    var map = node ?? .emptyMap(origin)
    if map.entries == nil { return tell(log, path, "\(map.kindName) stands at \(quoted(done)); expected a map") }
    var child = map[key]
    if !assign(&child, shape, rest, at: path, log) { return false }
    map[key] = child
    if map.origin.isImplied { map.origin = origin }
    node = map
    return true
  }

  /// A bare scalar as the map that it stands for.
  private func spellOut(_ node: inout ConfigurationNode?, _ group: ChoiceGroup) {
    guard let scalar = node, let text = scalar.text else { return }
    switch group.bare {
    case .none: break
    case .value(let option): node = .map([(option, scalar)], scalar.origin)
    case .name:
      if group.options.contains(where: { $0.name == text }) {
        node = .map([(text, .emptyMap(scalar.origin))], scalar.origin)
      }
    }
  }

  private static func index(of part: String, in items: [ConfigurationNode]) -> Int? {
    if let named = items.firstIndex(where: { $0["name"]?.text == part }) { return named }
    if let index = Int(part), items.indices.contains(index) { return index }
    return nil
  }
}

extension Array {
  fileprivate func replacing(_ index: Int, with element: Element) -> [Element] {
    var copy = self
    copy[index] = element
    return copy
  }
}

extension Shape {
  /// Whether values of it have parts with names or numbers.
  fileprivate var hasParts: Bool {
    switch unnamed {
    case .fields, .names, .choice, .list, .anything: return true
    case .either(let shapes): return shapes.contains { $0.hasParts }
    default: return false
    }
  }
}
