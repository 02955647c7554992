// Distributions as written to distributions as run.

import MeshConfiguration
import MeshCore
import Simulation
import Statistics

struct DistributionReader {
  let log: FaultLog
  let files: NamedFiles

  /// The distribution in `value`; constant 0 where something is wrong, which has then been told.
  func distribution(_ value: ResolvedValue?) -> DistributionDescription {
    guard let value, let chosen = value.chosen, chosen.value.isValid else { return .constant(0) }
    let part = chosen.value
    switch chosen.key {
    case "constant": return .constant(nanoseconds(part))
    case "uniform": return uniform(part)
    case "exponential": return .exponential(mean: nanoseconds(part["mean"]))
    case "erlang": return .erlang(mean: nanoseconds(part["mean"]), stages: Int(part["stages"]?.integer ?? 1))
    case "hyperexponential": return hyperexponential(part)
    case "normal": return .normal(mean: nanoseconds(part["mean"]), standardDeviation: nanoseconds(part["sd"]))
    case "lognormal": return lognormal(part)
    case "gamma": return .gamma(mean: nanoseconds(part["mean"]), shape: part["shape"]?.number ?? 1)
    case "weibull": return .weibull(scale: nanoseconds(part["scale"]), shape: part["shape"]?.number ?? 1)
    case "pareto": return pareto(part)
    case "quantiles": return quantiles(part)
    case "empirical": return empirical(part)
    case "mixture": return mixture(part)
    case "shifted": return .shifted(by: nanoseconds(part["by"]), of: distribution(part["of"]))
    default: return .constant(0)
    }
  }

  private func nanoseconds(_ value: ResolvedValue?) -> Double { Double(value?.span?.nanoseconds ?? 0) }

  private func tell(_ value: ResolvedValue, _ message: String) -> DistributionDescription {
    log.add(value.origin, value.path, message)
    return .constant(0)
  }

  private func uniform(_ part: ResolvedValue) -> DistributionDescription {
    guard let low = part["min"], let high = part["max"] else { return .constant(0) }
    let (minimum, maximum) = (nanoseconds(low), nanoseconds(high))
    if minimum > maximum { return tell(low, "min \(low.written) is above max \(high.written)") }
    let step = part["step"]
    if let step, nanoseconds(step) > maximum - minimum {
      return tell(step, "step \(step.written) is longer than from min to max")
    }
    if minimum == maximum { return .constant(minimum) }
    return .uniform(minimum: minimum, maximum: maximum, step: step.map { nanoseconds($0) })
  }

  private func hyperexponential(_ part: ResolvedValue) -> DistributionDescription {
    var phases: [HyperexponentialPhase] = []
    for item in part.items {
      guard let probability = item["p"]?.number, item["mean"] != nil else { return .constant(0) }
      phases.append(HyperexponentialPhase(probability: probability, mean: nanoseconds(item["mean"])))
    }
    let sum = phases.reduce(0) { $0 + $1.probability }
    if abs(sum - 1) > 1e-9 {
      return tell(part, "the probabilities sum to \(QuantityText.number(sum)); expected 1")
    }
    return .hyperexponential(
      phases.map { HyperexponentialPhase(probability: $0.probability / sum, mean: $0.mean) })
  }

  private func lognormal(_ part: ResolvedValue) -> DistributionDescription {
    let given = part.entries.map(\.key)
    if part.entries.contains(where: { !$0.value.isValid }) { return .constant(0) }
    let parameters: Lognormal?
    switch Set(given) {
    case ["median", "p99"]:
      let (median, p99) = (nanoseconds(part["median"]), nanoseconds(part["p99"]))
      if p99 < median, let value = part["p99"] {
        return tell(value, "p99 \(value.written) is below the median \(part["median"]?.written ?? "")")
      }
      if p99 == median { return .constant(median) }
      parameters = Lognormal(median: median, p99: p99)
    case ["median", "sigma"]:
      parameters = Lognormal(median: nanoseconds(part["median"]), sigma: part["sigma"]?.number ?? 0)
    case ["mean", "sd"]:
      parameters = Lognormal(
        mean: nanoseconds(part["mean"]), standardDeviation: nanoseconds(part["sd"]))
    default:
      let found = given.isEmpty ? "nothing" : given.joined(separator: ", ")
      return tell(part, "found \(found); expected median and p99, median and sigma, or mean and sd")
    }
    guard let parameters else { return tell(part, "no lognormal distribution has these figures") }
    return .lognormal(location: parameters.location, scale: parameters.scale)
  }

  private func pareto(_ part: ResolvedValue) -> DistributionDescription {
    guard let low = part["min"], let alpha = part["alpha"]?.number else { return .constant(0) }
    if let high = part["max"], nanoseconds(high) <= nanoseconds(low) {
      return tell(high, "max \(high.written) is not above min \(low.written)")
    }
    return .pareto(minimum: nanoseconds(low), alpha: alpha, maximum: part["max"].map { nanoseconds($0) })
  }

  private func quantiles(_ part: ResolvedValue) -> DistributionDescription {
    var points: [(point: QuantilePoint, entry: ResolvedEntry)] = []
    var isWhole = true
    for entry in part.entries {
      let digits = entry.key.dropFirst()
      guard entry.key.hasPrefix("p"), let percent = try? Quantity.number(String(digits)), (0...100).contains(percent)
      else {
        let hint = (try? Quantity.number(String(digits))).map { $0 > 100 && $0 < 1e5 } == true ? " (p999 is p99.9)" : ""
        log.add(
          entry.keyOrigin, entry.value.path,
          "\(quoted(entry.key)) is no quantile; expected p0 to p100, such as p99.9\(hint)")
        isWhole = false
        continue
      }
      guard entry.value.isValid, let probability = try? Quantity.fraction("\(digits)%") else {
        isWhole = false
        continue
      }
      points.append((QuantilePoint(probability: probability, value: nanoseconds(entry.value)), entry))
    }
    points.sort { $0.point.probability < $1.point.probability }
    if !isWhole { return .constant(0) }
    for (low, high) in zip(points, points.dropFirst()) {
      if low.point.probability == high.point.probability {
        return tell(high.entry.value, "the same quantile as \(low.entry.key)")
      }
      if low.point.value > high.point.value {
        return tell(
          high.entry.value,
          "\(high.entry.key) \(high.entry.value.written) is below \(low.entry.key) \(low.entry.value.written); expected rising values"
        )
      }
    }
    for (end, point) in [("p0", points.first), ("p100", points.last)] {
      if point?.point.probability != (end == "p0" ? 0 : 1) { return tell(part, "no \(end); expected p0 and p100") }
    }
    return .quantiles(points.map(\.point))
  }

  private func empirical(_ part: ResolvedValue) -> DistributionDescription {
    guard let file = part["file"], let name = file.text, let column = part["column"], let title = column.text else {
      return .constant(0)
    }
    do throws(FileFault) {
      return .empirical(try files.samples(name, column: title))
    } catch {
      let culprit = error.reason.contains("column") && !error.reason.hasPrefix("line") ? column : file
      return tell(culprit, "\(quoted(name)): \(error.reason)")
    }
  }

  private func mixture(_ part: ResolvedValue) -> DistributionDescription {
    var parts: [MixturePart] = []
    for item in part.items {
      guard let weight = item["weight"]?.number, item["of"] != nil else { return .constant(0) }
      parts.append(MixturePart(weight: weight, distribution: distribution(item["of"])))
    }
    let sum = parts.reduce(0) { $0 + $1.weight }
    return .mixture(parts.map { MixturePart(weight: $0.weight / sum, distribution: $0.distribution) })
  }
}
