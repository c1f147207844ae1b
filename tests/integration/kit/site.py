# SPDX-License-Identifier: Apache-2.0
"""A whole site: `cmg quickstart` with its management points, connector and gateway, or the same programs one by one."""
import contextlib
import http.client
import json
import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

from . import gatewayclient, pki, postgresql, programs
from .programs import program, until

START_WAIT_S = 60
LOGS = {"cmg-mp": "mp.log", "cmg-gateway": "gateway.log", "cmg-connector": "connector.log"}
CONFIGURATIONS = {"cmg-mp": "mp.yaml", "cmg-gateway": "gateway.yaml", "cmg-connector": "connector.yaml"}


class Site:
    def __init__(self, folder, store=None):
        """`store`: the URL of an empty PostgreSQL database; else SQLite."""
        self.folder = Path(folder)
        self.store = store
        self.report = None
        self.quickstart = None
        self.alone = {}  # program → process, after take_apart()

    # --- life ---

    def start(self):
        complaints = self.folder.parent / (self.folder.name + ".stderr")
        with open(complaints, "wb") as stderr:
            self.quickstart = programs.start([program("cmg"), "quickstart", "--json", "--dir", self.folder,
                                              *(["--store", self.store] if self.store else [])], stderr, subprocess.PIPE)
        try:
            self.report = self._read_report(complaints)
        except BaseException:
            self.end()
            raise
        return self

    def _read_report(self, complaints):
        text, end_at = b"", time.monotonic() + START_WAIT_S
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([self.quickstart.stdout], [], [], max(0.0, end_at - time.monotonic()))
            chunk = os.read(self.quickstart.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                raise AssertionError("quickstart did not start:\n" + complaints.read_text(errors="replace")[-6000:] +
                                     self.logs())
            text += chunk
        return json.loads(text)

    def end(self):
        for name in list(self.alone):
            self.kill(name)
        programs.end(self.quickstart, signal.SIGINT)
        self.quickstart = None

    def take_apart(self):
        """Ends quickstart, which ends with any of its programs, and starts the programs one by one."""
        programs.end(self.quickstart, signal.SIGKILL)
        self.quickstart = None
        until("quickstart's programs have ended", lambda: all(map(programs.has_ended, self.report["pids"].values())), 15)
        for name in ("cmg-mp", "cmg-gateway", "cmg-connector"):
            self.run(name)
        self.wait_ready()
        return self

    def run(self, name, configuration=None):
        path = self.folder / (configuration or CONFIGURATIONS[name])
        with open(self.folder / LOGS[name], "ab") as log:
            self.alone[name] = programs.start([program(name), "--config", path], log)
        return self.alone[name]

    def stop(self, name, number=signal.SIGTERM):
        programs.end(self.alone.pop(name, None), number)

    def kill(self, name):
        self.stop(name, signal.SIGKILL)

    def pid(self, name):
        return self.alone[name].pid if name in self.alone else self.report["pids"][name]

    @contextlib.contextmanager
    def another_process(self, role, port=0, url="https://localhost:1"):
        """A second cmg-mp on the same store, with one management point of mode ehttp; yields (its admin socket, process)."""
        admin = self.folder / "admin2.sock"
        text = (self.folder / "mp.yaml").read_text().split("management_points:")[0]
        text = text.replace(self.report["admin_socket"], str(admin))
        (self.folder / "mp2.yaml").write_text(
            (text.replace("state: state", "state: state2") if self.store else text) +
            f'management_points:\n  - id: "{role}"\n    mode: ehttp\n    listen: "127.0.0.1:{port}"\n    url: {url}\n'
            'log: {format: text, level: info, file: mp2.log}\n')
        with open(self.folder / "mp2.log", "ab") as log:
            process = programs.start([program("cmg-mp"), "--config", self.folder / "mp2.yaml"], log)
        try:
            until("the second process answers", admin.exists, 10)
            until("the first one knows its management point",
                  lambda: role in [point["id"] for point in self.cmg("status")["management_points"]], 10)
            self.settle()
            until("the connector serves what the gateway publishes",
                  lambda: self.endpoints("cmg-connector") == self.endpoints("cmg-gateway"), 10)
            yield admin, process
        finally:
            programs.end(process)

    # --- the administrator ---

    def cmg(self, *arguments, check=True):
        """The answer of `cmg … --json`; without check (exit code, answer)."""
        code, out, err = programs.run([program("cmg"), *arguments, "--json", "--socket", self.report["admin_socket"]],
                                      check)
        answer = json.loads(out) if out.strip() else None
        return answer if check else (code, answer if code == 0 else json.loads(err))

    def admin(self, method, path, body=None):
        """A request to the admin API itself."""
        bare = socket.socket(socket.AF_UNIX)
        bare.settimeout(10)
        connection = http.client.HTTPConnection("localhost")
        connection.sock = bare
        try:
            bare.connect(self.report["admin_socket"])
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 300, (answer.status, text)
            return json.loads(text) if text else None
        finally:
            connection.close()

    def add(self, *arguments):
        """Like cmg(), and waits until the gateway has heard of it."""
        answer = self.cmg(*arguments)
        self.settle()
        return answer

    def publish(self, name, *options):
        """`cmg endpoint add`, and waits until the way inside is there. By host if --host is among the options."""
        self.add("endpoint", "add", name, *options)
        host = options[options.index("--host") + 1] if "--host" in options else None
        target = "/probe" if host else f"/CCM_Proxy_MutualAuth/{name}/probe"
        until(f"a connector reaches endpoint {name}", lambda: self.reaches(target, host), 30)

    def reaches(self, target, host=None):
        """A good device's request comes back with an answer that is not the gateway's own."""
        def ask(**more):
            return gatewayclient.request(self, gatewayclient.HTTP1, "GET", target, certificate=self.pki("certificate"),
                                         key=self.pki("key"), host=host, **more)
        answer = ask()
        if answer.status == 421:  # the host has a server certificate of its own
            answer = ask(sni=host)
        return not answer.headers.get("cmg-status-text", "").startswith("CMGService_")

    def sql(self, *statements):
        """Changes the store behind cmg-mp's back, all or nothing."""
        if self.store:
            postgresql.change(self.store, statements)
            return
        with contextlib.closing(sqlite3.connect(self.folder / "state" / "site.db")) as store, store:
            for statement in statements:
                store.execute(statement)

    def settle(self):
        """Until the gateway holds the site's newest bundle. A bundle is made on request, so that its sequence counts."""
        wanted = self.bundle_sequence()
        until(f"the gateway has bundle {wanted}", lambda: self.gateway_bundle() >= wanted, 10)

    def bundle_sequence(self):
        return self.cmg("status")["bundle"]["sequence"]

    def gateway_bundle(self):
        """The sequence of the gateway's kept bundle."""
        return max([int(n) for n in re.findall(r"bundle.*?sequence=(\d+)", self.log("cmg-gateway"))] or [0])

    # --- what is seen ---

    def endpoints(self, name):
        """How many the gateway or connector has been told of."""
        return re.findall(r"in use.* endpoints=(\d+)", self.log(name))[-1:]

    @property
    def port(self):
        return int(self.report["gateway"].rsplit(":", 1)[1])

    def ca(self, folder):
        """Quickstart's own PKI, to make more of its certificates."""
        return pki.Ca.of(folder, self.pki("ca"), self.pki("ca_key"))

    def role(self, mode):
        return self.report["roles"][mode]

    def pki(self, name):
        return self.report["pki"][name]

    def log(self, name):
        path = self.folder / LOGS[name]
        return path.read_text(errors="replace") if path.exists() else ""

    def access_log(self):
        path = self.folder / "access.log"
        return path.read_text(errors="replace").splitlines() if path.exists() else []

    def admin_page(self, path, admin=None):
        """Of the site's own gateway, or of another one whose admin listener is named."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open((admin or self.report["gateway_admin"]) + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self):
        return self.admin_page("/readyz")[0] == 200

    def wait_ready(self, within_s=20):
        until("the gateway is ready", self.ready, within_s)

    def metric(self, name, admin=None):
        """Name with labels, as it stands in /metrics."""
        found = re.search(rf"^{re.escape(name)} (-?\d+)$", self.admin_page("/metrics", admin)[1], re.M)
        assert found, f"no metric {name}"
        return int(found.group(1))

    def refusals(self, code, reason):
        return self.metric(f'cmg_refusals_total{{code="{code}",reason="{reason}"}}')

    def logs(self, lines=8):
        """The end of every log, for failures."""
        return "".join(f"\n--- {LOGS[name]} ---\n" + "\n".join(self.log(name).splitlines()[-lines:]) for name in LOGS)


def configured(site, name="cmg-gateway", **keys):
    """Started anew, with these keys of its configuration."""
    path = site.folder / ("gateway.yaml" if name == "cmg-gateway" else "mp.yaml")
    lines = [line for line in path.read_text().splitlines() if line.partition(":")[0] not in keys]
    path.write_text("\n".join([*(f"{key}: {value}" for key, value in keys.items()), *lines, ""]))
    site.kill(name)
    site.run(name)


def start_second_gateway(site):
    """Where it listens, as far as requests want to know."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        port, admin = one.getsockname()[1], two.getsockname()[1]
    site.cmg("gateway", "add", "gw2", "--host", "localhost", "--port", port, "--out", site.folder / "gw2.json")
    text = (site.folder / "gateway.yaml").read_text().replace("gateway.bootstrap.json", "gw2.json") \
        .replace("gateway-state", "gw2-state").replace("gateway.log", "gw2.log")
    text = re.sub(r"(?m)^listen:.*$", f'listen: ["127.0.0.1:{port}"]', text)
    text = re.sub(r"(?m)^admin_listen:.*$", f'admin_listen: "127.0.0.1:{admin}"', text)
    (site.folder / "gw2.yaml").write_text(text)
    (site.folder / "gw2-state").mkdir(exist_ok=True)
    with open(site.folder / "gw2.log", "ab") as log:
        site.alone["gw2"] = programs.start([program("cmg-gateway"), "--config", site.folder / "gw2.yaml"], log)
    second = SimpleNamespace(port=port, report=site.report, admin=f"http://127.0.0.1:{admin}")
    until("the second gateway serves", lambda: serves(second, site), 20)
    return second


def start_second_connector(site, folder):
    pair = site.ca(folder).device("connector-2")
    site.cmg("connector", "add", "cp2", "--cert", pair.path, "--out", site.folder / "cp2.json")
    assert (site.folder / "cp2.json").stat().st_mode & 0o777 == 0o600
    text = (site.folder / "connector.yaml").read_text()
    text = text.replace("connector.bootstrap.json", "cp2.json").replace("connector-state", "cp2-state") \
        .replace("pki/connector.pem", str(pair.path)).replace("pki/connector.key", str(pair.key)) \
        .replace("connector.log", "cp2.log")
    (site.folder / "cp2.yaml").write_text(text)
    (site.folder / "cp2-state").mkdir()
    with open(site.folder / "cp2.log", "ab") as log:
        site.alone["cp2"] = programs.start([program("cmg-connector"), "--config", site.folder / "cp2.yaml"], log)
    until("four tunnels", lambda: site.metric("cmg_tunnels") == 4, 10)


def serves(gateway, site):
    try:
        return gatewayclient.request(gateway, gatewayclient.HTTP1, "GET", "/CCM_Proxy_MutualAuth/ServiceMetadata", certificate=site.pki("certificate"),
                                     key=site.pki("key")).status == 200
    except OSError:
        return False
