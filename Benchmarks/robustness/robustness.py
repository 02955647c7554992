#!/usr/bin/env python3
"""What clients and servers that misbehave do to weir-proxy: nothing that anybody else would notice.

    robustness.py [--proxy PATH] [--minutes N] [case ...]

Each case starts a proxy of its own before a server of its own, does something unfriendly to it, and checks that others are served
meanwhile and afterwards, that memory and descriptors come back, and that every request is answered or ended with a reason. Without a
name all cases run but `soak`. Nothing but Python's own library is needed. Exit code 1 when a case fails.
"""

import argparse
import asyncio
import contextlib
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Failure(Exception):
    """What a case found, in words."""


def check(condition, words):
    if not condition:
        raise Failure(words)


# Servers


class Server:
    """An HTTP/1.1 server whose paths are what it does: /size/N, /reset (in the middle of a body), /slow/SECONDS, anything else "ok"."""

    def __init__(self):
        self.requests = 0
        # Heads that are none: bytes of one request that came as another.
        self.smuggled = []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.requests += 1
                words = head.split("\r\n")[0].split(" ")
                if len(words) != 3 or words[2] != "HTTP/1.1" or not words[0].isupper():
                    self.smuggled.append(head)
                    break
                length, chunked = 0, False
                for line in head.lower().split("\r\n"):
                    if line.startswith("content-length:"):
                        length = int(line.split(":")[1])
                    if line.startswith("transfer-encoding:"):
                        chunked = True
                if length:
                    await reader.readexactly(length)
                while chunked:
                    size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
                    if size == 0:
                        while await reader.readuntil(b"\r\n") != b"\r\n":
                            pass
                        break
                    await reader.readexactly(size + 2)
                path = words[1]
                if path.startswith("/size/"):
                    size = int(path.split("/")[2])
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
                    while size > 0:
                        part = min(size, 65536)
                        writer.write(b"x" * part)
                        size -= part
                        await writer.drain()
                elif path == "/reset":
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 10000)
                    await writer.drain()
                    await asyncio.sleep(0.05)
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                    return
                else:
                    if path.startswith("/slow/"):
                        await asyncio.sleep(float(path.split("/")[2]))
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                await writer.drain()
        writer.close()


