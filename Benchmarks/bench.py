#!/usr/bin/env python3
"""`make bench`: how fast Weir is, beside reference programs, in one run.

Measures the whole product path (`weir run` on the files of Benchmarks/scenarios: read, simulate, write CSV) and the programs of
Benchmarks/reference on the same workloads, interleaved in rounds. A speed is requests divided by the CPU time of the whole
process, the median of the rounds. Prints a table and each target with whether it is met.

  bench.py            5 million requests a run, 5 rounds, memory at 10 million
  bench.py --long     memory at 100 million
  bench.py --record   also writes Benchmarks/RESULTS.md
  bench.py --rounds N --requests N
"""
import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, ".build", "bench")
REFERENCE = os.path.join(HERE, "reference")
SIMPY_VERSION = "4.1.2"

# Workload of ours -> the loop it is held against.
WORKLOADS = {"mm8": "mm8", "p2c": "p2c", "full": "p2c", "everything": "p2c"}
# Those that do what no loop does: no mean wait to compare, and no loop is run for them.
LADEN = {"full", "everything"}
# Least ratio to the tight Swift loop, and to SimPy.
TARGETS = {"mm8": (0.5, 60), "p2c": (0.5, 60), "full": (0.25, None)}
# What a request may cost with every feature on, as a multiple of p2c.
EVERYTHING = 3
ALLOCATIONS_PER_REQUEST = 0.001
PEAK_MIB = 64


def say(text):
    print(text, file=sys.stderr, flush=True)


def stop(text):
    say(f"bench: error: {text}")
    sys.exit(2)


def measure(command, env=None):
    """Runs a command and returns (CPU seconds, peak RSS in MiB, standard output)."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdout=output, env=env, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            stop(f"{' '.join(command)} ended with {child.returncode}")
        output.seek(0)
        unit = 1 if sys.platform == "darwin" else 1024
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20, output.read().decode()


def newest(path, *sources):
    return os.path.exists(path) and os.path.getmtime(path) >= max(map(os.path.getmtime, sources))


def compile_reference(name, compiler, *flags):
    """Compiles a file of Benchmarks/reference unless that has been done; None without a compiler."""
    tool = next((found for found in map(shutil.which, compiler) if found), None)
    if not tool:
        say(f"bench: no {compiler[0]} here: {name} is left out")
        return None
    source = os.path.join(REFERENCE, name)
    binary = os.path.join(BUILD, name.replace(".", "-"))
    if not newest(binary, source):
        say(f"bench: compiling {name}")
        subprocess.run([tool, *flags, source, "-o", binary], check=True)
    return binary


def simpy_python():
    """A Python with SimPy in an environment of its own; None where that cannot be had."""
    home = os.path.join(BUILD, "simpy")
    python = os.path.join(home, "bin", "python")
    if not os.path.exists(os.path.join(home, "complete")):
        say("bench: installing SimPy into .build/bench/simpy")
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", home], capture_output=True)
        if made.returncode == 0:
            made = subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"simpy=={SIMPY_VERSION}"],
                capture_output=True)
        if made.returncode != 0:
            say("bench: SimPy cannot be installed here (python3-venv and a network are needed): it is left out")
            return None
        open(os.path.join(home, "complete"), "w").close()
    return python


class Weir:
    def __init__(self, out):
        path = subprocess.run(
            ["swift", "build", "-c", "release", "--show-bin-path"], cwd=ROOT, capture_output=True, text=True, check=True)
        self.binary = os.path.join(path.stdout.strip(), "weir")
        self.out = out
        if not os.path.exists(self.binary):
            stop("weir is not built; run: make bench")

    def command(self, workload, requests):
        return [
            self.binary, "run", os.path.join(HERE, "scenarios", f"{workload}.yaml"), "--jobs", "1", "--replications", "1",
            "--quiet", "--set", f"run.requests={requests}", "--out", self.out]

    def mean_wait(self, workload):
        """The mean latency of the last run less service (1 ms) and links, in service times."""
        with open(os.path.join(self.out, f"bench-{workload}", "summary.csv"), newline="") as file:
            row = next(csv.DictReader(file))
        return float(row["latency_mean_ms"]) - 1 - (0.4 if workload == "full" else 0)

    def allocations(self, workload, requests, counter):
        """How often a run calls the malloc family."""
        told = os.path.join(self.out, "allocations")
        variable = "DYLD_INSERT_LIBRARIES" if sys.platform == "darwin" else "LD_PRELOAD"
        measure(self.command(workload, requests), {**os.environ, variable: counter, "WEIR_ALLOCATIONS": told})
        with open(told) as file:
            return int(file.read())

    def instructions(self, workload, requests):
        """Instructions in user space, by the processor's counters or by valgrind; None where there is neither."""
        command = self.command(workload, requests)
        if shutil.which("perf"):
            counted = subprocess.run(
                ["perf", "stat", "-x", ",", "-e", "instructions:u", *command], capture_output=True, text=True, cwd=ROOT)
            first = counted.stderr.split(",")[0].strip()
            if counted.returncode == 0 and first.isdigit():
                return int(first)
        if shutil.which("valgrind") and shutil.which("strip"):
            # Valgrind stumbles over Swift's debugging information.
            bare = os.path.join(self.out, "weir")
            subprocess.run(["strip", "-o", bare, self.binary], check=True)
            counted = subprocess.run(
                ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", bare, *command[1:]],
                capture_output=True, text=True, cwd=ROOT)
            for line in counted.stderr.splitlines():
                if "Collected" in line:
                    return int(line.split(":")[1])
        return None


