"""Where weir-proxy's time goes: samples of `perf` by whose code ran, or on whose behalf.

A sample in the system counts for the system; one in Swift's runtime or the C library for the nearest module of the program that had called it.
Without perf there is no profile, and that is said.
"""
import collections
import re
import shutil
import subprocess

# Swift modules by what they are to a reader, in the order of the table.
OWNERS = {
    "NIOPosix": "SwiftNIO: sockets and the event loop", "NIOCore": "SwiftNIO: pipelines and buffers",
    "NIOHTTP1": "SwiftNIO: HTTP/1.1", "CNIOLLHTTP": "SwiftNIO: HTTP/1.1", "NIOHTTP2": "SwiftNIO: HTTP/2", "NIOHPACK": "SwiftNIO: HTTP/2",
    "Proxy": "weir-proxy: sockets to events and back",
    **{name: "the core's decisions" for name in ("DataPlane", "LoadBalancing", "TrafficSplitting", "FaultDetection", "MeshCore")},
}
SYSTEM = {"write": "system: writing", "writev": "system: writing", "sendmsg": "system: writing", "read": "system: reading",
          "recvfrom": "system: reading", "epoll_wait": "system: waiting", "epoll_ctl": "system: waiting"}
ORDER = ["system: writing", "system: reading", "system: waiting", "system: other", *dict.fromkeys(OWNERS.values()), "other"]


def module(symbol):
    """The module of a mangled Swift symbol, or the C library's that is part of SwiftNIO."""
    if symbol.startswith("c_nio_llhttp"):
        return "CNIOLLHTTP"
    found = re.match(r"\$s(\d+)", symbol)
    return symbol[found.end():found.end() + int(found[1])] if found else None


def owner(frames):
    """Whose a sample is: `frames` are (symbol, program or library), the innermost first."""
    if "[kernel" in frames[0][1]:
        for symbol, where in frames:
            called = re.match(r"(?:__x64_sys_|__GI___(?:libc_)?|__libc_|__)?(\w+?)(?:_nocancel)?$", symbol)
            if "[kernel" not in where or symbol.startswith("__x64_sys_"):
                if called and called[1] in SYSTEM:
                    return SYSTEM[called[1]]
        return "system: other"
    for symbol, _ in frames:
        name = OWNERS.get(module(symbol))
        if name:
            return name
    return "other"


def take(process, load, file):
    """Shares by owner while `load` runs; nil without perf."""
    if not shutil.which("perf"):
        print("perf is missing and the profile is left out (Debian: apt install linux-perf)", flush=True)
        return None
    perf = subprocess.Popen(["perf", "record", "-e", "cpu-clock", "-F", "1999", "-g", "-o", file, "-p", str(process)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    load()
    perf.send_signal(2)
    perf.wait()
    text = subprocess.run(["perf", "script", "-i", file, "-F", "ip,sym,dso", "--no-demangle"], capture_output=True, text=True).stdout
    counts = collections.Counter()
    for sample in text.split("\n\n"):
        frames = [(found[1], found[2]) for found in re.finditer(r"^\s*[0-9a-f]+ (.*) \((.*)\)$", sample, re.M)]
        if frames:
            counts[owner(frames)] += 1
    whole = sum(counts.values())
    return {name: counts[name] / whole for name in ORDER if counts[name]} if whole else None


def table(profiles):
    """Shares side by side: `profiles` by kind of load."""
    lines = ["| whose code runs | " + " | ".join(profiles) + " |", "| --- |" + " --- |" * len(profiles)]
    for name in ORDER:
        shares = [shares.get(name, 0) for shares in profiles.values()]
        if any(share >= 0.001 for share in shares):
            lines.append(f"| {name} | " + " | ".join(f"{share * 100:.1f} %" for share in shares) + " |")
    return lines
