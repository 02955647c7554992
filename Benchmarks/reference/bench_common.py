"""Timing for the references of `make bench` in Python: runs one workload, prints one JSON line."""
import json
import resource
import sys
import time


def measure(label, customers, fn):
    """fn() -> dict with at least 'mean_wait' (queueing delay) and 'events' (0 = unknown)."""
    t0 = time.perf_counter()
    out = fn()
    wall = time.perf_counter() - t0
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    row = {
        "label": label,
        "customers": customers,
        "wall_s": round(wall, 3),
        "cust_per_s": round(customers / wall),
        "events": out.get("events", 0),
        "events_per_s": round(out["events"] / wall) if out.get("events") else None,
        "mean_wait": round(out["mean_wait"], 4),
        "peak_rss_mib": round(rss, 1),
    }
    if "p99" in out:
        row["p99_wait"] = round(out["p99"], 3)
    print(json.dumps(row))
    sys.stdout.flush()
