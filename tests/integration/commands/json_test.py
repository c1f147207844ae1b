# SPDX-License-Identifier: Apache-2.0
"""docs/json.md and what the commands print with --json: the same members, so that a program can rely on the page."""
import json
import time

import pytest

from kit import gatewayclient, programs
from kit.analyze import good
from kit.gatewayclient import HTTP1
from kit.jsonpage import documented
from kit.programs import program
from kit.receivers import Hook


def found_at(document, where):
    """All objects there; None where what may be null is."""
    here = [document]
    for word in where.split("/") if where else []:
        here = [o[word.removesuffix("[]").removesuffix("?")] for o in here]
        assert word.endswith("?") or None not in here, f"null at {where}"
        if word.endswith("[]"):
            here = [item for items in here for item in items]
    return here


@pytest.fixture(scope="module")
def inventory(folder):
    path = folder / "inventory.csv"
    path.write_text("name,join,certificate,version,crl,scenario\npc1,domain,pki,2203,internet,device\n"
                    "pc2,none,none,1910,none,user\npc3,x\n")
    return path


def refused(site):
    return gatewayclient.request(site, HTTP1, "GET", "/CCM_Proxy_MutualAuth/ServiceMetadata").problem()["request_id"]


def words_of(command, site, device, inventory):
    socket = ["--socket", site.report["admin_socket"]]
    return {"cmg choices": [], "cmg choices check": ["--mp", "https", "--client", "pki"],
            "cmg plan": ["--inventory", inventory, "--to-mp", "ehttp"],
            "cmg analyze": [site.report["gateway"], "--ca", site.report["ca"], *good(site)], "cmg status": socket,
            "cmg trace": [refused(site), *socket],
            "cmg settings resultant": [device.name, *socket]}.get(command, ["--dir", device.state])


def backup_words(command, site, folder):
    """For `cmg site …`, of a backup that was made before where one is wanted."""
    secret, file = folder / "passphrase", folder / "site.backup"
    secret.write_text("correct horse battery staple\n")
    secret.chmod(0o600)
    make = [file, "--config", site.folder / "mp.yaml", "--passphrase-file", secret, "--force"]
    if command == "cmg site backup":
        return make
    programs.run([program("cmg"), "site", "backup", *make])
    return [file, "--passphrase-file", secret, *(["--dir", folder / "restored", "--store", "sqlite"] if command == "cmg site restore" else [])]


def setup_words(folder):
    """As far as it comes where nobody starts the management point for it."""
    return ["--dir", folder / "site", "--yes", "--client", "token", "--server-cert", "public", "--mp", "ehttp", "--site", "LAB",
            "--gateway", "gw.example.com", "--mp-url", "https://mp.example.com:8444"]


@pytest.fixture
def waiting(site, new_device, ca):
    """Something that needs attention: a device that waits for approval."""
    site.cmg("settings", "set", "approval", "manual")
    pair = ca.device("waits")
    device = new_device().with_certificate(pair.path, pair.key).at("https")
    device.run("register")
    site.cmg("settings", "set", "approval", "auto")
    with Hook() as hook:  # somebody who is told of it
        site.cmg("alerts", "add", "json", "--webhook", hook.url)
        yield device
        site.cmg("alerts", "remove", "json")
    site.cmg("device", "remove", device.guid)


@pytest.fixture
def content(site, tmp_path):
    """A policy brings some to every device."""
    (tmp_path / "content").write_text("x")
    site.cmg("content", "add", str(tmp_path / "content"), "--name", "json")
    site.cmg("policy", "add", "brings", "--content", "x", "--deploy", "json")
    yield
    site.cmg("policy", "remove", "brings")
    site.cmg("content", "remove", "json", "1")


def note_a_failed_management_point(device):
    """As another_point_test.py sees the device write it."""
    path = device.state / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()),
                                "management_points": {"7": {"at": int(time.time()), "why": "refused: …"}}}))


@pytest.mark.parametrize("command", documented())
def test_the_members_that_are_documented_are_printed_and_no_others(site, new_device, inventory, waiting, content, tmp_path, command):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    note_a_failed_management_point(device)
    name, *words = command.split()
    if words[0] == "site":
        more = backup_words(command, site, inventory.parent)
    else:
        more = setup_words(tmp_path) if words[0] == "setup" else words_of(command, site, device, inventory)
    code, out, err = programs.run([program(name), *words, *more, "--json"], False)
    assert out and code in (0, 1), err
    for where, members in documented()[command].items():
        objects = found_at(json.loads(out), where)
        assert objects, f"{command}: nothing at {where}"
        for o in objects:
            assert o is None and where.endswith("?") or set(o) == members, (command, where)


def test_the_page_has_all_that_administrators_ask_with():
    assert {"cmg setup", "cmg choices", "cmg choices check", "cmg plan", "cmg trace", "cmg analyze", "cmg status", "cmg settings resultant",
            "cmg site backup", "cmg site verify", "cmg site restore", "cmg-client analyze", "cmg-client status",
            "cmg-client policy"} == set(documented())
