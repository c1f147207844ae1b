# SPDX-License-Identifier: Apache-2.0
"""Daemons are restarted and reloaded under load, their sockets in the hands of a service manager: nobody misses an answer."""
import contextlib
import http.client
import re
import socket
import threading
import time

import pytest

from kit import gatewayclient, programs, websocket
from kit.gatewayclient import HTTP1, HTTP2
from kit.load import Load
from kit.manager import managed
from kit.programs import until
from kit.site import configured, start_second_connector
from kit.upstream import Upstream

RESTARTS = 3


@contextlib.contextmanager
def load(*arguments, **more):
    running = Load(*arguments, **more)
    try:
        running.goes_on()
        yield running
    finally:
        running.end()
    assert running.failures() == []


class Administrator:
    """Asks at the admin socket again and again, each time on a connection of its own."""

    def __init__(self, site):
        self.site, self.answers, self.faults, self.over = site, 0, [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over.is_set():
            try:
                assert self.site.admin("GET", "/v1/status")
                self.answers += 1
            except (OSError, AssertionError, http.client.HTTPException) as fault:
                self.faults.append(repr(fault))
            time.sleep(0.02)

    def goes_on(self):
        before = self.answers
        until("the administrator is answered", lambda: self.faults or self.answers >= before + 3, 60)

    def end(self):
        self.over.set()
        self.thread.join(60)


class Held:
    """A server inside that answers when it is let."""

    def __init__(self):
        self.listener, self.come, self.let = socket.create_server(("127.0.0.1", 0)), threading.Event(), threading.Event()
        self.url = f"http://localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            held = b"/held" in connection.recv(65536)
            if held:
                self.come.set()
                self.let.wait(60)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    def close(self):
        self.let.set()
        self.listener.close()


@contextlib.contextmanager
def published(site):
    """An endpoint of a server inside; yields its path and what a device shows."""
    upstream = Upstream()
    try:
        site.publish("echo", "--url", upstream.url)
        yield "/CCM_Proxy_MutualAuth/echo/x?a", site.pki("certificate"), site.pki("key")
    finally:
        upstream.close()


def port_of_mp(site):
    return int(re.search(r'listen: "?127\.0\.0\.1:(\d+)', (site.folder / "mp.yaml").read_text())[1])


def test_a_management_point_is_restarted_and_nobody_who_asks_it_misses_an_answer(own_site):
    with managed(own_site, "cmg-mp", "mp.yaml") as service, \
            load(port_of_mp(own_site), own_site.report["ca"], "/SMS_MP/.sms_aut?MPLIST") as running:
        administrator = Administrator(own_site)
        for _ in range(RESTARTS):
            service.restart()
            running.goes_on()
            administrator.goes_on()
            service.reload()
            running.goes_on()
        administrator.end()
    assert administrator.faults == []


def test_a_gateway_is_restarted_and_no_device_misses_an_answer(own_site):
    with managed(own_site, "cmg-gateway", "gateway.yaml") as service, published(own_site) as (path, *identity), \
            load(own_site.port, own_site.report["ca"], path, *identity) as running:
        for _ in range(RESTARTS):
            service.restart()
            running.goes_on()
            service.reload()
            running.goes_on()


def test_a_gateway_whose_sockets_a_socket_unit_holds_is_restarted_and_no_device_misses_an_answer(own_site):
    with socket.create_server(("127.0.0.1", own_site.port), reuse_port=True, backlog=512) as unit, \
            managed(own_site, "cmg-gateway", "gateway.yaml", [unit]) as service, published(own_site) as (path, *identity), \
            load(own_site.port, own_site.report["ca"], path, *identity) as running:
        service.restart()
        running.goes_on()


def test_the_only_connector_is_restarted_and_no_device_misses_an_answer(own_site):
    with published(own_site) as (path, *identity), load(own_site.port, own_site.report["ca"], path, *identity) as running:
        for _ in range(RESTARTS):
            own_site.stop("cmg-connector")
            own_site.run("cmg-connector")
            running.goes_on()


def rewrite(site, **keys):
    """Of gateway.yaml, for the next start."""
    path = site.folder / "gateway.yaml"
    lines = [line for line in path.read_text().splitlines() if line.partition(":")[0] not in keys]
    path.write_text("\n".join([*(f"{key}: {value}" for key, value in keys.items()), *lines, ""]))


def test_a_gateway_with_fewer_workers_takes_over_the_sockets_of_all_that_there_were(own_site):
    rewrite(own_site, workers=4)
    with managed(own_site, "cmg-gateway", "gateway.yaml") as service, published(own_site) as (path, *identity), \
            load(own_site.port, own_site.report["ca"], path, *identity) as running:
        assert len(service.stored) == 4
        for workers in (1, 3):
            rewrite(own_site, workers=workers)
            service.restart()
            running.goes_on()
        assert len(service.stored) == 4


def test_a_socket_that_is_no_longer_configured_is_let_go(own_site):
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    first = f"127.0.0.1:{own_site.port}"
    rewrite(own_site, workers=1, listen=f'["{first}", "127.0.0.1:{port}"]')
    with managed(own_site, "cmg-gateway", "gateway.yaml") as service:
        assert len(service.stored) == 2
        rewrite(own_site, listen=f'["{first}"]')
        service.restart()
        until("it is let go", lambda: len(service.stored) == 1, 20)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 10)


