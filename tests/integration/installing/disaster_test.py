# SPDX-License-Identifier: Apache-2.0
"""docs/disaster.md: the commands of each procedure are run as they stand, at other places, from the disaster to health, with the real programs."""
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from kit import gatewayclient, pki, programs
from kit.device import Device
from kit.gatewayclient import HTTP1
from kit.programs import program, until
from kit.servers import free_port
from kit.site import LOGS, Site

PAGE = (Path(__file__).resolve().parents[3] / "docs/disaster.md").read_text()


def section(heading):
    """The command lines below it."""
    text = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    assert lines, heading
    return lines


class Host:
    """The site's machine, and those around it: a line of the page runs there, its places swapped for those of the test."""

    def __init__(self, site, folder):
        self.site, self.folder = site, folder
        self.backup, self.secret = folder / "site.cmgbackup", folder / "passphrase"
        self.secret.write_text("correct horse battery staple\n")
        self.secret.chmod(0o600)
        (folder / "root").mkdir()
        self.swaps = {"/var/lib/opencmg-mp": str(site.folder / "state"), "/etc/opencmg": str(site.folder), "/root/": f"{folder}/root/",
                      "0.0.0.0:8444": f"127.0.0.1:{free_port()}"}

    def keep(self):
        self.run(f"cmg site backup {self.backup} --config {self.site.folder}/mp.yaml")

    def service(self, verb, name):
        if verb in ("stop", "restart"):
            self.site.stop(name)
        if verb != "stop":
            self.site.run(name)
            until("the site answers", lambda: self.site.cmg("status", check=False)[0] == 0, 30)

    def words_of(self, line):
        for old, new in self.swaps.items():
            line = line.replace(old, new)
        words = shlex.split(line)
        if words[:2] == ["cmg", "site"]:
            words += ["--passphrase-file", str(self.secret)]
        if words[:3] == ["cmg", "site", "backup"] and "--config" not in words:
            words += ["--config", str(self.site.folder / "mp.yaml")]
        if words[0].startswith("cmg"):
            words[0] = str(program(words[0]))
        return words

    def run(self, line, *more):
        if line.startswith("systemctl"):
            return self.service(line.split()[1], line.split()[-1])
        done = subprocess.run([*self.words_of(line), *map(str, more)], cwd=self.folder, capture_output=True, text=True, timeout=120,
                              env={**os.environ, "CMG_ADMIN_SOCKET": self.site.report["admin_socket"]}, check=False)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def status(self, endpoint="apt"):
        try:
            return gatewayclient.request(self.site, HTTP1, "GET", f"/CCM_Proxy_MutualAuth/{endpoint}/",
                                         certificate=self.site.pki("certificate"), key=self.site.pki("key")).status
        except OSError:
            return None

    def healthy(self):
        try:
            until("a published server answers a device", lambda: self.status() == 200, 60)
        except AssertionError as error:
            raise AssertionError(f"{error}{self.site.logs()}") from error


@pytest.fixture
def host(tmp_path, upstream):
    site = Site(tmp_path / "site").start()
    try:
        site.take_apart()
        Device(site, tmp_path).with_certificate(site.pki("certificate"), site.pki("key")).at("https").must("run", "--once")
        site.publish("apt", "--url", upstream.url)
        yield Host(site, tmp_path)
    finally:
        site.end()


def test_every_procedure_of_the_page_is_run_here():
    headings = set(re.findall(r"^## (.*)$", PAGE, re.M))
    assert headings == {"A gateway", "A connector", "The site's host", "An administrator's machine", "The site root's key",
                        "The passphrase of the backups", "A stolen key", "A new site"}


def start_joined(host, name, folder):
    with open(host.site.folder / LOGS[name], "ab") as log:
        host.site.alone[name] = programs.start([program(name), "--config", folder / f"{name[4:]}.yaml"], log)


def test_a_lost_gateway(host):
    make, join = section("A gateway")
    host.site.stop("cmg-gateway")
    assert host.status() is None
    host.run(make)
    pair = host.site.ca(host.folder).device("localhost", usage=[pki.SERVER_AUTH], dns="localhost")
    shutil.copy(pair.path, host.folder / "gw.example.com.pem")
    shutil.copy(pair.key, host.folder / "gw.example.com.key")
    (host.folder / "gw.example.com.key").chmod(0o600)
    host.run(join, "--dir", host.folder / "new", "--listen", f"127.0.0.1:{host.site.port}")
    start_joined(host, "cmg-gateway", host.folder / "new")
    host.healthy()


def test_a_lost_connector(host):
    make, join = section("A connector")
    host.site.stop("cmg-connector")
    host.run(make)
    own = host.site.folder / "pki"  # quickstart's https management point has pki clients
    host.run(join, "--dir", host.folder / "new", "--certificate", own / "connector.pem", "--key", own / "connector.key")
    start_joined(host, "cmg-connector", host.folder / "new")
    host.healthy()


def test_a_lost_site_host(host):
    host.keep()
    host.site.stop("cmg-mp")
    for name in ("keys", "offline", "state"):
        shutil.rmtree(host.site.folder / name)
    (host.site.folder / "mp.yaml").unlink()
    restore, start, status, done = section("The site's host")
    for line in (restore, start, status):
        host.run(line)
    until("the gateway holds what the site says", lambda: host.site.gateway_bundle() >= host.site.bundle_sequence(), 60)
    host.healthy()
    assert done == "cmg restore done"  # where there was something; point/restore_test.py


def test_a_lost_machine_of_an_administrator(host):
    token = host.site.cmg("token", "new")["id"]
    host.swaps["TOKEN"] = token
    audit, tokens, block = section("An administrator's machine")
    assert "token" in host.run(audit) and token in host.run(tokens)
    host.run(block)
    assert next(t for t in host.site.cmg("token", "list")["tokens"] if t["id"] == token)["state"] == "blocked"


def test_a_lost_key_of_the_site_root(host):
    host.keep()
    shutil.rmtree(host.site.folder / "offline")
    for line in section("The site root's key"):
        host.run(line)
    assert (host.site.folder / "keys/sign-token.next.pem").exists() and not list((host.folder / "root").iterdir())
    host.healthy()


def test_a_lost_passphrase(host):
    host.keep()
    host.secret.write_text("another passphrase that is written down\n")
    told = subprocess.run(host.words_of(f"cmg site verify {host.backup}"), capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 1 and "another passphrase" in told.stderr
    for line in section("The passphrase of the backups"):
        host.run(line)


def test_a_stolen_signing_key(host):
    before = (host.site.folder / "keys/sign-token.key").read_bytes()
    for line in section("A stolen key"):
        host.run(line)
    assert (host.site.folder / "keys/sign-token.key").read_bytes() != before
    assert not list((host.site.folder / "keys").glob("*.old.*"))
    host.healthy()


def test_a_stolen_root_and_a_new_site(host):
    pin = host.site.cmg("status")["pin"]
    for line in section("A new site"):
        host.run(line)
    assert host.site.cmg("status")["pin"] != pin and not host.site.cmg("device", "list")["devices"]
