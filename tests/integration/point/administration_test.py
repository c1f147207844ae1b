# SPDX-License-Identifier: Apache-2.0
"""Roles at the admin socket: by the caller's user and groups, and nothing without one."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kit.programs import until

NOBODY = 65534
GROUPS = {"reader": 70001, "operator": 70002, "admin": 70003}
ASK = """
import http.client, json, socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
except PermissionError:
    print(json.dumps([0, {}]))
    sys.exit()
c = http.client.HTTPConnection("localhost")
c.sock = s
c.request(sys.argv[2], sys.argv[3], sys.argv[4].encode() or None)
a = c.getresponse()
text = a.read()
print(json.dumps([a.status, json.loads(text) if text else {}]))
"""


@pytest.fixture
def place():
    """A folder that every user may enter."""
    path = Path(tempfile.mkdtemp(prefix="opencmg-admin-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def ask(own_site, place):
    """Asks as another user with these groups: (status, answer); 0: the socket can't be opened."""
    if os.getuid() != 0:
        pytest.skip("only root can be another user")
    socket = place / "admin.sock"
    configuration = own_site.folder / "mp.yaml"
    text = re.sub("(?m)^admin_socket:.*\n", "", configuration.read_text())
    configuration.write_text(f"admin_socket: {socket}\n" + "".join(f"{role}_group: {gid}\n" for role, gid in GROUPS.items()) + text)
    own_site.stop("cmg-mp")
    own_site.run("cmg-mp")
    own_site.report["admin_socket"] = str(socket)
    until("cmg-mp answers there, with its groups let in", lambda: own_site.cmg("status", check=False)[0] == 0, 10)

    def caller(groups, method, path, body=None, group=NOBODY):
        done = subprocess.run([sys.executable, "-c", ASK, socket, method, path, json.dumps(body) if body is not None else ""], check=True,
                              capture_output=True, text=True, timeout=60, user=NOBODY, group=group, extra_groups=groups, cwd="/")
        return json.loads(done.stdout)

    return caller


def test_who_has_no_role_cannot_open_the_socket_and_its_mode_stays_0660(own_site, ask):
    assert stat.S_IMODE(os.stat(own_site.report["admin_socket"]).st_mode) == 0o660
    assert ask([], "GET", "/v1/status")[0] == 0
    assert ask([70000, 70004], "GET", "/v1/status")[0] == 0
    assert own_site.admin("GET", "/v1/status")["site"]


def test_who_may_open_the_socket_by_its_owners_group_alone_has_no_role(ask):
    status, answer = ask([os.getgid()], "GET", "/v1/status")
    assert status == 403 and "no role" in answer["detail"] and "reader" in answer["detail"], answer
    assert str(GROUPS["reader"]) in answer["remedy"], answer


def test_a_reader_sees_and_changes_nothing(ask):
    reader = [GROUPS["reader"]]
    for path in ("status", "devices", "tokens", "settings", "trust", "gateways", "audit", "bundle", "enrollment"):
        assert ask(reader, "GET", f"/v1/{path}")[0] == 200, path
    for method, path, role in (("POST", "tokens", "operator"), ("POST", "devices/x/block", "operator"), ("DELETE", "devices/x", "operator"),
                               ("POST", "policies", "operator"), ("POST", "gateways", "administrator"), ("PUT", "settings/crl_check", "administrator"),
                               ("POST", "trust", "administrator"), ("POST", "keys/reload", "administrator")):
        status, answer = ask(reader, method, f"/v1/{path}", {})
        assert status == 403 and f"wants the role {role}" in answer["detail"] and "usermod" in answer["remedy"], (path, answer)


def test_an_operator_changes_devices_and_policies_but_no_trust_and_no_keys(ask):
    operator = [GROUPS["operator"], 70009]
    assert ask(operator, "POST", "/v1/tokens", {})[0] in (200, 201)
    assert ask(operator, "POST", "/v1/policies", {"name": "p", "content": "x: 1"})[0] != 403
    assert ask(operator, "DELETE", "/v1/devices/nobody")[0] == 404
    for method, path in (("POST", "gateways"), ("POST", "connectors"), ("DELETE", "connectors/x"), ("POST", "endpoints"), ("POST", "trust"),
                         ("POST", "sources"), ("POST", "tenants"), ("POST", "foreign-sites"), ("POST", "keys/reload"),
                         ("PUT", "settings/approval"), ("DELETE", "management-points/x")):
        status, answer = ask(operator, method, f"/v1/{path}", {})
        assert status == 403 and "wants the role administrator" in answer["detail"], (path, answer)
        assert "has the role operator" in answer["detail"], answer


def test_the_group_of_administrators_does_all_and_is_in_the_audit_by_its_user(own_site, ask):
    assert ask([], "PUT", "/v1/settings/approval", {"value": "manual"}, group=GROUPS["admin"])[0] == 200
    assert ask([70008, GROUPS["admin"], GROUPS["reader"]], "POST", "/v1/gateways", {"id": "gw9", "host": "x.example", "port": 443})[0] in (200, 201)
    events = own_site.admin("GET", "/v1/audit")["events"]
    assert {event["caller"] for event in events if event["action"] in ("setting.put", "gateway.add") and event["object"] in ("approval", "gw9")} \
        == {f"uid:{NOBODY}"}, events[:5]


def test_a_body_of_who_may_not_is_not_waited_for(ask):
    status, _ = ask([GROUPS["reader"]], "POST", "/v1/trust", {"data": "x" * 100_000})
    assert status == 403


def test_what_may_be_a_secret_in_a_sources_url_is_shown_to_those_alone_who_may_change_things(own_site, ask):
    hidden, url = "sig-that-nobody-else-may-see", "http://127.0.0.1:1/ca.crl?sig="
    for name, via in (("theirs", "internet"), ("ours", "connector")):
        own_site.cmg("trust", "add", "--crl-source", name, "--url", url + hidden, "--via", via)
    until("the gateway tells of its source", lambda: any(s["id"] == "theirs" for g in own_site.cmg("status")["gateways"]
                                                         for s in g["sources"] or []), 30)
    until("the connector tells that it can't fetch it", lambda: "source=ours" in own_site.log("cmg-connector"), 30)
    for role, sees in (("reader", False), ("operator", True), ("admin", True)):
        status, answer = ask([GROUPS[role]], "GET", "/v1/sources")
        assert status == 200 and {s["id"] for s in answer["sources"]} >= {"theirs", "ours"}
        assert all(s["url"] == url[:url.index("?")] + ("?sig=" + hidden if sees else "?…") for s in answer["sources"]), answer
        assert (hidden in json.dumps(ask([GROUPS[role]], "GET", "/v1/bundle"))) == sees
        for path in ("status", "audit", "connectors", "gateways"):
            assert hidden not in json.dumps(ask([GROUPS[role]], "GET", f"/v1/{path}")), path
    assert not any(hidden in own_site.log(program) for program in ("cmg-mp", "cmg-gateway", "cmg-connector"))
