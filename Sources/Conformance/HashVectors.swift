// Hash functions as Envoy has them: hash_test.cc, and hash_policy.cc for hashes put together.

import MeshCore
import TestVectors

struct HashVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic == "hash functions" || (file.name == "hash" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { try run($0, &$1) }
  }

  private func run(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let expected = try vector("expected").unsigned
    if let inputs = vector.member("inputs") {
      let combined = try inputs.unsigneds.reduce(nil as UInt64?) { RequestHash.combined($0, with: $1) }
      check.equal(combined, expected)
      return
    }
    let algorithm = try vector("algorithm").string.lowercased()
    let seed = try vector.member("seed")?.unsigned ?? 0
    if let parts = vector.member("parts") {
      guard algorithm.hasPrefix("xxhash64") else { throw VectorError(description: "parts hashed with \(algorithm)") }
      check.equal(RequestHash.chained(try parts.strings, seed: seed), expected)
      return
    }
    let input = try vector.member("input").map { Array(try $0.string.utf8) } ?? bytes(of: vector("input_hex").string)
    if algorithm.hasPrefix("xxhash64") {
      check.equal(XXHash64.hash(input, seed: seed), expected)
      if let other = try vector.member("expected_seed1")?.unsigned {
        check.equal(XXHash64.hash(input, seed: 1), other, "seed 1")
      }
    } else if algorithm.hasPrefix("murmurhash2") {
      check.equal(MurmurHash2.hash(input, seed: seed), expected)
    } else if algorithm.hasPrefix("djb2") {
      check.equal(DJB2.hash(input), expected)
    } else {
      throw VectorSkip("\(algorithm.prefix { $0 != " " }): no balancer uses it")
    }
  }

  private func bytes(of text: String) throws -> [UInt8] {
    let digits = Array(text.utf8)
    return try stride(from: 0, to: digits.count, by: 2).map { place in
      guard place + 1 < digits.count,
        let byte = UInt8(String(decoding: digits[place...place + 1], as: UTF8.self), radix: 16)
      else { throw VectorError(description: "\(text) is not hexadecimal") }
      return byte
    }
  }
}
