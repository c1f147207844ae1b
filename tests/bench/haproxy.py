# SPDX-License-Identifier: Apache-2.0
"""HAProxy: one hop, as Debian has it, and two that speak reverse HTTP (2.9 and newer: HAPROXY=/path/to/haproxy)."""
import os
import re
import shutil
import subprocess

import machine
from candidates import Candidate

GLOBAL = """
global
    nbthread 1
    maxconn {connections}
    tune.ssl.cachesize 0
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
{experimental}
defaults
    mode http
    timeout client 600s
    timeout server 600s
    timeout connect 5s
    timeout http-keep-alive 600s
    http-reuse always
"""
ONE_HOP = """
frontend in
    bind 127.0.0.1:{port} ssl crt {pem} ca-file {ca} crl-file {crl} verify required alpn h2,http/1.1
    default_backend next
backend next
    server u 127.0.0.1:{upstream} pool-max-conn 4096
"""
OUTER = """
frontend in
    bind 127.0.0.1:{port} ssl crt {pem} ca-file {ca} crl-file {crl} verify required alpn h2,http/1.1
    default_backend next
backend next
    server inner rhttp@
frontend attach
    bind 127.0.0.1:{attach} ssl crt {pem} ca-file {ca} verify required alpn h2
    tcp-request session attach-srv next/inner
"""
INNER = """
backend outer
    server outer 127.0.0.1:{attach} ssl crt {client} ca-file {ca} verify required sni str(localhost) alpn h2
frontend in
    bind rhttp@outer/outer nbconn 4
    default_backend next
backend next
    server u 127.0.0.1:{upstream} pool-max-conn 4096
"""


def program():
    return os.environ.get("HAPROXY") or shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")


def version():
    """(2, 6) …; (0, 0) when there is none."""
    if not program():
        return (0, 0)
    text = subprocess.run([program(), "-v"], capture_output=True, text=True, check=False, timeout=10).stdout
    found = re.search(r"version (\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def can_reverse():
    """Reverse HTTP came with 2.9."""
    return version() >= (2, 9)


class Haproxy(Candidate):
    """One hop."""
    name = "haproxy"
    experimental = ""

    def __init__(self, site, crl):
        super().__init__(site, crl)
        self.connections_max = site.files // 2 - 200  # it counts two descriptors a connection

    def run(self, name, text, cpus, port):
        folder, pki = self.site.subfolder(name), self.site.pki
        pem = os.path.join(folder, "server.pem")
        with open(pem, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            for part in ("server", "server_key"):
                with open(pki[part], "rb") as f:
                    out.write(f.read())
        client = os.path.join(folder, "client.pem")
        with open(client, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            for part in ("client", "client_key"):
                with open(pki[part], "rb") as f:
                    out.write(f.read())
        with open(os.path.join(folder, "haproxy.cfg"), "w", encoding="utf-8") as f:
            f.write((GLOBAL + text).format(pem=pem, client=client, ca=pki["ca"], crl=self.crl,
                                           upstream=self.site.upstream_port, connections=self.connections_max,
                                           port=self.port, attach=self.attach,
                                           experimental=self.experimental))
        process = self.site.processes.start([program(), "-db", "-f", os.path.join(folder, "haproxy.cfg")], cpus,
                                            os.path.join(folder, "log"))
        self.running.append(process)
        if port:
            machine.wait_for_port(port, process, name, 60)

    def start(self):
        self.port, self.attach = machine.free_ports(2)
        self.run("haproxy", ONE_HOP, self.site.gateway_cpus, self.port)

    def watched(self):
        return {"gateway": self.running[0].pid}


class ReverseHaproxy(Haproxy):
    """Reverse HTTP: the inner one dials out to the outer one, as our connector does."""
    name = "haproxy x2"

    def __init__(self, site, crl):
        super().__init__(site, crl)
        self.connections_max = 4096  # with 5,000 at once 3.0 answers 503

    experimental = "    expose-experimental-directives\n    tune.h2.max-concurrent-streams 4096"

    def start(self):
        self.port, self.attach = machine.free_ports(2)
        self.run("haproxy-outer", OUTER, self.site.gateway_cpus, self.port)
        self.run("haproxy-inner", INNER, self.site.other_cpus, None)

    def watched(self):
        return {"gateway": self.running[0].pid, "inside": self.running[1].pid}
