# SPDX-License-Identifier: Apache-2.0
"""The connector dials its gateways through the proxy of connector.yaml or of its environment, and what a proxy does is told."""
import base64
import os
import re
import signal
from pathlib import Path

import pytest

from kit import programs
from kit.between import Between, RefusingProxy
from kit.programs import until
from kit.servers import free_port
from kit.squid import PROGRAM, REALM, Squid
from kit.tunnel import ConnectProxy, NegotiateProxy

PASSWORD = "correct horse: battery é staple"
needs_squid = pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="squid is not installed: make deps")


@pytest.fixture
def connector(own_site):
    """Starts the site's connector anew with more in connector.yaml and in its environment."""
    plain = (own_site.folder / "connector.yaml").read_text()

    def start(text="", **environment):
        own_site.stop("cmg-connector")
        (own_site.folder / "connector.yaml").write_text(plain + text)
        before = dict(os.environ)
        os.environ.pop("no_proxy", None)
        os.environ.update(environment)
        try:
            own_site.run("cmg-connector")
        finally:
            os.environ.clear()
            os.environ.update(before)
    return start


def password_file(folder, text):
    path = folder / "proxy.password"
    path.write_text(text)
    path.chmod(0o600)
    return path


def problem(site, words, of="gw1"):
    return next((p for p in site.cmg("status")["problems"] if p["of"] == of and words in p["found"]), None)


def told(site, words, of="gw1"):
    return until(f"status tells: {words}", lambda: problem(site, words, of), 60)


def is_up(site):
    return any(g["up"] for c in site.cmg("status")["connectors"] for g in c["gateways"] or ())


def everything_said(site):
    """Logs, status, and what other users of the machine see of the process."""
    pid = site.pid("cmg-connector")
    seen = (Path(f"/proc/{pid}/cmdline").read_bytes()).decode()
    return site.log("cmg-connector") + site.log("cmg-gateway") + str(site.cmg("status")) + seen


@needs_squid
def test_a_connector_logs_in_at_squid_and_a_wrong_password_is_named_until_it_is_corrected(own_site, connector, tmp_path):
    file = password_file(tmp_path, "wrong\n")
    with Squid({"connector": PASSWORD}) as squid:
        connector(f"proxy: {{url: '{squid.url}', user: connector, password_file: {file}}}\n")
        found = told(own_site, "the proxy wants a login")
        assert f"127.0.0.1:{squid.port} (407; it takes Basic realm=\"{REALM}\")" in found["found"]
        assert "password_file, or command, below proxy in connector.yaml" in found["remedy"]
        password_file(tmp_path, PASSWORD + "\n")  # and nothing is started anew
        own_site.wait_ready()
        until("it is well again", lambda: not problem(own_site, ""), 30)
        text = everything_said(own_site)
        own_site.stop("cmg-connector")
        until("squid tells whom it let through", lambda: ("connector", f"localhost:{own_site.port}") in squid.let_through(), 20)
    assert PASSWORD not in text and base64.b64encode(f"connector:{PASSWORD}".encode()).decode() not in text


@pytest.mark.parametrize("sandbox", ["on", "off"])
@pytest.mark.parametrize("prints", ["Negotiate ", ""], ids=["the field's value", "the token alone"])
def test_a_program_logs_in_with_a_ticket_for_each_tunnel(own_site, connector, tmp_path, prints, sandbox):
    with NegotiateProxy({"localhost": "127.0.0.1"}, tmp_path, prints) as proxy:
        own_site.stop("cmg-connector")
        configuration = own_site.folder / "connector.yaml"
        proxied = f"proxy: {{url: '{proxy.url}', command: {proxy.helper}}}\nsandbox: {sandbox}\n"
        kept = "".join(line for line in configuration.read_text().splitlines(True) if not line.startswith("sandbox:"))
        configuration.write_text(kept + proxied)
        own_site.run("cmg-connector")
        own_site.wait_ready()
        until("it has its tunnels", lambda: is_up(own_site), 30)
        assert len(proxy.seen - {None}) >= 1
        text = everything_said(own_site)
        assert not any(ticket.decode() in text for ticket in proxy.seen if ticket)
        pid = own_site.pid("cmg-connector")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert len(children) == (sandbox == "on")
        own_site.stop("cmg-connector", signal.SIGKILL)
        until("who ran it has ended, too", lambda: all(map(programs.has_ended, children)), 20)


HELPERS = {"fails": ("exit 3", "ended with exit code 3"), "says nothing": ("true", "something else than one line"),
           "smuggles": ("printf 'Negotiate a\\r\\nX-Evil: b'", "something else than one line"),
           "does not end": ("sleep 600", "did not end within 8 s")}


@pytest.mark.parametrize("does, words", HELPERS.values(), ids=HELPERS)
def test_a_program_that_has_no_login_is_told_and_no_proxy_is_asked(own_site, connector, tmp_path, does, words):
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\n{does}\n")
    helper.chmod(0o700)
    with ConnectProxy({"localhost": "127.0.0.1"}) as proxy:
        connector(f"proxy: {{url: '{proxy.url}', command: {helper}}}\n")
        found = told(own_site, "there is no login for the proxy")
        assert words in found["found"] and "below proxy in connector.yaml" in found["remedy"], found
        assert not proxy.asked


