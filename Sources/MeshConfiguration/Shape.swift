// What may stand where in a configuration, said once: it drives checking, defaults, `--set`, the editor's schema and
// `weir show`.

import MeshCore

/// What a text has to look like.
public enum TextRule: Sendable, Hashable {
  /// Anything on one line or more.
  case any
  /// A scenario's name: letters, digits and '-'.
  case scenarioName
  /// A name of a service, client, cluster, replica or zone: letters, digits, '-', '_' and '.'.
  case name
  /// A replica's name, which may be its address: `10.0.0.1:80`.
  case endpoint
  /// A variant's name: anything on one line.
  case title
  /// A host name that requests carry.
  case host
  /// An HTTP path, beginning with '/'.
  case path
  /// An HTTP method: letters.
  case method
  /// The name of a header, a cookie or a parameter: what RFC 9110, 5.6.2, calls a token.
  case token
  /// A file's name, relative to the scenario.
  case file
}

/// One key of a map.
public struct Field: Sendable {
  /// Whether it has to be there, and what it is when it is not.
  public enum Presence: Sendable, Hashable {
    /// It has to be there.
    case required
    /// It may be left out, and then there is none.
    case optional
    /// It may be left out, and then it is this, as it would be written.
    case standard(String)
  }

  /// Whether the lab acts on it.
  public enum Support: Sendable {
    /// It does.
    case simulated
    /// Not yet: it may be said only where it has no effect, as the closure tells.
    case notYet(neutral: @Sendable (ResolvedValue) -> Bool)

    /// Not yet, unless it is zero, off or empty.
    public static var notYet: Support { .notYet { $0.isZero } }
  }

  /// The key, lowerCamelCase.
  public var name: String
  /// One line: what it says, with its unit.
  public var summary: String
  /// What it takes.
  public var shape: Shape
  /// Whether it has to be there.
  public var presence: Presence
  /// Whether the lab acts on it.
  public var support: Support

  /// A key.
  public init(
    _ name: String, _ shape: Shape, _ presence: Presence = .optional, _ summary: String,
    support: Support = .simulated
  ) {
    self.name = name
    self.shape = shape
    self.presence = presence
    self.summary = summary
    self.support = support
  }

  /// A key that may be left out, or one of several alternatives.
  public init(_ name: String, _ shape: Shape, _ summary: String) {
    self.init(name, shape, .optional, summary)
  }
}

/// A map with known keys.
public struct FieldGroup: Sendable {
  /// What it is, for messages: "a cluster".
  public var noun: String
  /// The keys.
  public var fields: [Field]
  /// The key that a bare scalar stands for, when one may stand in the map's place.
  public var shorthand: String?

  /// A map.
  public init(_ noun: String, _ fields: [Field], shorthand: String? = nil) {
    self.noun = noun
    self.fields = fields
    self.shorthand = shorthand
  }
}

/// A map from names of the user's own to values of one shape.
public struct NameGroup: Sendable {
  /// What a key is, for messages: "service".
  public var noun: String
  /// What a key has to look like.
  public var rule: TextRule
  /// What stands under each key.
  public var shape: Shape
  /// The least number of entries.
  public var minimumCount: Int
  /// Whether `set` may only reach entries that exist.
  public var isClosed: Bool

  /// A map.
  public init(_ noun: String, rule: TextRule, of shape: Shape, minimumCount: Int = 0, isClosed: Bool = false) {
    self.noun = noun
    self.rule = rule
    self.shape = shape
    self.minimumCount = minimumCount
    self.isClosed = isClosed
  }
}

/// One of several alternatives, named by a map's key, possibly with keys beside it.
public struct ChoiceGroup: Sendable {
  /// What a bare scalar means in place of the map.
  public enum BareScalar: Sendable, Hashable {
    /// None may stand there.
    case none
    /// It names the alternative, which then has its defaults.
    case name
    /// It is the value of this alternative.
    case value(of: String)
  }

  /// What it is, for messages: "balancer".
  public var noun: String
  /// The alternatives.
  public var options: [Field]
  /// Keys that may stand beside any alternative.
  public var siblings: [Field]
  /// What a bare scalar means.
  public var bare: BareScalar

  /// The noun with its article.
  public var article: String {
    ["a", "e", "i", "o", "u"].contains(noun.prefix(1)) ? "an \(noun)" : "a \(noun)"
  }

  /// A choice.
  public init(_ noun: String, _ options: [Field], siblings: [Field] = [], bare: BareScalar = .none) {
    self.noun = noun
    self.options = options
    self.siblings = siblings
    self.bare = bare
  }
}

