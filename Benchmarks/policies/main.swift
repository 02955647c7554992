// Times what policies cost: building hashing tables anew, and one request of every policy at four sizes.
//
// `bench-policies [--tables]` prints a line a figure, its name, size and figure between tabs: milliseconds for tables (the least of
// several rounds), nanoseconds for requests. Tables are of 100 endpoints of equal weight. A request is what `BenchmarkPlane` does,
// through `any LoadBalancer` as in a data plane: a pick with a key of its own, the beginning and end of a request, and whatever
// the policy wants beside.

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

/// Keeps results from being thrown away.
nonisolated(unsafe) var sink: UInt64 = 0

func timeTables() {
  let members = WeightedMember.normalised((0..<100).map { (benchmarkAddress($0), 1) })
  for size in [65_536, 1_000_000] as [UInt64] {
    let seconds = leastSeconds(rounds: 12) {
      sink &+= UInt64(RingTable(members, minimumSize: size).members[0])
    }
    print("ring\t\(size)\t\(seconds * 1e3)")
  }
  let seconds = leastSeconds(rounds: 40) { sink &+= UInt64(MaglevTable(members).entries[0]) }
  print("maglev\t65537\t\(seconds * 1e3)")
}

func timeRequests() {
  let clock = ContinuousClock()
  for tried in BenchmarkCase.all {
    for count in [10, 100, 1000, 10_000] {
      var plane = BenchmarkPlane(tried, endpoints: count)
      // Until as many are in flight as will be, and caches know the policy.
      for _ in 0..<max(1000, count) { plane.request() }
      // Ten thousand requests are a second to the plane: what comes once a second is in it. A policy that grows linearly does
      // fewer, in two milliseconds: the shorter, the rarer something else comes in between.
      var requests = 200
      var (total, least) = (0.0, Double.infinity)
      while total < 0.1 {
        let start = clock.now
        for _ in 0..<requests { plane.request() }
        let seconds = (clock.now - start) / .seconds(1)
        if total > 0 { least = min(least, seconds / Double(requests)) }
        total += seconds
        requests = seconds / Double(requests) < 2e-6 ? 10_000 : max(20, Int(0.002 * Double(requests) / seconds))
      }
      sink &+= plane.requests
      print("request:\(tried.name)\t\(count)\t\(least * 1e9)")
    }
  }
}

timeTables()
if !CommandLine.arguments.contains("--tables") { timeRequests() }
if sink == 42 { print("#") }
