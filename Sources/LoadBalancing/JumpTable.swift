// Jump consistent hashing: a bucket for a key without any table.
//
// Lamping and Veach: A Fast, Minimal Memory, Consistent Hash Algorithm, 2014 (arXiv:1406.2294). The key seeds a linear
// congruential generator whose numbers say at which number of buckets the key moves next; so one bucket more takes just its
// share. Buckets are numbered: only the last one can come or go cheaply.

/// The bucket of a key among numbered ones.
public enum JumpTable {
  /// A bucket from 0 up to but without `count` (at least 1). Complexity: O(log count).
  public static func bucket(of key: UInt64, count: Int32) -> Int32 {
    var key = key
    var bucket: Int64 = -1
    var next: Int64 = 0
    while next < Int64(count) {
      bucket = next
      key = key &* 2_862_933_555_777_941_757 &+ 1
      next = Int64(Double(bucket + 1) * (Double(Int64(1) << 31) / Double((key >> 33) + 1)))
    }
    return Int32(truncatingIfNeeded: bucket)
  }
}
