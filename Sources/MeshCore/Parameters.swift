// How a policy says what can be set in it, once, for the scenario reader, the editor schema, `weir policies` and the
// proxy alike.

/// What kind of value a parameter takes, with its range.
public enum ParameterKind: Sendable, Hashable {
  /// A whole number from `minimum` to `maximum`.
  case integer(minimum: Int64, maximum: Int64)
  /// A number from `minimum` to `maximum`.
  case number(minimum: Double, maximum: Double)
  /// A fraction from 0 to 1, written `0.1%` or `0.001`.
  case ratio
  /// A length of time, at least `minimum`.
  case duration(minimum: TimeSpan)
  /// `true` or `false`.
  case flag
  /// One of these words.
  case choice([String])
}

/// A parameter's value. Lengths of time are nanoseconds in `integer`.
public enum ParameterValue: Sendable, Hashable {
  /// A whole number, or nanoseconds.
  case integer(Int64)
  /// A number or a fraction.
  case number(Double)
  /// Yes or no.
  case flag(Bool)
  /// One of the words of a choice.
  case word(String)
}

/// One parameter of a policy.
public struct ParameterDescriptor: Sendable, Hashable {
  /// The name in a scenario, lowerCamelCase.
  public var name: String
  /// What it takes.
  public var kind: ParameterKind
  /// What it is when nothing is said.
  public var defaultValue: ParameterValue
  /// One line: what it does, with its unit.
  public var summary: String

  /// A parameter.
  public init(_ name: String, _ kind: ParameterKind, default defaultValue: ParameterValue, _ summary: String) {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.summary = summary
  }
}

/// Checked values of a policy's parameters: what a scenario gave, and defaults for the rest.
public struct PolicyParameters: Sendable, Hashable {
  /// Name and value, in the order of the policy's descriptors.
  public var values: [(name: String, value: ParameterValue)]

  /// The given values, defaults elsewhere.
  public init(_ descriptors: [ParameterDescriptor], given: [(name: String, value: ParameterValue)] = []) {
    values = descriptors.map { descriptor in
      (descriptor.name, given.first { $0.name == descriptor.name }?.value ?? descriptor.defaultValue)
    }
  }

  private func value(_ name: String) -> ParameterValue? { values.first { $0.name == name }?.value }

  /// The whole number called `name`; 0 when there is none.
  public func integer(_ name: String) -> Int64 {
    if case .integer(let number)? = value(name) { return number }
    return 0
  }

  /// The number called `name`; 0 when there is none.
  public func number(_ name: String) -> Double {
    switch value(name) {
    case .number(let number)?: return number
    case .integer(let number)?: return Double(number)
    default: return 0
    }
  }

  /// The length of time called `name`.
  public func span(_ name: String) -> TimeSpan { TimeSpan(nanoseconds: integer(name)) }

  /// The yes or no called `name`.
  public func flag(_ name: String) -> Bool {
    if case .flag(let flag)? = value(name) { return flag }
    return false
  }

  /// The word called `name`.
  public func word(_ name: String) -> String {
    if case .word(let word)? = value(name) { return word }
    return ""
  }

  public static func == (left: PolicyParameters, right: PolicyParameters) -> Bool {
    left.values.count == right.values.count
      && zip(left.values, right.values).allSatisfy { $0.name == $1.name && $0.value == $1.value }
  }

  public func hash(into hasher: inout Hasher) {
    for entry in values {
      hasher.combine(entry.name)
      hasher.combine(entry.value)
    }
  }
}
