// Finagle's panic: how often a balancer tries to find an open endpoint before it takes any.
//
// Picks are made again while they find endpoints that are not open, `maximum` times at most; then the balancer counts a
// panic, has its order made anew and sends the request to the next pick whatever its state. With k of n endpoints down,
// a choice of two finds two dead ones with probability k (k − 1) / (n (n − 1)), so it panics with the `maximum`-th
// power of that: 0.4 % at half of the endpoints down and Finagle's default of 4. The named panic modes 10 %, 30 %, 40
// %, 50 % and majority are 1 to 5 (finagle-core loadbalancer/{Balancer,PanicMode}.scala). Round robin's default is 5.
// The heap balancer has none.
//
// Needs per pick of a request: whether what was picked is open. Lies on the stack of a choice.

/// How many picks of a request have failed.
@frozen
public struct MaxEffort: BitwiseCopyable, Sendable {
  /// What is done with a pick.
  @frozen
  public enum Verdict: UInt8, BitwiseCopyable, Hashable, Sendable {
    /// The request goes there.
    case take
    /// Pick again.
    case pickAgain
    /// Make the order anew, then pick once more.
    case panic
  }

  /// Picks that may fail, at least 1.
  public let maximum: Int32
  private var failed: Int32 = 0

  /// The start of a request's choice.
  public init(maximum: Int32 = 4) { self.maximum = max(1, maximum) }

  /// Whether the effort is exhausted: the next pick is taken as it is.
  public var isPanicking: Bool { failed >= maximum }

  /// Judges a pick.
  public mutating func judge(isOpen: Bool) -> Verdict {
    if isOpen || isPanicking { return .take }
    failed &+= 1
    return isPanicking ? .panic : .pickAgain
  }
}
