#!/usr/bin/env python3
"""Clients of other hands through weir-proxy: curl, wrk, h2load, nghttp, requests, httpx and websockets.

    clients.py [--proxy PATH]

Starts the proxy with a plain and a TLS listener before servers of Python's own (and of `websockets`), and has each client do what it does
best. Python packages go into a folder of their own (a venv in the user's cache); programs that are missing are installed with apt-get
where this may be done, and else named. Exit code 1 when a client fails or is missing.
"""

import argparse
import asyncio
import http.server
import os
import pathlib
import re
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "weir-clients"
PACKAGES = ["requests==2.32.5", "httpx[http2]==0.28.1", "websockets==15.0.1"]
PROGRAMS = {"curl": "curl", "wrk": "wrk", "h2load": "nghttp2-client", "nghttp": "nghttp2-client"}
BODY = b"0123456789" * 20_000


class Handler(http.server.BaseHTTPRequestHandler):
    """Says back what it got; /long is 200 kB."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(BODY if self.path == "/long" else b"hello")

    def do_POST(self):
        if self.headers.get("transfer-encoding"):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["content-length"]))
        self.answer(body)

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class ThreadedServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256


def enter_packages():
    """Runs this program again with the packages it needs, made once."""
    python = CACHE / "bin/python"
    if pathlib.Path(sys.prefix) == CACHE:
        return
    marker = CACHE / "packages"
    if not marker.exists() or marker.read_text() != "\n".join(PACKAGES):
        print(f"making {CACHE} with {', '.join(PACKAGES)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(CACHE)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES], check=True)
        marker.write_text("\n".join(PACKAGES))
    os.execv(python, [str(python), *sys.argv])


def enter_programs():
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {', '.join(missing)}", flush=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], stdout=subprocess.DEVNULL)
    return [program for program in PROGRAMS if not shutil.which(program)]


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{words[0]} exited with {done.returncode}: {done.stderr[-300:]}"
    return done.stdout + done.stderr


class Setting:
    """The proxy, its servers and its certificates."""

    def __init__(self, program):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="weir-clients-")

    async def __aenter__(self):
        import websockets

        self.http = ThreadedServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

        async def echo(socket):
            async for message in socket:
                await socket.send(message)

        self.echo = await websockets.serve(echo, "127.0.0.1", 0, max_size=None)
        subprocess.run([self.program, "identity", "web", "--out", self.folder], check=True, stdout=subprocess.DEVNULL)
        self.trust = f"{self.folder}/ca.pem"
        ports = (self.http.server_address[1], self.echo.sockets[0].getsockname()[1])
        pathlib.Path(f"{self.folder}/proxy.yaml").write_text(f"""mesh:
  clusters:
    web: {{protocol: http1, balancer: leastRequest, endpoints: [{{address: "127.0.0.1:{ports[0]}"}}]}}
    echo: {{protocol: http1, balancer: roundRobin, endpoints: [{{address: "127.0.0.1:{ports[1]}"}}]}}
  routes:
    - {{match: {{host: "*", path: {{prefix: /ws}}}}, split: [{{to: echo}}]}}
    - {{match: {{host: "*"}}, split: [{{to: web}}]}}
  proxy:
    listen: [{{address: "127.0.0.1:0", tls: off}}, "127.0.0.1:0"]
    tls: {{certificate: web.pem, key: web.key}}