def test_of_two_connectors_each_is_restarted_and_no_device_misses_an_answer(own_site, tmp_path):
    start_second_connector(own_site, tmp_path)
    with published(own_site) as (path, *identity), load(own_site.port, own_site.report["ca"], path, *identity) as running:
        for name, configuration in (("cmg-connector", "connector.yaml"), ("cp2", "cp2.yaml")):
            own_site.stop(name)
            with open(own_site.folder / f"{name}.again", "ab") as log:
                own_site.alone[name] = programs.start([programs.program("cmg-connector"), "--config", own_site.folder / configuration], log)
            running.goes_on()
            until("its tunnels stand", lambda: own_site.metric("cmg_tunnels") == 4, 30)


def told(site, version, method, target):
    """The answer, in time, of a request that is under way in a thread."""
    box = []
    ask = threading.Thread(target=lambda: box.append(gatewayclient.request(site, version, method, target, certificate=site.pki("certificate"),
                                                                           key=site.pki("key"))), daemon=True)
    ask.start()
    return ask, box


@pytest.mark.parametrize("version", [HTTP1, HTTP2])
@pytest.mark.parametrize("name", ["cmg-gateway", "cmg-connector"])
def test_what_is_under_way_when_a_daemon_is_told_to_end_is_answered(own_site, name, version):
    held = Held()
    try:
        own_site.publish("held", "--url", held.url)
        ask, box = told(own_site, version, "POST", "/CCM_Proxy_MutualAuth/held/held")
        assert held.come.wait(20)
        process = own_site.alone[name]
        process.terminate()
        until("it drains", lambda: ": draining" in own_site.log(name), 20)
        held.let.set()
        ask.join(20)
        assert [answer.status for answer in box] == [200]
        assert process.wait(20) == 0
    finally:
        held.close()


@pytest.mark.parametrize("version", [HTTP1, HTTP2])
def test_a_websocket_is_told_that_the_gateway_goes_away_and_keeps_it_no_longer(own_site, version):
    inside = websocket.Server()
    try:
        configured(own_site, drain="10m")
        own_site.wait_ready()
        own_site.publish("room", "--url", inside.url, "--websocket")
        ctx = gatewayclient.context(own_site.report["ca"], own_site.pki("certificate"), own_site.pki("key"), version)
        with websocket.OPEN[version](own_site.port, ctx, "/CCM_Proxy_MutualAuth/room/chat", f"localhost:{own_site.port}") as opened:
            opened.send("hello")
            assert opened.receive() == "hello"
            process = own_site.alone["cmg-gateway"]
            process.terminate()
            assert opened.receive() == (1001, "")
        assert process.wait(20) == 0
    finally:
        inside.close()
