# SPDX-License-Identifier: Apache-2.0
"""Joining: one line lets a machine become a connector or a gateway of a site. The key is made where it joins; whoever
stands between can keep an answer back and no more. Each failure is told in words, with what to do."""
import base64
import contextlib
import http.client
import json
import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kit import between, pki, programs
from kit.machine import own_machine
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


def test_what_was_given_as_an_argument_stands_in_no_argument_list(site, tmp_path):
    string = gateway_string(site, "shy")
    folder = tmp_path / "gw"
    with open(tmp_path / "out", "wb") as output:
        process = programs.start([program("cmg-gateway"), "join", string, "--dir", folder, "--listen",
                                  f"127.0.0.1:{free_port()}"], subprocess.STDOUT, output)
    try:
        until("it waits", lambda: "Waiting for" in (tmp_path / "out").read_text(), 20)
        with open(f"/proc/{process.pid}/cmdline", "rb") as arguments:
            assert string[10:50].encode() not in arguments.read()
        assert "others on this machine can see" in (tmp_path / "out").read_text()
    finally:
        programs.end(process)
        site.cmg("gateway", "remove", "shy")


class Middle(between.Between):
    """Ends TLS with a certificate of nobody, as whoever stands in between can, and passes one request on."""

    def __init__(self, port, folder, change_request=lambda b: b, change_answer=lambda b: b,
                 change_head=lambda h: h):
        super().__init__()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = pki.self_signed(folder, "nobody")
        self.context.load_cert_chain(pair.path, pair.key)
        self.onward, self.change_head = port, change_head
        self.change_request, self.change_answer = change_request, change_answer
        self.requests, self.answers = [], []

    @staticmethod
    def message(stream):
        """(head, body) of HTTP/1.1."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            got = stream.recv(1)
            if not got:
                return head, b""
            head += got
        found = re.search(rb"content-length: *(\d+)", head, re.I)
        body, wanted = b"", int(found.group(1)) if found else 0
        while len(body) < wanted:
            got = stream.recv(wanted - len(body))
            if not got:
                break
            body += got
        return head, body

    @staticmethod
    def sized(head, body):
        return re.sub(rb"content-length: *\d+", b"content-length: %d" % len(body), head, flags=re.I) + body

    def serve(self, connection):
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        with self.context.wrap_socket(connection, server_side=True) as asker:
            head, body = self.message(asker)
            while head:
                self.requests.append(body)
                with socket.create_connection(("127.0.0.1", self.onward)) as bare, client.wrap_socket(bare) as server:
                    server.sendall(self.sized(head, self.change_request(body)))
                    answer_head, answer = self.message(server)
                self.answers.append(answer)
                asker.sendall(self.sized(self.change_head(answer_head), self.change_answer(answer)))
                head, body = self.message(asker)


def port_of(string):
    return int(content(string)["urls"][-1].rsplit(":", 1)[1].strip("/"))


def other_csr(request):
    """The same request with a key of somebody else in it: the payload is changed, the signature stays."""
    header, payload, signature = request.split(b".")
    text = json.loads(base64.urlsafe_b64decode(payload + b"=="))
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    text["csr"] = csr.public_bytes(serialization.Encoding.PEM).decode()
    return b".".join([header, base64.urlsafe_b64encode(json.dumps(text).encode()).rstrip(b"="), signature])


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


def post(port, body, path="/.cmg/join"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/jose"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


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

def device_string(site, *more):
    return string_of(site, "enrollment", "--join", "--gateway-ca", site.pki("ca"), *more)


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


# --- gateways ---

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def server_certificate(site, folder):
    folder.mkdir()
    pair = site.ca(folder).device("localhost", usage=[pki.SERVER_AUTH], dns="localhost")
    return pair.path, pair.key


def links_to(pair, folder):
    """As renewed certificates lie: by links, which lead to the new files later."""
    folder.mkdir()
    for path in pair:
        (folder / path.name).symlink_to(path)
    return tuple(folder / path.name for path in pair)


class JoiningGateway:
    """cmg-gateway join, which waits for a connector."""

    def __init__(self, string, folder, *more, port=None, certificate=None):
        folder.parent.mkdir(exist_ok=True)
        (folder.parent / "gw.string").write_text(string)
        self.folder, self.port = folder, port or content(string)["port"]
        self.output = folder.parent / "gw.output"
        arguments = ["--listen", f"127.0.0.1:{self.port}"]
        if certificate:
            arguments += ["--certificate", certificate[0], "--key", certificate[1]]
        with open(self.output, "wb") as output:
            self.process = programs.start([program("cmg-gateway"), "join", "--file", folder.parent / "gw.string", "--dir",
                                           folder, *arguments, *more], subprocess.STDOUT, output)

    def __enter__(self):
        until("it waits", lambda: "Waiting for a connector" in self.words or self.process.poll() is not None, 20)
        return self

    def __exit__(self, *_):
        programs.end(self.process)

    @property
    def words(self):
        return self.output.read_text()

    def end(self, within_s=40):
        self.process.wait(within_s)
        return self.process.returncode


def gateway_string(site, name, *more, port=None):
    return string_of(site, "gateway", "add", name, "--host", "localhost", "--port", port or free_port(), "--join", *more)


def test_a_gateway_joins_by_one_line_and_devices_come_through_it(own_site, tmp_path):
    site = own_site
    certificate = links_to(server_certificate(site, tmp_path / "ca"), tmp_path / "live")
    with JoiningGateway(gateway_string(site, "gw2"), tmp_path / "gw", certificate=certificate) as joining:
        assert joining.end() == 0, joining.words
    assert "The site LAB answered, signed by its pinned root" in joining.words
    assert "Checked the configuration: no fault found" in joining.words
    configuration = tmp_path / "gw" / "gateway.yaml"
    assert all(str(path) in configuration.read_text() for path in certificate)
    configuration.write_text(configuration.read_text() + 'admin_listen: "127.0.0.1:0"\n')
    with open(tmp_path / "gw.log", "wb") as log:
        gateway = programs.start([program("cmg-gateway"), "--config", configuration], log)
    try:
        until("the site heard of it", lambda: heard(site, "gateway", "gw2"), 40)
    finally:
        programs.end(gateway)


def joined_through(site, tmp_path, name, **changes):
    """A gateway that joins with something between it and the connectors; how it ended, and what passed."""
    listens = free_port()
    with Middle(listens, tmp_path, **changes) as middle:
        string = gateway_string(site, name, port=middle.port)
        with JoiningGateway(string, tmp_path / name, "--wait", "8", port=listens) as joining:
            joining.end()
    return joining, middle, string


def test_whoever_stands_between_connector_and_gateway_can_only_pass_things_on(site, tmp_path):
    joining, middle, _ = joined_through(site, tmp_path, "gw-between")
    assert joining.process.returncode == 0, joining.words
    key = json.loads((tmp_path / "gw-between" / "gateway.bootstrap.json").read_text())["key_pem"]
    assert not any(key.encode() in seen for seen in middle.requests + middle.answers)
    site.cmg("gateway", "remove", "gw-between")


def test_a_gateways_request_that_was_changed_on_the_way_gets_no_certificate(site, tmp_path):
    joining, middle, string = joined_through(site, tmp_path, "gw-csr",
                                             change_answer=lambda b: other_csr(b) if b.count(b".") == 2 else b)
    assert joining.process.returncode == 1
    assert "somebody took the request, and the site gave no answer" in joining.words, joining.words
    assert all(request == b"" for request in middle.requests), "an answer was given"
    with JoiningGateway(string, tmp_path / "gw-csr", port=content(string)["port"]) as joining:  # the string still counts
        assert joining.end() == 0, joining.words
    site.cmg("gateway", "remove", "gw-csr")


def test_an_answer_that_was_changed_or_is_another_gateways_is_not_taken(site, tmp_path):
    _, first, _ = joined_through(site, tmp_path, "gw-one")
    elsewhere = next(body for body in first.requests if body)
    for name, change in (("gw-two", lambda b: elsewhere if b else b), ("gw-three", lambda b: b[:-8] + b"AAAAAAAA" if b else b)):
        joining, _, string = joined_through(site, tmp_path, name, change_request=change)
        assert joining.process.returncode == 1, joining.words
        assert "what was brought is not the site's answer to this gateway" in joining.words, joining.words
        assert not (tmp_path / name / "gateway.bootstrap.json").exists()
        with JoiningGateway(string, tmp_path / name, port=content(string)["port"]) as joining:  # its key is still there
            assert joining.end() == 0, joining.words
        site.cmg("gateway", "remove", name)
    site.cmg("gateway", "remove", "gw-one")


def test_a_gateway_whose_string_another_machine_used_gets_nothing(site, tmp_path):
    string = gateway_string(site, "gw-stolen")
    with JoiningGateway(string, tmp_path / "thief" / "gw") as thief:
        assert thief.end() == 0, thief.words
    with JoiningGateway(string, tmp_path / "owner" / "gw", "--wait", "6") as owner:
        assert owner.end() == 1
    assert "the string was used by another machine" in owner.words
    assert "used by another machine" in site.log("cmg-mp")
    site.cmg("gateway", "remove", "gw-stolen")


def test_a_gateway_to_which_nobody_comes_says_so_and_its_string_still_counts(site, tmp_path):
    string = gateway_string(site, "gw-alone")
    with JoiningGateway(made(string, host="gw.invalid"), tmp_path / "gw", "--wait", "1", port=free_port()) as joining:
        assert joining.end() == 1
    assert "the name gw.invalid does not resolve" in joining.words
    assert "no connector of the site came to gw.invalid port" in joining.words
    assert "the string still counts" in joining.words
    site.cmg("gateway", "remove", "gw-alone")


def test_a_gateway_whose_name_leads_to_another_machine_is_warned(site, tmp_path):
    string = gateway_string(site, "gw-wrong")
    with JoiningGateway(made(string, host="192.0.2.7"), tmp_path / "gw", "--wait", "1") as joining:
        joining.end()
    assert "the name 192.0.2.7 does not lead to an address of this machine" in joining.words
    site.cmg("gateway", "remove", "gw-wrong")


def test_a_port_that_is_taken_is_told(site, tmp_path):
    string = gateway_string(site, "gw-port")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with JoiningGateway(string, tmp_path / "gw", port=taken.getsockname()[1]) as joining:
            assert joining.end() == 1
    assert "end what listens there already" in joining.words
    site.cmg("gateway", "remove", "gw-port")


def test_without_a_server_certificate_a_gateway_joins_and_says_that_it_needs_one(site, tmp_path):
    with JoiningGateway(gateway_string(site, "gw-bare"), tmp_path / "gw") as joining:
        assert joining.end() == 0, joining.words
    assert f"put the server certificate that devices will see, for the name localhost, at {tmp_path}/gw/gateway.pem" \
        in joining.words
    assert "then start it: cmg-gateway --config" in joining.words
    site.cmg("gateway", "remove", "gw-bare")


def test_a_name_to_which_no_public_ca_issues_is_told_before_the_string_is_used(site, tmp_path):
    acme = ["--acme", "--directory", "letsencrypt", "--email", "admin@example.test", "--agree-terms"]
    joined = join("gateway", gateway_string(site, "gw-acme"), tmp_path / "gw", *acme)
    assert joined.code == 1 and "localhost" in joined.err and "give one such as gw.example.com" in joined.words and not (tmp_path / "gw").exists()
    site.cmg("gateway", "remove", "gw-acme")


@pytest.mark.parametrize("options, words", [
    (["--acme", "--email", "a@example.test", "--agree-terms"], "--directory is missing"),
    (["--acme", "--directory", "letsencrypt", "--agree-terms"], "--email ADDRESS is missing"),
    (["--acme", "--directory", "letsencrypt", "--email", "a@example.test"], "--agree-terms is missing"),
    (["--acme", "--directory", "letsencrypt", "--email", "a@example.test", "--agree-terms", "--certificate", "x.pem"], "either --acme or --certificate")])
def test_what_a_public_ca_wants_is_asked_for_before_the_string_is_used(tmp_path, options, words):
    joined = join("gateway", "cmgg1.x", tmp_path / "gw", *options)
    assert joined.code == 2 and words in joined.err and not (tmp_path / "gw").exists()


def test_a_gateway_that_joins_shows_strangers_nothing_but_its_request(site, tmp_path):
    string = gateway_string(site, "gw-strangers")
    with JoiningGateway(made(string, host="localhost"), tmp_path / "gw", port=free_port()) as joining:
        assert get(joining.port, "/") == (404, b"this gateway has not joined its site yet\n")
        status, request = get(joining.port, "/.cmg/join")
        assert status == 200 and request.count(b".") == 2 and len(request) < 16384
        assert post(joining.port, b"nonsense")[0] == 403
        assert post(joining.port, b"x" * 40000)[0] == 413
        with contextlib.ExitStack() as idle:  # who only holds connections keeps nobody out
            for _ in range(100):
                idle.enter_context(socket.create_connection(("127.0.0.1", joining.port)))
            assert get(joining.port, "/.cmg/join")[0] == 200
    site.cmg("gateway", "remove", "gw-strangers")


def test_who_asks_a_gateway_that_joins_without_end_is_stopped_and_others_are_answered(site, tmp_path):
    string = gateway_string(site, "gw-asked")
    with JoiningGateway(made(string, host="localhost"), tmp_path / "gw", port=free_port()) as joining:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(socket.create_connection(("127.0.0.1", joining.port), timeout=10)) as asker:
            asker.sendall(b"GET /.cmg/join HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
            answers = b""
            with contextlib.suppress(ConnectionError):
                while some := asker.recv(65536):
                    answers += some
        assert 50 <= answers.count(b"HTTP/1.1 200") < 70
        assert get(joining.port, "/.cmg/join")[0] == 200
    site.cmg("gateway", "remove", "gw-asked")


def get(port, path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_an_old_certificate_counts_until_a_renewed_gateway_joins_unless_it_is_revoked(own_site, tmp_path):
    site = own_site
    code, told = site.cmg("gateway", "add", "gw1", "--join", check=False)
    assert code == 1 and "has joined already" in str(told)
    string_of(site, "gateway", "add", "gw1", "--join", "--renew")
    assert site.ready()
    string_of(site, "gateway", "add", "gw1", "--join", "--renew", "--revoke-old")
    until("the old certificate's tunnels are down", lambda: not site.ready(), 20)


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
