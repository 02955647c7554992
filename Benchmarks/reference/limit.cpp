// A reference of `make bench`: the same loops in C++, to show that the Swift one is not slow.
//
// Physical-limit reference: hand-written event loops, no framework, integer-ns time.
//   limit mm1|mm8|random|rr|p2c N [seed] [arity] [stats]
// Events: one arrival + one departure per customer; ties broken by a sequence number.
// With `stats` every waiting time goes into a 2^-5 relative-error log histogram.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/resource.h>
#include <vector>

struct Rng {  // xoshiro256++
  uint64_t s[4];
  explicit Rng(uint64_t x) {
    for (auto &w : s) {
      x += 0x9e3779b97f4a7c15ULL;
      uint64_t z = x;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      w = z ^ (z >> 31);
    }
  }
  static uint64_t rot(uint64_t v, int k) { return (v << k) | (v >> (64 - k)); }
  uint64_t next() {
    uint64_t r = rot(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3]; s[2] ^= t;
    s[3] = rot(s[3], 45);
    return r;
  }
  double unit() { return ((next() >> 11) + 0.5) * 0x1.0p-53; }
  uint32_t below(uint32_t n) { return (uint32_t)(((__uint128_t)next() * n) >> 64); }
  int64_t expo(double mean_ns) { return (int64_t)(-std::log(unit()) * mean_ns); }
};

struct Ev { int64_t t; uint32_t seq; uint32_t arg; };
static inline bool before(const Ev &a, const Ev &b) {
  return a.t < b.t || (a.t == b.t && (int32_t)(a.seq - b.seq) < 0);
}

template <int D> struct Heap {
  std::vector<Ev> v;
  bool empty() const { return v.empty(); }
  void push(Ev e) {
    size_t i = v.size();
    v.push_back(e);
    while (i) {
      size_t p = (i - 1) / D;
      if (!before(e, v[p])) break;
      v[i] = v[p];
      i = p;
    }
    v[i] = e;
  }
  void sift_root(Ev e) {
    size_t n = v.size(), i = 0;
    for (;;) {
      size_t c = i * D + 1;
      if (c >= n) break;
      size_t m = c, end = c + D < n ? c + D : n;
      for (size_t k = c + 1; k < end; k++) if (before(v[k], v[m])) m = k;
      if (!before(v[m], e)) break;
      v[i] = v[m];
      i = m;
    }
    v[i] = e;
  }
  Ev pop() {
    Ev r = v[0], e = v.back();
    v.pop_back();
    if (!v.empty()) sift_root(e);
    return r;
  }
};

struct Hist {
  std::vector<uint64_t> b = std::vector<uint64_t>(64 * 32);
  void add(uint64_t x) {
    int hi = 63 - __builtin_clzll(x | 32);
    b[(size_t)(hi - 5) * 32 + (x >> (hi - 5))]++;
  }
  uint64_t quantile(double q) const {
    uint64_t n = 0, k = 0;
    for (auto c : b) n += c;
    for (size_t i = 0; i < b.size(); i++) {
      k += b[i];
      if (k >= q * n) {
        size_t row = i / 32;
        return row < 2 ? i : (uint64_t)(32 + i % 32) << (row - 1);
      }
    }
    return 0;
  }
};

struct Ring {  // growable FIFO of arrival times
  std::vector<int64_t> a = std::vector<int64_t>(16);
  uint32_t head = 0, len = 0;
  void push(int64_t x) {
    if (len == a.size()) {
      std::vector<int64_t> b(a.size() * 2);
      for (uint32_t i = 0; i < len; i++) b[i] = a[(head + i) & (a.size() - 1)];
      a.swap(b);
      head = 0;
    }
    a[(head + len++) & (a.size() - 1)] = x;
  }
  int64_t pop() {
    int64_t x = a[head];
    head = (head + 1) & (a.size() - 1);
    len--;
    return x;
  }
};

struct Server { Ring q; uint32_t busy = 0, cap = 1; };

template <int D, bool STATS> void go(const std::string &what, uint64_t n, uint64_t seed) {
  const double S = 1e6;  // mean service 1 ms in ns
  bool single = what == "mm1" || what == "mm8";
  uint32_t servers = single ? 1 : 100, cap = what == "mm8" ? 8 : 1;
  int pol = what == "random" ? 0 : what == "rr" ? 1 : 2;
  double gap = S / (0.8 * servers * cap);
  Rng ra(seed * 3 + 1), rs(seed * 3 + 2), rp(seed * 3 + 3);
  std::vector<Server> sv(servers);
  for (auto &s : sv) s.cap = cap;
  Heap<D> h;
  Hist hist;
  uint32_t seq = 0, turn = 0;
  uint64_t arrived = 0, done = 0, events = 0;
  __int128 waited = 0;
  auto t0 = std::chrono::steady_clock::now();
  h.push({ra.expo(gap), seq++, UINT32_MAX});
  while (!h.empty()) {
    Ev e = h.pop();
    events++;
    if (e.arg == UINT32_MAX) {
      if (++arrived < n) h.push({e.t + ra.expo(gap), seq++, UINT32_MAX});
      uint32_t k = 0;
      if (!single) {
        if (pol == 0) k = rp.below(100);
        else if (pol == 1) { k = turn; turn = turn == 99 ? 0 : turn + 1; }
        else {
          uint32_t a = rp.below(100), b = rp.below(99);
          b += b >= a;
          k = sv[a].q.len + sv[a].busy <= sv[b].q.len + sv[b].busy ? a : b;
        }
      }
      Server &s = sv[k];
      if (s.busy < s.cap) {
        s.busy++;
        if (STATS) hist.add(0);
        h.push({e.t + rs.expo(S), seq++, k});
      } else s.q.push(e.t);
    } else {
      Server &s = sv[e.arg];
      done++;
      if (s.q.len) {
        int64_t w = e.t - s.q.pop();
        waited += w;
        if (STATS) hist.add((uint64_t)w);
        h.push({e.t + rs.expo(S), seq++, e.arg});
      } else s.busy--;
    }
  }
  double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count();
  rusage ru;
  getrusage(RUSAGE_SELF, &ru);
  std::printf("{\"label\": \"c++ d%d%s %s\", \"customers\": %lu, \"wall_s\": %.3f, \"cust_per_s\": %.0f, "
              "\"events\": %lu, \"events_per_s\": %.0f, \"mean_wait\": %.4f, \"p99_wait\": %.3f, "
              "\"peak_rss_mib\": %.1f}\n",
              D, STATS ? "+hist" : "", what.c_str(), done, wall, done / wall, events, events / wall,
              (double)waited / done / S, STATS ? hist.quantile(0.99) / S : -1.0, ru.ru_maxrss / 1024.0);
}

int main(int argc, char **argv) {
  std::string what = argv[1];
  uint64_t n = std::strtoull(argv[2], 0, 10), seed = argc > 3 ? std::strtoull(argv[3], 0, 10) : 1;
  int d = argc > 4 ? std::atoi(argv[4]) : 4;
  bool st = argc > 5;
  if (d == 2) st ? go<2, true>(what, n, seed) : go<2, false>(what, n, seed);
  else if (d == 8) st ? go<8, true>(what, n, seed) : go<8, false>(what, n, seed);
  else st ? go<4, true>(what, n, seed) : go<4, false>(what, n, seed);
}
