# SPDX-License-Identifier: Apache-2.0
"""Content: brought in by `cmg content add`, kept once, served by range to those whose policies bring it and to nobody else."""
import hashlib
import json
import secrets
import socket
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

from kit import pki, programs
from kit.inside import Inside, signature

SIZE = 3 * 1024 * 1024 + 17


@pytest.fixture(scope="module")
def inside(site, tmp_path_factory):
    return Inside(site, tmp_path_factory.mktemp("inside"))


@pytest.fixture
def device(site, inside, tmp_path):
    """A registered one, with an access token."""
    bulk = site.add("token", "new")["token"].split(".", 2)[2]
    it = pki.self_signed(tmp_path, "device")
    answer = json.loads(inside.register(it, bulk).body)
    it.guid, it.access = answer["guid"], json.loads(inside.sts(it, answer["device_token"]).body)["access_token"]
    return it


class Contents:
    """Removes what it added."""

    def __init__(self, site, folder):
        self.site, self.folder, self.added, self.policies = site, folder, [], []
        self.name = f"app-{secrets.token_hex(4)}"

    def file(self, data=None, name="setup.bin"):
        path = self.folder / name
        path.write_bytes(secrets.token_bytes(SIZE) if data is None else data)
        return path

    def add(self, path, version="1", name=None):
        answer = self.site.cmg("content", "add", str(path), "--name", name or self.name, "--version", version)
        self.added.append((name or self.name, version))
        return answer["content"]

    def policy(self, *options, name=None):
        self.policies.append(name or self.name)
        return self.site.cmg("policy", "add", self.policies[-1], "--content", "text", *options)["policy"]

    def clean(self):
        for name in self.policies:
            self.site.cmg("policy", "remove", name, check=False)
        for name, version in self.added:
            self.site.cmg("content", "remove", name, version, check=False)


@pytest.fixture
def contents(site, tmp_path):
    it = Contents(site, tmp_path)
    yield it
    it.clean()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def fetch(inside, device, data, method="GET", **fields):
    target = f"/CCM_Content/{data if isinstance(data, str) else sha256(data)}"
    return inside.request("ehttp", method, target, signature(device.private, method, target) | inside.asserted(device.access) | fields,
                          None, inside.connector)


def kept(site):
    return {path.name for path in (site.folder / "state" / "content").iterdir()}


# --- the library ---


def test_a_file_is_kept_once_under_its_hash_and_goes_with_the_last_that_has_it(site, contents):
    file = contents.file()
    assert contents.add(file)["size"] == SIZE
    contents.add(file, "2")
    assert [name for name in kept(site) if name == sha256(file.read_bytes())] == [sha256(file.read_bytes())]
    site.cmg("content", "remove", contents.name, "1")
    assert sha256(file.read_bytes()) in kept(site)
    site.cmg("content", "remove", contents.name, "2")
    assert sha256(file.read_bytes()) not in kept(site)


def test_a_folder_is_one_content_with_the_paths_of_its_files(site, contents, tmp_path):
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "tree" / "run.sh").chmod(0o755)
    (tmp_path / "tree" / "sub" / "data").write_bytes(b"x")
    assert contents.add(tmp_path / "tree")["files"] == 2
    files = site.cmg("content", "show", contents.name, "1")["files"]
    assert [(f["path"], f["executable"], f["size"]) for f in files] == [("run.sh", True, 10), ("sub/data", False, 1)]


def test_a_version_never_changes(site, contents):
    contents.add(contents.file())
    code, answer = site.cmg("content", "add", str(contents.file()), "--name", contents.name, check=False)
    assert code == 1 and "never changes" in answer["error"]["what"], answer


def test_the_very_same_is_added_again_without_a_fault(site, contents):
    file = contents.file()
    assert contents.add(file) == contents.add(file), "so that an add that was cut off is done again, and on each machine of a site"


def test_content_that_a_policy_brings_stays(site, contents):
    contents.add(contents.file())
    brings = contents.policy("--deploy", contents.name, "--handler", "install")["deploy"]
    assert brings == {"content": contents.name, "version": "1", "handler": "install"}
    code, answer = site.cmg("content", "remove", contents.name, "1", check=False)
    assert code == 1 and "bring it" in answer["error"]["what"], answer
    assert contents.policy("--deploy", "")["deploy"] is None
    site.cmg("content", "remove", contents.name, "1")


@pytest.mark.parametrize("path", ["../up", "/etc/passwd", "a//b", "a/./b", "a\\b", "", "x" * 256, "a/../../b"])
def test_no_path_of_a_file_leads_out_of_its_folder(site, contents, path):
    file = contents.file(b"abc")
    contents.add(file)
    with pytest.raises(AssertionError, match="400"):
        site.admin("POST", "/v1/content", {"name": contents.name, "version": "9", "files": [
            {"path": path, "sha256": sha256(b"abc"), "executable": False}]})


