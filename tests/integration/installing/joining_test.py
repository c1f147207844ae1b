# SPDX-License-Identifier: Apache-2.0
"""Joining: one line lets a machine become a connector or a gateway of a site. The key is made where it joins; whoever
stands between can keep an answer back and no more. Each failure is told in words, with what to do."""
import base64
import contextlib
import http.client
import json
import os
import subprocess
import threading

import pytest
from kit import programs
from kit.joining import Joined, Middle, content, device_string, heard, join, links_to, made, other_csr, port_of, post, string_of
from kit.programs import program, until


def run_connector(site, folder, name="cp2"):
    with open(site.folder / f"{name}.log", "ab") as log:
        return programs.start([program("cmg-connector"), "--config", folder / "connector.yaml"], log)


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


def test_the_configuration_names_the_links_that_were_given(site, tmp_path):
    pair = site.ca(tmp_path).device("cp-links")
    certificate, key = links_to((pair.path, pair.key), tmp_path / "live")
    done = join("connector", string_of(site, "connector", "add", "links", "--join"), tmp_path / "cp", "--certificate", certificate, "--key", key)
    assert done.code == 0, done.words
    assert f'certificate: "{certificate}", key: "{key}"' in (tmp_path / "cp" / "connector.yaml").read_text()
    site.cmg("connector", "remove", "links")


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
    told = next(p for p in site.cmg("status")["problems"] if p["cause"] == "join_refused")
    assert "a machine may not join as the connector once, from 127.0.0.1:" in told["found"] and told["of"] == "once"
    assert "cmg connector remove" in told["remedy"]
    site.cmg("connector", "remove", "once")


@pytest.mark.parametrize("kind,name", [("connector", "gateway"), ("connector", "client"), ("gateway", "connector"),
                                       ("gateway", "client"), ("device", "connector"), ("device", "gateway")])
def test_a_string_of_another_program_names_it(site, tmp_path, kind, name):
    string = {"connector": lambda: string_of(site, "connector", "add", "swap", "--join"),
              "gateway": lambda: string_of(site, "gateway", "add", "swap", "--host", "gw.example", "--join"),
              "device": lambda: string_of(site, "enrollment", "--join")}[kind]()
    told = join(name, string, tmp_path / "x")
    right = {"connector": "cmg-connector", "gateway": "cmg-gateway", "device": "cmg-client"}[kind]
    assert told.code == 1 and f"this is a {kind}'s string: run {right} join" in told.err, told.words
    if kind != "device":
        site.cmg(kind, "remove", "swap")


def test_a_truncated_string_is_told(site, tmp_path):
    string = string_of(site, "connector", "add", "cut", "--join")
    told = join("connector", string[:-20], tmp_path / "cp")
    assert told.code == 1 and "the string is not whole: copy all of the line" in told.err
    assert string[8:40] not in told.words
    site.cmg("connector", "remove", "cut")


def test_an_expired_string_is_told_by_the_machine_and_refused_by_the_site(site, tmp_path):
    string = string_of(site, "connector", "add", "late", "--join", "--valid-for", "60s")
    told = join("connector", made(string, expires=1700000000), tmp_path / "cp")
    assert told.code == 1 and "the string expired at 2023-11-14" in told.err
    site.sql("UPDATE join_key SET expires = 1700000000 WHERE id = 'late'")
    told = join("connector", made(string, expires=4000000000), tmp_path / "cp")
    assert told.code == 1 and "does not take this join string" in told.err
    site.cmg("connector", "remove", "late")


def test_another_string_of_the_same_id_takes_the_place_of_the_one_before(site, tmp_path):
    old = string_of(site, "connector", "add", "again", "--join")
    new = string_of(site, "connector", "add", "again", "--join")
    assert join("connector", old, tmp_path / "old").code == 1
    assert join("connector", new, tmp_path / "new").code == 0
    code, told = site.cmg("connector", "add", "again", "--join", check=False)
    assert code == 1 and "has joined already: its certificate counts" in str(told) and "--renew" in str(told), told
    renewed = string_of(site, "connector", "add", "again", "--join", "--renew")
    assert join("connector", renewed, tmp_path / "renewed").code == 0
    site.cmg("connector", "remove", "again")


@pytest.mark.parametrize("more", [[], ["--revoke-old"]])
def test_a_string_counts_no_more_when_its_connector_is_given_a_bootstrap_file_instead(site, tmp_path, more):
    """Whoever found the string would be let in beside the connector, and --revoke-old would have come before."""
    name = f"lost-{len(more)}"
    string = string_of(site, "connector", "add", name, "--join")
    site.cmg("connector", "add", name, "--renew", *more, "--out", tmp_path / "file.json")
    told = join("connector", string, tmp_path / "cp")
    site.cmg("connector", "remove", name)
    assert told.code == 1 and "does not take this join string" in told.err


