// Holds a tree against a shape: what fits becomes typed values, what does not becomes faults, and reading goes on.

import MeshCore

/// Reads nodes by shapes.
public struct ShapeReader {
  /// Where faults go.
  public let log: FaultLog

  /// A reader that tells `log`.
  public init(log: FaultLog) { self.log = log }

  /// The value at `node`, checked against `shape`; `.invalid` when it does not fit, which has then been told.
  public func read(_ node: ConfigurationNode, _ shape: Shape, path: String) -> ResolvedValue {
    switch shape {
    case .named(_, let inner): return read(node, inner(), path: path)
    case .fields(let group): return readFields(node, group, path: path)
    case .names(let group): return readNames(node, group, path: path)
    case .choice(let group): return readChoice(node, group, path: path)
    case .either(let shapes): return readEither(node, shapes, shape, path: path)
    case .list(let item, let minimumCount):
      guard let items = node.items else { return mismatch(node, shape, path) }
      if items.count < minimumCount {
        log.add(node.origin, path, "an empty list; expected at least \(minimumCount) item")
      }
      let values = items.enumerated().map { read($1, item, path: ConfigurationPath.joined(path, String($0))) }
      return ResolvedValue(.list(values), origin: node.origin, path: path)
    case .anything:
      return ResolvedValue(.raw(node), origin: node.origin, path: path, written: node.text ?? "")
    case .mark:
      let isMark = node.isNull || node.entries?.isEmpty == true || node.text == "true"
      if !isMark { return mismatch(node, shape, path) }
      return ResolvedValue(.mark, origin: node.origin, path: path, written: "{}")
    default:
      return readScalar(node, shape, path: path)
    }
  }

  private func mismatch(_ node: ConfigurationNode, _ shape: Shape, _ path: String) -> ResolvedValue {
    if node.isNull {
      log.add(node.origin, path, "nothing stands here; expected \(shape.expectation)")
    } else {
      log.add(node.origin, path, "found \(node.kindName); expected \(shape.expectation)")
    }
    return ResolvedValue(.invalid, origin: node.origin, path: path)
  }

  // MARK: - Scalars

  private func readScalar(_ node: ConfigurationNode, _ shape: Shape, path: String) -> ResolvedValue {
    guard case .scalar(let text, let isQuoted) = node.content else { return mismatch(node, shape, path) }
    func value(_ content: ResolvedValue.Content) -> ResolvedValue {
      ResolvedValue(content, origin: node.origin, path: path, written: text)
    }
    do throws(QuantityFault) {
      switch shape {
      case .text(let rule):
        if rule.holds(for: text) { return value(.text(text)) }
        throw QuantityFault(reason: "is not allowed here")
      case .word(let words):
        if words.contains(text) { return value(.text(text)) }
        let suggestion = Suggestion.closest(to: text, among: words)
        log.add(
          node.origin, path, "unknown value \(quoted(text)); expected \(shape.expectation)", suggestion: suggestion)
        return ResolvedValue(.invalid, origin: node.origin, path: path)
      case .flag:
        if !isQuoted, ["true", "True", "TRUE"].contains(text) { return value(.flag(true)) }
        if !isQuoted, ["false", "False", "FALSE"].contains(text) { return value(.flag(false)) }
        throw QuantityFault(reason: "is neither true nor false")
      case .integer(let range):
        if isQuoted { throw QuantityFault(reason: "is text") }
        let number = try Quantity.integer(text)
        if !range.contains(number) { throw QuantityFault(reason: "is out of range") }
        return value(.integer(number))
      case .number(let range, let above):
        if isQuoted { throw QuantityFault(reason: "is text") }
        let number = try Quantity.number(text)
        if !range.contains(number) || (above && number == range.lowerBound) {
          throw QuantityFault(reason: "is out of range")
        }
        return value(.number(number))
      case .span(let minimum):
        let span = try Quantity.span(text)
        if span < minimum { throw QuantityFault(reason: span == .zero ? "is 0" : "is too short") }
        return value(.span(span))
      case .rate(let above):
        let rate = try Quantity.rate(text)
        if above && rate == 0 { throw QuantityFault(reason: "is 0") }
        return value(.number(rate))
      case .ratio(let maximum):
        let ratio = try Quantity.fraction(text)
        if ratio < 0 { throw QuantityFault(reason: "is negative") }
        if ratio > maximum { throw QuantityFault(reason: "is above 1") }
        return value(.number(ratio))
      case .percentage: return value(.number(try Quantity.percentage(text)))
      case .size: return value(.integer(try Quantity.size(text)))
      case .bandwidth: return value(.number(try Quantity.bandwidth(text)))
      default: return mismatch(node, shape, path)
      }
    } catch {
      log.add(
        node.origin, path, "\(quoted(text)) \(error.reason); expected \(shape.expectation)",
        suggestion: error.suggestion)
      return ResolvedValue(.invalid, origin: node.origin, path: path)
    }
  }

