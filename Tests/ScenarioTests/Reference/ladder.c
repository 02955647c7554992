// Response times of n exponential servers under a policy, by other means than Weir's: no event queue, no shared code.
// It gave the figures of Scenarios/theory/ladder-10-load{50,70,80,95}.yaml (6e7 requests, seed 7), of
// ladder-100-load{70,95}.yaml (2e7 to 3e7) and of supermarket.yaml at loads 0.5 to 0.8 (3e7).
//
// Servers are first come first served, so a request's departure is known as it arrives; each server keeps the departures
// it still has ahead of it. Prints mean, p50, p90, p99 and p99.9 in service times, and the mean's standard error.
//
//   cc -O2 -o ladder ladder.c -lm && ./ladder POLICY SERVERS LOAD REQUESTS SEED
//   POLICY: random roundRobin distinct replacement three jiq jsq lwl
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state[4];

static uint64_t next(void) {  // xoshiro256**, Blackman and Vigna 2018
  uint64_t product = state[1] * 5, result = ((product << 7) | (product >> 57)) * 9, shifted = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= shifted;
  state[3] = (state[3] << 45) | (state[3] >> 19);
  return result;
}
static double unit(void) { return ((next() >> 11) + 0.5) * 0x1p-53; }
static int below(int bound) { return (int)(unit() * bound); }

enum { ring = 4096, bins = 200000 };
static double (*departures)[ring];
static unsigned *first, *last;

static int length(int server, double now) {
  while (first[server] != last[server] && departures[server][first[server] % ring] <= now) first[server]++;
  return (int)(last[server] - first[server]);
}

int main(int count, char **words) {
  if (count != 6) return fprintf(stderr, "usage: ladder POLICY SERVERS LOAD REQUESTS SEED\n"), 2;
  const char *policy = words[1];
  int servers = atoi(words[2]), turn = 0;
  double load = atof(words[3]), now = 0, sum = 0, batch = 0, batchSquares = 0;
  long requests = atol(words[4]), warm = requests / 5, seen = 0, batchSize = (requests - warm) / 100;
  for (int i = 0; i < 4; i++) state[i] = 0x9E3779B97F4A7C15u * (strtoull(words[5], 0, 10) * 4 + i + 1);
  for (int i = 0; i < 100; i++) next();
  departures = calloc(servers, sizeof *departures);
  first = calloc(servers, sizeof *first);
  last = calloc(servers, sizeof *last);
  long *histogram = calloc(bins, sizeof *histogram);
  double *end = calloc(servers, sizeof *end);
  for (long request = 0; request < requests; request++) {
    now -= log(unit()) / (servers * load);
    int chosen = 0;
    if (!strcmp(policy, "random")) chosen = below(servers);
    else if (!strcmp(policy, "roundRobin")) chosen = turn, turn = (turn + 1) % servers;
    else if (!strcmp(policy, "distinct")) {
      chosen = below(servers);
      int other = below(servers - 1);
      other += other >= chosen;
      if (length(other, now) < length(chosen, now)) chosen = other;
    } else if (!strcmp(policy, "replacement") || !strcmp(policy, "three")) {
      chosen = below(servers);
      for (int draw = policy[0] == 't' ? 2 : 1; draw > 0; draw--) {
        int other = below(servers);
        if (length(other, now) < length(chosen, now)) chosen = other;
      }
    } else {
      double least = INFINITY;
      int ties = 0;
      for (int server = 0; server < servers; server++) {
        double value = policy[0] == 'l' ? fmax(end[server] - now, 0) : length(server, now);
        if (!strcmp(policy, "jiq") && value > 0) value = 1;
        if (value < least) least = value, chosen = server, ties = 1;
        else if (value == least && below(++ties) == 0) chosen = server;
      }
    }
    double demand = -log(unit());
    if (length(chosen, now) >= ring - 1) return fprintf(stderr, "a queue is too long\n"), 1;
    end[chosen] = fmax(end[chosen], now) + demand;
    departures[chosen][last[chosen]++ % ring] = end[chosen];
    if (request < warm) continue;
    double response = end[chosen] - now;
    sum += response, batch += response;
    int bin = (int)(response * 500);
    histogram[bin < bins ? bin : bins - 1]++;
    if (++seen % batchSize == 0) batch /= batchSize, batchSquares += batch * batch, batch = 0;
  }
  double mean = sum / seen, error = sqrt((batchSquares / 100 - mean * mean) / 99);
  printf("%s %d %g: mean %.4f (%.4f)", policy, servers, load, mean, error);
  double quantiles[] = {0.5, 0.9, 0.99, 0.999};
  long below = 0;
  for (int bin = 0, at = 0; bin < bins && at < 4; bin++) {
    below += histogram[bin];
    while (at < 4 && below >= quantiles[at] * seen) printf(" %.3f", (bin + 0.5) / 500), at++;
  }
  printf("\n");
}
