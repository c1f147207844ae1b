# SPDX-License-Identifier: Apache-2.0
"""An ACME server that nobody here wrote (pebble, with its DNS server), and the client that gateways use (uacme), on loopback."""
import contextlib
import json
import os
import shlex
import shutil
import ssl
import subprocess
import urllib.request
from pathlib import Path

from . import pki, programs
from .programs import program, until
from .servers import free_port, takes_connections

SYSTEM_ANCHORS = "/etc/ssl/certs/ca-certificates.crt"  # the client reads no other

missing = [name for name in ("pebble", "pebble-challtestsrv", "uacme") if not shutil.which(name)]
UNSHARE = ["unshare", "--map-root-user", "--mount"]


def why_not():
    """Why there can be no test with it here; None: there can."""
    if missing:
        return f"{' and '.join(missing)} are not installed: tools/deps check"
    if not os.path.exists(SYSTEM_ANCHORS) or subprocess.run([*UNSHARE, "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        return "this machine does not let a test have anchors of its own (unshare --mount)"
    return None


class Pebble:
    """Validates challenges at `port`; every name leads to 127.0.0.1, but for those that lead nowhere."""

    def __init__(self, folder, port):
        self.folder = Path(folder)
        self.log = self.folder / "pebble.log"
        ca = pki.Ca(self.folder, "ACME's own")
        server = ca.device("localhost", usage=(pki.SERVER_AUTH,), dns="localhost", file="pebble")
        self.anchors, self.listen, self.management, dns, self.names = ca.path, free_port(), free_port(), free_port(), free_port()
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.listen}", "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(server.path), "privateKey": str(server.key), "httpPort": 1, "tlsPort": port,
            "ocspResponderURL": "", "externalAccountBindingRequired": False}}))
        self.processes = []
        self._run([shutil.which("pebble-challtestsrv"), "-dns01", f"127.0.0.1:{dns}", "-http01", "", "-https01", "", "-tlsalpn01", "",
                   "-doh", "", "-management", f"127.0.0.1:{self.names}", "-defaultIPv6", ""], self.names)
        # Without reuse of authorizations each certificate is a challenge; without bad nonces no try is by luck.
        self._run([shutil.which("pebble"), "-config", self.folder / "pebble.json", "-dnsserver", f"127.0.0.1:{dns}"], self.listen,
                  PEBBLE_VA_NOSLEEP="1", PEBBLE_AUTHZREUSE="0", PEBBLE_WFE_NONCEREJECT="0")

    def _run(self, command, port, **environment):
        help_text = subprocess.run([command[0], "-h"], capture_output=True, text=True, check=False).stderr
        command = [part for i, part in enumerate(command)
                   if "-doh" in help_text or part != "-doh" and command[i - 1] != "-doh"]
        with open(self.log, "ab") as log:
            self.processes.append(programs.start(command, log, log, env={**os.environ, **environment}))
        until(f"{command[0]} listens", lambda: takes_connections(port), 20)

    def close(self):
        for process in self.processes:
            programs.end(process)

    @property
    def directory(self):
        return f"https://localhost:{self.listen}/dir"

    def said(self):
        return self.log.read_text(errors="replace")

    def lead(self, host, *addresses):
        """Whither a name leads from now on."""
        for what in ("clear-a", "add-a"):
            body = json.dumps({"host": f"{host}.", "addresses": list(addresses)}).encode()
            with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.names}/{what}", body), timeout=5) as answer:
                assert answer.status == 200

    def root(self):
        """Of what it issues: made anew at each start."""
        with contextlib.closing(_get(f"https://localhost:{self.management}/roots/0", self.anchors)) as answer:
            return answer.read()

    def trusting(self, command):
        """argv that runs it where the system trusts this server."""
        script = f"mount --bind {shlex.quote(str(self.anchors))} {SYSTEM_ANCHORS} && exec \"$@\""
        return [*UNSHARE, "sh", "-c", script, "sh", *map(str, command)]

    def certificate(self, *options, wait_s=60, **environment):
        """(exit code, what it said) of `cmg-gateway certificate`."""
        done = subprocess.run(self.trusting([program("cmg-gateway"), "certificate", *options]), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=wait_s, check=False, env={**os.environ, **environment})
        return done.returncode, done.stdout + done.stderr


def _get(url, anchors):
    return urllib.request.urlopen(url, timeout=5, context=ssl.create_default_context(cafile=str(anchors)))
