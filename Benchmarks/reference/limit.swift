// A reference of `make bench`: what plain Swift reaches on M/M/8 and on 100 servers behind a chooser when the whole model is one
// hand-written loop, without modules, scenario files or statistics beyond a mean. Weir's speed is reported as a ratio to it.
//
// What plain Swift reaches on the same M/M/8 and 100-server workloads as limit.cpp.
//   limit-swift mm1|mm8|random|rr|p2c N [heap|wheel]
// heap: 4-ary heap in a ContiguousArray (bounds checks on under -O).
// wheel: exact base-64 hierarchical wheel over a node pool in unsafe buffers.
import Glibc

struct Rng {
  var s: (UInt64, UInt64, UInt64, UInt64)
  init(_ seed: UInt64) {
    var x = seed
    func mix() -> UInt64 {
      x &+= 0x9e37_79b9_7f4a_7c15
      var z = x
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
    s = (mix(), mix(), mix(), mix())
  }
  @inline(__always) mutating func next() -> UInt64 {
    let a = s.0 &+ s.3
    let r = ((a << 23) | (a >> 41)) &+ s.0
    let t = s.1 << 17
    s.2 ^= s.0; s.3 ^= s.1; s.1 ^= s.2; s.0 ^= s.3; s.2 ^= t
    s.3 = (s.3 << 45) | (s.3 >> 19)
    return r
  }
  @inline(__always) mutating func unit() -> Double { (Double(next() >> 11) + 0.5) * 0x1p-53 }
  @inline(__always) mutating func below(_ n: UInt64) -> Int { Int(next().multipliedFullWidth(by: n).high) }
  @inline(__always) mutating func expo(_ mean: Double) -> Int64 { Int64(-log(unit()) * mean) }
}

struct Event {
  var time: Int64
  var seq: UInt32
  var arg: UInt32
  @inline(__always) static func < (a: Event, b: Event) -> Bool {
    a.time < b.time || (a.time == b.time && a.seq < b.seq)
  }
}

protocol EventQueue {
  init()
  mutating func push(_ e: Event)
  mutating func pop() -> Event?
}

struct Heap4: EventQueue {
  var v = ContiguousArray<Event>()
  init() {}
  @inline(__always) mutating func push(_ e: Event) {
    var i = v.count
    v.append(e)
    while i > 0 {
      let p = (i &- 1) >> 2
      if !(e < v[p]) { break }
      v[i] = v[p]
      i = p
    }
    v[i] = e
  }
  @inline(__always) mutating func pop() -> Event? {
    guard let e = v.popLast() else { return nil }
    let n = v.count
    if n == 0 { return e }
    let r = v[0]
    var i = 0
    while true {
      let c = i &* 4 &+ 1
      if c >= n { break }
      var m = c
      var k = c &+ 1
      let end = min(c &+ 4, n)
      while k < end { if v[k] < v[m] { m = k }; k &+= 1 }
      if !(v[m] < e) { break }
      v[i] = v[m]
      i = m
    }
    v[i] = e
    return r
  }
}

struct Wheel: EventQueue {
  struct Node { var e: Event; var prev: Int32; var next: Int32; var slot: Int32 }
  var pool: UnsafeMutablePointer<Node>
  var capacity = 1024, used = 0
  var free: Int32 = -1
  let head: UnsafeMutablePointer<Int32>
  let tail: UnsafeMutablePointer<Int32>
  let bits: UnsafeMutablePointer<UInt64>
  var last: Int64 = 0
  init() {
    pool = .allocate(capacity: 1024)
    head = .allocate(capacity: 704)
    tail = .allocate(capacity: 704)
    bits = .allocate(capacity: 12)
    head.initialize(repeating: -1, count: 704)
    tail.initialize(repeating: -1, count: 704)
    bits.initialize(repeating: 0, count: 11)
    bits[11] = 1  // sentinel: an empty wheel stops the level scan here
  }
  @inline(__always) mutating func link(_ i: Int32) {
    let t = pool[Int(i)].e.time
    let x = UInt64(bitPattern: t ^ last)
    let level = x == 0 ? 0 : (63 &- x.leadingZeroBitCount) / 6
    let d = Int(truncatingIfNeeded: t >> Int64(6 &* level)) & 63
    let s = level &* 64 &+ d
    let t0 = tail[s]
    pool[Int(i)].slot = Int32(truncatingIfNeeded: s)
    pool[Int(i)].next = -1
    pool[Int(i)].prev = t0
    if t0 < 0 { head[s] = i; bits[level] |= 1 << UInt64(d) } else { pool[Int(t0)].next = i }
    tail[s] = i
  }
  @inline(__always) mutating func push(_ e: Event) {
    var i = free
    if i >= 0 { free = pool[Int(i)].next } else {
      if used == capacity {
        let p = UnsafeMutablePointer<Node>.allocate(capacity: capacity * 2)
        p.moveInitialize(from: pool, count: used)
        pool.deallocate()
        pool = p
        capacity *= 2
      }
      i = Int32(truncatingIfNeeded: used)
      used += 1
    }
    pool[Int(i)].e = e
    link(i)
  }
  @inline(__always) mutating func unlink(_ i: Int32) {
    let n = pool[Int(i)], s = Int(n.slot)
    if n.prev < 0 { head[s] = n.next } else { pool[Int(n.prev)].next = n.next }
    if n.next < 0 { tail[s] = n.prev } else { pool[Int(n.next)].prev = n.prev }
    if head[s] < 0 { bits[s >> 6] &= ~(1 << UInt64(s & 63)) }
    pool[Int(i)].next = free
    free = i
  }
  @inline(__always) mutating func pop() -> Event? {
    while true {
      var level = 0
      while bits[level] == 0 { level &+= 1 }
      if level == 11 { return nil }
      let d = bits[level].trailingZeroBitCount
      let s = level &* 64 &+ d
      var i = head[s]
      if level == 0 || pool[Int(i)].next < 0 {
        let e = pool[Int(i)].e
        last = e.time
        unlink(i)
        return e
      }
      head[s] = -1
      tail[s] = -1
      bits[level] &= ~(1 << UInt64(d))
      let shift = Int64(6 &* level)
      last = (pool[Int(i)].e.time >> shift) << shift
      while i >= 0 { let nx = pool[Int(i)].next; link(i); i = nx }
    }
  }
}

struct Ring {
  var a = ContiguousArray<Int64>(repeating: 0, count: 16)
  var head = 0, count = 0
  @inline(__always) mutating func push(_ x: Int64) {
    if count == a.count {
      var b = ContiguousArray<Int64>(repeating: 0, count: count * 2)
      for i in 0..<count { b[i] = a[(head + i) & (count - 1)] }
      a = b
      head = 0
    }
    a[(head &+ count) & (a.count &- 1)] = x
    count &+= 1
  }
  @inline(__always) mutating func pop() -> Int64 {
    let x = a[head]
    head = (head &+ 1) & (a.count &- 1)
    count &-= 1
    return x
  }
}

struct Server { var queue = Ring(); var busy = 0; var cap = 1 }

func go<Q: EventQueue>(_ what: String, _ n: Int, _ q: Q.Type, _ name: String) {
  let mean = 1e6
  let single = what == "mm1" || what == "mm8"
  let servers = single ? 1 : 100, cap = what == "mm8" ? 8 : 1
  let policy = what == "random" ? 0 : what == "rr" ? 1 : 2
  let gap = mean / (0.8 * Double(servers * cap))
  var ra = Rng(4), rs = Rng(5), rp = Rng(6)
  var sv = ContiguousArray(repeating: Server(cap: cap), count: servers)
  var h = Q()
  var seq: UInt32 = 0
  var turn = 0, arrived = 0, done = 0, events = 0
  var waited = 0.0
  let arrival = UInt32.max
  var t0 = timespec(), t1 = timespec()
  clock_gettime(CLOCK_MONOTONIC, &t0)
  h.push(Event(time: ra.expo(gap), seq: seq, arg: arrival)); seq &+= 1
  while let e = h.pop() {
    events &+= 1
    if e.arg == arrival {
      arrived &+= 1
      if arrived < n { h.push(Event(time: e.time &+ ra.expo(gap), seq: seq, arg: arrival)); seq &+= 1 }
      var k = 0
      if !single {
        if policy == 0 { k = rp.below(100) }
        else if policy == 1 { k = turn; turn = turn == 99 ? 0 : turn &+ 1 }
        else {
          let a = rp.below(100)
          var b = rp.below(99)
          if b >= a { b &+= 1 }
          k = sv[a].queue.count &+ sv[a].busy <= sv[b].queue.count &+ sv[b].busy ? a : b
        }
      }
      if sv[k].busy < sv[k].cap {
        sv[k].busy &+= 1
        h.push(Event(time: e.time &+ rs.expo(mean), seq: seq, arg: UInt32(k))); seq &+= 1
      } else {
        sv[k].queue.push(e.time)
      }
    } else {
      let k = Int(e.arg)
      done &+= 1
      if sv[k].queue.count > 0 {
        waited += Double(e.time &- sv[k].queue.pop())
        h.push(Event(time: e.time &+ rs.expo(mean), seq: seq, arg: e.arg)); seq &+= 1
      } else {
        sv[k].busy &-= 1
      }
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &t1)
  let w = Double(t1.tv_sec - t0.tv_sec) + Double(t1.tv_nsec - t0.tv_nsec) / 1e9
  var ru = rusage()
  getrusage(0, &ru)  // RUSAGE_SELF
  print("{\"label\": \"swift \(name) \(what)\", \"customers\": \(done), \"wall_s\": \(w), "
    + "\"cust_per_s\": \(Int(Double(done) / w)), \"events\": \(events), \"events_per_s\": \(Int(Double(events) / w)), "
    + "\"mean_wait\": \(waited / Double(done) / mean), \"peak_rss_mib\": \(Double(ru.ru_maxrss) / 1024)}")
}

let args = CommandLine.arguments
if args.count > 3 && args[3] == "wheel" { go(args[1], Int(args[2])!, Wheel.self, "wheel") }
else { go(args[1], Int(args[2])!, Heap4.self, "heap4") }
