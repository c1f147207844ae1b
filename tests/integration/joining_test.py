# SPDX-License-Identifier: Apache-2.0
"""Joining: one line lets a machine become a connector or a gateway of a site. The key is made where it joins; whoever
stands between can keep an answer back and no more. Each failure is told in words, with what to do."""
import base64
import json
import os
import subprocess

import pytest
from kit import programs
from kit.programs import program, until


def string_of(site, *command):
    return site.cmg(*command)["join"]


def content(string):
    text = string.split(".", 1)[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def made(string, **members):
    """The same string with other members."""
    text = json.dumps({**content(string), **members}, separators=(",", ":")).encode()
    return string.split(".", 1)[0] + "." + base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class Joined:
    def __init__(self, process):
        self.code = process.returncode
        self.out, self.err = process.stdout, process.stderr

    @property
    def words(self):
        return self.out + self.err


def join(name, string, folder, *more, by="stdin", **environment):
    """`cmg-<name> join` with its string on standard input, as an argument or in a file."""
    arguments = {"stdin": ["-"], "argument": [string], "file": ["--file", folder.parent / "string"],
                 "at": [f"@{folder.parent / 'string'}"]}[by]
    (folder.parent / "string").write_text(string + "\n")
    return Joined(subprocess.run([str(a) for a in [program(f"cmg-{name}"), "join", *arguments, "--dir", folder, *more]],
                                 input=string + "\n" if by == "stdin" else "", capture_output=True, text=True,
                                 timeout=60, check=False, env={**os.environ, **environment}))


def run_connector(site, folder, name="cp2"):
    with open(site.folder / f"{name}.log", "ab") as log:
        return programs.start([program("cmg-connector"), "--config", folder / "connector.yaml"], log)


def heard(site, kind, name):
    return next(role for role in site.cmg(kind, "list")[f"{kind}s"] if role["id"] == name)["seen"]


# --- connectors ---

@pytest.mark.parametrize("by", ["stdin", "argument", "file", "at"])
def test_a_connector_joins_by_one_line(site, tmp_path, by):
    name = f"by-{by}"
    string = string_of(site, "connector", "add", name, "--join")
    done = join("connector", string, tmp_path / "cp", by=by)
    assert done.code == 0, done.words
    assert f"cmg-connector --config {tmp_path / 'cp' / 'connector.yaml'}" in done.out
    assert (tmp_path / "cp" / "connector.bootstrap.json").stat().st_mode & 0o777 == 0o600
    process = run_connector(site, tmp_path / "cp", name)
    try:
        until("the site heard of it", lambda: heard(site, "connector", name), 20)
    finally:
        programs.end(process)
        site.cmg("connector", "remove", name)


def test_the_private_key_is_made_where_the_connector_joins(site, tmp_path):
    string = string_of(site, "connector", "add", "own-key", "--join")
    answer = join("connector", string, tmp_path / "cp")
    assert answer.code == 0, answer.words
    key = json.loads((tmp_path / "cp" / "connector.bootstrap.json").read_text())["key_pem"]
    assert key not in json.dumps(content(string))
    assert content(string)["key"]["d"] not in key
    assert not (tmp_path / "cp" / "connector.joining.key").exists()
    site.cmg("connector", "remove", "own-key")


def test_a_string_counts_once(site, tmp_path):
    string = string_of(site, "connector", "add", "once", "--join")
    assert join("connector", string, tmp_path / "first").code == 0
    second = join("connector", string, tmp_path / "second")
    assert second.code == 1
    assert "does not take this join string: it was used already" in second.err
    assert "What to do: make another at the site: cmg connector add" in second.err
    assert not (tmp_path / "second" / "connector.bootstrap.json").exists()
    assert "used by another machine" in site.log("cmg-mp")
    site.cmg("connector", "remove", "once")
