// What `weir policies` prints: every policy there is, where it comes from, and what can be set in it.

import Experiments
import LoadBalancing
import MeshConfiguration
import MeshCore

/// The registered policies, for people and for programs.
public struct PolicyList {
  private let policies: [PolicyDescriptor]
  private let profile: MeshProfile?

  /// A list of `policies`, as `profile` has them if one is given.
  public init(_ policies: [PolicyDescriptor] = PolicyRegistry.policies, profile: MeshProfile? = nil) {
    self.policies = policies.map { policy in
      var policy = policy
      policy.parameters = policy.parameters.map { parameter in
        var parameter = parameter
        if let value = profile?.defaultValue(of: parameter, policy: policy.name) { parameter.defaultValue = value }
        return parameter
      }
      return policy
    }
    self.profile = profile
  }

  /// How wide the list is where nobody says.
  static let standardWidth = 100

  /// The list as text, within the canvas: names on the left, what they mean on the right.
  public func text(on canvas: Canvas) -> String {
    var entries: [(name: String, style: TextStyle, words: String)] = []
    if let profile {
      entries.append(("profile \(profile.rawValue)", .strong, profile.introduction))
      for row in profile.shownDefaults {
        let waits = row.isSimulated ? "" : ", not simulated yet"
        entries.append(("  \(row.shownPath)", .plain, "\(row.value)\(waits) [\(row.origin)]"))
      }
      if !profile.unnamedDefaults.isEmpty {
        entries.append(("  besides", .plain, "not simulated yet: \(profile.unnamedDefaults.joined(separator: "; "))"))
      }
    }
    entries += policies.flatMap { policy -> [(name: String, style: TextStyle, words: String)] in
      let lab = policy.needsOracle ? " (lab only: needs an oracle)" : ""
      let slowStart = policy.slowStartForm.map { "; heeds slowStart with \($0.parameter) \($0.word)" } ?? ""
      return [(policy.name, .strong, "\(policy.summary)\(lab)\(slowStart) [\(policy.origin)]")]
        + policy.parameters.map {
          ("  \($0.name)", .plain, "\($0.summary) (\($0.kind.text); default \($0.defaultText))")
        }
    }
    let margin = (entries.map(\.name.count).max() ?? 0) + 2
    let room = max(40, (canvas.width ?? Self.standardWidth) - margin)
    var text = ""
    for (name, style, words) in entries {
      let padding = String(repeating: " ", count: margin - name.count)
      let lines = Self.wrapped(words, room)
      text += canvas.styled(name, style) + padding + lines[0] + "\n"
      for line in lines.dropFirst() { text += String(repeating: " ", count: margin) + line + "\n" }
    }
    return text
  }

  /// `words` on lines of at most `width` characters.
  private static func wrapped(_ words: String, _ width: Int) -> [String] {
    var lines = [""]
    for word in words.split(separator: " ") {
      let line = lines[lines.count - 1]
      if !line.isEmpty && line.count + 1 + word.count > width {
        lines.append(String(word))
      } else {
        lines[lines.count - 1] = line.isEmpty ? String(word) : "\(line) \(word)"
      }
    }
    return lines
  }

  /// The list as JSON: of the policies alone, or with what the profile sets.
  public var document: JSONValue {
    guard let profile else { return policyDocument }
    let defaults = profile.defaults.map { row in
      JSONValue.members([
        "part": .text(row.part.rawValue), "path": .text(row.path), "value": .text(row.value),
        "origin": .text(row.origin), "whereGiven": .flag(row.condition == .whereGiven),
        "simulated": .flag(row.isSimulated),
      ])
    }
    return .members([
      "profile": .text(profile.rawValue), "defaults": .list(defaults),
      "besides": .list(profile.unnamedDefaults.map { .text($0) }), "policies": policyDocument,
    ])
  }

  private var policyDocument: JSONValue {
    .list(
      policies.map { policy in
        .members([
          "name": .text(policy.name), "origin": .text(policy.origin), "summary": .text(policy.summary),
          "needsOracle": .flag(policy.needsOracle),
          "slowStart": .text(policy.slowStartForm.map { "\($0.parameter): \($0.word)" } ?? "none"),
          "parameters": .list(
            policy.parameters.map { parameter in
              .object(
                [JSONMember(key: "name", value: .text(parameter.name))] + parameter.kind.members + [
                  JSONMember(key: "default", value: parameter.defaultValue.document(parameter.kind)),
                  JSONMember(key: "summary", value: .text(parameter.summary)),
                ])
            }),
        ])
      })
  }
}

