# SPDX-License-Identifier: Apache-2.0
"""What is measured: the same duty done by nginx, by two of them, by HAProxy, and by our gateway with a connector.

Each candidate listens with the same server certificate, demands a client certificate of the same CA, checks the same CRL,
has one worker on the gateway's core, and asks the same upstream over keep-alive connections. `inside` is what runs at the
other end of a tunnel, or stands in for it.
"""
import base64
import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time

import machine
from machine import Fault

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
BODY_SIZE = 1024
DEVICES = 32
COMMON = """
worker_processes 1;
worker_rlimit_nofile {files};
daemon off;
pid {folder}/pid;
error_log {folder}/error.log crit;
events {{ worker_connections {files}; }}
"""
HTTP = """
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600;
    client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
{body}
}}
"""
# No tickets and no cache: what a full handshake costs at the least. With `resumption`, stateless tickets or a cache.
SERVER = """
    upstream next {{ server 127.0.0.1:{next_port}; keepalive 512; keepalive_requests 1000000000; keepalive_timeout 600; }}
    server {{
        listen 127.0.0.1:{port} ssl http2;
        server_name localhost;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_client_certificate {ca};
        ssl_verify_client on;
        {crl}
        ssl_session_tickets {tickets};
        ssl_session_cache {cache};
        location / {{
            proxy_pass {scheme}://next;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            {proxy}
        }}
    }}
"""
PROXY_TLS = """proxy_ssl_certificate {certificate}; proxy_ssl_certificate_key {key};
            proxy_ssl_trusted_certificate {ca}; proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_server_name on;"""


class Site:
    """What all candidates share: folder, PKI, upstream, cores."""

    def __init__(self, folder, programs, processes):
        self.folder, self.programs, self.processes = folder, programs, processes
        self.gateway_cpus, self.other_cpus = machine.cores()
        self.files = machine.raise_file_limit()
        self.pki, self.devices = {}, []
        self.upstream_port = 0

    def subfolder(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.join(path, "temp"), exist_ok=True)
        return path

    def nginx(self, name, http, port, cpus):
        folder = self.subfolder(name)
        text = COMMON.format(folder=folder, files=self.files) + HTTP.format(folder=folder, body=http)
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write(text)
        process = self.processes.start([NGINX, "-c", os.path.join(folder, "nginx.conf"), "-p", folder, "-e",
                                        os.path.join(folder, "error.log")], cpus, os.path.join(folder, "log"))
        try:
            machine.wait_for_port(port, process, name, 60)
        except Fault as fault:
            raise Fault(f"{fault}\n{machine.tail(os.path.join(folder, 'log'))}"
                        f"{machine.tail(os.path.join(folder, 'error.log'))}") from None
        return process

    def make_devices(self):
        """As many certificates as a quiet office has devices, all of the same key: what differs is who they are."""
        folder = self.subfolder("devices")
        request, extensions = os.path.join(folder, "request.pem"), os.path.join(folder, "extensions")
        with open(extensions, "w", encoding="ascii") as f:
            f.write("basicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\n"
                    "extendedKeyUsage = clientAuth\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n")
        self.openssl("req", "-new", "-key", self.pki["client_key"], "-subj", "/CN=device", "-out", request)
        for i in range(DEVICES):
            path = os.path.join(folder, f"{i}.pem")
            self.openssl("x509", "-req", "-in", request, "-CA", self.pki["ca"], "-CAkey", self.pki["ca_key"],
                         "-set_serial", str(0x5000000000000000 + i), "-days", "30", "-extfile", extensions, "-out", path)
            self.devices.append(path)

    @staticmethod
    def openssl(*arguments):
        result = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=300)
        if result.returncode != 0:
            raise Fault(f"openssl {arguments[0]}: {result.stderr}")

    def start_upstream(self):
        self.upstream_port = machine.free_ports(1)[0]
        self.nginx("upstream", f"""
    server {{
        listen 127.0.0.1:{self.upstream_port};
        location / {{ default_type text/plain; return 200 "{'x' * BODY_SIZE}"; }}
    }}""", self.upstream_port, self.other_cpus)


