// Finagle's apertures: WeightedApertureTest.scala, ApertureTest.scala, comments of DeterministicAperture.scala and
// derived values.

import LoadBalancing
import MeshCore
import TestVectors

struct ApertureVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.has("min_deterministic_aperture") || file.name == "aperture" }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.run("min_deterministic_aperture") { check in
      check.equal(DeterministicAperture.minimumAperture, try file.content("min_deterministic_aperture").int)
    }
    report.runEach(file.list("cases"), of: "cases") { try runCase($0, &$1) }
    report.runEach(file.list("derived_even_load"), of: "derived_even_load") { try runEvenLoad($0, &$1) }
    if let expected = file.content.member("weighted_18_by_4_expect") {
      report.run("weighted_18_by_4_expect") { check in
        let weights = DeterministicAperture.adjusted(
          weights: [Double](repeating: 1, count: 18), offset: 0.25, width: 0.75)
        check.close(weights[4] / weights[5], try expected("ratio_4_5").double, relative: 1e-9)
      }
    }
    if let expected = file.content.member("weighted_p2c_relative_pick_prob") {
      report.run("weighted_p2c_relative_pick_prob") { try runPairs(expected("upstream"), &$0) }
    }
    if let banding = file.content.member("randomAperture_banding") {
      report.run("randomAperture_banding") { try runBanding(banding("upstream_text").string, &$0) }
    }
    if let band = file.content.member("loadband") { report.run("loadband") { try runLoadBand(band, &$0) } }
  }

  private func coordinate(_ vector: VectorValue) throws -> ApertureCoordinate {
    let total = try vector("total").count
    let instance = try vector("instance").count
    guard total > 0 else { throw VectorError(description: "no clients") }
    return ApertureCoordinate(instance: instance, total: total)
  }

  private func runCase(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let weights = try vector("weights").doubles
    guard !weights.isEmpty, weights.allSatisfy({ (1e-9...1e9).contains($0) }) else {
      throw VectorError(description: "weights that are not all from 1e-9 to 1e9")
    }
    let coordinate = try coordinate(vector)
    let width = coordinate.width(
      logicalAperture: min(DeterministicAperture.minimumAperture, weights.count), servers: weights.count)
    if let expected = try vector.member("width")?.double { check.close(width, expected, relative: 1e-12, "width") }
    if let expected = try vector.member("offset")?.double {
      check.close(coordinate.offset, expected, relative: 1e-12, "offset")
    }
    let adjusted = DeterministicAperture.adjusted(weights: weights, offset: coordinate.offset, width: width)
    if let expected = try vector.member("adjusted")?.doubles {
      check.equal(adjusted.count, expected.count, "servers")
      for (place, expected) in expected.enumerated() where place < adjusted.count {
        check.near(adjusted[place], expected, absolute: 1e-12, "weight of \(place)")
      }
    }
    var aperture = DeterministicAperture()
    aperture.update(weights: weights, at: coordinate)
    for key in ["indices", "upstream_indices"] {
      guard let expected = vector.member(key), expected != .null else { continue }
      check.equal(aperture.indices.map(Int.init), try expected.ints, key)
    }
    if let expected = try vector.member("sum")?.double {
      check.near(adjusted.reduce(0, +), expected, absolute: 1e-12, "sum")
    }
  }

  /// All clients together load all servers alike.
  private func runEvenLoad(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let clients = try vector("clients").count
    let servers = try vector("servers").count
    guard clients > 0, servers > 0, clients <= 10_000, servers <= 10_000, clients * servers <= 1_000_000 else {
      throw VectorError(description: "more clients and servers than can be tried")
    }
    var load = [Double](repeating: 0, count: servers)
    var edges = 0
    for client in 0..<clients {
      var aperture = DeterministicAperture()
      aperture.update(servers: servers, at: ApertureCoordinate(instance: client, total: clients))
      edges += aperture.indices.count
      let width = ApertureCoordinate(instance: client, total: clients)
      let adjusted = DeterministicAperture.adjusted(
        weights: [Double](repeating: 1, count: servers), offset: width.offset,
        width: width.width(logicalAperture: min(DeterministicAperture.minimumAperture, servers), servers: servers))
      for server in 0..<servers { load[server] += adjusted[server] }
    }
    let mean = load.reduce(0, +) / Double(servers)
    let imbalance = load.reduce(0) { max($0, abs($1 / mean - 1)) }
    check.near(imbalance, try vector("max_rel_imbalance").double, absolute: 1e-9, "imbalance")
    check.equal(edges, try vector("edges").int, "edges")
  }

  /// How often the last server of n, half of which is on the arc, is among two candidates, relative to its peers.
  private func runPairs(_ expected: VectorValue, _ check: inout VectorCheck) throws {
    for (name, probability) in try expected.members {
      guard let servers = Int(name), servers >= 2 else { throw VectorError(description: "\(name) servers") }
      // Beyond, the last is drawn too seldom to be counted.
      if servers > 20 { continue }
      let ring = ApertureRing(servers: servers, offset: 0, width: (Double(servers) - 0.5) / Double(servers))
      var random = RandomStream(state: 5)
      var counts = [Double](repeating: 0, count: servers)
      for _ in 0..<check.rounds(40_000) {
        let first = ring.pick(&random)
        let second = ring.pickSecond(after: first, &random)
        counts[first] += 1
        if second != first { counts[second] += 1 }
      }
      let peers = counts.dropLast().reduce(0, +) / Double(servers - 1)
      check.near(counts[servers - 1] / peers, try probability.double, absolute: 0.025, "\(servers) servers")
    }
  }

  /// `Binomial(5000,.001) mean 5 sd "2.5"; exact sd 2.235; (50000) mean 50 sd 7.07`: how many clients a server has when so many
  /// clients have a random aperture of one server each, of as many as that probability says.
  private func runBanding(_ text: String, _ check: inout VectorCheck) throws {
    guard let start = text.range(of: "Binomial(")?.upperBound,
      let probability = text[start...].prefix(while: { $0 != ")" }).split(separator: ",").last.flatMap({
        Double("0\($0)")
      }),
      (0.0005...0.1).contains(probability)
    else { throw VectorSkip("a text of unknown form") }
    let servers = Int((1 / probability).rounded())
    for part in text[start...].split(separator: ";") {
      // The exact deviation stands for the one in quotation marks, which is off.
      guard
        let clients = number(after: part.contains("Binomial(") || !part.contains("(") ? nil : "(", in: part)
          ?? number(after: nil, in: text[start...])
      else { continue }
      guard let deviation = number(after: "sd ", in: part) else { continue }
      let edges = check.rounds(min(Int(clients), 1_000_000))
      var counts = [Double](repeating: 0, count: servers)
      var random = RandomStream(state: 13)
      let statuses = [EndpointStatus](repeating: .open, count: servers)
      // The wider apertures of fewer clients: as many edges, and each server at most once a client.
      let width = max(1, edges / 1000)
      for _ in 0..<(edges / width) {
        var aperture = RandomAperture(minimumAperture: width, initial: width)
        aperture.update(
          tokens: (0..<servers).map { _ in UInt32(truncatingIfNeeded: random.next()) }, statuses: statuses)
        for place in 0..<aperture.logicalAperture { counts[Int(aperture.order[place])] += 1 }
      }
      let mean = counts.reduce(0, +) / Double(servers)
      let variance = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(servers)
      check.close(mean, clients * probability, relative: 1e-9, "clients a server under \(Int(clients)) edges")
      // A client has a server at most once, which narrows it by that much.
      let narrowed = deviation * ((1 - Double(width) / Double(servers)) / (1 - probability)).squareRoot()
      check.close(variance.squareRoot(), narrowed, relative: 0.08, "deviation under \(Int(clients)) edges")
      if check.rounds(1000) < 1000 { return }
    }
  }

  /// The number that stands after `mark`, or at the very beginning.
  private func number(after mark: String?, in text: Substring) -> Double? {
    guard let start = mark.map({ text.range(of: $0)?.upperBound }) ?? text.startIndex else { return nil }
    return Double(text[start...].prefix { $0.isNumber || $0 == "." })
  }

  private func runLoadBand(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let defaults = try vector("defaults")
    let band = LoadBand()
    check.equal(band.smoothingWindow, .seconds(of: try defaults("smoothWin_s").time), "smoothWin_s")
    check.equal(band.lowLoad, try defaults("lowLoad").double, "lowLoad")
    check.equal(band.highLoad, try defaults("highLoad").double, "highLoad")
    check.equal(RandomAperture().minimumAperture, try defaults("minAperture").int, "minAperture")
    // Without smoothing the aperture follows a rising number of requests in flight.
    var follower = LoadBand(smoothingWindow: .zero)
    var aperture = 1
    for inFlight in 1...200 {
      aperture += follower.adjust(
        by: 1, aperture: aperture, minimum: 1, maximum: 1000, at: Timestamp(nanoseconds: Int64(inFlight)))
      check.near(Double(aperture), Double(inFlight) / band.highLoad, absolute: 1, "\(inFlight) in flight")
    }
  }
}
