#!/usr/bin/env python3
"""`make trust`: are Weir's intervals what they say, and what do common random numbers save?

Coverage: the 95 % intervals of `comparison.csv` in 1,000 experiments whose truth is known (a server that is never full, exponential times of
mean 10 ms: the mean is 10 ms, the 0.99 quantile 10 ln 100 = 46.05 ms), each of 10 replications, each experiment with a seed of its own.

Common random numbers: for five pairs of policies, the variance of the paired difference of two variants' p99 against that of two
independent runs.

Writes Benchmarks/TRUST.md with --record.
"""
import argparse
import csv
import math
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

COVERAGE = """scenario: coverage
run: {requests: 10000, replications: 10}
world:
  services: {web: {discipline: infinite, time: {exponential: {mean: 10ms}}}}
  clients: {users: {arrivals: {poisson: 1000/s}}}
"""

PAIRS = """scenario: pairs
run: {duration: 20s, warmUp: 2s, replications: 40}
world:
  services: {web: {replicas: 10, time: {lognormal: {median: 8ms, p99: 40ms}}}}
  clients: {users: {arrivals: {poisson: 700/s}}}
variants:
  - {name: roundRobin, set: {mesh.clusters.web.balancer: roundRobin}}
  - {name: random, set: {mesh.clusters.web.balancer: random}}
  - {name: leastRequest, set: {mesh.clusters.web.balancer: leastRequest}}
  - {name: leastRequest3, set: {mesh.clusters.web.balancer: {leastRequest: {choices: 3}}}}
  - {name: peakEwma, set: {mesh.clusters.web.balancer: peakEwma}}
  - {name: leastConnections, set: {mesh.clusters.web.balancer: leastConnections}}
"""

CHOSEN = [("roundRobin", "leastRequest"), ("random", "roundRobin"), ("leastRequest", "peakEwma"),
          ("leastRequest", "leastRequest3"), ("leastRequest3", "leastConnections")]


def run(weir, text, seed, folder):
    path = os.path.join(folder, "scenario.yaml")
    with open(path, "w") as file:
        file.write(text)
    subprocess.run([weir, "run", path, "--seed", str(seed), "--out", folder, "--quiet"], check=True)
    return os.path.join(folder, text.split("\n")[0].split(": ")[1])


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def coverage(weir, experiments):
    truth = {"latency_mean_ms": 10.0, "latency_p99_ms": 10 * math.log(100)}
    covered = dict.fromkeys(truth, 0)
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, experiments + 1):
            results = run(weir, COVERAGE, seed, folder)
            for row in rows(os.path.join(results, "comparison.csv")):
                if row["metric"] in truth:
                    covered[row["metric"]] += float(row["ci_low"]) <= truth[row["metric"]] <= float(row["ci_high"])
    return {name: count / experiments for name, count in covered.items()}


def common_numbers(weir):
    with tempfile.TemporaryDirectory() as folder:
        same = rows(os.path.join(run(weir, PAIRS, 1, folder), "summary.csv"))
        other = rows(os.path.join(run(weir, PAIRS, 2, folder), "summary.csv"))

    def values(table, variant):
        return [float(row["latency_p99_ms"]) for row in table if row["variant"] == variant]

    ratios = []
    for left, right in CHOSEN:
        paired = statistics.variance(a - b for a, b in zip(values(same, left), values(same, right)))
        independent = statistics.variance(a - b for a, b in zip(values(same, left), values(other, right)))
        ratios.append((left, right, paired / independent))
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", required=True, help="the program, built in release mode")
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    shares = coverage(options.weir, options.experiments)
    ratios = common_numbers(options.weir)
    lines = [
        "# Trust", "",
        "What `make trust` found; see [ReadingStatistics.md](../Documentation/ReadingStatistics.md).", "",
        f"Coverage of 95 % intervals over {options.experiments} experiments of 10 replications with a known truth (wanted: 93 to 97 %):", "",
        "| figure | truth within |", "| --- | --- |"]
    lines += [f"| {name} | {share * 100:.1f} % |" for name, share in shares.items()]
    lines += ["", "Variance of the difference of two variants' p99 over 40 replications, with common random numbers against independent ones:",
              "", "| pair | ratio |", "| --- | --- |"]
    lines += [f"| {left}, {right} | {ratio:.3f} |" for left, right, ratio in ratios]
    text = "\n".join(lines) + "\n"
    print(text)
    if options.record:
        with open(os.path.join(ROOT, "Benchmarks", "TRUST.md"), "w") as file:
            file.write(text)
    fine = all(0.93 <= share <= 0.97 for share in shares.values()) and all(ratio < 1 for _, _, ratio in ratios)
    sys.exit(0 if fine else 1)


main()
