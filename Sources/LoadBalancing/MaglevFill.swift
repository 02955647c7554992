// How a Maglev table is filled: endpoints take turns, each taking the first entry of its own order that is still free.
//
// Most of a plain fill's time goes into steps that find an entry taken, and into branches that nobody can foretell: where a walk
// ends. So several steps are looked at together, four in a vector: while most entries are free, one vector nearly always has one;
// two do for the middle, four later. The entries an endpoint visits are k · step modulo the size, so multiples of the step, kept
// beside the endpoint, give all places at once, without a division and without one waiting for another. For the last few entries
// it is cheaper to ask of each which one comes first, by dividing by the step modulo the size.

/// One endpoint while a Maglev table is filled.
struct MaglevWalk {
  /// The number that its entries get.
  let number: Int32
  /// The next entry that it would like.
  fileprivate var place: Int32
  /// The size less the step: going back by this, modulo the size, goes on by the step.
  private let back: Int32
  /// 0 to 15 times `back`, modulo the size.
  private let multiples: (SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>)
  /// 16 times `back`, modulo the size.
  private let sixteenth: Int32
  /// Its part of the table.
  fileprivate let share: Double
  /// It takes part in a round when the round times its share has reached this.
  fileprivate var target: Double = 0
  /// One over the step, modulo the size; 0 until it is needed.
  private var inverse: Int32 = 0

  /// An endpoint that starts at entry `offset` and goes on by `step`, from 1 to the size less 1.
  init(number: Int32, offset: UInt64, step: UInt64, share: Double, size: Int32) {
    self.number = number
    self.share = share
    place = Int32(truncatingIfNeeded: offset)
    let back = size &- Int32(truncatingIfNeeded: step)
    self.back = back
    var multiple: Int32 = 0
    func next() -> Int32 {
      defer { multiple = Self.within(multiple &+ back &- size, size) }
      return multiple
    }
    func four() -> SIMD4<Int32> { SIMD4(next(), next(), next(), next()) }
    multiples = (four(), four(), four(), four())
    sixteenth = multiple
  }

  /// `value`, at least −size, modulo the size. Without a branch: whether a step wraps around is anybody's guess.
  @inline(__always)
  private static func within(_ value: Int32, _ size: Int32) -> Int32 { value &+ (size & (value &>> 31)) }

  /// Moves on by one step from the entry it has taken.
  @inline(__always)
  fileprivate mutating func take(_ entry: Int32, _ size: Int32) { place = Self.within(entry &- back, size) }

  /// The first free entry that it comes to, looking at `vectors` times four at once: 1, 2 or 4.
  @inline(__always)
  fileprivate func firstFree(_ entries: UnsafeMutableBufferPointer<Int32>, _ size: Int32, vectors: Int) -> Int32 {
    var place = place
    while true {
      let first = Self.places(place, multiples.0, size)
      var free = Self.freeOnes(entries, first)
      if vectors == 1 {
        if free != 0 { return first[free.trailingZeroBitCount] }
        place &-= multiples.1[0]
      } else {
        let second = Self.places(place, multiples.1, size)
        free |= Self.freeOnes(entries, second) &<< 4
        let eight = SIMD8(lowHalf: first, highHalf: second)
        if vectors == 2 {
          if free != 0 { return eight[free.trailingZeroBitCount] }
          place &-= multiples.2[0]
        } else {
          let third = Self.places(place, multiples.2, size)
          let fourth = Self.places(place, multiples.3, size)
          free |= Self.freeOnes(entries, third) &<< 8 | Self.freeOnes(entries, fourth) &<< 12
          if free != 0 {
            return SIMD16(lowHalf: eight, highHalf: SIMD8(lowHalf: third, highHalf: fourth))[free.trailingZeroBitCount]
          }
          place &-= sixteenth
        }
      }
      place = Self.within(place, size)
    }
  }

  @inline(__always)
  private static func places(_ place: Int32, _ multiples: SIMD4<Int32>, _ size: Int32) -> SIMD4<Int32> {
    let places = SIMD4(repeating: place) &- multiples
    return places &+ (SIMD4(repeating: size) & (places &>> 31))
  }

