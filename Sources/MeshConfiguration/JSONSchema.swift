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
    var head: [(String, JSONText)] = [
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")), ("title", .string(title)),
      ("description", .string(description)),
    ]
    if case .object(let members) = body { head += members }
    var definitions: [(String, JSONText)] = []
    var done = 0
    // A definition may name others that have not been met yet.
    while done < writer.names.count {
      let (name, inner) = writer.names[done]
      definitions.append((name, writer.object(inner())))
      done += 1
    }
    head.append(("$defs", .object(definitions)))
    return JSONText.object(head).text(indent: 0) + "\n"
  }

  private struct Writer {
    var names: [(String, @Sendable () -> Shape)] = []

    mutating func object(_ shape: Shape) -> JSONText {
      switch shape {
      case .text(.scenarioName): return scalar("string", pattern: "^[A-Za-z0-9-]+$")
      case .text(.name): return .object([("type", .strings(["string", "integer"]))])
      case .text(.path): return scalar("string", pattern: "^/")
      case .text: return .object([("type", .strings(["string", "number", "boolean"]))])
      case .flag: return scalar("boolean")
      case .integer(let range):
        var members: [(String, JSONText)] = [
          ("type", .string("integer")), ("minimum", .number(String(range.lowerBound))),
        ]
        if range.upperBound != .max { members.append(("maximum", .number(String(range.upperBound)))) }
        return .object(members)
      case .number(let range, let above):
        let low: (String, JSONText) = (
          above ? "exclusiveMinimum" : "minimum", .number(QuantityText.number(range.lowerBound))
        )
        return .object([("type", .string("number")), low, ("maximum", .number(QuantityText.number(range.upperBound)))])
      case .span(let minimum):
        let pattern = "^([0-9.]+(e[-+]?[0-9]+)?(ns|us|µs|ms|s|m|h))+$"
        let duration = JSONText.object([("type", .string("string")), ("pattern", .string(pattern))])
        if minimum > .zero { return duration }
        return .object([("anyOf", .list([duration, .object([("const", .number("0"))])]))])
      case .rate: return scalar("string", pattern: "^[0-9.]+(e[-+]?[0-9]+)?/(ns|us|ms|s|m|h)$")
      case .ratio(let maximum): return percentage(maximum: maximum)
      case .percentage: return percentage(maximum: 100)
      case .size:
        return either(
          .object([("type", .string("integer")), ("minimum", .number("0"))]), pattern: "^[0-9.]+([kKMGT]i?)?B$")
      case .bandwidth: return scalar("string", pattern: "^[0-9.]+(e[-+]?[0-9]+)?[kKMGT]?bps$")
      case .word(let words): return .object([("enum", .strings(words))])
      case .mark: return .object([("enum", .list([.object([]), .bool(true), .null]))])
      case .anything: return .object([])
      case .list(let item, let minimumCount):
        var members: [(String, JSONText)] = [("type", .string("array")), ("items", object(item))]
        if minimumCount > 0 { members.append(("minItems", .number(String(minimumCount)))) }
        return .object(members)
      case .names(let group):
        var members: [(String, JSONText)] = [
          ("type", .string("object")), ("additionalProperties", object(group.shape)),
        ]
        if group.minimumCount > 0 { members.append(("minProperties", .number(String(group.minimumCount)))) }
        return .object(members)
      case .fields(let group): return fields(group)
      case .choice(let group): return choice(group)
      case .either(let shapes): return .object([("anyOf", .list(shapes.map { object($0) }))])
      case .named(let name, let inner):
        if !names.contains(where: { $0.0 == name }) { names.append((name, inner)) }
        return .object([("$ref", .string("#/$defs/\(name)"))])
      }
    }

    private func scalar(_ type: String, pattern: String? = nil) -> JSONText {
      .object([("type", .string(type))] + (pattern.map { [("pattern", .string($0))] } ?? []))
    }

    private func either(_ other: JSONText, pattern: String) -> JSONText {
      .object([("anyOf", .list([other, .object([("type", .string("string")), ("pattern", .string(pattern))])]))])
    }

    private func percentage(maximum: Double) -> JSONText {
      either(
        .object([
          ("type", .string("number")), ("minimum", .number("0")), ("maximum", .number(QuantityText.number(maximum))),
        ]), pattern: "^[0-9.]+(e[-+]?[0-9]+)?%$")
    }

    private mutating func property(_ field: Field) -> (String, JSONText) {
      var members: [(String, JSONText)] = []
      if case .object(let inner) = object(field.shape) { members = inner }
      members.append(("description", .string(field.summary)))
      if case .standard(let text) = field.presence, !["{}", "[]"].contains(text) {
        members.append(("default", standard(text, field.shape)))
      }
      return (field.name, .object(members))
    }

    private func standard(_ text: String, _ shape: Shape) -> JSONText {
      switch shape.unnamed {
      case .flag: return .bool(text == "true")
      case .integer, .number: return .number(text)
      default: return (try? Quantity.number(text)) == nil ? .string(text) : .number(text)
      }
    }

    private mutating func fields(_ group: FieldGroup) -> JSONText {
      var members: [(String, JSONText)] = [
        ("type", .string("object")), ("properties", .object(group.fields.map { property($0) })),
        ("additionalProperties", .bool(false)),
      ]
      let required = group.fields.filter { $0.presence == .required && !$0.isImplied }.map(\.name)
      if !required.isEmpty { members.append(("required", .strings(required))) }
      guard let shorthand = group.shorthand, let field = group.fields.first(where: { $0.name == shorthand }) else {
        return .object(members)
      }
      return .object([("anyOf", .list([.object(members), object(field.shape)]))])
    }

    private mutating func choice(_ group: ChoiceGroup) -> JSONText {
      let siblings = group.siblings.map { property($0) }
      let required = group.siblings.filter { $0.presence == .required }.map(\.name)
      var alternatives: [JSONText] = group.options.map { option in
        var (name, value) = property(option)
        if group.bare == .name, case .object(let inner) = value {
          // An alternative without parameters may stand as `name:` with nothing behind it.
          value = .object([("anyOf", .list([.object(inner), scalar("null")]))])
        }
        return .object([
          ("type", .string("object")), ("properties", .object([(name, value)] + siblings)),
          ("required", .strings([name] + required)), ("additionalProperties", .bool(false)),
        ])
      }
      switch group.bare {
      case .none: break
      case .name: alternatives.append(.object([("enum", .strings(group.options.map(\.name)))]))
      case .value(let name):
        if let option = group.options.first(where: { $0.name == name }) { alternatives.append(object(option.shape)) }
      }
      return .object([("anyOf", .list(alternatives))])
    }
  }
}

extension Field {
  /// Whether a required key is put in by the reader itself when nobody writes it.
  fileprivate var isImplied: Bool { name == "balancer" }
}
