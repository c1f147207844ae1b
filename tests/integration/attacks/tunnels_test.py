# SPDX-License-Identifier: Apache-2.0
"""What one connector that was broken into can have of a gateway: tunnels, and the lines that it says in them."""
import contextlib
import json
import re
import ssl

import pytest

from attacks.limits_test import device, let_in, open_among, small  # noqa: F401 (fixtures)
from kit import gatewayclient
from kit.frames import DATA, SETTINGS, frame, headers
from kit.programs import until


@pytest.fixture
def intruder(own_site, tmp_path):
    """Another connector's certificate, whose holder makes tunnels of its own."""
    own_site.cmg("connector", "add", "cp2", "--out", tmp_path / "cp2.json")
    bootstrap = json.loads((tmp_path / "cp2.json").read_text())
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode, ctx.minimum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_3
    ctx.set_alpn_protocols(["rh2"])
    for name, text in (("cp2.pem", bootstrap["certificate_pem"]), ("cp2.key", bootstrap["key_pem"])):
        (tmp_path / name).write_text(text)
    ctx.load_cert_chain(tmp_path / "cp2.pem", tmp_path / "cp2.key")
    return ctx


def test_tunnels_of_one_connector_are_few_and_the_others_keep_theirs(small, intruder, device):  # noqa: F811
    site = small()
    with contextlib.ExitStack() as held:
        tunnels = [held.enter_context(gatewayclient.connect(site.port, intruder)) for _ in range(40)]
        until("the oldest have given way", lambda: open_among(tunnels) <= 8)
        assert let_in(site, device("pc")).ask().status == 200
    until("they are gone", lambda: site.metric("cmg_tunnels") == 1)


def test_a_connector_that_comes_without_end_is_charged_for_its_handshakes(small, intruder, device):  # noqa: F811
    site = small()
    for _ in range(200):
        with contextlib.suppress(OSError), gatewayclient.connect(site.port, intruder):
            pass
    until("it is refused", lambda: "comes too often" in site.log("cmg-gateway"))
    assert site.log("cmg-gateway").count("down connector=cp2") < 100
    assert let_in(site, device("pc")).ask().status == 200


ANSWER = (frame(SETTINGS, 0, 0) + headers(1, [(":status", "200"), ("content-type", "application/x-ndjson")], 4)
          + frame(DATA, 0, 1, b'{"version":1,"connector":"cp2","endpoints":[]}\n'))


def since(site, before):
    return site.log("cmg-connector")[before:]


def worker_of(tunnel):
    """As the gateway's hello says."""
    text = b""
    while not (found := re.search(rb'"worker": ?(\d+)', text)):
        piece = tunnel.recv(65536)
        assert piece, text
        text += piece
    return int(found[1])


def test_a_connector_keeps_no_worker_of_a_gateway_from_the_others(small, intruder):  # noqa: F811
    """It has all of its tunnels at one of them, so that the other one has always fewer."""
    site = small(workers=2)
    with contextlib.ExitStack() as held:
        tunnels = [held.enter_context(gatewayclient.connect(site.port, intruder)) for _ in range(16)]
        for tunnel in tunnels:
            if worker_of(tunnel) == 0:
                tunnel.sendall(ANSWER)
            else:
                tunnel.close()
        until("the other worker's are gone", lambda: site.metric("cmg_tunnels") == 10 and
              site.log("cmg-gateway").count("tunnel: down connector=cp2 worker=1") == 8)
        before = len(site.log("cmg-connector"))
        site.kill("cmg-connector")
        site.run("cmg-connector")
        until("it has a tunnel to both", lambda: all(f"tunnel: up gateway=gw1 worker={n}" in since(site, before) for n in (0, 1)), 60)
