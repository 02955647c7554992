#!/usr/bin/env python3
"""Holds what weir-proxy tells people against the programs that they read it with.

    python3 Benchmarks/robustness/observability.py [--proxy .build/release/weir-proxy] [--out FOLDER]

A proxy runs before two servers, one of which fails at times, under a light load. Then
  - promtool looks at /metrics, and a real Prometheus scrapes it and evaluates every query of the dashboard;
  - Grafana's own types (grafana-foundation-sdk) read the dashboard and give it back unchanged;
  - an OTLP receiver on OpenTelemetry's own definitions (opentelemetry-proto) decodes the spans;
  - chromium opens the live page, light and dark: no message on its console, numbers in its tables; pictures go to FOLDER.
What is not installed is named and counts as not checked. Status 1 when a check fails.
"""
import argparse, base64, http.client, http.server, json, os, pathlib, re, shutil, socket, subprocess, sys, tempfile, threading, time
import urllib.parse, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
failures, skipped, running = [], [], []


def check(what, holds, detail=""):
    print(f"  {'ok  ' if holds else 'FAIL'} {what}{'' if holds else ': ' + str(detail)[:2000]}", flush=True)
    if not holds:
        failures.append(what)


def missing(what, how):
    print(f"  not checked: {what} ({how})", flush=True)
    skipped.append(what)


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, address):
        # The rest of an answer that is tried again is not waited for: its connection is reset.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, address)


def serve(handler):
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def start(*command, **options):
    process = subprocess.Popen(command, **options)
    running.append(process)
    return process


def get(port, path, headers={}, timeout=5):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def wait(what, holds, seconds=15):
    end = time.time() + seconds
    while time.time() < end:
        try:
            if holds():
                return True
        except OSError:
            pass
        time.sleep(0.1)
    check(what, False, "it did not come")
    return False


def backend(every):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        count = 0

        def do_GET(self):
            Handler.count += 1
            time.sleep(0.004)
            status = 503 if every and Handler.count % every < 3 else 200
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    return Handler


def receiver(requests):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            requests.append((self.path, self.headers["content-type"], body))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    return Handler


