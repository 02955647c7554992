// What somebody has read of a vector, so that it can be told what was never asked for.
//
// A map is known by the names of its members: of the items of a list, which are alike, it is enough that one was read.

import Synchronization

/// The members that were read while it was current. Whoever walks all members of a map has read them all.
public final class VectorReading: Sendable {
  /// Where reads are noted at present, if they are.
  @TaskLocal public static var current: VectorReading?

  private let seen = Mutex<Set<String>>([])

  /// Nothing read yet.
  public init() {}

  /// Runs `body` and notes what it reads.
  public func during<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Self.$current.withValue(self, operation: body)
  }

  /// Whether the member `key` of a map with the same members as `members` was read.
  public func hasSeen(_ key: String, of members: [String: VectorValue]) -> Bool {
    let place = Self.place(key, members)
    return seen.withLock { $0.contains(place) }
  }

  func note(_ key: String, of members: [String: VectorValue]) {
    let place = Self.place(key, members)
    seen.withLock { _ = $0.insert(place) }
  }

  private static func place(_ key: String, _ members: [String: VectorValue]) -> String {
    ([key] + members.keys.sorted()).joined(separator: "\n")
  }
}