def test_a_removed_connector_does_not_join_any_more(site, tmp_path):
    string = string_of(site, "connector", "add", "gone", "--join")
    site.cmg("connector", "remove", "gone")
    told = join("connector", string, tmp_path / "cp")
    assert told.code == 1 and "does not take this join string" in told.err


def test_no_network_is_told_and_the_string_still_counts(site, tmp_path):
    string = string_of(site, "connector", "add", "offline", "--join")
    told = join("connector", made(string, urls=["https://127.0.0.1:1", "https://mp.invalid:8444"]), tmp_path / "cp")
    assert told.code == 1 and "then join again: the string was not used" in told.err, told.words
    assert join("connector", string, tmp_path / "cp").code == 0
    site.cmg("connector", "remove", "offline")


def test_what_is_there_already_is_never_written_over(site, tmp_path):
    string = string_of(site, "connector", "add", "kept", "--join")
    folder = tmp_path / "cp"
    folder.mkdir()
    (folder / "connector.yaml").write_text("log: {level: debug}\n")
    done = join("connector", string, folder)
    assert done.code == 0 and "Left the configuration" in done.out
    assert f"Next: write into {folder}/connector.yaml: bootstrap: {folder}/connector.bootstrap.json" in done.out
    assert (folder / "connector.yaml").read_text() == "log: {level: debug}\n"
    again = join("connector", string, folder)
    assert again.code == 1
    assert "this machine has joined already, as connector kept of the site LAB" in again.err
    site.cmg("connector", "remove", "kept")


def test_a_folder_that_may_not_be_made_is_told(site, tmp_path):
    (tmp_path / "file").write_text("")
    string = string_of(site, "connector", "add", "nowhere", "--join")
    told = Joined(subprocess.run([program("cmg-connector"), "join", "-", "--dir", tmp_path / "file" / "cp"], input=string,
                                 capture_output=True, text=True, timeout=20, check=False))
    assert told.code == 1 and "run it as root; or name a folder of your own with --dir" in told.err, told.words
    site.cmg("connector", "remove", "nowhere")


@pytest.mark.parametrize("arguments,words", [([], "give the join string"), (["a", "b"], "argument"),
                                             (["-", "--file", "x"], "give the join string once"),
                                             (["--nonsense"], "unknown option")])
def test_wrong_usage_is_told(tmp_path, arguments, words):
    for name in ("connector", "gateway", "client"):
        process = subprocess.run([program(f"cmg-{name}"), "join", *arguments, "--dir", str(tmp_path / "x")], input="",
                                 capture_output=True, text=True, timeout=20, check=False)
        assert process.returncode in (1, 2) and words in process.stderr, (name, process.stderr)


def test_whoever_stands_between_connector_and_site_can_only_pass_things_on(site, tmp_path):
    string = string_of(site, "connector", "add", "between", "--join")
    with Middle(port_of(string), tmp_path) as middle:
        done = join("connector", made(string, urls=[f"https://localhost:{middle.port}"]), tmp_path / "cp")
        assert done.code == 0, done.words
        key = json.loads((tmp_path / "cp" / "connector.bootstrap.json").read_text())["key_pem"]
        assert not any(key.encode() in seen for seen in middle.requests + middle.answers)
    site.cmg("connector", "remove", "between")


def test_a_request_that_was_changed_on_the_way_is_refused_and_the_string_still_counts(site, tmp_path):
    string = string_of(site, "connector", "add", "changed", "--join")
    with Middle(port_of(string), tmp_path, change_request=other_csr) as middle:
        told = join("connector", made(string, urls=[f"https://localhost:{middle.port}"]), tmp_path / "cp")
    assert told.code == 1 and "does not take this join string" in told.err
    assert join("connector", string, tmp_path / "cp").code == 0
    site.cmg("connector", "remove", "changed")


def test_an_answer_to_somebody_else_or_changed_counts_for_nothing(site, tmp_path):
    others = string_of(site, "connector", "add", "other", "--join")
    with Middle(port_of(others), tmp_path) as middle:
        assert join("connector", made(others, urls=[f"https://localhost:{middle.port}"]), tmp_path / "o").code == 0
        elsewhere = middle.answers[0]
    string = string_of(site, "connector", "add", "mine", "--join")
    for change in (lambda _: elsewhere, lambda b: b[:-6] + (b"AAAAAA" if b[-6:] != b"AAAAAA" else b"BBBBBB"),
                   lambda _: b"nonsense"):
        with Middle(port_of(string), tmp_path, change_answer=change) as middle:
            told = join("connector", made(string, urls=[f"https://localhost:{middle.port}"]), tmp_path / "cp")
        assert told.code == 1 and "the site's answer" in told.err, told.words
        assert not (tmp_path / "cp" / "connector.bootstrap.json").exists()
    # the site counts it as used by this machine's key, which may ask again; nobody else may
    assert join("connector", string, tmp_path / "elsewhere").code == 1
    assert join("connector", string, tmp_path / "cp").code == 0
    site.cmg("connector", "remove", "mine")
    site.cmg("connector", "remove", "other")