def check_spans(requests):
    print("OTLP")
    try:
        from google.protobuf import json_format
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
        from opentelemetry.proto.trace.v1.trace_pb2 import Span
    except ImportError:
        return missing("the spans", "pip install opentelemetry-proto")
    spans = []

    def names_as_bytes(value):
        # OTLP's JSON has names in hexadecimal where protobuf's JSON has base64: the one difference.
        if isinstance(value, dict):
            return {
                key: base64.b64encode(bytes.fromhex(inner)).decode() if key in ("traceId", "spanId", "parentSpanId") else names_as_bytes(inner)
                for key, inner in value.items()
            }
        return [names_as_bytes(inner) for inner in value] if isinstance(value, list) else value

    for path, kind, body in requests:
        message = json_format.ParseDict(names_as_bytes(json.loads(body)), ExportTraceServiceRequest())
        check_path = path == "/v1/traces" and kind == "application/json"
        if not check_path:
            check("the receiver's path", False, (path, kind))
        for resource in message.resource_spans:
            service = {a.key: a.value.string_value for a in resource.resource.attributes}.get("service.name")
            for scope in resource.scope_spans:
                spans += [(service, span) for span in scope.spans]
    servers = [s for _, s in spans if s.kind == Span.SPAN_KIND_SERVER]
    clients = [s for _, s in spans if s.kind == Span.SPAN_KIND_CLIENT]
    parents = {(s.trace_id, s.span_id) for s in servers}
    check(f"{len(spans)} spans decoded by OpenTelemetry's own definitions", len(servers) > 50 and len(clients) >= len(servers))
    check("every try is below its request, within its time",
          all((c.trace_id, c.parent_span_id) in parents and c.end_time_unix_nano >= c.start_time_unix_nano for c in clients))
    check("the service's name", {service for service, _ in spans} == {"edge"}, spans[:1])
    now = time.time_ns()
    check("times are times of day", all(0 < now - s.end_time_unix_nano < 120e9 for _, s in spans))
    caller = [s for s in servers if s.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"]
    check("a caller's trace goes on", len(caller) == 1 and caller[0].parent_span_id.hex() == "00f067aa0ba902b7", caller)


def check_metrics(admin, folder):
    print("Prometheus")
    text = get(admin, "/metrics")[1]
    if not shutil.which("promtool"):
        return missing("promtool and Prometheus", "apt-get install prometheus")
    linted = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    # Linkerd's own name has its unit in short, and so have the dashboards that know it.
    said = [line for line in linted.stderr.splitlines() if line.strip() and not line.startswith("response_latency_ms ")]
    check("promtool check metrics is clean, Linkerd's own name apart", linted.returncode in (0, 3) and not said, said)
    web = port()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nscrape_configs:\n- job_name: weir\n"
        f"  static_configs: [{{targets: ['127.0.0.1:{admin}']}}]\n")
    start("prometheus", f"--config.file={folder}/prometheus.yml", f"--web.listen-address=127.0.0.1:{web}",
          f"--storage.tsdb.path={folder}/tsdb", stdout=subprocess.DEVNULL, stderr=open(folder / "prometheus.log", "w"))

    def query(expression):
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/api/v1/query?query={urllib.parse.quote(expression)}") as answer:
            return json.load(answer)

    if not wait("Prometheus scrapes", lambda: len(query("count_over_time(request_total[1m]) > 3")["data"]["result"]) > 0, 30):
        return
    check("Prometheus scrapes the proxy", query("up")["data"]["result"][0]["value"][1] == "1")
    dashboard = json.loads((ROOT / "Documentation/dashboards/weir-proxy.json").read_text())
    empty, wrong, count = [], [], 0
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            count += 1
            expression = re.sub(r"\$(job|instance|authority|cluster)\b", ".*", target["expr"]).replace("$__rate_interval", "10s")
            try:
                result = query(expression)
            except urllib.error.HTTPError as error:
                wrong.append((expression, error.read()))
                continue
            if not result["data"]["result"]:
                empty.append(panel["title"])
    check(f"Prometheus evaluates all {count} queries of the dashboard", not wrong, wrong)
    check("and each finds something", not empty, empty)


def check_dashboard():
    print("Grafana")
    try:
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.models.dashboard import Dashboard
    except ImportError:
        return missing("the dashboard's shape", "pip install grafana-foundation-sdk")
    before = json.loads((ROOT / "Documentation/dashboards/weir-proxy.json").read_text())
    after = json.loads(JSONEncoder().encode(Dashboard.from_json(before)))

    def lost(left, right, path=""):
        if isinstance(left, dict) and isinstance(right, dict):
            return [d for key in left for d in (lost(left[key], right[key], f"{path}.{key}") if key in right else [f"{path}.{key}"])]
        if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            return [d for n, (a, b) in enumerate(zip(left, right)) for d in lost(a, b, f"{path}[{n}]")]
        return [] if left == right else [f"{path}: {left!r} {right!r}"]

    check("Grafana's own types give the dashboard back whole", not lost(before, after), lost(before, after))