def speeds(weir, programs, options):
    """CPU seconds per request by (program, workload), the median of interleaved rounds; and each one's mean wait."""
    seconds, waits = {}, {}
    for number in range(options.rounds):
        say(f"bench: round {number + 1} of {options.rounds}")
        for workload in WORKLOADS:
            cpu, _, _ = measure(weir.command(workload, options.requests))
            seconds.setdefault(("weir", workload), []).append(cpu / options.requests)
            waits[("weir", workload)] = weir.mean_wait(workload)
            if workload in LADEN:
                continue
            for name, (command, requests) in programs.items():
                cpu, _, text = measure([part.format(workload=workload, requests=requests) for part in command])
                row = json.loads(text)
                seconds.setdefault((name, workload), []).append(cpu / requests)
                waits[(name, workload)] = row["mean_wait"]
    return {key: statistics.median(values) for key, values in seconds.items()}, waits


def machine():
    """What the figures depend on; no names and no paths."""
    model = platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    return (
        f"{os.cpu_count()} × {model}, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}; {swift}; "
        f"Python {sysconfig.get_python_version()}")


def speed_table(second, waits, programs):
    names = {"weir": "weir", "swift wheel": "tight Swift loop, wheel", "swift heap": "tight Swift loop, heap",
             "c++": "tight C++ loop, heap", "simpy": "SimPy"}
    rows = [("workload", "program", "M requests/s", "ns/request", "weir ÷ it", "mean wait")]
    for workload, loop in WORKLOADS.items():
        ours = second[("weir", workload)]
        for name in ["weir", *programs]:
            key = (name, workload if name == "weir" else loop)
            if key not in second:
                continue
            ratio = "" if name == "weir" else f"{second[key] / ours:.2f}"
            rows.append((
                workload if name == "weir" else "", names[name], f"{1e-6 / second[key]:.3f}", f"{second[key] * 1e9:.0f}",
                ratio, f"{waits[key]:.4f}"))
    return rows


def judge(second):
    """Each speed target: its text, what was measured, whether it is met."""
    verdicts = []
    for workload, loop in WORKLOADS.items():
        if workload not in TARGETS:
            continue
        to_loop, to_simpy = TARGETS[workload]
        ours = second[("weir", workload)]
        # The loop with the same kind of event list; the other ratios are in the table.
        tight = second[("swift wheel", loop)]
        verdicts.append((f"{workload}: at least {to_loop} × the tight Swift loop with a wheel ({loop})", f"{tight / ours:.3f}",
                         tight / ours >= to_loop))
        if to_simpy and ("simpy", loop) in second:
            ratio = second[("simpy", loop)] / ours
            verdicts.append((f"{workload}: at least {to_simpy} × SimPy", f"{ratio:.1f}", ratio >= to_simpy))
    ratio = second[("weir", "everything")] / second[("weir", "p2c")]
    verdicts.append((f"everything: at most {EVERYTHING} × p2c a request", f"{ratio:.2f}", ratio <= EVERYTHING))
    return verdicts


