// The shape of `balancer`, made from the register of policies: a new policy needs no line here.

import LoadBalancing
import MeshCore

/// Shapes and values of balancing policies.
public enum PolicyShapes {
  /// The choice of a policy: a bare name, or a name with parameters.
  public static let balancer = Shape.choice(
    ChoiceGroup(
      "balancer",
      PolicyRegistry.policies.map { policy in
        Field(policy.name, .fields(FieldGroup(policy.name, policy.parameters.map(field))), policy.summary)
      }, bare: .name))

  private static func field(_ parameter: ParameterDescriptor) -> Field {
    Field(parameter.name, shape(parameter.kind), .standard(written(parameter)), parameter.summary)
  }

  /// The shape of a parameter.
  public static func shape(_ kind: ParameterKind) -> Shape {
    switch kind {
    case .integer(let minimum, let maximum): return .integer(min(minimum, maximum)...max(minimum, maximum))
    case .number(let minimum, let maximum):
      return .number(Swift.min(minimum, maximum)...Swift.max(minimum, maximum), above: false)
    case .ratio: return .ratio(maximum: 1)
    case .duration(let minimum): return .span(minimum: minimum)
    case .flag: return .flag
    case .choice(let words): return .word(words)
    }
  }

  /// A parameter's default as it would be written.
  private static func written(_ parameter: ParameterDescriptor) -> String {
    switch (parameter.kind, parameter.defaultValue) {
    case (.duration, .integer(let nanoseconds)): return QuantityText.span(TimeSpan(nanoseconds: nanoseconds))
    case (_, .integer(let number)): return String(number)
    case (_, .number(let number)): return QuantityText.number(number)
    case (_, .flag(let flag)): return String(flag)
    case (_, .word(let word)): return word
    }
  }

  /// The policy that a checked `balancer` names, as `profile` takes its parameters. Those that contradict each other, or that the
  /// profile's system refuses, go to `log`.
  public static func choice(_ value: ResolvedValue, profile: MeshProfile = .weir, log: FaultLog) -> PolicyChoice? {
    guard let chosen = value.chosen, let policy = PolicyRegistry.policy(named: chosen.key) else { return nil }
    var given: [(name: String, value: ParameterValue)] = []
    for parameter in policy.parameters {
      guard let value = chosen.value[parameter.name] else { continue }
      switch value.content {
      case .integer(let number):
        let taken = profile.taken(number, as: parameter.name, of: policy.name)
        if taken == nil {
          log.add(
            value.origin, value.path,
            "'\(number)' is out of range; with profile \(profile.rawValue) expected at least 2")
        }
        given.append((parameter.name, .integer(taken ?? number)))
      case .number(let number): given.append((parameter.name, .number(number)))
      case .span(let span): given.append((parameter.name, .integer(span.nanoseconds)))
      case .flag(let flag): given.append((parameter.name, .flag(flag)))
      case .text(let word): given.append((parameter.name, .word(word)))
      default: continue
      }
    }
    let parameters = PolicyParameters(policy.parameters, given: given)
    if let fault = policy.fault(parameters) {
      // What nobody wrote is told where the policy is named.
      let culprit = chosen.value[fault.parameter].flatMap { $0.origin.isImplied ? nil : $0 } ?? chosen.value
      log.add(culprit.origin, culprit.path, fault.what)
    }
    return PolicyChoice(name: policy.name, parameters: parameters)
  }
}