  /// A bit for each of four places, set where the entry there is free: below 0.
  @inline(__always)
  private static func freeOnes(_ entries: UnsafeMutableBufferPointer<Int32>, _ places: SIMD4<Int32>) -> UInt32 {
    @inline(__always) func isFree(_ lane: Int) -> UInt32 { UInt32(bitPattern: entries[Int(places[lane])]) &>> 31 }
    return isFree(0) | isFree(1) &<< 1 | isFree(2) &<< 2 | isFree(3) &<< 3
  }

  /// Takes out of `free` the entry that it would come to first: it is (entry − place) / step steps away, modulo the size.
  /// `reciprocal` is 2^64 / size.
  fileprivate mutating func takeFirst(
    of free: inout ContiguousArray<Int32>, _ size: Int32, reciprocal: UInt64
  ) -> Int32 {
    if inverse == 0 { inverse = Self.inverse(size &- back, size) }
    let modulus = UInt64(UInt32(bitPattern: size))
    let inverse = UInt64(UInt32(bitPattern: inverse))
    let place = place &- size
    var first = 0
    var least = UInt64.max
    free.withUnsafeBufferPointer { free in
      for index in 0..<free.count {
        // At most twice the size times the size: 46 bits, so the quotient by the reciprocal is one too small at most.
        let product = UInt64(UInt32(bitPattern: free[index] &- place)) &* inverse
        var steps = product &- product.multipliedFullWidth(by: reciprocal).high &* modulus
        steps = steps >= modulus ? steps &- modulus : steps
        if steps < least {
          least = steps
          first = index
        }
      }
    }
    let entry = free[first]
    free.swapAt(first, free.count - 1)
    free.removeLast()
    return entry
  }

  /// The number whose product with `number` is 1 modulo the prime `size` (Euclid).
  private static func inverse(_ number: Int32, _ size: Int32) -> Int32 {
    var (a, b) = (Int64(size), Int64(number))
    var (x, y) = (Int64(0), Int64(1))
    while b > 1 {
      (x, y) = (y, x - a / b * y)
      (a, b) = (b, a % b)
    }
    return Int32(truncatingIfNeeded: y < 0 ? y + Int64(size) : y)
  }
}

/// Fills Maglev tables.
enum MaglevFill {
  /// The numbers of the endpoints that have the entries of a table of prime size. In each round endpoints take an entry each, in
  /// their order; one whose share is below `mostShare`, that of the largest, sits rounds out.
  static func entries(_ walks: inout [MaglevWalk], size: Int32, mostShare: Double) -> ContiguousArray<Int32> {
    // With fewer entries left than this, comparing all of them takes less time than stepping.
    let last = Int32(Double(size).squareRoot())
    // With more than these left, one vector of four or two of them find a free one nearly always.
    let (many, some) = (size / 8 * 3, size / 8)
    let reciprocal = UInt64.max / UInt64(UInt32(bitPattern: size))
    var free: ContiguousArray<Int32> = []
    var left = size
    var entries = ContiguousArray<Int32>(repeating: -1, count: Int(size))
    entries.withUnsafeMutableBufferPointer { entries in
      walks.withUnsafeMutableBufferPointer { walks in
        var round: Double = 1
        while true {
          for index in 0..<walks.count {
            if round * walks[index].share < walks[index].target { continue }
            walks[index].target += mostShare
            let entry: Int32
            if left > many {
              entry = walks[index].firstFree(entries, size, vectors: 1)
            } else if left > some {
              entry = walks[index].firstFree(entries, size, vectors: 2)
            } else if left > last {
              entry = walks[index].firstFree(entries, size, vectors: 4)
            } else {
              if free.isEmpty {
                for entry in 0..<size where entries[Int(entry)] < 0 { free.append(entry) }
              }
              entry = walks[index].takeFirst(of: &free, size, reciprocal: reciprocal)
            }
            entries[Int(entry)] = walks[index].number
            left &-= 1
            if left == 0 { return }
            walks[index].take(entry, size)
          }
          round += 1
        }
      }
    }
    return entries
  }
}
