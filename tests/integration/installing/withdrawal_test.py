# SPDX-License-Identifier: Apache-2.0
"""A stolen role certificate: `--renew --revoke-old` takes it back, and the role goes on with its new one."""
import time

import pytest

from kit import gatewayclient, pki, programs
from kit.inside import Inside
from kit.programs import until

WITHIN_S = 5.0


def make_new(site, kind, *options):
    path = site.folder / f"{kind}.new.json"
    path.unlink(missing_ok=True)
    of_gateway = ["--host", "localhost", "--port", site.port] if kind == "gateway" else []
    site.cmg(kind, "add", {"connector": "cp1", "gateway": "gw1"}[kind], *of_gateway, "--renew", *options, "--out", path)
    return path


def tunnels(site):
    """-1: the gateway has only begun to start."""
    return site.metric("cmg_tunnels") if site.admin_page("/metrics")[1].count("cmg_tunnels") else -1


def gets_inside(site):
    answer = gatewayclient.request(site, gatewayclient.HTTP1, "GET",
                                   f"/CCM_Proxy_MutualAuth/{site.role('https')}/SMS_MP/.sms_aut?MPLIST",
                                   certificate=site.pki("certificate"), key=site.pki("key"))
    return answer.status == 200


@pytest.mark.parametrize("kind", ["connector", "gateway"])
def test_a_stolen_certificate_opens_no_tunnel_after_5_s_and_the_new_one_does(own_site, kind):
    assert gets_inside(own_site) and tunnels(own_site) == 2
    since = time.monotonic()
    fresh = make_new(own_site, kind, "--revoke-old")
    until("the tunnels of the old certificate are gone", lambda: tunnels(own_site) == 0,
          WITHIN_S - (time.monotonic() - since), 0.05)
    own_site.kill(f"cmg-{kind}")
    own_site.run(f"cmg-{kind}")  # as the thief would
    time.sleep(2)
    assert tunnels(own_site) == 0
    (own_site.folder / f"{kind}.bootstrap.json").write_text(fresh.read_text())
    own_site.kill(f"cmg-{kind}")
    own_site.run(f"cmg-{kind}")
    until("the new certificate is believed", lambda: tunnels(own_site) == 2, 10)
    until("it gets inside", lambda: gets_inside(own_site), 5)


def test_a_stolen_connectors_certificate_is_nobodys_at_the_management_point(own_site, tmp_path):
    inside = Inside(own_site, tmp_path)

    asked = {("GET", "/.cmg/bundle?after=0"): 200, ("POST", "/.cmg/report"): 204}

    def asks(mode):
        return {(method, path): inside.request(mode, method, path, body="{}" if method == "POST" else None,
                                               show=inside.connector).status for method, path in asked}

    assert asks("ehttp") == asked
    make_new(own_site, "connector")
    assert asks("ehttp") == asked  # a renewal alone interrupts nothing
    make_new(own_site, "connector", "--revoke-old")
    for mode in ("ehttp", "https"):
        assert all(status in (401, 403) for status in asks(mode).values()), asks(mode)


@pytest.mark.parametrize("path", ["/.cmg/renew", "/.cmg/report", "/.cmg/answer", "/CCM_STS", "/CCM_Client/registration"])
def test_nothing_counts_of_a_stolen_certificate_that_was_on_its_way_when_it_was_withdrawn(own_site, tmp_path, path):
    """A thief always has a request that lacks its last byte."""
    of_device = "CMG-Auth-Method: token\r\nCMG-Client-Id: x\r\nAuthorization: Bearer x\r\n"
    body = pki.signing_request() if path == "/.cmg/renew" else b'{"version": "a thief\'s"}'
    inside = Inside(own_site, tmp_path)
    with inside.connect("ehttp", inside.connector) as thief:
        thief.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                      f"{'' if path.startswith('/.cmg/') else of_device}Content-Length: {len(body)}\r\n\r\n".encode())
        assert thief.recv(65536).startswith(b"HTTP/1.1 100 "), "its head was let through"
        thief.sendall(body[:-1])
        make_new(own_site, "connector", "--revoke-old")
        thief.sendall(body[-1:])
        answer = thief.recv(65536)
    assert answer.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 403 ", b"HTTP/1.1 502 ")), answer
    assert b"was removed, or its certificate withdrawn" in answer, answer


@pytest.mark.parametrize("kind", ["connector", "gateway"])
def test_each_new_certificate_ends_later_than_all_before_however_fast_they_are_made(own_site, kind):
    """By their end they are told apart: one of the second of a withdrawal would be withdrawn with it."""
    ends = []
    for turn in range(6):
        body = {"id": {"connector": "cp1", "gateway": "gw1"}[kind], "renew": True, "revoke_old": turn % 2 == 0}
        ends.append(own_site.admin("POST", f"/v1/{kind}s", body)[kind]["not_after"])
    assert sorted(set(ends)) == ends


def test_revoking_goes_with_renewing_alone(own_site):
    for arguments in (["connector", "add", "cp7"], ["gateway", "add", "gw7", "--host", "gw7.example"]):
        code, _, said = programs.run([programs.program("cmg"), *arguments, "--revoke-old"], False)
        assert code == 2 and "--renew" in said
    with pytest.raises(AssertionError, match="goes with .*renew.* alone"):
        own_site.admin("POST", "/v1/connectors", {"id": "cp7", "revoke_old": True})
