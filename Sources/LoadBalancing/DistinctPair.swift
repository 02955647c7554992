// The power of two choices needs two different candidates, drawn without a loop.
//
// The first is uniform over n places, the second over the n − 1 others: whatever lies at or above the first moves up by
// one. Every ordered pair is equally likely (linkerd2-proxy's and Finagle's rule).

import MeshCore

extension RandomStream {
  /// Two different places below `count` (at least 2), every ordered pair equally likely. Draws two numbers.
  @inline(__always)
  mutating func distinctPair(below count: Int) -> (first: Int, second: Int) {
    let first = below(count)
    let second = below(count &- 1)
    return (first, second >= first ? second &+ 1 : second)
  }
}
