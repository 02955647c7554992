#!/usr/bin/env python3
"""`make engines`: a sweep handed to a real Slurm on this machine, and its Kubernetes Job shown to the real kubectl.

A controller and four nodes of Slurm are started in a scratch folder, for this check alone; the sweep's array job and the job that merges its
parts must come to the bytes that `weir sweep` has by itself, also when a part's task is killed and requeued. The manifest must keep to Kubernetes'
schema, kubectl must create what it says (on a stand-in that answers as an API server does), and the command in it, run once an index as the Job
would, must come to the same bytes.

Needs Slurm, munge, kubectl (Debian: slurm-wlm munge kubernetes-client), kubernetes-validate (PyPI), and root, whom Slurm's daemons and munge want.
"""
import argparse
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SCENARIO = """scenario: engines
run: {requests: 200000, replications: 4, window: 60s}
world:
  services: {web: {replicas: 4, workers: 2, time: {exponential: {mean: 20ms}}}}
  clients: {users: {arrivals: {poisson: 100/s}}}
sweep:
  mesh.clusters.web.balancer: [random, roundRobin, leastRequest, peakEwma]
  world.clients.users.arrivals.poisson: [100/s, 200/s, 300/s]
"""
PARTS = 6


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class StandIn(http.server.ThreadingHTTPServer):
    """As much of an API server as kubectl asks before it creates something, and while it does."""

    RESOURCES = {"/api/v1": ("v1", "configmaps", "ConfigMap"), "/apis/batch/v1": ("batch/v1", "jobs", "Job")}

    def __init__(self):
        self.created = []
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, value, status=200):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                path = self.path.split("?")[0]
                batch = {"groupVersion": "batch/v1", "version": "v1"}
                if path == "/api":
                    self.answer({"kind": "APIVersions", "versions": ["v1"]})
                elif path == "/apis":
                    self.answer({"kind": "APIGroupList", "apiVersion": "v1",
                                 "groups": [{"name": "batch", "versions": [batch], "preferredVersion": batch}]})
                elif path in StandIn.RESOURCES:
                    group, plural, kind = StandIn.RESOURCES[path]
                    self.answer({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": [
                        {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["create", "get"]}]})
                else:
                    self.answer({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}, 404)

            def do_POST(self):
                value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stand_in.created.append(value)
                self.answer(value, 201)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self):
        self.shutdown()
        self.server_close()


