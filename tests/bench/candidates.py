# SPDX-License-Identifier: Apache-2.0
"""What is measured: the same duty done by nginx, by two of them, by HAProxy (haproxy.py), and by our gateway with a connector
(opencmg.py).

Each candidate listens with the same server certificate, demands a client certificate of the same CA, checks the same CRL,
has one worker on the gateway's core, and asks the same upstream over keep-alive connections. `inside` is what runs at the
other end of a tunnel, or stands in for it.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

import machine
from machine import Fault

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
BODY_SIZE = 1024
GIGABYTE = 1 << 30
DEVICES = 32  # of a quiet office
COMMON = """
{user}
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
    upstream next {{ server 127.0.0.1:{next_port}; keepalive 4096; keepalive_requests 1000000000; keepalive_timeout 600; }}
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
            client_max_body_size 0;
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
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
        text = COMMON.format(folder=folder, files=self.files, user="user root;" if os.geteuid() == 0 else "") + HTTP.format(folder=folder, body=http)
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

    def make_devices(self, count=DEVICES):
        """So many certificates, all of the same key: what differs is who they are."""
        folder = os.path.join(self.folder, "devices")
        os.makedirs(folder, exist_ok=True)
        request, extensions = os.path.join(folder, "request.pem"), os.path.join(folder, "extensions")
        with open(extensions, "w", encoding="ascii") as f:
            f.write("basicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\n"
                    "extendedKeyUsage = clientAuth\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n")
        self.openssl("req", "-new", "-key", self.pki["client_key"], "-subj", "/CN=device", "-out", request)
        for i in range(len(self.devices), count):
            path = os.path.join(folder, f"{i}.pem")
            self.openssl("x509", "-req", "-in", request, "-CA", self.pki["ca"], "-CAkey", self.pki["ca_key"],
                         "-set_serial", str(0x5000000000000000 + i), "-days", "30", "-extfile", extensions, "-out", path)
            self.devices.append(path)

    def devices_file(self, count):
        """The first so many certificates in one file."""
        path = os.path.join(self.folder, f"devices-{count}.pem")
        if not os.path.exists(path):
            texts = [open(device, encoding="ascii").read() for device in self.devices[:count]]
            with open(path, "w", encoding="ascii") as f:
                f.writelines(texts)
        return path

    @staticmethod
    def openssl(*arguments):
        result = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=300)
        if result.returncode != 0:
            raise Fault(f"openssl {arguments[0]}: {result.stderr}")

    def start_upstream(self):
        """1 KB for any path, a file of a gigabyte, and a sink (sink.py) for another one."""
        self.upstream_port, sink = machine.free_ports(2)
        with open(os.path.join(self.subfolder("upstream"), "gigabyte"), "wb") as f:
            f.truncate(GIGABYTE)
        self.processes.start([sys.executable, os.path.join(os.path.dirname(__file__), "sink.py"), str(sink)], self.other_cpus,
                             os.path.join(self.folder, "sink.log"))
        self.nginx("upstream", f"""
    server {{
        listen 127.0.0.1:{self.upstream_port};
        location / {{ default_type text/plain; return 200 "{'x' * BODY_SIZE}"; }}
        location ~ /gigabyte$ {{ root {self.folder}/upstream; rewrite ^ /gigabyte break; }}
        location ~ /sink$ {{ proxy_pass http://127.0.0.1:{sink}; proxy_request_buffering off; client_max_body_size 0; }}
    }}""", self.upstream_port, self.other_cpus)


class Candidate:
    name = ""
    target = "/"
    connections_max = 16000
    started_target = "/"

    def __init__(self, site, crl):
        self.site, self.crl = site, crl
        self.port = 0
        self.running = []
        self.fault = None  # why it was not to be started

    def start(self):
        raise NotImplementedError

    def try_to_start(self):
        """Where it can't, it counts as one that does not serve."""
        self.fault = None
        try:
            self.start()
        except Fault as fault:
            self.fault = fault
            self.end()

    def restart(self):
        """Fresh memory."""
        self.end()
        self.try_to_start()

    def watched(self):
        """name → pid: `gateway`, and `inside` when there is one."""
        raise NotImplementedError

    def crl_pids(self):
        """Who has work with a new CRL."""
        return [self.watched()["gateway"]]

    def end(self):
        for process in self.running:
            self.site.processes.end(process)
        self.running = []


def worker_of(process):
    if process.poll() is not None:
        raise Fault(f"ended by itself ({process.returncode})")
    found = machine.children(process.pid)
    return found[0] if found else process.pid


class Nginx(Candidate):
    """One hop."""
    name = "nginx"

    def __init__(self, site, crl, name=None, resumption=None):
        super().__init__(site, crl)
        self.name = name or self.name
        self.resumption = resumption
        self.old_workers = set()

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
        self.old_workers = set(machine.children(self.running[0].pid))

    def watched(self):
        return {"gateway": worker_of(self.running[0])}

    def crl_pids(self):
        """The master reads it, and each new worker has it from there."""
        return [self.running[0].pid, *(set(machine.children(self.running[0].pid)) - self.old_workers)]

    def end_gateway(self):
        self.end()

    def start_gateway(self):
        self.start()
        self.old_workers = set()

    def reload(self, crl):
        """Until no worker of before is left that takes connections: a new one has begun."""
        path = os.path.join(self.site.folder, self.name.replace(" ", "-"), "nginx.conf")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(self.crl, crl))
        self.crl = crl
        self.running[0].send_signal(signal.SIGHUP)
        until = time.monotonic() + 120
        while not set(machine.children(self.running[0].pid)) - self.old_workers:
            if time.monotonic() > until:
                raise machine.Fault("nginx did not reload within 120 s")
            time.sleep(0.02)


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
