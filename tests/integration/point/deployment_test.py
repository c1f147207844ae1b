# SPDX-License-Identifier: Apache-2.0
"""Deployments: a policy brings content to a device, which fetches it with resume, believes the signed hash alone, and runs a
handler of its own, whose outcome the site hears."""
import hashlib
import json
import os
import re
import secrets
import signal
import subprocess

import pytest

from kit import programs
from kit.device import Device

SIZE = 9 * 1024 * 1024 + 5


@pytest.fixture
def app(site, tmp_path):
    """A name for content and policy, which are removed in the end; .bring(folder, …) makes the policy bring it."""
    name = f"app-{secrets.token_hex(4)}"
    versions = []

    def bring(path, *options):
        versions.append(str(len(versions) + 1))
        site.cmg("content", "add", str(path), "--name", name, "--version", versions[-1])
        return site.cmg("policy", "add", name, "--content", "text", "--deploy", name, *options)["policy"]

    bring.name = name
    yield bring
    site.cmg("policy", "remove", name, check=False)
    for version in versions:
        site.cmg("content", "remove", name, version, check=False)


@pytest.fixture
def device(new_device):
    return new_device().at("ehttp").registered_by_token()


@pytest.fixture
def tree(tmp_path):
    """A folder of a program and its data."""
    (tmp_path / "tree" / "data").mkdir(parents=True)
    (tmp_path / "tree" / "data" / "large").write_bytes(secrets.token_bytes(SIZE))
    (tmp_path / "tree" / "setup").write_text("#!/bin/sh\necho set up\n")
    (tmp_path / "tree" / "setup").chmod(0o755)
    return tmp_path / "tree"


def handler(device, tmp_path, *lines, name="install"):
    folder = tmp_path / "handlers"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(["#!/bin/sh", *lines, ""]))
    (folder / name).chmod(0o755)
    device.must("set", f"ContentHandlers={folder}")


def deployment(report, app):
    return next((d for d in report["deployments"] if d["policy"] == app.name), None)


def folder_of(device, policy):
    return device.state / "content" / f"{policy['id']}-{policy['version']}"


def told(site, device, app):
    return [(m["state"], m["detail"]) for m in site.cmg("inventory", "messages", device.guid)["messages"]
            if m["kind"] == "deployment" and m["subject"] == app.name]


def test_a_device_fetches_what_its_policy_brings_and_runs_the_handler_once(site, device, app, tree, tmp_path):
    handler(device, tmp_path, f'"$1"/setup; echo "$1" >> {tmp_path}/ran')
    policy = app(tree, "--handler", "install")
    assert deployment(device.must("policy"), app)["state"] == "applied"
    folder = folder_of(device, policy)
    assert (folder / "data" / "large").read_bytes() == (tree / "data" / "large").read_bytes()
    assert [oct((folder / path).stat().st_mode & 0o7777) for path in ("setup", "data/large")] == ["0o700", "0o600"]
    assert sorted(path.name for path in folder.rglob("*")) == ["data", "large", "setup"], "no part is left"
    device.must("policy")
    assert (tmp_path / "ran").read_text() == f"{folder}\n", "what did its work does so once"
    assert dict(told(site, device, app)) == {"started": "", "applied": "set up\n"}
    assert deployment(device.must("status"), app)["bytes"] == SIZE + len((tree / "setup").read_bytes())


def test_a_handler_that_fails_runs_again_and_its_outcome_is_told_once(site, device, app, tree, tmp_path):
    handler(device, tmp_path, f"echo x >> {tmp_path}/ran; echo no luck >&2; exit 3")
    app(tree, "--handler", "install")
    for _ in range(2):
        outcome = deployment(device.must("policy"), app)
        assert outcome["state"] == "failed" and "exit code 3" in outcome["detail"], outcome
    assert (tmp_path / "ran").read_text() == "x\nx\n"
    assert [state for state, _ in told(site, device, app)].count("failed") == 1
    assert any("no luck" in detail for _, detail in told(site, device, app))
    handler(device, tmp_path, "echo well")
    assert deployment(device.must("policy"), app)["state"] == "applied"


@pytest.mark.parametrize("named", ["missing", "install"])
def test_a_handler_that_this_device_does_not_have_is_told_by_name(device, app, tree, tmp_path, named):
    if named == "missing":
        handler(device, tmp_path, "true")
    app(tree, "--handler", named)
    outcome = deployment(device.must("policy"), app)
    assert outcome["state"] == "failed" and named in outcome["detail"], outcome


def test_another_version_is_fetched_and_what_is_brought_no_more_goes(site, device, app, tree):
    first = folder_of(device, app(tree))
    device.must("policy")
    assert first.is_dir()
    (tree / "setup").write_text("#!/bin/sh\necho anew\n")
    second = folder_of(device, app(tree))
    device.must("policy")
    assert (second / "setup").read_text().endswith("anew\n") and not first.exists()
    site.cmg("policy", "remove", app.name)
    device.must("policy")
    assert not second.exists() and deployment(device.must("status"), app) is None


