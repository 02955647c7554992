// How requests come, as written to as run.

import MeshConfiguration
import MeshCore
import Simulation

struct ArrivalReader {
  let log: FaultLog
  let files: NamedFiles
  let distributions: DistributionReader

  /// The arrivals in `value`; a single request a second where something is wrong, which has then been told.
  func arrivals(_ value: ResolvedValue?) -> ArrivalDescription {
    let fallback = ArrivalDescription.constant(rate: 1)
    guard let value, let chosen = value.chosen, chosen.value.isValid else { return fallback }
    let part = chosen.value
    let spacing = value["spacing"] ?? part["spacing"]
    let isEven = spacing?.text == "even"
    if let spacing = value["spacing"], !["steps", "ramp", "bursts"].contains(chosen.key) {
      log.add(spacing.origin, spacing.path, "\(chosen.key) has no spacing; expected it with steps, ramp or bursts")
    }
    switch chosen.key {
    case "poisson": return .poisson(rate: part.number ?? 1)
    case "constant": return .constant(rate: part.number ?? 1)
    case "steps": return .steps(points(part), even: isEven)
    case "ramp": return .ramp(points(part), even: isEven)
    case "bursts":
      guard let low = part["low"], let high = part["high"] else { return fallback }
      if let a = low.number, let b = high.number, a > b {
        log.add(low.origin, low.path, "low \(low.written) is above high \(high.written)")
      }
      return .bursts(
        low: low.number ?? 0, high: high.number ?? 1, meanLow: part["meanLow"]?.span ?? .seconds(1),
        meanHigh: part["meanHigh"]?.span ?? .seconds(1), even: isEven)
    case "closed":
      return .closed(
        users: Int(part["users"]?.integer ?? 1), think: distributions.distribution(part["think"]),
        requests: part["requests"]?.integer.map { Int($0) })
    case "trace": return trace(part)
    default: return fallback
    }
  }

  private func points(_ value: ResolvedValue) -> [RatePoint] {
    var points: [RatePoint] = []
    for item in value.items {
      guard let at = item["at"], let instant = at.span, let rate = item["rate"]?.number else { continue }
      let time = Timestamp(nanoseconds: instant.nanoseconds)
      if let last = points.last, time <= last.at {
        log.add(at.origin, at.path, "\(at.written) is not after the point before it; expected ascending times")
      }
      points.append(RatePoint(at: time, rate: rate))
    }
    if !points.isEmpty && points.allSatisfy({ $0.rate == 0 }) && points.count == value.items.count {
      log.add(value.origin, value.path, "all rates are 0; expected one above")
    }
    return points
  }

  private func trace(_ part: ResolvedValue) -> ArrivalDescription {
    guard let file = part["file"], let name = file.text else { return .trace([], period: nil) }
    do throws(FileFault) {
      let rows = try files.trace(name)
      let period = part["repeat"]
      if let period, let span = period.span, let last = rows.last, Timestamp.zero + span <= last.time {
        log.add(
          period.origin, period.path,
          "\(period.written) is not after the trace's last request, at \(QuantityText.number(last.time.nanoseconds == 0 ? 0 : Double(last.time.nanoseconds) / 1e9))s"
        )
      }
      return .trace(rows, period: period?.span)
    } catch {
      log.add(file.origin, file.path, "\(quoted(name)): \(error.reason)")
      return .trace([], period: nil)
    }
  }
}