class Slurm:
    """A controller and some nodes, all of them this machine."""

    def __init__(self, place, nodes=4):
        self.place = place
        host = socket.gethostname().split(".")[0]
        ports = free_ports(nodes + 1)
        for name in ("state", "spool", "log"):
            os.makedirs(os.path.join(place, name))
        os.makedirs("/run/munge", exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        self.munge = None
        if subprocess.run(["pgrep", "-x", "munged"], capture_output=True).returncode != 0:
            self.munge = subprocess.Popen(["runuser", "-u", "munge", "--", "/usr/sbin/munged", "--foreground"],
                                          stderr=subprocess.DEVNULL)
            time.sleep(1)
        lines = [
            "ClusterName=weir", f"SlurmctldHost={host}(127.0.0.1)", "AuthType=auth/munge", "SlurmUser=root", "SlurmdUser=root",
            f"StateSaveLocation={place}/state", f"SlurmdSpoolDir={place}/spool/%n", f"SlurmctldPidFile={place}/slurmctld.pid",
            f"SlurmdPidFile={place}/slurmd-%n.pid", f"SlurmctldLogFile={place}/log/controller.log",
            f"SlurmdLogFile={place}/log/%n.log", f"SlurmctldPort={ports[0]}", "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none",
            "SelectType=select/cons_tres", "SelectTypeParameters=CR_Core", "SchedulerParameters=bf_interval=1", "MpiDefault=none",
            "ReturnToService=2", "AccountingStorageType=accounting_storage/none", "JobAcctGatherType=jobacct_gather/none",
            "SlurmdParameters=config_overrides", "KillWait=1"]
        for number in range(nodes):
            lines.append(f"NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[number + 1]} CPUs=1 State=UNKNOWN")
        lines.append("PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP")
        configuration = os.path.join(place, "slurm.conf")
        with open(configuration, "w") as file:
            file.write("\n".join(lines) + "\n")
        self.environment = {**os.environ, "SLURM_CONF": configuration}
        daemons = [["slurmctld", "-D"]] + [["slurmd", "-D", "-N", f"n{number}"] for number in range(nodes)]
        self.daemons = [subprocess.Popen(daemon, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                        for daemon in daemons]
        for _ in range(60):
            time.sleep(0.5)
            if self.ask("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * nodes:
                return
        self.end()
        sys.exit(f"Slurm's nodes do not get idle; see {place}/log")

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def wait(self, seconds=300):
        """Until no job is left."""
        deadline = time.time() + seconds
        while self.ask("squeue", "-h").strip():
            if time.time() > deadline:
                sys.exit("jobs do not end:\n" + self.ask("squeue"))
            time.sleep(0.5)

    def end(self):
        subprocess.run(["scancel", "--full", "--signal=KILL", "--user=root"], env=self.environment, capture_output=True)
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in self.daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
        if self.munge:
            self.munge.terminate()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", required=True, help="the program")
    weir = os.path.abspath(parser.parse_args().weir)
    os.environ["PATH"] += ":/usr/sbin"
    missing = [name for name in ("sbatch", "slurmctld", "slurmd", "munged", "kubectl", "kubernetes-validate") if not shutil.which(name)]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}; Debian: apt install slurm-wlm munge kubernetes-client; PyPI: kubernetes-validate")

    place = tempfile.mkdtemp(prefix="weir-engines-")
    scenario = os.path.join(place, "grid.yaml")
    with open(scenario, "w") as file:
        file.write(SCENARIO)

    def table(folder):
        with open(os.path.join(place, folder, "engines", "sweep.csv"), "rb") as file:
            return file.read()

    failed = []

    def say(what, holds):
        print(("holds  " if holds else "FAILS  ") + what, flush=True)
        if not holds:
            failed.append(what)

    subprocess.run([weir, "sweep", scenario, "--out", os.path.join(place, "alone"), "--quiet"], check=True)
    alone = table("alone")

    slurm = Slurm(os.path.join(place, "slurm"))
    try:
        print("slurm:", slurm.ask("sbatch", "--version").strip(), "with nodes", " ".join(slurm.ask("sinfo", "-h", "-N", "-o", "%N").split()))
        for kills in (False, True):
            out = "slurm-killed" if kills else "slurm-whole"
            told = slurm.ask(weir, "sweep", "submit", scenario, "--engine", "slurm", "--shards", str(PARTS),
                             "--out", os.path.join(place, out))
            print(told.strip(), flush=True)
            if kills:
                # Once a part is under way its task is sent back to the queue, as when its node is wanted by somebody else.
                job = told.split("array job ")[1].split(",")[0]
                for _ in range(100):
                    running = slurm.ask("squeue", "-h", "-t", "R", "-r", "-o", "%i", "-j", job).split()
                    if running:
                        break
                    time.sleep(0.1)
                time.sleep(0.5)
                say(f"task {running[0]} requeued", subprocess.run(["scontrol", "requeue", running[0]], env=slurm.environment).returncode == 0)
            slurm.wait()
            say(f"sweep.csv of {PARTS} tasks{', one of them begun twice' if kills else ''}, merged by a job: the same bytes",
                os.path.exists(os.path.join(place, out, "engines", "sweep.csv")) and table(out) == alone)
    finally:
        slurm.end()

    manifest = subprocess.run([weir, "sweep", "submit", scenario, "--engine", "kubernetes", "--image", "registry.example/weir:1",
                               "--shards", str(PARTS)], capture_output=True, text=True, check=True).stdout
    with open(os.path.join(place, "job.yaml"), "w") as file:
        file.write(manifest)
    read = subprocess.run(["kubernetes-validate", "--strict", file.name], capture_output=True, text=True)
    say("every field is one of Kubernetes' schema" + (": " + (read.stdout + read.stderr).strip() if read.returncode else ""), read.returncode == 0)
    server = StandIn()
    read = subprocess.run(["kubectl", "--server", server.address, "create", "--validate=false", "-f", "-"], input=manifest,
                          capture_output=True, text=True)
    server.close()
    say("kubectl creates what it says" + (": " + read.stderr.strip() if read.returncode else ""), read.returncode == 0)
    if read.returncode == 0:
        items = server.created
        config, job = [next(item for item in items if item["kind"] == kind) for kind in ("ConfigMap", "Job")]
        say("the scenario comes out of the ConfigMap as it went in", config["data"]["scenario.yaml"].rstrip("\n") == SCENARIO.rstrip("\n"))
        say(f"an Indexed Job of {PARTS}", job["spec"]["completionMode"] == "Indexed" and job["spec"]["completions"] == PARTS)
        command = job["spec"]["template"]["spec"]["containers"][0]["command"]
        results = os.path.join(place, "pods")
        os.makedirs(results)
        for index in range(PARTS):
            own = [part.replace("/scenario/scenario.yaml", scenario).replace("/results", results) for part in command]
            subprocess.run(own, check=True, env={**os.environ, "JOB_COMPLETION_INDEX": str(index),
                                                 "PATH": os.path.dirname(weir) + ":" + os.environ["PATH"]})
        subprocess.run([weir, "sweep", "merge", os.path.join(results, "engines")], check=True, stdout=subprocess.DEVNULL)
        say("sweep.csv of its pods' commands, merged: the same bytes", table("pods") == alone)
    shutil.rmtree(place, ignore_errors=True)
    if failed:
        sys.exit(f"{len(failed)} failed")


main()