  // MARK: - Maps

  private func readFields(_ node: ConfigurationNode, _ group: FieldGroup, path: String) -> ResolvedValue {
    var node = node
    // What a bare scalar stands for is told of by the path that the user wrote.
    var bare: String?
    if node.text != nil, let shorthand = group.shorthand {
      bare = shorthand
      node = ConfigurationNode.map([(shorthand, node)], node.origin)
    }
    if node.isNull { node.content = .map([]) }
    guard let entries = node.entries else { return mismatch(node, .fields(group), path) }
    for entry in entries where !group.fields.contains(where: { $0.name == entry.key }) {
      tellUnknown(entry, "unknown key", group.fields.map(\.name), path)
    }
    let values = group.fields.compactMap { field in
      readField(field, entries, of: node, path: path, at: field.name == bare ? path : nil)
    }
    return ResolvedValue(.map(values), origin: node.origin, path: path)
  }

  private func tellUnknown(_ entry: ConfigurationEntry, _ what: String, _ names: [String], _ path: String) {
    log.addUnknown(entry.keyOrigin, ConfigurationPath.joined(path, entry.key), what, entry.key, among: names)
  }

  private func readField(
    _ field: Field, _ entries: [ConfigurationEntry], of map: ConfigurationNode, path: String, at place: String? = nil
  ) -> ResolvedEntry? {
    let inner = place ?? ConfigurationPath.joined(path, field.name)
    if let entry = entries.first(where: { $0.key == field.name }) {
      let value = read(entry.value, field.shape, path: inner)
      if case .notYet(let neutral) = field.support, value.isValid, !neutral(value) {
        log.add(entry.keyOrigin, inner, "not simulated yet; expected it to be left out")
      }
      return ResolvedEntry(key: field.name, keyOrigin: entry.keyOrigin, value: value)
    }
    switch field.presence {
    case .optional: return nil
    case .required:
      log.add(map.origin, inner, "missing; expected \(field.shape.expectation)")
      let value = ResolvedValue(.invalid, origin: map.origin, path: inner)
      return ResolvedEntry(key: field.name, keyOrigin: map.origin, value: value)
    case .standard(let text):
      let origin = map.origin.given(by: .standard)
      let value = read(Self.standardNode(text, origin), field.shape, path: inner)
      return ResolvedEntry(key: field.name, keyOrigin: origin, value: value)
    }
  }

  /// What a default stands for, as if it had been written.
  static func standardNode(_ text: String, _ origin: Origin) -> ConfigurationNode {
    switch text {
    case "[]": return ConfigurationNode(.list([]), origin: origin)
    case "{}": return ConfigurationNode(.map([]), origin: origin)
    default: return .word(text, origin)
    }
  }

  private func readNames(_ node: ConfigurationNode, _ group: NameGroup, path: String) -> ResolvedValue {
    guard let entries = node.isNull ? [] : node.entries else { return mismatch(node, .names(group), path) }
    if entries.count < group.minimumCount {
      log.add(node.origin, path, "no \(group.noun); expected at least \(group.minimumCount)")
    }
    let values = entries.map { entry in
      let inner = ConfigurationPath.joined(path, entry.key)
      if !group.rule.holds(for: entry.key) {
        log.add(
          entry.keyOrigin, inner, "\(quoted(entry.key)) is no \(group.noun); expected \(group.rule.expectation)")
      }
      return ResolvedEntry(
        key: entry.key, keyOrigin: entry.keyOrigin, value: read(entry.value, group.shape, path: inner))
    }
    return ResolvedValue(.map(values), origin: node.origin, path: path)
  }