/// What may stand somewhere.
public indirect enum Shape: Sendable {
  /// Text.
  case text(TextRule)
  /// `true` or `false`.
  case flag
  /// A whole number in a range.
  case integer(ClosedRange<Int64>)
  /// A number in a range; `above` leaves the lower end out.
  case number(ClosedRange<Double>, above: Bool)
  /// A length of time, at least this.
  case span(minimum: TimeSpan)
  /// A rate per second; above 0 when `above`, else at least 0.
  case rate(above: Bool)
  /// A fraction, `0.1%` or a number, from 0 to this maximum.
  case ratio(maximum: Double)
  /// An integer percentage of another system, from 0 to 100 per cent.
  case percentage
  /// A number of bytes.
  case size
  /// Bits per second.
  case bandwidth
  /// One of these words.
  case word([String])
  /// A key that says all by being there: `{}`, `true` or nothing.
  case mark
  /// A map with known keys.
  case fields(FieldGroup)
  /// A map with names of the user's own.
  case names(NameGroup)
  /// A list, with at least so many items.
  case list(Shape, minimumCount: Int)
  /// One of several alternatives.
  case choice(ChoiceGroup)
  /// Whichever of these fits what stands there.
  case either([Shape])
  /// A shape that has a name, because it contains itself or is used in many places.
  case named(String, @Sendable () -> Shape)
  /// Anything: read by somebody else.
  case anything

  /// A length of time of at least 1 ns.
  public static var positiveSpan: Shape { .span(minimum: TimeSpan(nanoseconds: 1)) }
  /// A length of time, possibly none.
  public static var anySpan: Shape { .span(minimum: .zero) }
  /// A number of things, at least one.
  public static var count: Shape { .integer(1...1_000_000_000) }

  /// What is expected, for messages.
  public var expectation: String {
    switch self {
    case .text(let rule): return rule.expectation
    case .flag: return "true or false"
    case .integer(let range):
      if range.upperBound == .max { return "a whole number from \(range.lowerBound)" }
      return "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range, let above):
      let low = above ? "above \(shown(range.lowerBound))" : "from \(shown(range.lowerBound))"
      return "a number \(low)" + (range.upperBound.isFinite ? " to \(shown(range.upperBound))" : "")
    case .span(let minimum):
      return minimum > .zero ? "a duration above 0, such as 5ms" : "a duration such as 5ms"
    case .rate: return "a rate such as 100/s"
    case .ratio(let maximum):
      return maximum == 1 ? "a ratio such as 0.1%, from 0 to 1" : "a ratio such as 20%, from 0"
    case .percentage: return "a percentage from 0 to 100, such as 25%"
    case .size: return "a size such as 16KiB"
    case .bandwidth: return "a bandwidth such as 10Gbps"
    case .word(let words): return words.count == 1 ? "'\(words[0])'" : "one of \(words.joined(separator: ", "))"
    case .mark: return "{}"
    case .fields(let group): return "\(group.noun): a map of \(group.fields.map(\.name).joined(separator: ", "))"
    case .names(let group): return "a map of \(group.noun)s"
    case .list: return "a list"
    case .choice(let group): return "\(group.article): one of \(group.options.map(\.name).joined(separator: ", "))"
    case .either(let shapes): return shapes.map(\.expectation).joined(separator: ", or ")
    case .named(_, let shape): return shape().expectation
    case .anything: return "anything"
    }
  }

  private func shown(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : String(number)
  }

  /// The shape itself, with names looked through.
  public var unnamed: Shape {
    var shape = self
    while case .named(_, let inner) = shape { shape = inner() }
    return shape
  }
}

extension TextRule {
  /// What is expected, for messages.
  public var expectation: String {
    switch self {
    case .any: return "text"
    case .scenarioName: return "letters, digits and '-'"
    case .name: return "letters, digits, '-', '_' and '.'"
    case .endpoint: return "letters, digits, '-', '_', '.' and ':', not 'zone:' first"
    case .title: return "text on one line"
    case .host: return "a host name"
    case .path: return "a path that begins with '/'"
    case .method: return "an HTTP method such as GET"
    case .token: return "a name such as x-user: letters, digits and some of !#$%&'*+-.^_`|~"
    case .file: return "a file name"
    }
  }

  /// Whether `text` looks like that.
  public func holds(for text: String) -> Bool {
    let scalars = text.unicodeScalars
    func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9": return true
      default: return false
      }
    }
    switch self {
    case .any: return true
    case .scenarioName:
      return !text.isEmpty && scalars.count <= 200 && scalars.allSatisfy { isAlphanumeric($0) || $0 == "-" }
    case .name:
      return !text.isEmpty && scalars.count <= 200
        && scalars.allSatisfy { isAlphanumeric($0) || $0 == "-" || $0 == "_" || $0 == "." }
    case .endpoint:
      return !text.hasPrefix("zone:") && Self.name.holds(for: String(text.map { $0 == ":" ? "." : $0 }))
    case .title:
      return !text.isEmpty && scalars.count <= 200 && scalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    case .host:
      return !text.isEmpty
        && scalars.allSatisfy { isAlphanumeric($0) || $0 == "-" || $0 == "_" || $0 == "." || $0 == ":" || $0 == "*" }
    case .path: return text.hasPrefix("/") && scalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7f }
    case .method: return !text.isEmpty && scalars.allSatisfy { isAlphanumeric($0) || $0 == "-" }
    case .token:
      return !text.isEmpty && scalars.allSatisfy { isAlphanumeric($0) || "!#$%&'*+-.^_`|~".unicodeScalars.contains($0) }
    case .file: return !text.isEmpty && scalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }
  }
}