class Candidate:
    name = ""
    target = "/"

    def __init__(self, site, crl):
        self.site, self.crl = site, crl
        self.port = 0
        self.running = []

    def start(self):
        raise NotImplementedError

    def restart(self):
        """Fresh memory."""
        self.end()
        self.start()

    def watched(self):
        """name → pid: `gateway`, and `inside` when there is one."""
        raise NotImplementedError

    def end(self):
        for process in self.running:
            self.site.processes.end(process)
        self.running = []


def worker_of(process):
    found = machine.children(process.pid)
    return found[0] if found else process.pid


class Nginx(Candidate):
    """One hop."""
    name = "nginx"

    def __init__(self, site, crl, name=None, resumption=None):
        super().__init__(site, crl)
        self.name = name or self.name
        self.resumption = resumption

    def server(self, port, next_port, crl, proxy=""):
        return SERVER.format(port=port, next_port=next_port, certificate=self.site.pki["server"],
                             key=self.site.pki["server_key"], ca=self.site.pki["ca"],
                             crl=f"ssl_crl {crl};" if crl else "", scheme="https" if proxy else "http",
                             tickets="on" if self.resumption == "tickets" else "off",
                             cache="shared:s:20m" if self.resumption == "cache" else "off", proxy=proxy)

    def start(self):
        self.port = machine.free_ports(1)[0]
        self.running = [self.site.nginx(self.name.replace(" ", "-"),
                                        self.server(self.port, self.site.upstream_port, self.crl), self.port,
                                        self.site.gateway_cpus)]

    def watched(self):
        return {"gateway": worker_of(self.running[0])}


class TwoNginx(Nginx):
    """Two hops over mutual TLS: a tunnel's stand-in. The second one is where our connector is."""
    name = "nginx x2"

    def start(self):
        self.port, inner = machine.free_ports(2)
        pki = self.site.pki
        proxy = PROXY_TLS.format(certificate=pki["client"], key=pki["client_key"], ca=pki["ca"])
        self.running = [self.site.nginx("nginx-inner", self.server(inner, self.site.upstream_port, None), inner,
                                        self.site.other_cpus),
                        self.site.nginx("nginx-outer", self.server(self.port, inner, self.crl, proxy), self.port,
                                        self.site.gateway_cpus)]

    def watched(self):
        return {"gateway": worker_of(self.running[1]), "inside": worker_of(self.running[0])}


HAPROXY = """
global
    nbthread 1
    maxconn {connections}
    tune.ssl.cachesize 0
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
defaults
    mode http
    timeout client 600s
    timeout server 600s
    timeout connect 5s
    timeout http-keep-alive 600s
    http-reuse always
frontend in
    bind 127.0.0.1:{port} ssl crt {pem} ca-file {ca} crl-file {crl} verify required alpn h2,http/1.1
    default_backend next
backend next
    server u 127.0.0.1:{upstream} pool-max-conn 512
"""


