// The schema in the words of JSON Schema (2020-12), for editors that complete and check YAML.

import MeshCore

/// Writes JSON Schemas of shapes.
public struct JSONSchema {
  /// The schema's title.
  public var title: String
  /// What it describes.
  public var description: String

  /// A schema's head.
  public init(title: String, description: String) {
    self.title = title
    self.description = description
  }

  /// The schema of `shape`, as JSON text.
  public func text(of shape: Shape) -> String {
    var writer = Writer()
    let body = writer.object(shape)
    var head: [(String, JSONValue)] = [
      ("$schema", .text("https://json-schema.org/draft/2020-12/schema")), ("title", .text(title)),
      ("description", .text(description)),
    ]
    if case .object(let members) = body { head += members.map { ($0.key, $0.value) } }
    var definitions: [(String, JSONValue)] = []
    var done = 0
    // A definition may name others that have not been met yet.
    while done < writer.names.count {
      let (name, inner) = writer.names[done]
      definitions.append((name, writer.object(inner())))
      done += 1
    }
    head.append(("$defs", .pairs(definitions)))
    return JSONValue.pairs(head).text(width: 110) + "\n"
  }

  private struct Writer {
    var names: [(String, @Sendable () -> Shape)] = []

    mutating func object(_ shape: Shape) -> JSONValue {
      switch shape {
      case .text(.scenarioName): return scalar("string", pattern: "^[A-Za-z0-9-]+$")
      case .text(.name), .text(.endpoint): return .pairs([("type", .texts(["string", "integer"]))])
      case .text(.path): return scalar("string", pattern: "^/")
      case .text: return .pairs([("type", .texts(["string", "number", "boolean"]))])
      case .flag: return scalar("boolean")
      case .integer(let range):
        var members: [(String, JSONValue)] = [
          ("type", .text("integer")), ("minimum", .literal(String(range.lowerBound))),
        ]
        if range.upperBound != .max { members.append(("maximum", .literal(String(range.upperBound)))) }
        return .pairs(members)
      case .number(let range, let above):
        let low: (String, JSONValue) = (
          above ? "exclusiveMinimum" : "minimum", .literal(QuantityText.number(range.lowerBound))
        )
        return .pairs([("type", .text("number")), low, ("maximum", .literal(QuantityText.number(range.upperBound)))])
      case .span(let minimum):
        let pattern = "^([0-9.]+(e[-+]?[0-9]+)?(ns|us|µs|ms|s|m|h))+$"
        let duration = JSONValue.pairs([("type", .text("string")), ("pattern", .text(pattern))])
        if minimum > .zero { return duration }
        return .pairs([("anyOf", .list([duration, .pairs([("const", .literal("0"))])]))])
      case .rate: return scalar("string", pattern: "^[0-9.]+(e[-+]?[0-9]+)?/(ns|us|ms|s|m|h)$")
      case .ratio(let maximum): return percentage(maximum: maximum)
      case .percentage: return percentage(maximum: 100)
      case .size:
        return either(
          .pairs([("type", .text("integer")), ("minimum", .literal("0"))]), pattern: "^[0-9.]+([kKMGT]i?)?B$")
      case .bandwidth: return scalar("string", pattern: "^[0-9.]+(e[-+]?[0-9]+)?[kKMGT]?bps$")
      case .word(let words): return .pairs([("enum", .texts(words))])
      case .mark: return .pairs([("enum", .list([.pairs([]), .flag(true), .null]))])
      case .anything: return .pairs([])
      case .list(let item, let minimumCount):
        var members: [(String, JSONValue)] = [("type", .text("array")), ("items", object(item))]
        if minimumCount > 0 { members.append(("minItems", .literal(String(minimumCount)))) }
        return .pairs(members)
      case .names(let group):
        var members: [(String, JSONValue)] = [
          ("type", .text("object")), ("additionalProperties", object(group.shape)),
        ]
        if group.minimumCount > 0 { members.append(("minProperties", .literal(String(group.minimumCount)))) }
        return .pairs(members)
      case .fields(let group): return fields(group)
      case .choice(let group): return choice(group)
      case .either(let shapes): return .pairs([("anyOf", .list(shapes.map { object($0) }))])
      case .named(let name, let inner):
        if !names.contains(where: { $0.0 == name }) { names.append((name, inner)) }
        return .pairs([("$ref", .text("#/$defs/\(name)"))])
      }
    }

    private func scalar(_ type: String, pattern: String? = nil) -> JSONValue {
      .pairs([("type", .text(type))] + (pattern.map { [("pattern", .text($0))] } ?? []))
    }

    private func either(_ other: JSONValue, pattern: String) -> JSONValue {
      .pairs([("anyOf", .list([other, .pairs([("type", .text("string")), ("pattern", .text(pattern))])]))])
    }

    private func percentage(maximum: Double) -> JSONValue {
      either(
        .pairs([
          ("type", .text("number")), ("minimum", .literal("0")), ("maximum", .literal(QuantityText.number(maximum))),
        ]), pattern: "^[0-9.]+(e[-+]?[0-9]+)?%$")
    }

    private mutating func property(_ field: Field) -> (String, JSONValue) {
      var members: [(String, JSONValue)] = []
      if case .object(let inner) = object(field.shape) { members = inner.map { ($0.key, $0.value) } }
      members.append(("description", .text(field.summary)))
      if case .standard(let text) = field.presence, !["{}", "[]"].contains(text) {
        members.append(("default", standard(text, field.shape)))
      }
      return (field.name, .pairs(members))
    }

    private func standard(_ text: String, _ shape: Shape) -> JSONValue {
      switch shape.unnamed {
      case .flag: return .flag(text == "true")
      case .integer, .number: return .literal(text)
      default: return (try? Quantity.number(text)) == nil ? .text(text) : .literal(text)
      }
    }

    private mutating func fields(_ group: FieldGroup) -> JSONValue {
      var members: [(String, JSONValue)] = [
        ("type", .text("object")), ("properties", .pairs(group.fields.map { property($0) })),
        ("additionalProperties", .flag(false)),
      ]
      let required = group.fields.filter { $0.presence == .required && !$0.isImplied }.map(\.name)
      if !required.isEmpty { members.append(("required", .texts(required))) }
      guard let shorthand = group.shorthand, let field = group.fields.first(where: { $0.name == shorthand }) else {
        return .pairs(members)
      }
      return .pairs([("anyOf", .list([.pairs(members), object(field.shape)]))])
    }

    private mutating func choice(_ group: ChoiceGroup) -> JSONValue {
      let siblings = group.siblings.map { property($0) }
      let required = group.siblings.filter { $0.presence == .required }.map(\.name)
      var alternatives: [JSONValue] = group.options.map { option in
        var (name, value) = property(option)
        if group.bare == .name, case .object(let inner) = value {
          // An alternative without parameters may stand as `name:` with nothing behind it.
          value = .pairs([("anyOf", .list([.object(inner), scalar("null")]))])
        }
        return .pairs([
          ("type", .text("object")), ("properties", .pairs([(name, value)] + siblings)),
          ("required", .texts([name] + required)), ("additionalProperties", .flag(false)),
        ])
      }
      switch group.bare {
      case .none: break
      case .name: alternatives.append(.pairs([("enum", .texts(group.options.map(\.name)))]))
      case .value(let name):
        if let option = group.options.first(where: { $0.name == name }) { alternatives.append(object(option.shape)) }
      }
      return .pairs([("anyOf", .list(alternatives))])
    }
  }
}

extension Field {
  /// Whether a required key is put in by the reader itself when nobody writes it.
  fileprivate var isImplied: Bool { name == "balancer" }
}
