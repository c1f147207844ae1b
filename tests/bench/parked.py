# SPDX-License-Identifier: Apache-2.0
"""Parked notification requests: as many devices as the limits allow, each with a request that nobody answers yet, through one
connector; what they cost in memory and CPU, how many sockets the connector needs for them, and how fast all are woken."""
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time

import machine
from figures import print_table
from machine import Fault
from rows import Row

COUNT, WATCHED_S = 10_000, 8


class Server:
    """parking.py, whose last word is kept."""

    def __init__(self, site):
        [self.port] = machine.free_ports(1)
        here = os.path.dirname(os.path.abspath(__file__))
        self.process = site.processes.start([sys.executable, os.path.join(here, "parking.py"), self.port,
                                             site.pki["server"], site.pki["server_key"]], site.other_cpus,
                                            os.path.join(site.folder, "parking.log"), stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE)
        self.said = {"connections": 0, "waiting": 0}
        threading.Thread(target=self._listen, daemon=True).start()
        machine.wait_for_port(self.port, self.process, "the parking server")

    def _listen(self):
        for line in self.process.stdout:
            self.said = json.loads(line)

    def answer_all(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()


def in_flight(ours):
    admin = http.client.HTTPConnection(ours.report["gateway_admin"].removeprefix("http://"), timeout=5)
    admin.request("GET", "/metrics")
    found = re.search(r"^cmg_requests_in_flight (\d+)$", admin.getresponse().read().decode(), re.M)
    admin.close()
    return int(found[1])


def wait_for(what, condition, within_s, pause_s=0.05):
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            raise Fault(f"not within {within_s} s: {what}")
        time.sleep(pause_s)


def use(pids):
    return {name: (machine.cpu_s(pid), machine.memory_mb(pid)) for name, pid in pids.items()}


def measure(bench, ours, out, count=COUNT):
    site, server = bench.site, Server(bench.site)
    ours.cmg("endpoint", "add", "parking", "--url", f"https://localhost:{server.port}", "--anchors", site.pki["ca"])
    ours.restart()
    bench.settle(ours)
    pids = ours.watched()
    row = Row("", mode="idle", connections=count, duration=600_000, warm_up=0, target="/CCM_Proxy_MutualAuth/parking/wait")
    idle = use(pids)
    load = site.processes.start(bench.command(ours, row), site.other_cpus, os.path.join(site.folder, "parked.log"))
    wait_for(f"{count} requests are parked", lambda: server.said["waiting"] >= count, 180, 0.5)
    time.sleep(2)
    before = use(pids)
    time.sleep(WATCHED_S)
    after = use(pids)
    began = time.monotonic()
    server.answer_all()
    wait_for("all are woken", lambda: in_flight(ours) == 0, 60, 0.02)
    woken = time.monotonic() - began
    site.processes.end(load)
    site.processes.end(server.process)
    ours.cmg("endpoint", "remove", "parking")
    result = {"count": count, "sockets_inside": server.said["connections"], "woken_s": woken,
              "processes": {name: {"kb_each": (after[name][1] - idle[name][1]) * 1000 / count,
                                   "cpu_percent": (after[name][0] - before[name][0]) / WATCHED_S * 100} for name in pids}}
    lines = [("process", "kB each", "CPU %")] + [(name, f"{p['kb_each']:.1f}", f"{p['cpu_percent']:.2f}")
                                                 for name, p in result["processes"].items()]
    print_table(f"{count:,} parked requests through one connector (the gateway's kB with each device's TLS connection); it has "
                f"{result['sockets_inside']} connection(s) inside for them; all were woken within {woken:.1f} s", lines, out)
    return result
