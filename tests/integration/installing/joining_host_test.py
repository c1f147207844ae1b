# SPDX-License-Identifier: Apache-2.0
"""Joining on a machine with services of its own, and what the administrator sees of it."""
import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from kit import pki, programs
from kit.joining import Joined, Middle, content, device_string, join, made, port_of, string_of
from kit.machine import own_machine
from kit.programs import program


# --- root beside services that are not root ---

@pytest.mark.skipif(os.geteuid() != 0, reason="wants root")
def test_what_root_joins_belongs_to_the_services_user(site, tmp_path):
    nobody = pwd.getpwnam("nobody")
    home = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        home.chmod(0o755)
        for name in ("cp/connector-state", "device"):
            (home / name).mkdir(parents=True)
            os.chown(home / name, nobody.pw_uid, nobody.pw_gid)
        assert join("connector", string_of(site, "connector", "add", "owned", "--join"), home / "cp").code == 0
        file = (home / "cp" / "connector.bootstrap.json").stat()
        assert (file.st_uid, file.st_mode & 0o777) == (nobody.pw_uid, 0o600)
        string = home / "secret.join"
        string.touch(0o600)
        string.write_text(device_string(site))
        done = Joined(subprocess.run([program("cmg-client"), "join", "--file", string, "--dir", home / "device"],
                                     capture_output=True, text=True, timeout=60, check=False))
        assert done.code == 0, done.words
        assert {path.stat().st_uid for path in (home / "device").rglob("*")} == {nobody.pw_uid}
    finally:
        shutil.rmtree(home)
        site.cmg("connector", "remove", "owned")


