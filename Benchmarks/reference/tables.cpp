// The plain C++ way to build a ring and a Maglev table: the same work as `bench-policies` times, with the containers that come to
// mind first and that proxies use: a vector of pairs of hash and shared pointer, sorted by std::sort; a table of shared
// pointers filled by walking each host's permutation. Hashing is xxHash64 in both.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

static const uint64_t P1 = 0x9e3779b185ebca87ULL, P2 = 0xc2b2ae3d27d4eb4fULL, P3 = 0x165667b19e3779f9ULL,
                      P4 = 0x85ebca77c2b2ae63ULL, P5 = 0x27d4eb2f165667c5ULL;
static uint64_t rotate(uint64_t x, int r) { return (x << r) | (x >> (64 - r)); }
static uint64_t eight(const char* p) { uint64_t v; std::memcpy(&v, p, 8); return v; }
static uint32_t four(const char* p) { uint32_t v; std::memcpy(&v, p, 4); return v; }
static uint64_t lane(uint64_t acc, uint64_t input) { return rotate(acc + input * P2, 31) * P1; }

// Names here are shorter than 32 bytes, so the four lanes never run.
static uint64_t hash(const std::string& text, uint64_t seed = 0) {
  const char* p = text.data();
  const char* end = p + text.size();
  uint64_t h = seed + P5 + text.size();
  for (; p + 8 <= end; p += 8) h = rotate(h ^ lane(0, eight(p)), 27) * P1 + P4;
  if (p + 4 <= end) { h = rotate(h ^ (four(p) * P1), 23) * P2 + P3; p += 4; }
  for (; p < end; ++p) h = rotate(h ^ (static_cast<unsigned char>(*p) * P5), 11) * P1;
  h = (h ^ (h >> 33)) * P2;
  h = (h ^ (h >> 29)) * P3;
  return h ^ (h >> 32);
}

struct Host { std::string address; };
using HostPointer = std::shared_ptr<Host>;
struct Entry { uint64_t hash; HostPointer host; };

static std::vector<Entry> ring(const std::vector<HostPointer>& hosts, uint64_t minimum) {
  const double share = 1.0 / hosts.size();
  const double scale = std::min(std::ceil(share * minimum) / share, 8388608.0);
  std::vector<Entry> entries;
  entries.reserve(static_cast<size_t>(std::ceil(scale)));
  double current = 0, target = 0;
  for (const auto& host : hosts) {
    target += scale * share;
    std::string name = host->address + "_";
    const size_t prefix = name.size();
    for (uint64_t i = 0; current < target; ++i, ++current) {
      name.resize(prefix);
      name += std::to_string(i);
      entries.push_back({hash(name), host});
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.hash < b.hash; });
  return entries;
}

static std::vector<HostPointer> maglev(const std::vector<HostPointer>& given, uint64_t size) {
  struct Build { HostPointer host; uint64_t offset, skip; double share, target; uint64_t next; };
  std::vector<HostPointer> hosts = given;
  std::sort(hosts.begin(), hosts.end(), [](const auto& a, const auto& b) { return a->address < b->address; });
  std::vector<Build> builds;
  const double share = 1.0 / hosts.size();
  for (const auto& host : hosts)
    builds.push_back({host, hash(host->address) % size, hash(host->address, 1) % (size - 1) + 1, share, 0, 0});
  std::vector<HostPointer> table(size);
  uint64_t filled = 0;
  for (uint32_t round = 1;; ++round) {
    for (auto& build : builds) {
      if (round * build.share < build.target) continue;
      build.target += share;
      uint64_t place = (build.offset + build.skip * build.next) % size;
      while (table[place] != nullptr) { ++build.next; place = (build.offset + build.skip * build.next) % size; }
      table[place] = build.host;
      ++build.next;
      if (++filled == size) return table;
    }
  }
}

template <class Body> static double leastMilliseconds(int rounds, Body body) {
  double least = 1e300;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    least = std::min(least, elapsed.count());
  }
  return least;
}

int main() {
  std::vector<HostPointer> hosts;
  for (int i = 0; i < 100; ++i)
    hosts.push_back(std::make_shared<Host>(
        Host{"10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + ":8080"}));
  size_t sink = 0;
  for (uint64_t size : {65536ULL, 1000000ULL})
    std::printf("ring %llu %g\n", (unsigned long long)size,
                leastMilliseconds(12, [&] { sink += ring(hosts, size)[0].hash; }));
  std::printf("maglev 65537 %g\n", leastMilliseconds(40, [&] { sink += maglev(hosts, 65537).size(); }));
  return sink == 42;
}
