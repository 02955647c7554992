// Hosts of routes: a name, or a pattern with one star, as Envoy's virtual hosts have them (the Gateway API has the second alone).
//
// A host belongs to the first of these that takes it: its own name; the longest pattern whose end it has (`*.example.com`); the longest
// whose beginning it has (`example.*`); any (`*`). A star stands for at least one byte. The pattern that takes a host is the only one
// whose routes are looked at: what they do not match has no route.

/// Finds the pattern that takes a host.
public struct HostPatterns: Sendable {
  private var exact: [String: Int] = [:]
  /// What a host ends or begins with, the longest first.
  private var suffixes: [(text: String, number: Int)] = []
  private var prefixes: [(text: String, number: Int)] = []
  private var any: Int?

  /// `patterns`, whose places are what is found. Of equal ones the first counts.
  public init(_ patterns: [String]) {
    for (number, pattern) in patterns.enumerated() {
      if pattern == "*" {
        any = any ?? number
      } else if pattern.hasPrefix("*") {
        suffixes.append((String(pattern.dropFirst()), number))
      } else if pattern.hasSuffix("*") {
        prefixes.append((String(pattern.dropLast()), number))
      } else if exact[pattern] == nil {
        exact[pattern] = number
      }
    }
    suffixes.sort { ($1.text.utf8.count, $0.number) < ($0.text.utf8.count, $1.number) }
    prefixes.sort { ($1.text.utf8.count, $0.number) < ($0.text.utf8.count, $1.number) }
  }

  /// The place of the pattern that takes `host`, or nil when none does.
  ///
  /// Complexity: O(patterns with a star).
  public func number(of host: String) -> Int? {
    if let number = exact[host] { return number }
    let length = host.utf8.count
    if let found = suffixes.first(where: { $0.text.utf8.count < length && host.hasSuffix($0.text) }) {
      return found.number
    }
    if let found = prefixes.first(where: { $0.text.utf8.count < length && host.hasPrefix($0.text) }) {
      return found.number
    }
    return host.isEmpty ? nil : any
  }
}