def test_the_environments_proxy_is_used_but_for_whom_no_proxy_names_and_for_this_machine(own_site, connector, tmp_path):
    with ConnectProxy({"gw.office": "127.0.0.1", "gw.exempt": "127.0.0.1"}) as proxy:
        connector(https_proxy=proxy.url.replace("://", "://connector:secret-word@"), no_proxy="gw.exempt,.lab.example")
        own_site.wait_ready()
        for name in ("office", "exempt"):
            own_site.cmg("gateway", "add", name, "--host", f"gw.{name}", "--port", own_site.port, "--out", tmp_path / name)
        assert "through the proxy" in told(own_site, "the peer is gateway gw1, expected office", "office")["found"]
        told(own_site, "does not resolve", "exempt")
        assert set(proxy.asked) == {"gw.office"}
        assert "secret-word" not in everything_said(own_site)
        assert b"Proxy-Authorization: Basic " + base64.b64encode(b"connector:secret-word") in proxy.heads[0]


def test_the_configuration_counts_more_than_the_environment(own_site, connector):
    with ConnectProxy({"localhost": "127.0.0.1"}) as proxy, ConnectProxy({}) as other:
        connector(f"proxy: {{url: '{proxy.url}'}}\n", https_proxy=other.url)
        until("it goes through the proxy", lambda: proxy.asked, 30)
        own_site.wait_ready()
        asked = len(proxy.asked)
        connector(f"proxy: {{url: '{proxy.url}', no_proxy: [example.com, localhost]}}\n", https_proxy=other.url)
        own_site.wait_ready()
        until("it has its tunnels", lambda: is_up(own_site), 30)
        connector("proxy: {url: none}\n", https_proxy=other.url)
        own_site.wait_ready()
        assert len(proxy.asked) == asked and not other.asked


class Silent(Between):
    def serve(self, connection):
        while connection.recv(65536):
            pass


class Says(Between):
    def __init__(self, text):
        super().__init__()
        self.text = text

    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(self.text)


class Nobody:
    def __enter__(self):
        self.port = free_port()
        return self

    def __exit__(self, *_):
        pass


# what stands there → words of what was found, words of the remedy
FAULTS = {
    "one that wants another login": (lambda: RefusingProxy(["Negotiate", "NTLM"]), "(407; it takes Negotiate, NTLM)", "the proxy's login"),
    "one that steers terminals": (lambda: RefusingProxy(["Basic realm=\x1b[2J"]), "no proxy that can be used", "no HTTP proxy"),
    "nobody": (Nobody, "the proxy is not reached: can't connect to 127.0.0.1", "start the proxy"),
    "one that says nothing": (Silent, "did not answer CONNECT", "see the proxy's log"),
    "one that forbids": (lambda: Says(b"HTTP/1.1 403 Forbidden\r\n\r\n"), "403 Forbidden", "let the proxy pass CONNECT"),
    "a mail server": (lambda: Says(b"220 mail ESMTP\r\n"), "no proxy that can be used", "no HTTP proxy"),
    "an endless answer": (lambda: Says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100000), "no proxy that can be used", "no HTTP proxy"),
    "one that speaks too early": (lambda: Says(b"HTTP/1.1 200 OK\r\n\r\nServerHello"), "behind its answer to CONNECT", "see the proxy's log"),
}


@pytest.mark.parametrize("stands, found, remedy", FAULTS.values(), ids=FAULTS)
def test_what_a_proxy_does_is_told_by_its_cause(own_site, connector, stands, found, remedy):
    with stands() as proxy:
        connector(f"proxy: {{url: 'http://127.0.0.1:{proxy.port}'}}\n")
        problem = told(own_site, found)
    assert remedy in problem["remedy"], problem
    assert f"127.0.0.1:{proxy.port}" in problem["found"] or f"127.0.0.1 port {proxy.port}" in problem["found"]


WRONG = {
    "url: 'http://me:word@proxy:3128'": "names a user: give it apart",
    "url: 'https://proxy:3128'": "HTTP alone",
    "url: 'http://proxy:99999'": "proxy: url",
    "url: 'http://proxy:3128', user: me": "go together",
    "url: 'http://proxy:3128', user: 'm:e', password_file: here": "colon",
    "url: 'http://proxy:3128', command: nowhere": "can't be executed",
    "url: 'http://proxy:3128', command: here, user: me, password_file: here": "not both",
    "url: 'http://proxy:3128', user: me, password_file: there": "password_file",
}


@pytest.mark.parametrize("keys, words", WRONG.items(), ids=WRONG)
def test_a_proxy_that_can_not_be_meant_is_refused_with_its_line(own_site, tmp_path, keys, words):
    path = own_site.folder / "wrong.yaml"
    path.write_text((own_site.folder / "connector.yaml").read_text() + f"proxy: {{{keys}}}\n")
    (own_site.folder / "here").write_text("x")
    (own_site.folder / "here").chmod(0o600)
    code, out, err = programs.run([programs.program("cmg-connector"), "--config", path, "--check-config"], check=False)
    assert code != 0 and words in out + err and re.search(r"wrong\.yaml:\d+: ", out + err), out + err
    assert "word@" not in out + err


def test_an_environments_proxy_that_is_no_http_proxy_is_refused_and_not_passed_by(own_site):
    code, out, err = programs.run([programs.program("cmg-connector"), "--config", own_site.folder / "connector.yaml", "--check-config"],
                                  check=False, env={**os.environ, "HTTPS_PROXY": "socks5://u:word@proxy:1080"})
    assert code != 0 and "HTTPS_PROXY" in out + err and "HTTP alone" in out + err and "word@" not in out + err
