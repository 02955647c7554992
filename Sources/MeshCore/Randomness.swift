// Random numbers without a global generator and without order.
//
// A draw is a pure function of (seed, replication, purpose, entity, number): nothing is stored, nothing shifts when a
// policy asks for one number more, and what a request will need is fixed the moment the request exists. Two variants of a
// scenario therefore meet the very same traffic, and their difference is a paired one.
//
// The mixer is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).

/// The increment of SplitMix64: 2^64 divided by the golden ratio, made odd.
@inlinable
@inline(__always)
public var goldenGamma: UInt64 { 0x9e37_79b9_7f4a_7c15 }

/// Scrambles 64 bits so that each input bit changes each output bit half of the time (SplitMix64's finaliser).
@inlinable
@inline(__always)
public func mix64(_ value: UInt64) -> UInt64 {
  var z = value
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}

/// A double in (0, 1), never either end, from the top 52 bits of `bits`: the middles of 2^52 equal parts. (With 53 the last
/// middle would round to 1.)
@inlinable
@inline(__always)
public func unitInterval(_ bits: UInt64) -> Double { (Double(bits >> 12) + 0.5) * 0x1p-52 }

/// What a random number is for. Each purpose has streams of its own. Numbers are part of every recorded result: append,
/// never renumber.
@frozen
public enum RandomPurpose: UInt64, Sendable, CaseIterable {
  /// When a client's next request comes.
  case arrival = 1
  /// How long a closed-loop user thinks.
  case think = 2
  /// Which data plane a request goes to.
  case dataPlane = 3
  /// The key a request carries.
  case key = 4
  /// How much service an attempt demands.
  case demand = 5
  /// Whether an attempt is answered with an error.
  case error = 6
  /// A link's delay on the way there.
  case linkThere = 7
  /// A link's delay on the way back.
  case linkBack = 8
  /// Whether a message is lost on the way there.
  case lossThere = 9
  /// Whether a message is lost on the way back.
  case lossBack = 10
  /// Delay of opening a connection.
  case connection = 11
  /// Delay that a fault adds.
  case faultDelay = 12
  /// Delay of the sidecar on the caller's side.
  case hopOutbound = 13
  /// Delay of the sidecar on the server's side.
  case hopInbound = 14
  /// A replica's fluctuating speed.
  case fluctuation = 15
  /// When a replica's antagonist takes its share.
  case antagonist = 16
  /// How late a data plane hears of an endpoint change.
  case discovery = 17
  /// A balancer's own choices.
  case balancer = 18
  /// Jitter and other draws of fault detection.
  case detection = 19
  /// Which weighted backend a request goes to.
  case split = 20
  /// The state of a bursty arrival process.
  case burst = 21
  /// The way of a probe that a data plane sends.
  case probe = 22
  /// Whether a request is copied to all endpoints that have its data.
  case readRepair = 23
  /// How long the pause before a retry is.
  case retry = 24
  /// Which faults the proxy injects into a request.
  case injectedFault = 25
  /// Whether a request is let through by what goes by rates and latencies.
  case admission = 26
  /// The way of a health check that a data plane sends.
  case healthCheck = 27
  /// Whether a request is mirrored.
  case mirror = 30
}

/// A family of draws: one key, any number of draws by number. Draws, member keys and streams of one key are unrelated.
@frozen
public struct RandomKey: BitwiseCopyable, Hashable, Sendable {
  /// The mixed key.
  public var value: UInt64

  /// A key with the given mixed value.
  @inlinable
  public init(value: UInt64) { self.value = value }

  /// The key of one purpose of one entity (a client, a replica, a data plane) in one replication.
  @inlinable
  public init(seed: UInt64, replication: Int, purpose: RandomPurpose, entity: UInt64) {
    var z = mix64(seed &+ goldenGamma)
    z = mix64(z ^ (UInt64(truncatingIfNeeded: replication) &* goldenGamma &+ 0x243f_6a88_85a3_08d3))
    z = mix64(z ^ (purpose.rawValue &* goldenGamma &+ 0x1319_8a2e_0370_7344))
    z = mix64(z ^ (entity &* goldenGamma &+ 0xa409_3822_299f_31d0))
    self.value = z
  }

  /// 64 random bits: the draw called `number`.
  @inlinable
  @inline(__always)
  public func draw(_ number: UInt64) -> UInt64 { mix64(value &+ number &* goldenGamma) }

  /// The key of a member of the family, with draws of its own.
  @inlinable
  @inline(__always)
  public func key(_ number: UInt64) -> RandomKey {
    RandomKey(value: mix64((value ^ 0x9fb2_1c65_1e98_df25) &+ number &* goldenGamma))
  }

  /// The key of one purpose among this key's draws (one request's demand, say).
  @inlinable
  @inline(__always)
  public func key(for purpose: RandomPurpose) -> RandomKey {
    RandomKey(value: mix64(value ^ (purpose.rawValue &* 0xd6e8_feb8_6659_fd93)))
  }

  /// The stream of one purpose's member called `number`, in one step.
  @inlinable
  @inline(__always)
  public func stream(for purpose: RandomPurpose, _ number: UInt64) -> RandomStream {
    RandomStream(
      state: mix64((value ^ (purpose.rawValue &* 0xd6e8_feb8_6659_fd93)) &+ (number &+ 1) &* 0xa076_1d64_78bd_642f))
  }

  /// A stream for a purpose that needs an open number of draws.
  @inlinable
  @inline(__always)
  public func stream() -> RandomStream { RandomStream(state: value ^ 0xc2b2_ae3d_27d4_eb4f) }
}

/// A sequence of draws (SplitMix64), or a given sequence when a policy is held against another system's vectors.
@frozen
public struct RandomStream: BitwiseCopyable, Sendable {
  @usableFromInline internal var state: UInt64
  @usableFromInline nonisolated(unsafe) internal var script: UnsafePointer<UInt64>?
  @usableFromInline internal var scriptCount: UInt64

  /// The stream that starts at `state`.
  @inlinable
  public init(state: UInt64) {
    self.state = state
    self.script = nil
    self.scriptCount = 0
  }

  /// A stream that gives the numbers of `script` in order and begins anew at its end. The memory has to outlive it.
  @inlinable
  public init(script: UnsafeBufferPointer<UInt64>) {
    self.state = 0
    self.script = script.baseAddress
    self.scriptCount = UInt64(script.count)
  }

  /// How many numbers of a script have been drawn.
  @inlinable
  public var drawnFromScript: Int { script == nil ? 0 : Int(truncatingIfNeeded: state) }

  /// 64 random bits.
  @inlinable
  @inline(__always)
  public mutating func next() -> UInt64 {
    if let script {
      let value = script[Int(truncatingIfNeeded: state % scriptCount)]
      state &+= 1
      return value
    }
    state &+= goldenGamma
    return mix64(state)
  }

  /// A double in (0, 1).
  @inlinable
  @inline(__always)
  public mutating func unit() -> Double { unitInterval(next()) }

  /// A whole number from 0 up to but without `bound` (at least 1), by multiplication: the bias is below bound / 2^64.
  @inlinable
  @inline(__always)
  public mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: bound)).high)
  }

  /// A whole number from 0 up to but without `bound` (at least 1), as `random % bound`: Envoy's rule, bias included.
  @inlinable
  @inline(__always)
  public mutating func modulo(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next() % UInt64(truncatingIfNeeded: bound))
  }
}

/// A name's number, the same on every machine, so that draws belong to names and not to places in a file (FNV-1a).
public func nameHash(_ name: String) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  return hash
}
