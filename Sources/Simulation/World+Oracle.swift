// What an oracle sees: the service that each replica has left of all requests it holds.
//
// Between two events at a replica its work shrinks at a steady rate, so a number, a rate and an instant say it all; they are told
// anew whenever a request comes, begins, ends or is given up, and whenever the replica's speed changes or it goes down. Who is in
// service counts with what is really left. Who waits counts with its demand at the replica's present speed, what else would
// stretch it (concurrency, a cold start) being unknown before it begins.

import DataPlane
import MeshCore

/// The work of one replica, in nanoseconds of service.
struct WorkAccount: BitwiseCopyable {
  /// What those who wait demand, as drawn; a sum that neither overflows nor rounds.
  var waiting: Int128 = 0
  /// What those who wait demand whatever the replica's speed, because a fault has decided it.
  var waitingFixed: Int128 = 0
  /// What those in service had left at `at`.
  var serving: Double = 0
  /// How many are in service.
  var count: Int32 = 0
  var at: Int64 = 0
}

extension World {
  /// Nanoseconds of service that a replica does in one nanosecond now.
  private func workRate(_ replica: Int32) -> Double {
    let count = workAccounts[replica].count
    let most = replicas[replica].discipline == 2 ? min(count, replicas[replica].workers) : count
    return Double(most) * replicas[replica].rate
  }

  /// Brings an account up to the present. To be called before its rate changes.
  mutating func advanceWork(_ replica: Int32) {
    let done = Double(now &- workAccounts[replica].at) * workRate(replica)
    workAccounts[replica].at = now
    workAccounts[replica].serving = max(0, workAccounts[replica].serving - done)
  }

  /// An attempt has begun to wait at an observed replica (`change` is 1) or waits no more (−1).
  mutating func workWaits(_ work: Int32, replica: Int32, _ change: Int128) {
    let demand = Int128(works[work].demand) * change
    if works[work].isDecided {
      workAccounts[replica].waitingFixed += demand
    } else {
      workAccounts[replica].waiting += demand
    }
    tellWork(replica)
  }

  /// An observed replica has taken an attempt into service.
  mutating func serviceBegins(_ work: Int32, replica: Int32) {
    advanceWork(replica)
    workAccounts[replica].serving += Double(works[work].demand)
    workAccounts[replica].count += 1
    tellWork(replica)
  }

  /// A service at an observed replica is over with `left` nanoseconds still to do: some when it was stopped, a little less than
  /// none when it ended, since events come at whole nanoseconds.
  mutating func serviceEnds(replica: Int32, left: Double) {
    advanceWork(replica)
    workAccounts[replica].count -= 1
    workAccounts[replica].serving =
      workAccounts[replica].count == 0 ? 0 : max(0, workAccounts[replica].serving - left)
    tellWork(replica)
  }

  /// A replica has lost all that it had.
  mutating func forgetWork(_ replica: Int32) {
    if !replicas[replica].condition.contains(.observed) { return }
    workAccounts[replica] = WorkAccount()
    workAccounts[replica].at = now
    tellWork(replica)
  }

  /// Tells the data planes whose balancers ask for it how much work a replica has.
  mutating func tellWork(_ replica: Int32) {
    advanceWork(replica)
    let account = workAccounts[replica]
    let waiting = Double(account.waiting) * replicas[replica].stretch + Double(account.waitingFixed)
    let seen = ObservedWork(
      left: account.serving + waiting, rate: workRate(replica), at: Timestamp(nanoseconds: now))
    let service = Int(replicas[replica].service)
    for cluster in oracleClusters where memberships.services[cluster] == service {
      for proxy in 0..<proxyCount {
        // Nothing follows from it.
        proxies[proxy].plane.handle(
          .workObserved(cluster: Int32(cluster), endpoint: EndpointIdentity(replica), seen),
          at: Timestamp(nanoseconds: now), into: &actions)
      }
    }
  }
}