def upload(site, name, data, announced=None):
    """The status; data that stops short of what was announced is hung up on."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(site.report["admin_socket"])
        s.sendall(f"PUT /v1/content-files/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced or len(data)}\r\n"
                  "Connection: close\r\n\r\n".encode() + data)
        if announced:
            return None
        return int(s.makefile("rb").readline().split()[1])


def test_what_is_not_what_its_hash_says_or_not_whole_is_not_kept(site):
    data = secrets.token_bytes(200000)
    wrong = sha256(data + b"x")
    assert upload(site, wrong, data) == 400
    upload(site, sha256(data), data, announced=len(data) + 1)
    programs.until("the unfinished upload is gone", lambda: not any(sha256(data) in name or wrong in name for name in kept(site)), 20)
    assert upload(site, sha256(data), data) == 201
    assert upload(site, "not-a-hash", data) == 400


# --- serving ---


@pytest.fixture
def brought(contents):
    """The bytes of a file that a policy brings to every device."""
    file = contents.file()
    contents.add(file)
    contents.policy("--deploy", contents.name)
    return file.read_bytes()


@pytest.mark.parametrize("wanted, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=100-", 100, SIZE - 1), ("bytes=-5", SIZE - 5, SIZE - 1), ("bytes=5-99999999999999999999999", 5, SIZE - 1),
    ("BYTES=7-8", 7, 8), ("bytes=-99999999999999999999999", 0, SIZE - 1)])
def test_a_range_is_answered_with_it_alone(inside, device, brought, wanted, first, last):
    answer = fetch(inside, device, brought, Range=wanted)
    assert (answer.status, answer.headers["content-range"]) == (206, f"bytes {first}-{last}/{SIZE}")
    assert answer.body == brought[first:last + 1]
    assert answer.headers["etag"] == f'"{sha256(brought)}"'


@pytest.mark.parametrize("wanted", ["bytes=5-4", "bytes=a-b", "lines=1-2", "bytes=", "bytes=-", "bytes", "bytes=1 - 2",
                                    "bytes=" + ",".join(f"{i}-{i}" for i in range(500)), "bytes=0-1,5-6"])
def test_a_range_that_is_none_or_are_many_means_the_whole(inside, device, brought, wanted):
    answer = fetch(inside, device, brought, Range=wanted)
    assert (answer.status, answer.body == brought, answer.headers["accept-ranges"]) == (200, True, "bytes")


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", "bytes=-0", "bytes=99999999999999999999999-"])
def test_a_range_beyond_the_end_is_told_the_size(inside, device, brought, wanted):
    answer = fetch(inside, device, brought, Range=wanted)
    assert (answer.status, answer.headers["content-range"], answer.body) == (416, f"bytes */{SIZE}", b"")


def test_a_range_of_another_file_gives_the_whole_and_the_same_file_is_not_sent_twice(inside, device, brought):
    tag = f'"{sha256(brought)}"'
    assert fetch(inside, device, brought, Range="bytes=0-9", **{"If-Range": tag}).status == 206
    for other in ('"other"', "W/" + tag, "Mon, 30 Nov 2026 00:00:00 GMT"):
        assert fetch(inside, device, brought, Range="bytes=0-9", **{"If-Range": other}).status == 200
    for same in (tag, "W/" + tag, "*", f'"x", {tag}'):
        answer = fetch(inside, device, brought, **{"If-None-Match": same})
        assert (answer.status, answer.body) == (304, b"")


def test_head_tells_the_size_and_sends_nothing(inside, device, brought):
    answer = fetch(inside, device, brought, "HEAD")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, str(SIZE), b"")


def test_an_empty_file_is_served_too(inside, device, contents):
    contents.add(contents.file(b""))
    contents.policy("--deploy", contents.name)
    assert (fetch(inside, device, b"").status, fetch(inside, device, b"").body) == (200, b"")
    assert fetch(inside, device, b"", Range="bytes=0-").status == 416


def test_what_no_policy_of_the_device_brings_is_not_there_for_it(site, inside, device, contents):
    file = contents.file()
    contents.add(file)
    assert fetch(inside, device, file.read_bytes()).status == 404
    site.cmg("collection", "add", contents.name)
    contents.policy("--deploy", contents.name, "--collection", contents.name)
    assert fetch(inside, device, file.read_bytes()).status == 404
    site.cmg("collection", "add", contents.name, "--device", device.guid)
    assert fetch(inside, device, file.read_bytes()).status == 200
    site.cmg("device", "block", device.guid)
    assert fetch(inside, device, file.read_bytes()).status == 403


@pytest.mark.parametrize("name", ["..%2f..%2fsite.db", "x", "../site.db", "0" * 63, "g" * 64, "0" * 65])
def test_a_name_that_is_no_hash_is_no_file(inside, device, name):
    assert fetch(inside, device, name).status in (400, 404)


def test_content_wants_the_devices_signature(inside, device, brought):
    answer = inside.request("ehttp", "GET", f"/CCM_Content/{sha256(brought)}", inside.asserted(device.access), None, inside.connector)
    assert answer.status == 401


def test_curl_fetches_through_the_gateway_and_resumes_what_it_has(site, new_device, brought, tmp_path):
    client = new_device().at("ehttp").registered_by_token()
    client.must("policy")
    key = serialization.load_pem_private_key(client.key.read_bytes(), None)
    access = client.identity()["access_token"]
    target, out = f"/CCM_Content/{sha256(brought)}", tmp_path / "fetched"
    out.write_bytes(brought[:1000000])
    fields = signature(key, "GET", target) | {"Authorization": f"Bearer {access}"}
    subprocess.run(["curl", "-sS", "--fail", "--cacert", site.report["ca"], "--cert", client.certificate, "--key", client.key,
                    "-C", "-", "-o", out, *(word for name, value in fields.items() for word in ("-H", f"{name}: {value}")),
                    f"https://localhost:{site.port}/CCM_Proxy_ServerAuth/{site.role('ehttp')}{target}"], check=True, timeout=120)
    assert out.read_bytes() == brought
