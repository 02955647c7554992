#!/usr/bin/env python3
"""`make bench-sweep`: a sweep of 100 cells, 10 replications and a million requests each, three times over: killed twice on the way and
resumed, undisturbed, and in four shards that are merged. All three must come to the same bytes, the first within 15 minutes.

Writes Benchmarks/SWEEP.md with --record.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def scenario(cells, replications, requests):
    rates = ", ".join(f"{100 + 7 * place}/s" for place in range(cells // 4))
    return f"""scenario: sweep-bench
run: {{requests: {requests}, warmUp: 1s, replications: {replications}, window: 60s}}
world:
  services: {{web: {{replicas: 4, workers: 2, time: {{exponential: {{mean: 20ms}}}}}}}}
  clients: {{users: {{arrivals: {{poisson: 100/s}}}}}}
sweep:
  mesh.clusters.web.balancer: [random, roundRobin, leastRequest, peakEwma]
  world.clients.users.arrivals.poisson: [{rates}]
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", required=True, help="the program, built in release mode")
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--replications", type=int, default=10)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()

    def run(*arguments):
        subprocess.run([options.weir, "sweep", *arguments, "--quiet"], check=True)

    def text(folder):
        with open(os.path.join(folder, "sweep-bench", "sweep.csv"), "rb") as file:
            return file.read()

    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "sweep.yaml")
        with open(path, "w") as file:
            file.write(scenario(options.cells, options.replications, options.requests))
        whole = os.path.join(place, "whole")
        begun = time.time()
        run(path, "--out", whole)
        undisturbed = time.time() - begun

        killed = os.path.join(place, "killed")
        begun = time.time()
        kept = []
        for _ in range(2):
            process = subprocess.Popen([options.weir, "sweep", path, "--out", killed, "--quiet", "--resume"])
            time.sleep(max(1, undisturbed / 3))
            process.send_signal(signal.SIGKILL)
            process.wait()
            with open(os.path.join(killed, "sweep-bench", "sweep-1-of-1.part")) as file:
                kept.append(sum(1 for line in file if line.endswith("\n")) - 2)
        run(path, "--out", killed, "--resume")
        resumed = time.time() - begun

        parts = os.path.join(place, "parts")
        begun = time.time()
        for shard in range(1, 5):
            run(path, "--out", parts, "--shard", f"{shard}/4")
        subprocess.run([options.weir, "sweep", "merge", os.path.join(parts, "sweep-bench")], check=True,
                       stdout=subprocess.DEVNULL)
        sharded = time.time() - begun
        same = text(whole) == text(killed) == text(parts)
        rows = text(whole).count(b"\n") - 1
    lines = [
        "# A thousand runs", "",
        f"`make bench-sweep`: {options.cells} cells, {options.replications} replications, {options.requests:,} requests each ({rows} rows), "
        f"on {os.cpu_count()} cores.", "",
        "| | seconds |", "| --- | --- |",
        f"| undisturbed | {undisturbed:.0f} |",
        f"| killed twice, with {kept[0]} and {kept[1]} replications done, and resumed | {resumed:.0f} |",
        f"| in four shards, merged | {sharded:.0f} |", "",
        "All three came to the same bytes." if same else "**The bytes differ.**"]
    report = "\n".join(lines) + "\n"
    print(report)
    if options.record:
        with open(os.path.join(ROOT, "Benchmarks", "SWEEP.md"), "w") as file:
            file.write(report)
    sys.exit(0 if same and resumed < 900 else 1)


main()
