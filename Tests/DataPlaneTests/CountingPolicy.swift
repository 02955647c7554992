// A policy that counts what it hears of, for tests of who hears what. Each group has one of its own; all write into one ledger.

import LoadBalancing
import MeshCore

/// What the policies of one data plane have heard. Tests of a data plane run on one thread.
final class Ledger: @unchecked Sendable {
  struct Account: Hashable {
    var policy: Int
    var slot: Int32
  }

  private(set) var policies = 0
  private(set) var begun = 0
  private(set) var ended = 0
  private(set) var reported = 0
  private(set) var changes = 0
  private(set) var open: [Account: Int] = [:]
  private(set) var hasEndedUnbegun = false

  func newPolicy() -> Int {
    policies += 1
    return policies
  }

  func begin(_ account: Account) {
    begun += 1
    open[account, default: 0] += 1
  }

  func end(_ account: Account) {
    ended += 1
    open[account, default: 0] -= 1
    if open[account, default: 0] < 0 { hasEndedUnbegun = true }
  }

  func report() { reported += 1 }

  func change() { changes += 1 }

  /// Whether everything that began somewhere has ended there.
  var isBalanced: Bool { !hasEndedUnbegun && open.values.allSatisfy { $0 == 0 } }
}

/// Takes the first endpoint that it is offered.
struct CountingPolicy: LoadBalancer {
  private let ledger: Ledger
  private let number: Int

  var wantsLoadReports: Bool { true }

  init(ledger: Ledger) {
    self.ledger = ledger
    number = ledger.newPolicy()
  }

  mutating func endpointsChanged(_ endpoints: EndpointRoster, _ random: inout RandomStream, at now: Timestamp) {
    ledger.change()
  }

  mutating func pick(
    _ endpoints: EndpointView, _ context: PickContext, _ random: inout RandomStream, at now: Timestamp
  ) -> Int32 { endpoints.availableCount == 0 ? -1 : endpoints.available[random.below(endpoints.availableCount)] }

  mutating func began(_ endpoints: EndpointView, slot: Int32, at now: Timestamp) {
    ledger.begin(Ledger.Account(policy: number, slot: slot))
  }

  mutating func reported(_ endpoints: EndpointView, slot: Int32, _ report: LoadReport, at now: Timestamp) {
    ledger.report()
  }

  mutating func ended(_ endpoints: EndpointView, slot: Int32, _ outcome: AttemptOutcome, at now: Timestamp) {
    ledger.end(Ledger.Account(policy: number, slot: slot))
  }
}
