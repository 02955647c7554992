// A ring of tokens: each key's data lies on a few neighbouring endpoints, and only these can serve it.
//
// The space of hashed keys (tokens) is divided into as many equal ranges as there are endpoints. A range's data lies on
// the endpoint of the same number and on the next ones, `replicationFactor` in all: Cassandra's `SimpleStrategy` with one
// token a node (Lakshman, Malik: Cassandra, 2010; Dynamo, SOSP 2007), which drivers follow by a `TokenAwarePolicy` that
// leaves the choice among the replicas to another policy. C3 was made for this choice (Suresh et al., NSDI 2015).
//
// Needs per change: the number of endpoints, in an order that all clients share. Per request: the key's hash.

/// Where data lies.
public enum TokenRing {
  /// The range of a token among `count` ranges, at least 1. Complexity: O(1).
  public static func range(ofToken token: UInt64, count: Int) -> Int {
    Int(truncatingIfNeeded: token.multipliedFullWidth(by: UInt64(truncatingIfNeeded: max(1, count))).high)
  }

  /// The places of the endpoints that have a range's data, the first one first; all of them where there are no more than
  /// `replicationFactor`. Complexity: O(replicationFactor).
  public static func replicas(range: Int, count: Int, replicationFactor: Int) -> ContiguousArray<Int32> {
    if count <= 0 || range < 0 { return [] }
    return ContiguousArray(
      (0..<min(count, max(1, replicationFactor))).map { Int32(truncatingIfNeeded: (range + $0) % count) })
  }
}
