import MeshCore
import Testing

/// Goal: draws are sound where simulations lean on them: kin keys and numbers next to each other.
@Suite struct RandomnessTests {
  /// Goal: a uniform number is never 0 and never 1, whose logarithm or quantile would be infinite.
  @Test func unitIntervalHasNoEnds() {
    #expect(unitInterval(0) == 0x1p-53)
    #expect(unitInterval(.max) == 1 - 0x1p-53)
    #expect(unitInterval(1 << 63) > 0.5)
    #expect(unitInterval(1 << 63 - 1) < 0.5)
  }

  /// Goal: each bit of number, key and entity flips each bit of the draw half of the time. Method: 1024 trials a bit pair;
  /// a fair coin leaves 512 ± 100 with a probability of 4e-10.
  @Test(arguments: ["number", "key", "entity", "seed"])
  func everyInputBitReachesEveryOutputBit(input: String) {
    func draw(_ value: UInt64) -> UInt64 {
      switch input {
      case "number": return RandomKey(value: 0x1234_5678_9abc_def0).draw(value)
      case "key": return RandomKey(value: 42).key(value).draw(0)
      case "entity": return RandomKey(seed: 1, replication: 0, purpose: .demand, entity: value).draw(0)
      default: return RandomKey(seed: value, replication: 0, purpose: .demand, entity: 3).draw(0)
      }
    }
    var counts = [Int](repeating: 0, count: 64 * 64)
    for trial in 0..<1024 {
      let value = UInt64(trial) &* 0x2545_f491_4f6c_dd1d
      let base = draw(value)
      for bit in 0..<64 {
        var difference = base ^ draw(value ^ (1 << UInt64(bit)))
        var output = bit * 64
        while difference != 0 {
          counts[output] += Int(difference & 1)
          difference >>= 1
          output += 1
        }
      }
    }
    #expect(counts.allSatisfy { abs($0 - 512) < 100 })
  }

  /// Goal: pairs of neighbours (in number, in member key, in purpose, in replication) fill 256 × 256 cells evenly. Method: chi-
  /// square over 2^18 pairs, 4 a cell; the statistic's mean is 65535 and its deviation 362: six deviations.
  @Test(arguments: ["number", "member", "purpose", "replication"])
  func neighboursAreIndependent(relation: String) {
    var cells = [Int32](repeating: 0, count: 65536)
    let root = RandomKey(seed: 9, replication: 2, purpose: .arrival, entity: 0)
    for index in 0..<UInt64(1 << 18) {
      let pair: (UInt64, UInt64)
      switch relation {
      case "number": pair = (root.draw(index), root.draw(index + 1))
      case "member": pair = (root.key(index).draw(0), root.key(index + 1).draw(0))
      case "purpose": pair = (root.key(index).key(for: .demand).draw(0), root.key(index).key(for: .error).draw(0))
      default:
        pair = (
          RandomKey(seed: index, replication: 0, purpose: .key, entity: 0).draw(0),
          RandomKey(seed: index, replication: 1, purpose: .key, entity: 0).draw(0)
        )
      }
      cells[Int((pair.0 >> 56) << 8 | pair.1 >> 56)] += 1
    }
    let statistic = cells.reduce(0.0) { $0 + Double(($1 - 4) * ($1 - 4)) / 4 }
    #expect(abs(statistic - 65535) < 6 * 362)
  }

  /// Goal: whole numbers below a bound are even, at both ends too.
  @Test func wholeNumbersAreEven() {
    var stream = RandomStream(state: 5)
    var counts = [Int](repeating: 0, count: 10)
    for _ in 0..<100_000 { counts[stream.below(10)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 600 })
  }

  /// Goal: a script is given in order and begins anew.
  @Test func scriptRepeats() {
    let script: [UInt64] = [3, 1, 4]
    script.withUnsafeBufferPointer { buffer in
      var stream = RandomStream(script: buffer)
      #expect((0..<4).map { _ in stream.next() } == [3, 1, 4, 3])
      #expect(stream.drawnFromScript == 4)
    }
  }
}