extension MeshProfile {
  fileprivate var introduction: String {
    self == .weir ? "adds nothing that was not asked for" : "what it sets where a mesh says nothing"
  }

  /// What is listed apart; parameters of policies stand with their policies.
  fileprivate var shownDefaults: [ProfileDefault] { defaults.filter { !$0.path.hasPrefix("balancer.") } }

  /// What it has a policy's parameter be where nothing is said, if that is its own.
  fileprivate func defaultValue(of parameter: ParameterDescriptor, policy: String) -> ParameterValue? {
    guard let row = defaults.first(where: { $0.path == "balancer.\(policy).\(parameter.name)" }) else { return nil }
    switch parameter.kind {
    case .integer: return Int64(row.value).map { .integer($0) }
    case .number, .ratio: return Double(row.value).map { .number($0) }
    case .duration: return (try? Quantity.span(row.value)).map { .integer($0.nanoseconds) }
    case .flag: return Bool(row.value).map { .flag($0) }
    case .choice(let words): return words.contains(row.value) ? .word(row.value) : nil
    }
  }
}

extension ProfileDefault {
  fileprivate var shownPath: String { part == .route ? "route \(path)" : path }
}

extension ParameterDescriptor {
  fileprivate var defaultText: String {
    switch (defaultValue, kind) {
    case (.integer(let number), .duration): TimeSpan(nanoseconds: number).scenarioText
    case (.integer(let number), _): String(number)
    case (.number(let number), _): DecimalNumber(number).text
    case (.flag(let flag), _): String(flag)
    case (.word(let word), _): word
    }
  }
}

extension ParameterKind {
  fileprivate var text: String {
    switch self {
    case .integer(let minimum, let maximum): "whole number \(minimum)…\(maximum == .max ? "" : String(maximum))"
    case .number(let minimum, let maximum):
      "number \(DecimalNumber(minimum).text)…\(maximum < 1e300 ? DecimalNumber(maximum).text : "")"
    case .ratio: "ratio 0…1"
    case .duration(let minimum): minimum > .zero ? "duration of at least \(minimum.scenarioText)" : "duration"
    case .flag: "true or false"
    case .choice(let words): words.joined(separator: " | ")
    }
  }

  fileprivate var members: [JSONMember] {
    switch self {
    case .integer(let minimum, let maximum):
      members("integer", [("minimum", .integer(minimum)), ("maximum", .integer(maximum))])
    case .number(let minimum, let maximum):
      members("number", [("minimum", .number(minimum)), ("maximum", .number(maximum))])
    case .ratio: members("ratio", [("minimum", .integer(0)), ("maximum", .integer(1))])
    case .duration(let minimum): members("duration", [("minimum", .text(minimum.scenarioText))])
    case .flag: members("boolean", [])
    case .choice(let words): members("choice", [("values", .list(words.map { .text($0) }))])
    }
  }

  private func members(_ type: String, _ range: [(String, JSONValue)]) -> [JSONMember] {
    [JSONMember(key: "type", value: .text(type))] + range.map { JSONMember(key: $0.0, value: $0.1) }
  }
}

extension ParameterValue {
  fileprivate func document(_ kind: ParameterKind) -> JSONValue {
    switch (self, kind) {
    case (.integer(let number), .duration): .text(TimeSpan(nanoseconds: number).scenarioText)
    case (.integer(let number), _): .integer(number)
    case (.number(let number), _): .number(number)
    case (.flag(let flag), _): .flag(flag)
    case (.word(let word), _): .text(word)
    }
  }
}

extension TimeSpan {
  /// The span as a scenario file has it, exactly: in the largest unit of which it is a whole number.
  fileprivate var scenarioText: String {
    let units: [(Int64, String)] = [
      (60_000_000_000, "m"), (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns"),
    ]
    if nanoseconds == 0 { return "0s" }
    let unit = units.first { nanoseconds % $0.0 == 0 } ?? (1, "ns")
    return "\(nanoseconds / unit.0)\(unit.1)"
  }
}
