# SPDX-License-Identifier: Apache-2.0
"""What many asked for goes through one tunnel, and over one connection to a server inside: what one of them takes back, or
a server breaks, ends nothing of the others'."""
import contextlib
import socket
import threading

import pytest
from attacks.limits_test import device, small  # noqa: F401 (fixtures)
from attacks.shares_test import Streams

from kit.frames import DATA, RST, frame, head, headers, u32
from kit.programs import until

CANCEL = u32(8)
MODEST = 5


@pytest.fixture
def uploads(small, device):  # noqa: F811
    """Registrations of a device that are under way, and how they end: with an answer of the management point's."""
    site = small(max_connections=512, connections_per_device=128)
    path = f"/CCM_Proxy_MutualAuth/{site.role('https')}/CCM_Client/registration"
    until("the way inside is there again", lambda: site.reaches(f"/CCM_Proxy_MutualAuth/{site.role('https')}/SMS_MP/.sms_aut?MPLIST"), 30)
    with Streams(site, device("modest"), []) as modest:
        ids = [2 * i + 1 for i in range(MODEST)]
        modest.tls.sendall(b"".join(headers(i, head(path=path, method="POST"), flags=4) for i in ids))
        until("they are under way", lambda: site.metric("cmg_requests_in_flight") == MODEST)
        yield site, path
        modest.tls.settimeout(60)
        assert site.metric("cmg_requests_in_flight") == MODEST, "some of the modest one's ended"
        modest.tls.sendall(b"".join(frame(DATA, 1, i, b"{}") for i in ids))
        statuses = {h[":status"] for h in modest.receive(MODEST).values()}
        assert len(statuses) == 1 and not statuses & {"502", "503", "504"}, statuses


def test_what_a_device_takes_back_at_a_management_point_ends_nothing_of_the_others(uploads, device):  # noqa: F811
    site, path = uploads
    rounds, each, one = 4, 250, device("greedy")
    with contextlib.ExitStack() as all_of_them:
        greedy = [all_of_them.enter_context(Streams(site, one, [])) for _ in range(15)]
        for number in range(rounds):
            ids = [2 * (number * each + i) + 1 for i in range(each)]
            for it in greedy:
                it.tls.sendall(b"".join(headers(i, head(path=path, method="POST"), flags=4) for i in ids))
            until("all are under way", lambda: site.metric("cmg_requests_in_flight") == MODEST + each * len(greedy), 60)
            for it in greedy:
                it.tls.sendall(b"".join(frame(RST, 0, i, CANCEL) for i in ids))
            until("none is", lambda: site.metric("cmg_requests_in_flight") == MODEST, 60)


class Breaking:
    """A server whose answers are no HTTP behind their first chunk."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data and (piece := connection.recv(65536)):
                data += piece
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def breaking(own_site):
    server = Breaking()
    own_site.add("endpoint", "add", "breaking", "--url", server.url, "--auth", "pki,token")
    yield "/CCM_Proxy_MutualAuth/breaking/x"
    server.close()


def test_answers_that_a_server_breaks_end_no_tunnel(breaking, uploads, device):  # noqa: F811
    site, _ = uploads
    one = device("greedy")
    before = site.metric("cmg_requests_relayed_total")
    with contextlib.ExitStack() as all_of_them:
        for _ in range(6):
            all_of_them.enter_context(Streams(site, one, [breaking] * 150))
        until("all were passed on", lambda: site.metric("cmg_requests_relayed_total") >= before + 900, 60)
        until("all have ended", lambda: site.metric("cmg_requests_in_flight") == MODEST, 60)