class Proxy:
    """A weir-proxy before these ports."""

    def __init__(self, program, ports, proxy="", header="2s"):
        self.folder = tempfile.mkdtemp(prefix="weir-robustness-")
        self.program = program
        self.file = f"{self.folder}/proxy.yaml"
        self.port, self.admin = free_port(), free_port()
        self.proxy, self.header = proxy, header
        self.write(ports)

    def write(self, ports):
        endpoints = ", ".join(f'{{address: "127.0.0.1:{port}"}}' for port in ports)
        text = f"""mesh:
  clusters:
    web: {{protocol: http1, balancer: roundRobin, endpoints: [{endpoints}]}}
  routes: [{{match: {{host: "*"}}, split: [{{to: web}}]}}]
  proxy:
    listen: [{{address: "127.0.0.1:{self.port}"}}]
    admin: 127.0.0.1:{self.admin}
    headerTimeout: {self.header}
    drainTime: 5s
{self.proxy}
"""
        pathlib.Path(self.file + ".new").write_text(text)
        os.replace(self.file + ".new", self.file)

    async def __aenter__(self):
        self.log = open(f"{self.folder}/log", "w")
        self.process = subprocess.Popen([self.program, "--config", self.file, "--loops", "1"], stderr=self.log)
        for _ in range(200):
            check(self.process.poll() is None, f"the proxy ended: {pathlib.Path(self.log.name).read_text()}")
            with contextlib.suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", self.admin))[1].close()
                return self
            await asyncio.sleep(0.05)
        raise Failure("the proxy does not begin")

    async def __aexit__(self, kind, *_):
        crashed = self.process.poll() is not None
        if not crashed:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self.process.wait, 20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise Failure("the proxy does not end within 20 s of SIGTERM")
        text = pathlib.Path(self.log.name).read_text()
        shutil.rmtree(self.folder)
        if crashed:
            raise Failure(f"the proxy crashed with {self.process.returncode}: {text[-2000:]}")

    def memory(self):
        """Resident memory, MiB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    async def returns_to(self, descriptors, seconds=15):
        """Waits until no more descriptors are open than that."""
        for _ in range(seconds * 10):
            if self.descriptors() <= descriptors:
                return
            await asyncio.sleep(0.1)
        raise Failure(f"{self.descriptors()} descriptors are open, {descriptors} were before")


def free_port():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        return other.getsockname()[1]


# Clients


async def ask(port, path="/", context=None, limit=10.0):
    """One request on a connection of its own: status and body. Raises what the connection does."""
    async with asyncio.timeout(limit):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
            answer = await reader.read(-1)
        finally:
            writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1]) if head.startswith(b"HTTP/1.1 ") else 0
    return status, body


class Others:
    """Clients that behave, one request after the other each, while something else goes on."""

    def __init__(self, port, count=4, context=None):
        self.port, self.count, self.context = port, count, context
        self.good, self.slowest, self.faults = 0, 0.0, []

    async def __aenter__(self):
        self.tasks = [asyncio.create_task(self.go()) for _ in range(self.count)]
        return self

    async def go(self):
        while True:
            begun = time.monotonic()
            try:
                status, body = await ask(self.port, context=self.context)
                if status == 200 and body == b"ok":
                    self.good += 1
                else:
                    self.faults.append(f"status {status}")
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001: whatever it is, a client saw it
                self.faults.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - begun)
            await asyncio.sleep(0.01)

    async def __aexit__(self, kind, *_):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if kind is None:
            check(not self.faults, f"{len(self.faults)} requests of others failed, the first: {self.faults[:1]}")
            check(self.good > 0, "nobody else was served")

    def __str__(self):
        return f"{self.good} requests of others served, the slowest in {self.slowest * 1000:.0f} ms"


# Cases


async def slow_loris(program):
    """200 clients send a head byte by byte; each is refused after headerTimeout, and the others do not notice."""
    async with Server() as server, Proxy(program, [server.port]) as proxy:
        before = proxy.descriptors()

        async def drip():
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            begun = time.monotonic()
            with contextlib.suppress(ConnectionError):
                writer.write(b"GET / HTTP/1.1\r\nhost: a.test\r\nx-slow: ")
                while not reader.at_eof() and time.monotonic() - begun < 10:
                    writer.write(b"a")
                    await writer.drain()
                    with contextlib.suppress(asyncio.TimeoutError):
                        async with asyncio.timeout(0.2):
                            if await reader.read(1000) != b"":
                                break
            writer.close()
            return time.monotonic() - begun

        async with Others(proxy.port) as others:
            times = await asyncio.gather(*[drip() for _ in range(200)])
        check(max(times) < 4, f"a slow head was waited for {max(times):.1f} s, headerTimeout is 2 s")
        await proxy.returns_to(before + 8)
        return f"refused after {min(times):.1f} to {max(times):.1f} s; {others}"


async def silent(program):
    """Connections that never say a word are closed after headerTimeout."""
    async with Server() as server, Proxy(program, [server.port]) as proxy:
        connections = [await asyncio.open_connection("127.0.0.1", proxy.port) for _ in range(50)]
        begun = time.monotonic()
        async with asyncio.timeout(6):
            for reader, _ in connections:
                await reader.read(-1)
        for _, writer in connections:
            writer.close()
        return f"closed after {time.monotonic() - begun:.1f} s"


async def idle(program, count=10_000):
    """10,000 keep-alive connections that lie idle after a request: others are served, memory is bounded, all goes back."""
    # So many clients in one program are slow themselves.
    async with Server() as server, Proxy(program, [server.port], header="20s") as proxy:
        await ask(proxy.port)
        before, memory = proxy.descriptors(), proxy.memory()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        check(min(soft, hard) > count + 500, f"{soft} descriptors may be open; expected more than {count + 500} (ulimit -n)")
        connections = []
        for _ in range(count // 500):
            some = await asyncio.gather(
                *[asyncio.open_connection("127.0.0.1", proxy.port) for _ in range(500)])
            for _, writer in some:
                writer.write(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
            await asyncio.gather(*[reader.readuntil(b"\r\n\r\nok") for reader, _ in some])
            connections += some
        full = proxy.memory()
        async with Others(proxy.port) as others:
            await asyncio.sleep(2)
        for _, writer in connections:
            writer.close()
        # Connections to the server may stay open, for requests to come.
        await proxy.returns_to(before + 520, 30)
        each = (full - memory) * 1024 / count
        check(each < 64, f"{each:.0f} KiB for an idle connection; expected less than 64")
        return f"{each:.1f} KiB each; {others}"


async def half_open(program):
    """Clients that ask for much and read nothing: the proxy stops reading for them, and its memory stays."""
    async with Server() as server, Proxy(program, [server.port]) as proxy:
        await ask(proxy.port)
        before, memory = proxy.descriptors(), proxy.memory()
        sockets = []
        for _ in range(50):
            client = socket.create_connection(("127.0.0.1", proxy.port))
            client.sendall(b"GET /size/50000000 HTTP/1.1\r\nhost: a.test\r\n\r\n")
            sockets.append(client)
        async with Others(proxy.port) as others:
            await asyncio.sleep(3)
        grown = proxy.memory() - memory
        check(grown < 64, f"memory grew by {grown:.0f} MiB for 50 clients that do not read; expected less than 64")
        for client in sockets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        await proxy.returns_to(before + 12)
        return f"memory grew by {grown:.1f} MiB; {others}"


async def reset_in_body(program):
    """A server that resets in the middle of a body: the client sees that the answer is not whole."""
    async with Server() as server, Proxy(program, [server.port]) as proxy:
        cut = 0
        async with Others(proxy.port) as others:
            for _ in range(100):
                try:
                    status, body = await ask(proxy.port, "/reset")
                    check(status in (200, 503), f"status {status}")
                    check(status == 503 or len(body) < 1_000_000, "an answer that was cut came whole")
                    cut += 1
                except (ConnectionError, asyncio.IncompleteReadError):
                    cut += 1
        check(cut == 100, f"{100 - cut} of 100 cut answers did not end")
        return f"100 of 100 ended with a reason; {others}"


async def endless_head(program):
    """A head without an end, in one field and in many: refused with 431 before it is large, and not read on."""
    async with Server() as server, Proxy(program, [server.port]) as proxy:
        memory = proxy.memory()
        for line in (b"a" * 65536, b"x-a: b\r\n" * 8192):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(b"GET / HTTP/1.1\r\nhost: a.test\r\nx-long: ")
            sent = 0
            with contextlib.suppress(ConnectionError):
                while sent < 64 << 20:
                    writer.write(line)
                    sent += len(line)
                    await writer.drain()
                    with contextlib.suppress(asyncio.TimeoutError):
                        async with asyncio.timeout(0.01):
                            answer = await reader.read(1000)
                            check(answer.startswith(b"HTTP/1.1 431") or answer == b"", f"answered {answer[:40]}")
                            break
            writer.close()
            check(sent < 8 << 20, f"{sent >> 20} MiB of a head were read")
        check((await ask(proxy.port))[0] == 200, "nobody is served afterwards")
        check(proxy.memory() - memory < 32, "memory stayed")
        return "refused"


async def fuzz_http1(program, rounds=4000):
    """Requests of a corpus with bytes changed, left out, doubled and put in: the proxy answers or closes, and never crashes."""
    corpus = [
        b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\nhello",
        b"POST /x HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-end: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: a.test\r\nconnection: close, te\r\nte: trailers\r\nexpect: 100-continue\r\n\r\n",
        b"CONNECT a.test:80 HTTP/1.1\r\nhost: a.test:80\r\n\r\nbytes",
        b"GET http://a.test/ HTTP/1.0\r\n\r\n",
    ]
    pieces = [b"\r\n", b"\n", b"\0", b" ", b":", b"content-length: 9\r\n", b"transfer-encoding: chunked\r\n", b"\xff\xfe", b"ffffffffff\r\n",
              b"-1", b"\t", b";", b"HTTP/9.9", PREFACE, b"host: b.test\r\n", b"%00", b"/../" * 20]
    return await fuzz(program, corpus, pieces, rounds, 1)


async def fuzz_http2(program, rounds=4000):
    """Frames of HTTP/2 with bytes changed, left out, doubled and put in, behind a preface that is right: the same."""

    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    # Indexed fields of the static table (RFC 7541, A), and the host as a literal.
    head = b"\x82\x86\x84\x41\x06a.test"
    settings = frame(4, 0, 0)
    corpus = [
        settings + frame(1, 5, 1, head),
        settings + frame(1, 4, 1, b"\x83\x86\x84\x41\x06a.test") + frame(0, 1, 1, b"hello"),
        settings + frame(1, 1, 1, head[:5]) + frame(9, 4, 1, head[5:]),
        settings + frame(1, 5, 1, head) + frame(3, 0, 1, struct.pack(">I", 8)) + frame(1, 5, 3, head),
        frame(4, 0, 0, struct.pack(">HI", 4, 1 << 20) + struct.pack(">HI", 1, 0)) + frame(8, 0, 0, struct.pack(">I", 1 << 30)),
        settings + frame(6, 0, 0, b"12345678") + frame(7, 0, 0, struct.pack(">II", 0, 0)),
        settings + frame(2, 0, 1, b"\x00\x00\x00\x00\x0f") + b"".join(frame(1, 5, n, head) for n in range(1, 41, 2)),
    ]
    pieces = [frame(kind, flags, stream, payload) for kind in range(12) for flags in (0, 0xff) for stream in (0, 1, 2)
              for payload in (b"", b"\0" * 4, b"\xff" * 8)]
    return await fuzz(program, [PREFACE + entry for entry in corpus], pieces, rounds, 2, kept=len(PREFACE))


async def fuzz(program, corpus, pieces, rounds, seed, kept=0):
    dice = random.Random(seed)
    async with Server() as server, Proxy(program, [server.port]) as proxy:
        await ask(proxy.port)
        before, memory = proxy.descriptors(), proxy.memory()
        answered = 0

        async def throw(data):
            nonlocal answered
            with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
                async with asyncio.timeout(1):
                    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                    try:
                        writer.write(data)
                        await writer.drain()
                        if await reader.read(100):
                            answered += 1
                    finally:
                        writer.close()

        async with Others(proxy.port) as others:
            done = 0
            while done < rounds:
                entries = []
                for _ in range(50):
                    data = bytearray(dice.choice(corpus))
                    for _ in range(dice.choice([0, 1, 1, 2, 3, 8])):
                        place = dice.randrange(kept, len(data) + 1)
                        match dice.randrange(4):
                            case 0 if place < len(data):
                                data[place] = dice.randrange(256)
                            case 1:
                                del data[place:place + dice.choice([1, 2, 9])]
                            case 2:
                                data[place:place] = dice.choice(pieces)
                            case _:
                                data[place:place] = data[kept:place][-dice.choice([1, 4, 40]):]
                    entries.append(bytes(data))
                await asyncio.gather(*[throw(entry) for entry in entries])
                done += len(entries)
                check(proxy.process.poll() is None, f"the proxy crashed within entries {done - 50} to {done} of seed {seed}")
        check(not server.smuggled, f"the server read as a request: {server.smuggled[:1]}")
        check(answered > rounds / 20, f"only {answered} of {rounds} were answered: nothing was tested")
        await proxy.returns_to(before + 60)
        check(proxy.memory() - memory < 96, f"memory grew by {proxy.memory() - memory:.0f} MiB")
        return f"{rounds} thrown, {answered} answered; {others}"


async def churn(program):
    """Endpoints that come and go 100 times a second (a new configuration each time), under load: no request is lost."""
    servers = [Server() for _ in range(4)]
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server)
        ports = [server.port for server in servers]
        proxy = await stack.enter_async_context(Proxy(program, ports))
        async with Others(proxy.port) as others:
            for number in range(500):
                away = number % len(ports)
                proxy.write([port for place, port in enumerate(ports) if place != away])
                proxy.process.send_signal(signal.SIGHUP)
                await asyncio.sleep(0.01)
        check(all(server.requests for server in servers), "not every server was used")
        return f"500 changes; {others}"


async def rotation(program):
    """Certificates that are replaced every 300 ms under load: no request is lost, and the new ones are shown."""
    with tempfile.TemporaryDirectory(prefix="weir-rotation-") as folder:
        def issue():
            subprocess.run([program, "identity", "web", "--out", folder], check=True, stdout=subprocess.DEVNULL)

        issue()
        context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
        context.check_hostname = False
        tls = f"    tls: {{certificate: {folder}/web.pem, key: {folder}/web.key}}"

        async def shown(port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            certificate = writer.get_extra_info("ssl_object").getpeercert()["serialNumber"]
            writer.close()
            return certificate

        async with Server() as server, Proxy(program, [server.port], tls) as proxy:
            serials = set()
            async with Others(proxy.port, context=context) as others:
                for _ in range(20):
                    issue()
                    await asyncio.sleep(0.3)
                    serials.add(await shown(proxy.port))
            check(len(serials) >= 4, f"{len(serials)} certificates were shown while 20 were made; expected one a second")
            return f"{len(serials)} certificates shown; {others}"


async def drain(program):
    """SIGTERM under load: every request that was taken is answered, and the proxy ends."""
    async with Server() as server, Proxy(program, [server.port]) as proxy:
        async def one():
            return await ask(proxy.port, "/slow/2")

        under_way = [asyncio.create_task(one()) for _ in range(100)]
        while server.requests < 100:
            await asyncio.sleep(0.005)
        proxy.process.send_signal(signal.SIGTERM)
        answers = await asyncio.gather(*under_way)
        check(all(answer == (200, b"ok") for answer in answers), f"answers {set(answers)}")
        ended = await asyncio.to_thread(proxy.process.wait, 10)
        check(ended == 0, f"exit code {ended}")
        proxy.process = subprocess.Popen(["sleep", "30"])
        return "100 of 100 answered"


async def soak(program, minutes):
    """Everything at once for a long time: memory stays flat, descriptors do not leak, every request is answered."""
    async with Server() as server, Proxy(program, [server.port]) as proxy:
        samples = []
        dice = random.Random(3)

        async def unfriendly():
            while True:
                with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
                    kind = dice.randrange(4)
                    if kind == 0:
                        await ask(proxy.port, "/reset")
                    elif kind == 1:
                        await ask(proxy.port, "/size/300000")
                    else:
                        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                        writer.write(b"GET /slow/1 HTTP/1.1\r\nhost: a.test\r\n\r\n" if kind == 2 else b"GET /\0 HTTP/1.1\r\n\r\n")
                        await asyncio.sleep(0.05)
                        writer.transport.abort()
                await asyncio.sleep(0.02)

        async with Others(proxy.port, 8) as others:
            tasks = [asyncio.create_task(unfriendly()) for _ in range(4)]
            end = time.monotonic() + minutes * 60
            while time.monotonic() < end:
                await asyncio.sleep(min(10, minutes * 6))
                samples.append((proxy.memory(), proxy.descriptors()))
                check(proxy.process.poll() is None, "the proxy crashed")
            for task in tasks:
                task.cancel()
        quarter = max(1, len(samples) // 4)
        early = max(memory for memory, _ in samples[quarter:2 * quarter] or samples)
        late = max(memory for memory, _ in samples[-quarter:])
        check(late < early * 1.1 + 4, f"memory grew from {early:.1f} to {late:.1f} MiB")
        most = max(descriptors for _, descriptors in samples[-quarter:])
        first = max(descriptors for _, descriptors in samples[quarter:2 * quarter] or samples)
        check(most < first * 1.5 + 32, f"descriptors grew from {first} to {most}")
        return f"{minutes} minutes: memory {early:.1f} then {late:.1f} MiB, descriptors {first} then {most}; {others}"


CASES = {
    case.__name__.replace("_", "-"): case
    for case in (
        slow_loris, silent, idle, half_open, reset_in_body, endless_head, fuzz_http1, fuzz_http2, churn, rotation, drain)
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}, soak")
    parser.add_argument("--proxy", default=str(HERE.parents[1] / ".build/release/weir-proxy"))
    parser.add_argument("--minutes", type=float, default=30, help="how long soak goes on")
    options = parser.parse_args()
    unknown = [name for name in options.cases if name not in CASES and name != "soak"]
    if unknown:
        parser.error(f"no case {unknown[0]}; expected one of {', '.join(CASES)}, soak")
    if not os.access(options.proxy, os.X_OK):
        parser.error(f"no weir-proxy at {options.proxy}; build it with: swift build -c release --product weir-proxy")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    failed = 0
    for name in options.cases or CASES:
        begun = time.monotonic()
        try:
            if name == "soak":
                words = asyncio.run(soak(options.proxy, options.minutes))
            else:
                words = asyncio.run(CASES[name](options.proxy))
            print(f"ok    {name}: {words} ({time.monotonic() - begun:.0f} s)", flush=True)
        except (Failure, OSError, asyncio.TimeoutError) as failure:
            failed += 1
            print(f"FAILS {name}: {failure or repr(failure)} ({time.monotonic() - begun:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