def test_a_request_that_is_sent_again_by_somebody_gets_nothing_new(site, tmp_path):
    string = string_of(site, "connector", "add", "replay", "--join")
    with Middle(port_of(string), tmp_path) as middle:
        assert join("connector", made(string, urls=[f"https://localhost:{middle.port}"]), tmp_path / "cp").code == 0
    assert post(port_of(string), middle.requests[0]) == (200, middle.answers[0])
    site.cmg("connector", "remove", "replay")
    assert post(port_of(string), middle.requests[0])[0] == 403


def test_a_stranger_learns_nothing_of_which_ids_there_are(site, tmp_path):
    string = string_of(site, "connector", "add", "secret-id", "--join")
    told = set()
    for name in ("secret-id", "no-such-id"):
        header = base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"x","typ":"cmg-join+jws"}').rstrip(b"=")
        payload = {"type": "join", "site": "LAB", "kind": "connector", "id": name, "created": 1, "csr": "x"}
        body = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
        status, text = post(port_of(string), header + b"." + body + b"." + b"A" * 86)
        problem = json.loads(text)
        told.add((status, problem["reason"], problem["detail"], problem["remedy"]))
    status, text = post(port_of(string), b"nonsense")
    problem = json.loads(text)
    told.add((status, problem["reason"], problem["detail"], problem["remedy"]))
    assert len(told) == 1 and next(iter(told))[:2] == (403, "join_refused")
    assert post(port_of(string), b"x" * 20000)[0] == 413
    site.cmg("connector", "remove", "secret-id")


def test_strangers_who_flood_it_are_stopped_and_a_connector_joins_meanwhile(site, tmp_path):
    string = string_of(site, "connector", "add", "flooded", "--join")
    port, stop = port_of(string), threading.Event()

    def flood():
        while not stop.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                post(port, b"nonsense")
    floods = [threading.Thread(target=flood) for _ in range(8)]
    for thread in floods:
        thread.start()
    try:
        done = join("connector", string, tmp_path / "cp")
        assert done.code == 0, done.words
    finally:
        stop.set()
        for thread in floods:
            thread.join()
    assert not site.cmg("status")["fault"]
    site.cmg("connector", "remove", "flooded")


# --- devices ---

def join_device(string, folder, *more):
    """Of a name of its own: two of one name wait for an administrator's word."""
    programs.run([program("cmg-client"), "set", f"Name=dev-{os.urandom(6).hex()}", "--dir", folder])
    return join("client", string, folder, *more)


def test_a_device_joins_by_one_line(site, tmp_path):
    done = join_device(device_string(site), tmp_path / "device", "--json")
    assert done.code == 0, done.words
    answer = json.loads(done.out)
    assert answer["ok"] and answer["site"] == content(device_string(site))["site"]
    assert answer["result"]["device"] in [d["guid"] for d in site.cmg("device", "list")["devices"]]
    assert any("cmg-client run" in line for line in answer["todo"])


def test_a_device_that_joined_is_told_so_and_its_new_token_is_not_spent(site, tmp_path):
    assert join_device(device_string(site), tmp_path / "device").code == 0
    string = string_of(site, "token", "new", "--join")
    again = join("client", string, tmp_path / "device")
    assert again.code == 1 and "this device has joined already: it is GUID:" in again.err, again.words
    token = json.loads(base64.urlsafe_b64decode(content(string)["token"].split(".")[1] + "=="))["jti"]
    assert next(t for t in site.cmg("token", "list")["tokens"] if t["id"] == token)["used"] == 0


def test_a_device_string_that_was_used_up_is_told(site, tmp_path):
    string = device_string(site)
    assert join_device(string, tmp_path / "one").code == 0
    second = join_device(string, tmp_path / "two")
    assert second.code == 1 and "token_used_up" in second.words, second.words


def test_a_device_that_waits_for_approval_has_joined_and_says_so(site, tmp_path):
    for folder in ("one", "two"):
        programs.run([program("cmg-client"), "set", "Name=the-same", "--dir", tmp_path / folder])
    assert join("client", device_string(site), tmp_path / "one").code == 0
    waits = join("client", device_string(site), tmp_path / "two")
    assert waits.code == 0 and "Next: wait until an administrator approves it" in waits.out, waits.words


def test_an_old_bulk_token_is_told_what_takes_it(site, tmp_path):
    token = site.cmg("token", "new")["token"]
    told = join("client", token, tmp_path / "device")
    assert told.code == 1 and "cmg-client register --token-file" in told.err
