# SPDX-License-Identifier: Apache-2.0
"""Daemons are restarted and reloaded under load, their sockets in the hands of a service manager: nobody misses an answer."""
import contextlib
import http.client
import re
import socket
import threading
import time

from kit.load import Load
from kit.manager import managed
from kit.programs import until
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