def judge_waits(waits):
    """All programs have to simulate the same queue."""
    verdicts = []
    for workload, loop in WORKLOADS.items():
        ours, theirs = waits[("weir", workload)], waits[("swift wheel", loop)]
        near = abs(ours - theirs) <= 0.05 * theirs
        # Link delay makes what the balancer knows older, and slow start takes turns: the laden workloads' waits are others.
        if workload not in LADEN:
            verdicts.append((f"{workload}: the same mean wait as the loop, within 5 %", f"{ours:.4f} and {theirs:.4f}", near))
    return verdicts


def aligned(rows, markdown=False):
    rows = [tuple(map(str, row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        lines.append("| " + " | ".join(cells) + " |" if markdown else "  ".join(cells).rstrip())
        if number == 0:
            rule = ["-" * width for width in widths]
            lines.append("| " + " | ".join(rule) + " |" if markdown else "  ".join(rule))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=5_000_000)
    options = parser.parse_args()
    os.makedirs(BUILD, exist_ok=True)

    programs = {}
    loop = compile_reference("limit.swift", ["swiftc"], "-O", "-wmo")
    if not loop:
        stop("swiftc is missing")
    programs["swift wheel"] = ([loop, "{workload}", "{requests}", "wheel"], options.requests)
    programs["swift heap"] = ([loop, "{workload}", "{requests}", "heap"], options.requests)
    other = compile_reference("limit.cpp", ["c++", "g++", "clang++"], "-O3", "-march=native", "-std=c++17")
    if other:
        programs["c++"] = ([other, "{workload}", "{requests}"], options.requests)
    python = simpy_python()
    if python:
        script = os.path.join(REFERENCE, "simpy_queue.py")
        programs["simpy"] = ([python, script, "{workload}", "{requests}"], options.requests // 10)

    with tempfile.TemporaryDirectory(prefix="weir-bench-") as out:
        weir = Weir(out)
        second, waits = speeds(weir, programs, options)
        verdicts = judge(second) + judge_waits(waits)

        say("bench: allocations")
        counter = None
        if sys.platform == "linux":
            counter = compile_reference("count_allocations.c", ["cc", "gcc", "clang"], "-O2", "-shared", "-fPIC")
        for workload in WORKLOADS if counter else []:
            once = weir.allocations(workload, 1_000_000, counter)
            twice = weir.allocations(workload, 2_000_000, counter)
            each = (twice - once) / 1_000_000
            verdicts.append((f"{workload}: under {ALLOCATIONS_PER_REQUEST} allocations a request",
                             f"{each:.6f} ({once} at 1 M, {twice} at 2 M)", each < ALLOCATIONS_PER_REQUEST))

        million = 100 if options.long else 10
        say(f"bench: memory at {million} million requests")
        for workload in WORKLOADS:
            _, peak, _ = measure(weir.command(workload, million * 1_000_000))
            verdicts.append((f"{workload}: under {PEAK_MIB} MiB at {million} million requests", f"{peak:.1f} MiB",
                             peak < PEAK_MIB))

        say("bench: instructions")
        for workload in WORKLOADS:
            few, many = (weir.instructions(workload, count) for count in (100_000, 200_000))
            if few and many:
                verdicts.append((f"{workload}: instructions a request", f"{(many - few) / 100_000:.0f}", None))

    rows = speed_table(second, waits, programs)
    results = [("what", "measured", "verdict")]
    words = {True: "met", False: "FALLS SHORT", None: "no target"}
    results += [(text, value, words[met]) for text, value, met in verdicts]
    title = (f"Medians of {options.rounds} interleaved rounds, {options.requests:,} requests a run (SimPy a tenth); "
             "CPU time of whole processes, scenario file to CSV.")
    print(machine(), title, "", aligned(rows), "", aligned(results), sep="\n")
    if options.record:
        with open(os.path.join(HERE, "RESULTS.md"), "w") as file:
            file.write("# The last recorded run of `make bench`\n\n" + machine() + ".\n" + title + "\n\n")
            file.write(aligned(rows, markdown=True) + "\n\n" + aligned(results, markdown=True) + "\n\n")
            file.write("Mean waits are in service times. `full` is held against the bare loop, which does none of its extra work.\n")
        say("bench: wrote Benchmarks/RESULTS.md")


if __name__ == "__main__":
    main()