@pytest.mark.skipif(os.geteuid() != 0, reason="wants root")
@pytest.mark.parametrize("where", ["cp", "new/cp"])
def test_root_that_joins_in_a_folder_of_anothers_gives_away_nothing_of_its_own(site, where):
    name = f"theirs-{where.replace('/', '-')}"
    nobody = pwd.getpwnam("nobody")
    home = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        home.chmod(0o755)
        secret = home / "roots" / "secret.key"
        secret.parent.mkdir(mode=0o700)
        secret.write_bytes(pki.new_key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                       serialization.NoEncryption()))
        secret.chmod(0o600)
        place = home / "theirs" / where
        (place if where == "cp" else place.parent).mkdir(parents=True)
        if where == "cp":
            (place / "connector-state").mkdir()
            (place / "connector.joining.key").symlink_to(secret)
        for path in (home / "theirs", *(home / "theirs").rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        done = join("connector", string_of(site, "connector", "add", name, "--join"), place)
        assert done.code == 0, done.words
        assert json.loads((place / "connector.bootstrap.json").read_text())["key_pem"] != secret.read_text()
        assert {path.stat().st_uid for path in place.rglob("*")} == {nobody.pw_uid}
    finally:
        shutil.rmtree(home)
        site.cmg("connector", "remove", name)


@pytest.fixture
def booted(tmp_path):
    """argv → argv on a machine where systemd seems to run, with a systemctl that notes what it was asked."""
    inside = own_machine(tmp_path)
    (tmp_path / "run" / "systemd" / "system").mkdir(parents=True)
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nexit "$(cat {tmp_path}/says)"\n')
    (bin_ / "systemctl").chmod(0o755)
    return lambda words: inside(["env", f"PATH={bin_}:{os.environ['PATH']}", *words])


@pytest.mark.parametrize("says,words", [("0", "Started the service cmg-connector.service"),
                                        ("1", "Next: start it: cmg-connector --config /etc/opencmg/connector.yaml")])
def test_join_starts_the_service_where_systemd_has_it(site, tmp_path, booted, says, words):
    (tmp_path / "says").write_text(says)
    name = f"served-{says}"
    string = string_of(site, "connector", "add", name, "--join")
    done = Joined(subprocess.run(booted([program("cmg-connector"), "join", "-"]), input=string, capture_output=True, text=True,
                                 timeout=60, check=False))
    assert done.code == 0 and words in done.out, done.words
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["cat cmg-connector.service", "enable --now cmg-connector.service"][:1 if says == "1" else 2]
    site.cmg("connector", "remove", name)


# --- what the administrator sees ---

def test_who_has_not_joined_is_a_problem_with_its_remedy_and_no_other(own_site, tmp_path):
    site = own_site
    site.cmg("connector", "add", "waits", "--join")
    site.cmg("gateway", "add", "gw-waits", "--host", "192.0.2.9", "--join")
    status = site.cmg("status")
    for kind, name in (("connector", "waits"), ("gateway", "gw-waits")):
        told = [p for p in status["problems"] if p["of"] == name]
        told = [p for p in told if p["cause"] != "connector_certificate"]  # which it lacks, too
        assert [p["cause"] for p in told] == ["not_joined"], told
        assert f"{kind} {name} has not joined yet, and its join string counts until" in told[0]["found"]
        assert f"cmg-{kind} join -" in told[0]["remedy"] and f"cmg {kind} add" in told[0]["remedy"]
        row = next(role for role in site.cmg(kind, "list")[f"{kind}s"] if role["id"] == name)
        assert row["not_after"] is None and row["joining"] > 0
    assert not [c for c in status["certificates"] if "waits" in c["what"]]
    site.sql("UPDATE join_key SET expires = 1700000000")
    told = {p["of"]: p["found"] for p in site.cmg("status")["problems"] if p["cause"] == "not_joined"}
    assert told == {"waits": "connector waits has not joined yet, and its join string has expired",
                    "gw-waits": "gateway gw-waits has not joined yet, and its join string has expired"}


def test_joining_is_audited_and_no_string_is_kept_or_logged(site, tmp_path):
    string = string_of(site, "connector", "add", "audited", "--join")
    assert join("connector", string, tmp_path / "cp").code == 0
    events = [e for e in site.admin("GET", "/v1/audit")["events"] if e["object"] == "audited"]
    assert [e["action"] for e in events] == ["connector.joined", "connector.join"]
    secret = content(string)["key"]["d"]
    kept = [path for path in site.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert not kept
    site.cmg("connector", "remove", "audited")


def test_the_string_of_a_pipe_is_the_string_alone(site):
    process = subprocess.run([program("cmg"), "connector", "add", "piped", "--join", "--valid-for", "1h", "--socket",
                              site.report["admin_socket"]], capture_output=True, text=True, timeout=20, check=True)
    assert re.fullmatch(r"cmgc1\.[A-Za-z0-9_-]+\n", process.stdout)
    assert "is a secret until then. On the machine that is to join: cmg-connector join -" in process.stderr
    assert 3500 < content(process.stdout.strip())["expires"] - time.time() < 3700
    for wrong, code in ((["--valid-for", "1h"], 2), (["--join", "--valid-for", "8d"], 1), (["--join", "--valid-for", "x"], 2)):
        assert programs.run([program("cmg"), "connector", "add", "x", *wrong, "--socket", site.report["admin_socket"]],
                            False)[0] == code, wrong
    site.cmg("connector", "remove", "piped")


def test_two_clocks_that_differ_are_told_as_that(site, tmp_path):
    string = string_of(site, "connector", "add", "clocks", "--join")

    def later(head):
        return re.sub(rb"date: [^\r]*", b"date: Fri, 01 Jan 2100 00:00:00 GMT", head, flags=re.I)
    with Middle(port_of(string), tmp_path, change_answer=lambda _: b"not yet", change_head=later) as middle:
        told = join("connector", made(string, urls=[f"https://localhost:{middle.port}"]), tmp_path / "cp")
    assert told.code == 1 and "set the clock that is wrong" in told.err, told.words
    site.cmg("connector", "remove", "clocks")