def patient(admin):
    """The admin port with a picture on its page that takes six seconds: a headless browser waits for it, and the page lives meanwhile."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/slow":
                time.sleep(6)
                status, text = 204, ""
            else:
                status, text = get(admin, self.path)
                text = text.replace("</body>", '<img src="slow" alt="" hidden></body>')
            self.send_response(status)
            self.send_header("content-type", "text/html; charset=utf-8" if self.path == "/" else "application/json")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    return Handler


def check_page(admin, out):
    print("the live page")
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        return missing("the live page", "apt-get install chromium fonts-dejavu-core")
    common = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
              "--window-size=1280,720"]
    url = f"http://127.0.0.1:{serve(patient(admin))}/"
    for scheme, setting in (("light", "1"), ("dark", "0")):
        picture = out / f"admin-{scheme}.png"
        seen = subprocess.run(
            common + [f"--blink-settings=preferredColorScheme={setting}", f"--screenshot={picture}", url],
            capture_output=True, text=True, timeout=60)
        said = [line for line in seen.stderr.splitlines() if "CONSOLE" in line]
        check(f"{scheme}: drawn, nothing on its console", picture.exists() and not said, said or seen.stderr)
    page = subprocess.run(common + ["--dump-dom", url], capture_output=True, text=True, timeout=60).stdout
    rows = re.findall(r"<tr>(.*?)</tr>", page.split('<table id="endpoints">')[-1])
    check("it shows both endpoints and a success rate",
          sum(page.count(f'class="{state}"') for state in ("ready", "partly", "out")) >= 2 and re.search(r'id="success">[\d.]+ %', page), rows)
    print(f"  pictures: {out}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", default=ROOT / ".build/release/weir-proxy")
    parser.add_argument("--out", default=None, help="where the page's pictures go")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-observability-"))
    out = pathlib.Path(options.out or folder)
    out.mkdir(parents=True, exist_ok=True)
    requests = []
    good, flaky, otlp = serve(backend(0)), serve(backend(40)), serve(receiver(requests))
    listen, admin = port(), port()
    (folder / "web.json").write_text(json.dumps([{"address": f"127.0.0.1:{good}", "zone": "a"}, {"address": f"127.0.0.1:{flaky}", "zone": "b"}]))
    (folder / "proxy.yaml").write_text(f"""
mesh:
  clusters:
    web: {{protocol: http1, balancer: leastRequest, failureAccrual: {{consecutive: {{maxFailures: 2, minPenalty: 2s, maxPenalty: 5s}}}}}}
  routes:
    - match: {{host: web.test}}
      split: [{{to: web}}]
      retry: {{on: [5xx], attempts: 1, budget: {{ratio: 0.2}}}}
  proxy:
    listen: [{{address: "127.0.0.1:{listen}"}}]
    admin: 127.0.0.1:{admin}
    explain: 100
    discovery: {{web: {{file: web.json}}}}
    tracing: {{otlp: "http://127.0.0.1:{otlp}", service: edge}}
""")
    proxy = start(str(options.proxy), "--config", str(folder / "proxy.yaml"), "--loops", "2", stderr=open(folder / "proxy.log", "w"))
    try:
        if not wait("the proxy", lambda: get(admin, "/ready")[0] == 200):
            print((folder / "proxy.log").read_text())
            return 1
        ends = threading.Event()

        def load():
            while not ends.is_set():
                try:
                    get(listen, "/some/path?q=1", {"Host": "web.test"})
                except OSError as error:
                    check("a request", False, error)
                    return
                time.sleep(0.01)

        for _ in range(4):
            threading.Thread(target=load, daemon=True).start()
        get(listen, "/", {"Host": "web.test", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
        get(listen, "/", {"Host": "astray.test"})
        time.sleep(2)
        check_metrics(admin, folder)
        check_dashboard()
        check_page(admin, out)
        print("/explain and /endpoints")
        decisions = json.loads(get(admin, "/explain?last=50")[1])["decisions"]
        check("/explain tells of picks with their candidates",
              any(d["event"] == "picked" and len(d["endpoints"]) == 2 for d in decisions), decisions[:2])
        rows = json.loads(get(admin, "/endpoints")[1])["endpoints"]
        check("/endpoints has both, with zones and picks", {r["zone"] for r in rows} == {"a", "b"} and all(r["picks"] > 0 for r in rows), rows)
        ends.set()
        time.sleep(0.3)
        proxy.terminate()
        check("the proxy drains and ends", proxy.wait(20) == 0, proxy.returncode)
        check_spans(requests)
    finally:
        for process in running:
            if process.poll() is None:
                process.terminate()
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        if out != folder:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(failures)} failed, {len(skipped)} not checked")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
