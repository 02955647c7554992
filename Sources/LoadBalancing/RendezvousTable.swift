// Rendezvous hashing: every endpoint draws a number for the key, the highest takes it.
//
// Thaler and Ravishankar: A Name-Based Mapping Scheme for Rendezvous, 1996; with weights an endpoint's score is
// −weight / ln(u) with u uniform in (0, 1) from key and endpoint (Schindelhauer and Schomaker, 2005). Shares follow the weights
// exactly, and when an endpoint leaves only its own keys move, each to whoever was second. The price: all are asked.

import MeshCore

/// Scores of endpoints for a key.
public enum RendezvousTable {
  /// The 64 bits that the endpoint whose name hashes to `member` draws for `key`.
  @inline(__always)
  public static func draw(key: UInt64, member: UInt64) -> UInt64 { mix64(member ^ mix64(key &+ goldenGamma)) }

  /// The score that a draw gives, above 0. With equal weights the order of scores is the order of draws.
  @inline(__always)
  public static func score(draw: UInt64, weight: Double) -> Double {
    -weight / Elementary.logarithm(unitInterval(draw))
  }

  /// The place of the highest score among `count` endpoints (at least 1), the first of equals. Complexity: O(count).
  @inline(__always)
  public static func highest(of count: Int, draw: (Int) -> UInt64, weight: (Int) -> Double) -> Int {
    var best = 0
    var most = -Double.infinity
    for place in 0..<count {
      let score = score(draw: draw(place), weight: weight(place))
      if score > most {
        best = place
        most = score
      }
    }
    return best
  }
}
