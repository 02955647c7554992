// Who fault detection keeps from having traffic as it hears of attempts: failure accrual, and fail-fast.

import FaultDetection
import LoadBalancing
import MeshCore

extension ClusterState {
  /// Feeds one answer to failure accrual and applies what follows.
  mutating func classified(
    slot: Int32, _ answer: AccrualAnswer, _ draws: inout RandomStream, at now: Timestamp
  ) -> AccrualVerdict {
    let verdict = accruals.classified(slot: slot, answer, random: &draws, at: now)
    if case .none = verdict { return verdict }
    setAdmitted(accruals.gate(slot: slot).isAdmitting, slot: slot, at: now)
    return verdict
  }

  /// The penalty is over: one request may pass. Returns whether it was.
  mutating func penaltyElapsed(slot: Int32, at now: Timestamp) -> Bool {
    let isOver = accruals.penaltyElapsed(slot: slot, at: now) == .probation
    setAdmitted(accruals.gate(slot: slot).isAdmitting, slot: slot, at: now)
    return isOver
  }

  /// A probe ended without a verdict: the next request may be one.
  mutating func returnPermit(slot: Int32, at now: Timestamp) {
    if accruals.gate(slot: slot).state != .probation { return }
    accruals.attemptForgotten(slot: slot)
    setAdmitted(true, slot: slot, at: now)
  }

  /// Forgets an endpoint's failures, as if it were new.
  mutating func pardon(slot: Int32, at now: Timestamp) {
    accruals.reset(slot: slot, at: now)
    penalties[slot].timer = .none
    endpoints.setExcluded(false, by: .failureAccrual, slot: slot)
  }

  mutating func setAdmitted(_ admitted: Bool, slot: Int32, at now: Timestamp) {
    if endpoints.setExcluded(!admitted, by: .failureAccrual, slot: slot) { endpointsChanged(at: now) }
  }

  /// Notes that no connection to an endpoint opens, or that one does again.
  mutating func setDown(_ isDown: Bool, slot: Int32, at now: Timestamp) {
    if endpoints.setExcluded(isDown, by: .failFast, slot: slot) { endpointsChanged(at: now) }
  }

  /// Chooses as balancers do, in layers or not. Whom fail-fast knows to be down fails at once, so that nobody is chosen.
  @inline(never)
  mutating func chooseWithCare(
    _ context: PickContext, route: Int32, within chosen: PriorityChoice?, _ draws: inout RandomStream, at now: Timestamp
  ) -> Int32 {
    let slot =
      isLayered
      ? pickInLayers(context, route: route, within: chosen, &draws, at: now)
      : groups[0].balancer.pick(endpoints.view, context, &draws, at: now)
    if slot < 0 || !failsFast || !failFast.records[slot].machine.isDown { return slot }
    failFast.chosenInVain = slot
    return -1
  }
}