""")
        self.process = subprocess.Popen(
            [self.program, "--config", f"{self.folder}/proxy.yaml", "--loops", "1"], stderr=subprocess.PIPE, text=True)
        ready = await asyncio.to_thread(self.process.stderr.readline)
        self.plain, self.secure = re.findall(r"127\.0\.0\.1:(\d+)", ready.split('"listen"')[1])[:2]
        return self

    async def __aexit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.http.shutdown()
        self.echo.close()
        shutil.rmtree(self.folder)


def curl(setting, *options, secure=False, path="/"):
    url = f"https://localhost:{setting.secure}{path}" if secure else f"http://127.0.0.1:{setting.plain}{path}"
    trust = ["--cacert", setting.trust] if secure else []
    return run("curl", "-sS", "-w", "|%{http_code} %{http_version}", *options, *trust, url)


def curl_http1(setting):
    assert curl(setting, "--http1.1") == "hello|200 1.1"
    assert curl(setting, "--http1.1", secure=True) == "hello|200 1.1"
    assert curl(setting, "--http1.1", "-H", "Transfer-Encoding: chunked", "-d", "abc") == "abc|200 1.1"
    assert curl(setting, "--http1.1", "-H", "Expect: 100-continue", "-d", "abc") == "abc|200 1.1"


def curl_http2(setting):
    assert curl(setting, "--http2", secure=True) == "hello|200 2"
    assert curl(setting, "--http2", "-d", "x" * 100_000, secure=True) == "x" * 100_000 + "|200 2"


def curl_h2c(setting):
    assert curl(setting, "--http2-prior-knowledge") == "hello|200 2"
    assert curl(setting, "--http2-prior-knowledge", path="/long") == BODY.decode() + "|200 2"
    # An upgrade that is not taken up: the answer comes over HTTP/1.1, and so does the next one.
    twice = run("curl", "-sS", "--http2", f"http://127.0.0.1:{setting.plain}/", f"http://127.0.0.1:{setting.plain}/")
    assert twice == "hellohello", twice


def wrk(setting):
    text = run("wrk", "-t1", "-c32", "-d2s", f"http://127.0.0.1:{setting.plain}/")
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    return text.split("Requests/sec:")[1].split()[0] + " requests/s"


def h2load(setting):
    notes = []
    for url in (f"http://127.0.0.1:{setting.plain}/", f"https://localhost:{setting.secure}/"):
        text = run("h2load", "-t1", "-c8", "-m8", "-n4000", url)
        assert "4000 succeeded, 0 failed" in text, text
        notes.append(text.split("finished in ")[1].split(",")[1].strip())
    return ", ".join(notes)


def nghttp(setting):
    text = run("nghttp", "-nv", "-H", "te: trailers", f"http://127.0.0.1:{setting.plain}/long")
    assert ":status: 200" in text and "GOAWAY" in text, text


def with_requests(setting):
    import requests

    with requests.Session() as session:
        # The machine's own list of authorities, if its environment names one, would come before ours.
        session.trust_env = False
        session.verify = setting.trust
        for base in (f"http://127.0.0.1:{setting.plain}", f"https://localhost:{setting.secure}"):
            for _ in range(50):
                assert session.get(base).text == "hello"
            assert session.get(f"{base}/long").content == BODY
            assert session.post(base, data=BODY).content == BODY
            assert session.post(base, data=iter([b"ab", b"cd"])).content == b"abcd"


async def with_httpx(setting):
    import httpx
    import ssl

    context = ssl.create_default_context(cafile=setting.trust)
    async with httpx.AsyncClient(http2=True, verify=context) as client:
        base = f"https://localhost:{setting.secure}"
        answers = await asyncio.gather(*[client.get(base) for _ in range(100)])
        assert {(answer.http_version, answer.text) for answer in answers} == {("HTTP/2", "hello")}
        assert (await client.post(base, content=BODY)).content == BODY
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{setting.plain}/long")).content == BODY


async def with_websockets(setting):
    import ssl
    import websockets

    context = ssl.create_default_context(cafile=setting.trust)
    for url, options in (
        (f"ws://127.0.0.1:{setting.plain}/ws", {}), (f"wss://localhost:{setting.secure}/ws", {"ssl": context})):
        async with websockets.connect(url, max_size=None, **options) as socket:
            for number in range(100):
                await socket.send(f"message {number}")
                assert await socket.recv() == f"message {number}"
            await socket.send(BODY * 10)
            assert await socket.recv() == BODY * 10
            await (await socket.ping())


CLIENTS = {
    "curl, HTTP/1.1": curl_http1, "curl, HTTP/2": curl_http2, "curl, h2c": curl_h2c, "wrk": wrk, "h2load": h2load, "nghttp": nghttp,
    "requests": with_requests, "httpx": with_httpx, "websockets": with_websockets,
}


async def main(program, missing):
    failed = 0
    async with Setting(program) as setting:
        for name, client in CLIENTS.items():
            needs = name.split(",")[0]
            try:
                assert needs not in missing, f"is not installed; apt-get install {PROGRAMS.get(needs)}"
                if asyncio.iscoroutinefunction(client):
                    note = await client(setting)
                else:
                    note = await asyncio.to_thread(client, setting)
                print(f"ok    {name}" + (f": {note}" if note else ""), flush=True)
            except Exception as error:  # noqa: BLE001: whatever a client says is its finding
                failed += 1
                print(f"FAILS {name}: {error!r}"[:600], flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", default=str(HERE.parents[1] / ".build/release/weir-proxy"))
    options = parser.parse_args()
    enter_packages()
    sys.exit(asyncio.run(main(options.proxy, enter_programs())))
