# SPDX-License-Identifier: Apache-2.0
"""Our own site: gateway with one worker, connector, management point; made once by `cmg quickstart`, then run by hand."""
import base64
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import time

import machine
from candidates import Candidate
from machine import Fault


class AdminSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Token:
    """A device's certificate and its access token."""
    target = "/CCM_Proxy_ServerAuth/bench/file"

    def __init__(self, state, text):
        self.certificate, self.key = os.path.join(state, "certificate.pem"), os.path.join(state, "key.pem")
        self.file = os.path.join(state, "access-token")
        with open(self.file, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
            f.write(text)


class Opencmg(Candidate):
    """Our gateway with one worker, a tunnel, our connector. Its CRL is the one that its site was told last."""
    name = "opencmg"
    target = "/CCM_Proxy_MutualAuth/bench/file"
    started_target = "/CCM_Proxy_MutualAuth/ServiceMetadata"
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

    def cmg(self, *arguments):
        return self._json("cmg", *arguments, "--json", "--socket", self.report["admin_socket"])

    def _json(self, program, *arguments):
        command = [os.path.join(self.site.programs, program), *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if result.returncode != 0:
            raise Fault(f"{program} {' '.join(map(str, arguments[:2]))} failed: {result.stdout}{result.stderr}")
        return json.loads(result.stdout)

    def publish(self):
        self.cmg("endpoint", "add", "bench", "--url", f"http://127.0.0.1:{self.site.upstream_port}", "--max-body", "2GiB")

    def make_token(self):
        """A device registers with the site's bulk token; its access token is good for /CCM_Proxy_ServerAuth/."""
        state = self.site.subfolder("device")
        os.chmod(state, 0o700)
        for arguments in (("enroll", self.report["enrollment"]), ("set", "RoleId=" + self.report["roles"]["ehttp"]),
                          ("register", "--token-file", self.report["token_file"]), ("policy",)):
            self._json("cmg-client", *arguments, "--dir", state, "--json")
        with open(os.path.join(state, "identity.json"), encoding="utf-8") as f:
            identity = json.load(f)
        return Token(state, identity["access_token"])

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

    def end_gateway(self):
        self.site.processes.end(self.pids["cmg-gateway"])

    def start_gateway(self):
        """The connector is back a moment later."""
        self._run("cmg-gateway")
        self.running = list(self.pids.values())

    def watched(self):
        return {"gateway": self.pids["cmg-gateway"].pid, "inside": self.pids["cmg-connector"].pid}