  // MARK: - Alternatives

  private func readChoice(_ node: ConfigurationNode, _ group: ChoiceGroup, path: String) -> ResolvedValue {
    let names = group.options.map(\.name)
    if let text = node.text {
      switch group.bare {
      case .none: return mismatch(node, .choice(group), path)
      case .value(let name):
        guard let option = group.options.first(where: { $0.name == name }) else {
          return mismatch(node, .choice(group), path)
        }
        let value = read(node, option.shape, path: path)
        if !value.isValid { return value }
        let chosen = ResolvedEntry(key: name, keyOrigin: node.origin, value: value)
        return ResolvedValue(.choice(chosen, siblings: []), origin: node.origin, path: path)
      case .name:
        if names.contains(text) {
          return readChoice(.map([(text, .emptyMap(node.origin))], node.origin), group, path: path)
        }
        log.addUnknown(node.origin, path, "unknown \(group.noun)", text, among: names)
        return ResolvedValue(.invalid, origin: node.origin, path: path)
      }
    }
    guard let entries = node.entries else { return mismatch(node, .choice(group), path) }
    let siblingNames = group.siblings.map(\.name)
    var hasUnknown = false
    var found: [ConfigurationEntry] = []
    for entry in entries {
      if names.contains(entry.key) {
        found.append(entry)
      } else if !siblingNames.contains(entry.key) {
        hasUnknown = true
        log.addUnknown(
          entry.keyOrigin, ConfigurationPath.joined(path, entry.key), "unknown \(group.noun)", entry.key,
          among: names + siblingNames, expected: "one of \(names.joined(separator: ", "))")
      }
    }
    let siblings = group.siblings.compactMap { readField($0, entries, of: node, path: path) }
    let read = group.options.filter { option in found.contains { $0.key == option.name } }.compactMap {
      readField($0, entries, of: node, path: path)
    }
    if found.count > 1 {
      log.add(
        found[1].keyOrigin, path,
        "two alternatives, \(found.map(\.key).joined(separator: " and ")); expected one \(group.noun)")
    } else if found.isEmpty && !hasUnknown {
      log.add(node.origin, path, "no \(group.noun); expected one of \(names.joined(separator: ", "))")
    }
    guard found.count == 1, let chosen = read.first else {
      return ResolvedValue(.invalid, origin: node.origin, path: path)
    }
    return ResolvedValue(.choice(chosen, siblings: siblings), origin: node.origin, path: path)
  }

  private func readEither(
    _ node: ConfigurationNode, _ shapes: [Shape], _ whole: Shape, path: String
  ) -> ResolvedValue {
    let fitting = shapes.filter { $0.takes(node) }
    if fitting.count == 1 { return read(node, fitting[0], path: path) }
    for shape in fitting {
      let attempt = FaultLog(file: log.file)
      let value = ShapeReader(log: attempt).read(node, shape, path: path)
      if attempt.isEmpty { return value }
    }
    return mismatch(node, whole, path)
  }
}

extension Shape {
  /// Whether a node of this kind may stand for it at all.
  func takes(_ node: ConfigurationNode) -> Bool {
    let isScalar = node.text != nil
    switch self {
    case .fields(let group): return node.entries != nil || (isScalar && group.shorthand != nil)
    case .names: return node.entries != nil
    case .choice(let group): return node.entries != nil || (isScalar && group.bare != .none)
    case .list: return node.items != nil
    case .either(let shapes): return shapes.contains { $0.takes(node) }
    case .named(_, let inner): return inner().takes(node)
    case .mark: return node.isNull || node.text == "true" || node.entries?.isEmpty == true
    case .anything: return true
    default: return isScalar
    }
  }
}
