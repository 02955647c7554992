// What attempts draw at a replica: how much service they demand, whether they fail, and what faults do to them.
//
// Every draw is a pure function of the attempt's key, so a server that is told a request's name draws just what the lab does. (The
// records that the lab keeps of the same numbers are laid out for its hot path; the rules are these.)

import MeshCore

/// The draws at the replicas of a world.
public struct ServiceDraws: ~Copyable {
  private var distributions = DistributionTable()
  /// By service and replica.
  private var times: [[Int32]] = []
  /// By fault: its distribution, or -1.
  private var faultTimes: [Int32] = []
  private let seats: [UInt64]
  private let world: WorldDescription

  /// The draws at the replicas of `world`.
  public init(_ world: WorldDescription) {
    self.world = world
    seats = world.faultSeats()
    for service in world.services {
      let common = distributions.add(service.time)
      var own: [Int32] = []
      for replica in service.replicas { own.append(replica.time.map { distributions.add($0) } ?? common) }
      times.append(own)
    }
    for fault in world.faults {
      var distribution: Int32 = -1
      switch fault.kind {
      case .delay(_, let extra): distribution = distributions.add(extra)
      case .errors(_, _, _, let time, _): if let time { distribution = distributions.add(time) }
      default: break
      }
      faultTimes.append(distribution)
    }
  }

  /// How much service an attempt demands of a replica.
  public func demand(service: Int, replica: Int, _ attempt: RandomKey) -> TimeSpan {
    TimeSpan(nanoseconds: distributions.sample(times[service][replica], attempt.key(for: .demand)))
  }

  /// Whether an attempt is among the share that its service answers with 500.
  public func fails(service: Int, _ attempt: RandomKey) -> Bool {
    let rate = world.services[service].errorRate
    return rate > 0 && unitInterval(attempt.key(for: .error).draw(0)) < rate
  }

  /// With which status the fault called `fault`, one of `errors`, answers an attempt, and after how much service, when not after what was
  /// demanded; nil when it lets it be.
  public func error(fault: Int, _ attempt: RandomKey) -> (status: Int, demand: TimeSpan?)? {
    guard case .errors(_, let rate, let status, _, _) = world.faults[fault].kind else { return nil }
    if unitInterval(attempt.key(for: .error).key(seats[fault]).draw(0)) >= rate { return nil }
    let time = faultTimes[fault]
    if time < 0 { return (status, nil) }
    return (status, TimeSpan(nanoseconds: distributions.sample(time, attempt.key(for: .demand))))
  }

  /// How long the fault called `fault`, a `delay`, holds an attempt up.
  public func delay(fault: Int, _ attempt: RandomKey) -> TimeSpan {
    let time = faultTimes[fault]
    if time < 0 { return .zero }
    return TimeSpan(nanoseconds: distributions.sample(time, attempt.key(for: .faultDelay).key(seats[fault])))
  }
}

extension WorldDescription {
  /// What each fault's draws are keyed by. They belong to what it is, not to its place in the file; those that are alike are told
  /// apart by their order.
  func faultSeats() -> [UInt64] {
    var counts: [UInt64: UInt64] = [:]
    return faults.map { fault in
      let seat = nameHash("\(seatName(fault.kind))@\(fault.at.nanoseconds)")
      let occurrence = counts[seat, default: 0]
      counts[seat] = occurrence + 1
      return mix64(seat &+ occurrence &* goldenGamma)
    }
  }

  /// What a fault that draws is, in words that other faults, clients and services do not change.
  private func seatName(_ kind: FaultKind) -> String {
    switch kind {
    case .delay(let targets, _): return "delay " + seatName(targets)
    case .errors(let targets, _, _, _, _): return "errors " + seatName(targets)
    default: return ""
    }
  }

  private func seatName(_ targets: [FaultTarget]) -> String {
    targets.map { target in
      let numbers = target.replicas?.map { "\($0)" } ?? ["*"]
      return ([services[target.service].name] + numbers).joined(separator: ",")
    }.joined(separator: ";")
  }
}
