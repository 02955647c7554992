// Times what policies cost: building hashing tables anew, and one pick of every policy at four sizes.
//
// `bench-policies [--tables]` prints a line a figure, `what size figure`: milliseconds for tables (the least of several rounds), nanoseconds for picks. Tables are
// of 100 endpoints of equal weight. A pick is through `any LoadBalancer`, as a data plane does it, each with a key of its
// own, and with `began` and `ended` of the request before where the policy wants them.

import LoadBalancing
import MeshCore

// Brings the C library along, which the standard library calls for roots and roundings.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Seconds that `body` takes, the least of `rounds` runs.
func leastSeconds(rounds: Int, _ body: () -> Void) -> Double {
  let clock = ContinuousClock()
  var least = Double.infinity
  for _ in 0..<rounds {
    let elapsed = clock.measure(body)
    least = min(least, elapsed / .seconds(1))
  }
  return least
}

func address(_ number: Int) -> String { "10.0.\(number / 250).\(number % 250 + 1):8080" }

/// Keeps results from being thrown away.
nonisolated(unsafe) var sink = 0

func timeTables() {
  let members = WeightedMember.normalised((0..<100).map { (address($0), 1) })
  for size in [65_536, 1_000_000] as [UInt64] {
    let seconds = leastSeconds(rounds: 7) { sink &+= Int(RingTable(members, minimumSize: size).members[0]) }
    print("ring", size, seconds * 1e3)
  }
  let seconds = leastSeconds(rounds: 20) { sink &+= Int(MaglevTable(members).entries[0]) }
  print("maglev", 65_537, seconds * 1e3)
}

func secondsOfPicks(_ policy: PolicyDescriptor, endpoints count: Int, picks: Int) -> Double {
  var balancer = policy.make(PolicyParameters(policy.parameters), BalancerContext())
  var random = RandomStream(state: 7)
  var set = EndpointSet(offer: balancer.offer)
  let endpoints = (0..<count).map {
    EndpointDescription(identity: EndpointIdentity(Int32($0)), address: address($0))
  }
  set.list(endpoints, at: .zero)
  balancer.endpointsChanged(set.roster, &random, at: .zero)
  let observes = balancer.observesAttempts
  let outcome = AttemptOutcome(latency: .milliseconds(1), status: 200, ending: .answered)
  // As many requests are in flight as half of the endpoints can hold one of.
  var inFlight = [Int32](repeating: -1, count: max(1, count / 2))
  var place = 0
  let clock = ContinuousClock()
  var start = clock.now
  for pick in 0..<picks + picks / 4 {
    if pick == picks / 4 { start = clock.now }
    let now = Timestamp(nanoseconds: Int64(pick) * 10_000)
    let slot = balancer.pick(set.view, PickContext(key: mix64(UInt64(pick))), &random, at: now)
    sink &+= Int(slot)
    set.states[slot].inFlight += 1
    if observes { balancer.began(set.view, slot: slot, at: now) }
    let old = inFlight[place]
    if old >= 0 {
      set.states[old].inFlight -= 1
      if observes { balancer.ended(set.view, slot: old, outcome, at: now) }
    }
    inFlight[place] = slot
    place = place + 1 == inFlight.count ? 0 : place + 1
  }
  return (clock.now - start) / .seconds(1) / Double(picks)
}

func timePicks() {
  for policy in PolicyRegistry.policies {
    for count in [10, 100, 1000, 10_000] {
      // A policy that grows linearly takes the fewer picks, the more endpoints there are.
      var picks = 2000
      var seconds = secondsOfPicks(policy, endpoints: count, picks: picks)
      picks = min(1_000_000, max(2000, Int(0.1 / max(seconds, 1e-9))))
      for _ in 0..<3 { seconds = min(seconds, secondsOfPicks(policy, endpoints: count, picks: picks)) }
      print("pick:\(policy.name)", count, seconds * 1e9)
    }
  }
}

timeTables()
if !CommandLine.arguments.contains("--tables") { timePicks() }
if sink == 42 { print("#") }