class Haproxy(Candidate):
    """One hop."""
    name = "haproxy"

    @staticmethod
    def program():
        return os.environ.get("HAPROXY") or shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")

    def start(self):
        folder, pki = self.site.subfolder("haproxy"), self.site.pki
        self.port = machine.free_ports(1)[0]
        pem = os.path.join(folder, "server.pem")
        with open(pem, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            for name in ("server", "server_key"):
                with open(pki[name], "rb") as f:
                    out.write(f.read())
        with open(os.path.join(folder, "haproxy.cfg"), "w", encoding="utf-8") as f:
            f.write(HAPROXY.format(port=self.port, pem=pem, ca=pki["ca"], crl=self.crl, upstream=self.site.upstream_port,
                                   connections=self.site.files // 2 - 100))
        process = self.site.processes.start([self.program(), "-db", "-f", os.path.join(folder, "haproxy.cfg")],
                                            self.site.gateway_cpus, os.path.join(folder, "log"))
        self.running = [process]
        machine.wait_for_port(self.port, process, "haproxy", 60)

    def watched(self):
        return {"gateway": self.running[0].pid}


class AdminSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Opencmg(Candidate):
    """Our gateway with one worker, a tunnel, our connector. Its CRL is the one that its site was told last."""
    name = "opencmg"
    target = "/CCM_Proxy_MutualAuth/bench/file"
    programs_in_order = ("cmg-mp", "cmg-gateway", "cmg-connector")

    def __init__(self, site):
        super().__init__(site, None)
        self.folder = os.path.join(site.folder, "site")
        self.report = None
        self.pids = {}

    def make(self):
        """Once: an evaluation site on disk, and the PKI that all the others use too."""
        log = os.path.join(self.site.folder, "quickstart.log")
        process = self.site.processes.start([os.path.join(self.site.programs, "cmg"), "quickstart", "--json", "--dir",
                                             self.folder], self.site.other_cpus, log, stdout=subprocess.PIPE)
        text, until = b"", time.monotonic() + 60
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0, until - time.monotonic()))
            chunk = os.read(process.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                raise Fault(f"cmg quickstart did not start: {machine.tail(log)}")
            text += chunk
        self.report = json.loads(text)
        self.port = int(self.report["gateway"].rsplit(":", 1)[1])
        self.site.processes.end(process, signal.SIGINT)
        process.stdout.close()
        self._one_worker()
        pki = os.path.join(self.folder, "pki")
        self.site.pki = {"ca": os.path.join(pki, "ca.pem"), "ca_key": os.path.join(pki, "ca.key"),
                         "server": os.path.join(pki, "gateway.pem"), "server_key": os.path.join(pki, "gateway.key"),
                         "client": os.path.join(pki, "client.pem"), "client_key": os.path.join(pki, "client.key")}
        self.site.make_devices()

    def _one_worker(self):
        path = os.path.join(self.folder, "gateway.yaml")
        with open(path, encoding="utf-8") as f:
            lines = [line for line in f if not line.startswith("workers:")]
        with open(path, "w", encoding="utf-8") as f:
            f.writelines([*lines, "workers: 1\n"])

    def start(self):
        for name in self.programs_in_order:
            self._run(name)
        self.running = list(self.pids.values())
        self._wait_ready()

    def _run(self, name):
        conf = os.path.join(self.folder, name.removeprefix("cmg-") + ".yaml")
        cpus = self.site.gateway_cpus if name == "cmg-gateway" else self.site.other_cpus
        self.pids[name] = self.site.processes.start([os.path.join(self.site.programs, name), "--config", conf], cpus,
                                                    os.path.join(self.folder, name + ".stderr"))

    def publish(self):
        result = subprocess.run([os.path.join(self.site.programs, "cmg"), "endpoint", "add", "bench", "--url",
                                 f"http://127.0.0.1:{self.site.upstream_port}", "--auth", "pki", "--json", "--socket",
                                 self.report["admin_socket"]], capture_output=True, text=True, check=False, timeout=60)
        if result.returncode != 0:
            raise Fault(f"cmg endpoint add failed: {result.stderr}")

    def set_crl(self, path):
        """By the admin API: cmg itself takes files of 16 MiB at most."""
        with open(path, encoding="ascii") as f:
            text = "".join(line.strip() for line in f if not line.startswith("-----"))
        base64.b64decode(text[:1024], validate=True)
        admin = AdminSocket(self.report["admin_socket"])
        admin.request("POST", "/v1/trust", json.dumps({"kind": "crl", "data": text}),
                      {"Content-Type": "application/json"})
        answer = admin.getresponse()
        body = answer.read().decode(errors="replace")
        admin.close()
        if answer.status != 201:
            raise Fault(f"the CRL was not taken ({answer.status}): {body[:300]}")
        self.crl = path

    def _wait_ready(self, within_s=30):
        until = time.monotonic() + within_s
        host = self.report["gateway_admin"].removeprefix("http://")
        while time.monotonic() < until:
            try:
                admin = http.client.HTTPConnection(host, timeout=2)
                admin.request("GET", "/readyz")
                if admin.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise Fault("the gateway is not ready: " + machine.tail(os.path.join(self.folder, "gateway.log")) +
                    machine.tail(os.path.join(self.folder, "connector.log")))

    def restart(self):
        """The gateway alone; the connector comes back by itself."""
        self.site.processes.end(self.pids["cmg-gateway"])
        self._run("cmg-gateway")
        self.running = list(self.pids.values())
        self._wait_ready()

    def watched(self):
        return {"gateway": self.pids["cmg-gateway"].pid, "inside": self.pids["cmg-connector"].pid}
