#!/usr/bin/env python3
"""`make bench-policies`: what policies cost, table rebuilds beside plain C++ and nanoseconds a request at four sizes.

  bench_policies.py            prints the tables
  bench_policies.py --record   also writes Benchmarks/POLICIES.md
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench

# How many times faster than plain C++ a rebuild should be.
TARGET = 2
ROUNDS = 3
# From 100 endpoints to 100 times as many: who takes this many times as long grows linearly.
LINEAR = 20
REQUEST = "request:"


def figures(command, rounds):
    """The least of each figure over some runs of a program that prints `what size figure`, between tabs or spaces."""
    least = {}
    for _ in range(rounds):
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
            what, size, figure = line.rsplit(None, 2)
            key = (what, int(size))
            least[key] = min(least.get(key, float("inf")), float(figure))
    return least


def report(ours, reference):
    lines = ["| table of 100 endpoints | weir, ms | plain C++, ms | times as fast | verdict |", "| --- | --- | --- | --- | --- |"]
    for (what, size), figure in ours.items():
        if what.startswith(REQUEST):
            continue
        other = reference.get((what, size))
        ratio = other / figure if other else None
        verdict = "no reference" if ratio is None else "met" if ratio >= TARGET else "FALLS SHORT"
        shown = "" if ratio is None else f"{ratio:.1f}"
        lines.append(f"| {what}, {size:,} entries | {figure:.2f} | {'' if other is None else f'{other:.2f}'} | {shown} | {verdict} |")
    sizes = sorted({size for what, size in ours if what.startswith(REQUEST)})
    names = list(dict.fromkeys(what[len(REQUEST):] for what, _ in ours if what.startswith(REQUEST)))
    lines += ["", "| ns a request | " + " | ".join(f"{size:,}" for size in sizes) + " | grows |", "| --- " * (len(sizes) + 2) + "|"]
    for name in names:
        figures = [ours[(REQUEST + name, size)] for size in sizes]
        grows = "linearly" if figures[-1] > LINEAR * figures[1] else ""
        lines.append(f"| {name} | " + " | ".join(f"{figure:,.0f}" for figure in figures) + f" | {grows} |")
    return "\n".join(lines)


def main():
    root = bench.ROOT
    os.makedirs(bench.BUILD, exist_ok=True)
    subprocess.run(["swift", "build", "-c", "release", "--product", "bench-policies"], cwd=root, check=True, stdout=sys.stderr)
    folder = subprocess.run(["swift", "build", "-c", "release", "--show-bin-path"], cwd=root, check=True, capture_output=True,
                            text=True).stdout.strip()
    ours = figures([os.path.join(folder, "bench-policies")], ROUNDS)
    binary = bench.compile_reference("tables.cpp", ["clang++", "g++", "c++"], "-O3", "-std=c++17")
    reference = figures([binary], ROUNDS) if binary else {}
    text = report(ours, reference)
    print(text)
    if "--record" in sys.argv:
        head = ("# The last recorded run of `make bench-policies`\n\nRebuilds: the least of several rounds, one core; the reference is "
                "`reference/tables.cpp`, the containers that come to mind first.\nRequests: through `any LoadBalancer`, a pick, the beginning and "
                "the end of a request, and whatever the policy wants beside: probes\nanswered (three a request for `prequal`), servers' reports, an "
                "oracle's looks, being woken. A request comes every 100 µs; as many are in\nflight as half of the endpoints could hold one of. What "
                "the benchmark itself does is some 5 ns of it.\n\n")
        with open(os.path.join(root, "Benchmarks", "POLICIES.md"), "w") as file:
            file.write(head + text + "\n")


if __name__ == "__main__":
    main()
