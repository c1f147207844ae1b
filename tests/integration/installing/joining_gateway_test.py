# SPDX-License-Identifier: Apache-2.0
"""A gateway joins by one line, though nobody inside can be reached from it: a connector comes to it."""
import contextlib
import http.client
import json
import socket
import ssl
import subprocess

import pytest
from kit import pki, programs
from kit.joining import Middle, content, heard, join, links_to, made, other_csr, post, string_of
from kit.programs import program, until


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


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def server_certificate(site, folder):
    folder.mkdir()
    pair = site.ca(folder).device("localhost", usage=[pki.SERVER_AUTH], dns="localhost")
    return pair.path, pair.key


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


def test_a_certificate_of_another_name_is_told_before_the_string_is_used(site, tmp_path):
    (tmp_path / "tls").mkdir()
    wrong = site.ca(tmp_path / "tls").device("other", usage=[pki.SERVER_AUTH], dns="other.example.org")
    with JoiningGateway(gateway_string(site, "misnamed"), tmp_path / "gw", certificate=(wrong.path, wrong.key)) as joining:
        assert f"the certificate {wrong.path} is for other.example.org, and devices ask for localhost" in joining.words
    site.cmg("gateway", "remove", "misnamed")
    right = server_certificate(site, tmp_path / "right")
    with JoiningGateway(gateway_string(site, "named"), tmp_path / "gw2", certificate=right) as joining:
        assert "devices ask for" not in joining.words
    site.cmg("gateway", "remove", "named")


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