def begin(device):
    return subprocess.Popen([programs.program("cmg-client"), "policy", "--dir", device.state, "--json"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def parts(device):
    return [path for path in (device.state / "content").rglob(".*.part")] if (device.state / "content").is_dir() else []


def asked(device):
    """The sizes of the answers, in the order of the requests."""
    return [int(n) for n in re.findall(r"/CCM_Content/\S+ StatusCode=20[06] StatusText=\S* Bytes=(\d+)", device.log())]


def test_a_download_that_was_killed_goes_on_where_it_was(site, device, app, tree):
    policy = app(tree)
    device.must("set", "ContentRate=512")
    process = begin(device)
    programs.until("a part has come", lambda: any(p.stat().st_size >= 1024 * 1024 for p in parts(device)), 60)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    [part] = parts(device)
    had = part.stat().st_size
    assert 0 < had < SIZE
    device.must("set", "ContentRate=")
    before = len(asked(device))
    assert deployment(device.must("policy"), app)["state"] == "applied"
    assert (folder_of(device, policy) / "data" / "large").read_bytes() == (tree / "data" / "large").read_bytes()
    assert asked(device)[before:], "the rest was fetched"
    assert sum(asked(device)[before:]) == SIZE - had + len((tree / "setup").read_bytes()), "and nothing that was there"


@pytest.mark.parametrize("spoil", [lambda data: data[:-1] + b"?", lambda data: b"?" + data[1:], lambda data: data + b"more",
                                   lambda data: b"x" * (SIZE + 1)])
def test_a_part_that_is_wrong_is_thrown_away_and_fetched_anew(device, app, tree, spoil):
    policy = app(tree)
    digest = hashlib.sha256((tree / "data" / "large").read_bytes()).hexdigest()
    (folder_of(device, policy) / "data").mkdir(parents=True)
    part = folder_of(device, policy) / "data" / f".{digest}.part"
    part.write_bytes(spoil((tree / "data" / "large").read_bytes()[:300000]))
    outcome = deployment(device.must("policy"), app)
    if outcome["state"] == "failed":
        assert "thrown away" in outcome["detail"], outcome
        assert not part.exists()
        outcome = deployment(device.must("policy"), app)
    assert outcome["state"] == "applied", outcome
    assert (folder_of(device, policy) / "data" / "large").read_bytes() == (tree / "data" / "large").read_bytes()


def test_content_that_the_management_point_lost_is_told_and_fetched_once_it_is_back(site, device, app, tree):
    app(tree)
    data = (tree / "data" / "large").read_bytes()
    kept = site.folder / "state" / "content" / hashlib.sha256(data).hexdigest()
    kept.unlink()
    outcome = deployment(device.must("policy"), app)
    assert outcome["state"] == "failed" and "not_found" in outcome["detail"], outcome
    kept.write_bytes(data)
    assert deployment(device.must("policy"), app)["state"] == "applied"
    assert [state for state, _ in told(site, device, app)].count("failed") == 1


def test_what_was_forged_on_the_way_is_refused(site, device, app, tree, tmp_path):
    """The library's file is changed under its name: what a gateway, a cache or a management point can do."""
    handler(device, tmp_path, f"touch {tmp_path}/ran")
    policy = app(tree, "--handler", "install")
    data = (tree / "data" / "large").read_bytes()
    kept = site.folder / "state" / "content" / hashlib.sha256(data).hexdigest()
    kept.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    outcome = deployment(device.must("policy"), app)
    assert outcome["state"] == "failed" and "the site signed" in outcome["detail"], outcome
    assert not (tmp_path / "ran").exists() and not (folder_of(device, policy) / "data" / "large").exists()
    kept.write_bytes(data)
    assert deployment(device.must("policy"), app)["state"] == "applied"
    assert (tmp_path / "ran").exists()


def test_the_sandboxed_service_fetches_content_and_runs_handlers_of_the_folder(device, app, tree, tmp_path):
    handler(device, tmp_path, f"touch {tmp_path}/ran")
    app(tree, "--handler", "install")
    process = subprocess.Popen([programs.program("cmg-client"), "run", "--dir", device.state, "--json"], stdout=subprocess.PIPE)
    try:
        report = json.loads(process.stdout.readline())
        assert deployment(report, app)["state"] == "applied", report
        assert (tmp_path / "ran").exists()
    finally:
        programs.end(process)


def test_progress_with_rate_and_time_left_is_drawn_on_a_terminal(device, app, tree):
    app(tree)
    own, other = os.openpty()
    process = subprocess.Popen([programs.program("cmg-client"), "policy", "--dir", device.state], stdout=subprocess.DEVNULL,
                               stderr=other)
    os.close(other)
    drawn = b""
    try:
        while part := os.read(own, 65536):
            drawn += part
    except OSError:
        pass
    os.close(own)
    assert process.wait(60) == 0
    assert b"MiB/s" in drawn and b"100 %" in drawn, drawn[-300:]
