# SPDX-License-Identifier: Apache-2.0
"""What one address, one device and all strangers together can cost at most (THREAT_MODEL.md has the table), at the edge."""
import contextlib
import ctypes
import itertools
import json
import os
import re
import resource
import socket
import ssl
import time
import types
import uuid

import h2.exceptions
import jwt
import pytest

from kit import gatewayclient, programs
from kit.frames import frame
from kit.gatewayclient import HTTP1, HTTP2
from kit.idp import signing_key
from kit.mint import Mint
from kit.pki import heap_of_certificates
from kit.programs import program, until
from kit.site import configured

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
NOWHERE = "/CCM_Proxy_ServerAuth/nowhere"
HERE, THERE, ELSEWHERE = "127.0.0.1", "127.0.0.2", "127.0.0.3"  # addresses to come from


# --- clients ----------------------------------------------------------------------------------------------------------


def bare(port, source):
    connection = socket.socket()
    connection.settimeout(gatewayclient.WAIT_S)
    connection.bind((source, 0))
    connection.connect((HERE, port))
    return connection


def is_open(connection):
    """Nothing is said on it but what TLS says by itself."""
    connection.settimeout(0)
    try:
        return connection.recv(65536) != b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    finally:
        connection.settimeout(gatewayclient.WAIT_S)


def open_among(connections):
    return sum(map(is_open, connections))


@contextlib.contextmanager
def silent(port, source, count):
    with contextlib.ExitStack() as all_of_them:
        yield [all_of_them.enter_context(bare(port, source)) for _ in range(count)]


class Client:
    """One HTTP/1.1 connection from an address of its own."""

    def __init__(self, site, source=HERE, device=None, port=None):
        ctx = gatewayclient.context(site.report["ca"], device and device.path, device and device.key)
        self.tls = ctx.wrap_socket(bare(port or site.port, source), server_hostname="localhost")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def ask(self, target=METADATA, headers=(), method="GET"):
        self.tls.sendall(gatewayclient.written_h1(method, target, headers, None, "localhost"))
        return gatewayclient.read_h1(self.tls)

    def is_open(self):
        return is_open(self.tls)


def let_in(site, device, source=HERE):
    client = Client(site, source, device)
    assert client.ask().status == 200
    return client


# --- a small gateway --------------------------------------------------------------------------------------------------


@pytest.fixture
def small(own_site):
    """Makes the gateway one of one worker with 16 places, and whatever else is said."""
    def make(**keys):
        configured(own_site, **{"workers": 1, "max_connections": 16, **keys})
        own_site.wait_ready()
        return own_site
    return make


@pytest.fixture
def device(own_site, tmp_path):
    root = own_site.ca(tmp_path)
    return lambda name: root.device(name)


def away(site, reason):
    return site.metric(f'cmg_turned_away_total{{reason="{reason}"}}')


# --- places -----------------------------------------------------------------------------------------------------------


def test_one_address_holds_a_fourth_of_the_places_and_its_oldest_give_way(small):
    site = small()
    with silent(site.port, THERE, 10) as there, silent(site.port, HERE, 3) as here:
        until("one address holds its share", lambda: open_among(there) == 4)
        assert [is_open(one) for one in there] == [False] * 6 + [True] * 4
        assert open_among(here) == 3
        assert away(site, "address_share") == 6


def test_the_address_that_holds_most_makes_room_for_the_others(small, device):
    site = small(strangers_per_address=16)
    with silent(site.port, ELSEWHERE, 3) as few, silent(site.port, THERE, 60) as many:
        until("all places are taken", lambda: open_among(many) == 13)
        assert open_among(few) == 3  # though they are the oldest
        with let_in(site, device("honest")) as honest:
            until("it has the place of one of the many", lambda: open_among(many) == 12)
            assert open_among(few) == 3 and honest.ask().status == 200
        assert away(site, "room") >= 48


def test_a_device_that_holds_its_share_loses_its_oldest_idle_connection(small, device):
    site, one, other = small(connections_per_device=2), device("one"), device("other")
    with contextlib.ExitStack() as clients:
        of_other = clients.enter_context(let_in(site, other))
        of_one = [clients.enter_context(let_in(site, one)) for _ in range(2)]
        assert of_one[0].ask().status == 200  # used last: not the oldest any more
        of_one.append(clients.enter_context(let_in(site, one)))
        until("one was closed", lambda: [c.is_open() for c in of_one] == [True, False, True])
        assert of_other.ask().status == 200
        assert away(site, "device_share") == 1


def test_the_device_with_most_idle_connections_makes_room_when_all_places_are_taken(small, device):
    site, greedy, modest = small(connections_per_device=16), device("greedy"), device("modest")
    with contextlib.ExitStack() as clients:
        first = clients.enter_context(let_in(site, modest))
        many = [clients.enter_context(let_in(site, greedy)) for _ in range(15)]
        late = clients.enter_context(let_in(site, device("late")))
        until("the greedy one has one less", lambda: sum(c.is_open() for c in many) == 14)
        assert not many[0].is_open()
        assert first.ask().status == 200 and late.ask().status == 200
        assert away(site, "idle") == 1


def by_token(site, path, token, source):
    """What the management point says of the request does not matter: it was let in here."""
    client = Client(site, source)
    answer = client.ask(f"/CCM_Proxy_ServerAuth/{site.role('ehttp')}{path}", [("Authorization", f"Bearer {token}"), ("Content-Length", "0")], "POST")
    assert not answer.headers.get("cmg-status-text", "").startswith("CMGService_"), answer
    return client


def of_contoso(site, folder):
    """Makes tokens of a tenant's users, none of which names a device."""
    key, jwk = signing_key("k")
    (folder / "jwks.json").write_text(json.dumps({"keys": [{name: jwk[name] for name in ("kty", "use", "alg", "kid", "n", "e")}]}))
    claims = {"iss": "https://login.example", "aud": "api://cmg", "tid": str(uuid.uuid4())}
    site.cmg("tenant", "add", "contoso", "--tenant", claims["tid"], "--issuer", claims["iss"], "--audience", claims["aud"],
             "--jwks", folder / "jwks.json")
    until("the gateway knows the tenant", lambda: gatewayclient.request(
        site, HTTP1, "GET", f"/CCM_Proxy_ServerAuth/AADAuthInfo?TenantID={claims['tid']}").status == 200, 10)
    now = int(time.time())
    return lambda user: jwt.encode({**claims, "upn": user, "iat": now, "nbf": now, "exp": now + 3600}, key, "RS256", {"kid": "k"})


def test_who_shares_a_token_or_a_provider_with_many_takes_nobody_elses_connections(small, tmp_path):
    site = small(connections_per_device=2)
    bulk, user = Mint(site).token("bulk"), of_contoso(site, tmp_path)
    for path, mine, theirs in (("/CCM_Client/registration", bulk, bulk),
                               ("/CCM_STS", user("ann@contoso.example"), user("ben@contoso.example"))):
        with contextlib.ExitStack() as clients:
            few = [clients.enter_context(by_token(site, path, mine, HERE)) for _ in range(2)]
            many = [clients.enter_context(by_token(site, path, theirs, THERE)) for _ in range(5)]
            until("who has many lost some", lambda: sum(c.is_open() for c in many) == 2)  # noqa: B023
            assert [c.is_open() for c in few] == [True, True]


def test_hellos_of_tunnels_keep_to_their_addresss_share_at_whichever_worker_they_land(small):
    site = small(workers=2)
    hello = ssl.MemoryBIO()
    ctx = gatewayclient.context(site.report["ca"], alpn="rh2")
    with contextlib.suppress(ssl.SSLWantReadError):
        ctx.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    said = hello.read()
    with contextlib.ExitStack() as all_of_them:
        there = []
        for _ in range(60):
            there.append(all_of_them.enter_context(bare(site.port, THERE)))
            with contextlib.suppress(OSError):
                there[-1].sendall(said)
        until("each worker has its share", lambda: open_among(there) <= 2 * 4)
        until("the connectors are there", lambda: site.metric("cmg_tunnels") >= 2, 15)


def test_a_management_point_gives_up_strangers_of_one_address_for_a_client_of_another(own_site):
    configured(own_site, "cmg-mp", max_connections=16)
    port = int(own_site.report["mp_urls"]["https"].rsplit(":", 1)[1])
    until("it answers again", lambda: own_site.cmg("status", check=False)[0] == 0, 10)
    with silent(port, THERE, 60) as strangers:
        until("one address holds its share", lambda: open_among(strangers) == 4)
        with Client(own_site, port=port) as client:
            assert client.ask("/SMS_MP/.sms_aut?MPLIST").status == 200


def test_a_device_inside_that_holds_its_share_of_a_management_point_gives_up_its_own_connections(own_site, device):
    configured(own_site, "cmg-mp", max_connections=32)
    port = int(own_site.report["mp_urls"]["https"].rsplit(":", 1)[1])
    until("it answers again", lambda: own_site.cmg("status", check=False)[0] == 0, 10)
    greedy, places = device("greedy"), "/SMS_MP/.sms_aut?MPLIST"
    with contextlib.ExitStack() as all_of_them:
        held = []
        for number in range(40):  # from as many addresses as it likes
            held.append(all_of_them.enter_context(Client(own_site, f"127.0.1.{number}", greedy, port)))
            assert held[-1].ask(places).status == 200
        until("it holds an eighth", lambda: sum(client.is_open() for client in held) == 4)
        with Client(own_site, HERE, device("other"), port) as other:
            assert other.ask(places).status == 200


# --- the pages of the gateway's machine -------------------------------------------------------------------------------


def test_who_reaches_the_admin_pages_takes_no_more_than_some_connections_and_keeps_nobody_out(own_site):
    port = int(own_site.report["gateway_admin"].rsplit(":", 1)[1])
    with silent(port, THERE, 200) as held:
        until("the oldest have given way", lambda: open_among(held) <= 64)
        assert own_site.ready() and open_among(held) >= 60


# --- rates ------------------------------------------------------------------------------------------------------------


def test_an_address_opens_so_many_connections_a_second_and_more_are_closed_at_once(small):
    site = small(max_connections=400, strangers_per_address=400, handshakes_per_address=1)
    with silent(site.port, THERE, 400) as first:
        assert away(site, "address_rate") <= 1  # a burst of all places is an honest crowd
        with silent(site.port, THERE, 50) as more, silent(site.port, ELSEWHERE, 10) as others:
            until("most of them were closed", lambda: open_among(more) < 25)
            assert open_among(others) == 10 and open_among(first) > 300
            assert away(site, "address_rate") >= 25


def test_devices_behind_one_address_are_not_charged_for_connections_that_were_let_in(small, device):
    site, one = small(handshakes_per_address=1), device("one")
    for _ in range(60):
        let_in(site, one).tls.close()
    assert away(site, "address_rate") == 0


def test_a_hello_that_chooses_dear_keys_counts_as_the_handshakes_that_it_costs(small, device):
    site, one = small(handshakes_per_address=2), device("one")
    ctx = gatewayclient.context(site.report["ca"])
    ctx.set_ecdh_curve("secp384r1")
    for _ in range(2):  # 14 of 20
        ctx.wrap_socket(bare(site.port, THERE), server_hostname="localhost").close()
    with silent(site.port, THERE, 20) as more:
        until("most of them were closed", lambda: open_among(more) < 12)
    assert away(site, "address_rate") >= 8
    known = gatewayclient.context(site.report["ca"], one.path, one.key)
    known.set_ecdh_curve("secp384r1")
    for _ in range(10):  # given back
        with known.wrap_socket(bare(site.port, ELSEWHERE), server_hostname="localhost") as tls:
            tls.sendall(gatewayclient.written_h1("GET", METADATA, (), None, "localhost"))
            assert gatewayclient.read_h1(tls).status == 200


def test_an_address_that_is_refused_too_often_is_told_429_and_its_connection_ends(small, device):
    site = small(refusals_per_address=1)
    with Client(site, THERE) as refused:
        answers = [refused.ask(NOWHERE) for _ in range(10)]
        assert {a.status for a in answers} == {404}
        last = refused.ask(NOWHERE)
        assert (last.status, last.problem()["reason"]) == (429, "too_many_requests") and last.headers["retry-after"]
        until("it is closed", lambda: not refused.is_open())
    with Client(site, ELSEWHERE) as other:
        assert other.ask(NOWHERE).status == 404
    with let_in(site, device("one"), THERE) as known:  # of the same address, but let in
        assert {known.ask(NOWHERE).status for _ in range(30)} == {404}
    assert away(site, "refusals") >= 1


def test_the_same_over_http2_ends_the_connection_with_a_goaway(small):
    site = small(refusals_per_address=1)
    with gatewayclient.H2(site.port, gatewayclient.context(site.report["ca"], alpn=HTTP2)) as refused:
        assert {refused.request("GET", NOWHERE).status for _ in range(10)} == {404}
        assert refused.request("GET", NOWHERE).status == 429
        until("it is closed", lambda: not is_open(refused.tls), 10)
    assert away(site, "refusals") == site.refusals("CMGService_Too_Many_Requests", "too_many_requests") == 1


def answers_until_it_ends(client, batch, most):
    """How many of so many requests that are refused get an answer."""
    answered = 0
    while answered < most:
        client.tls.sendall(batch * gatewayclient.written_h1("GET", NOWHERE, (), None, "localhost"))
        got = b""
        while got.count(b"HTTP/1.1 404") < batch:
            piece = client.tls.recv(65536)
            if not piece:
                return answered + got.count(b"HTTP/1.1 404")
            got += piece
        answered += batch
    return answered


def test_an_address_that_is_refused_too_often_at_a_management_point_loses_its_connection(own_site):
    port = int(own_site.report["mp_urls"]["https"].rsplit(":", 1)[1])
    with Client(own_site, THERE, port=port) as refused:
        assert 2500 <= answers_until_it_ends(refused, 100, 50000) < 50000
    with Client(own_site, ELSEWHERE, port=port) as other:
        assert {other.ask(NOWHERE).status for _ in range(3)} == {404}
        assert other.ask("/SMS_MP/.sms_aut?MPLIST").status == 200


def test_heads_that_can_not_be_read_are_refusals_too(small):
    site = small(refusals_per_address=1)
    with gatewayclient.H2(site.port, gatewayclient.context(site.report["ca"], alpn=HTTP2)) as refused:
        assert {refused.request("GET", "/a#b").status for _ in range(10)} == {400}
        assert refused.request("GET", "/a#b").status == 429
        until("it is closed", lambda: not is_open(refused.tls), 10)
    assert away(site, "refusals") == 1


def streams(field=b""):
    """Requests over HTTP/2, without anything that a session is told; the later ones repeat the first one's `field`."""
    fields = b"\x82\x87\x04" + bytes([len(NOWHERE)]) + NOWHERE.encode() + b"\x01\x09localhost"
    literal = b"\x40\x01x" + b"\x7f" + hpack_number(len(field) - 127) + field if field else b""  # RFC 7541 6.2.1
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"\0\4\0\0\0\0")  # no answer's body is taken
    stream = 1
    while True:
        yield frame(1, 5, stream, fields + literal)
        literal = 16 * b"\xbe" if field else b""  # 6.1
        stream += 2


def hpack_number(n):
    octets = bytearray()
    while n >= 128:
        octets.append(n % 128 | 128)
        n //= 128
    return bytes(octets + bytes([n]))


@pytest.mark.parametrize("field, seen", [(b"", 11), (4000 * b"v", 1)], ids=["one after the other", "for what they hold"])
def test_who_answers_no_ping_is_refused_no_more_often_over_http2(small, field, seen):
    """A hundred in one piece. All of the second kind but the first are refused unseen: 64 KiB of heads are too many."""
    site = small(refusals_per_address=1)
    ctx = gatewayclient.context(site.report["ca"], alpn=HTTP2)
    with ctx.wrap_socket(bare(site.port, THERE), server_hostname="localhost") as greedy:
        greedy.sendall(b"".join(itertools.islice(streams(field), 101)))
        until("it is told", lambda: away(site, "refusals") == 1)
    assert site.refusals("CMGService_Unknown_Endpoint", "unknown_endpoint") + \
        site.refusals("CMGService_Too_Many_Requests", "too_many_requests") == seen


def test_questions_that_are_open_to_everybody_are_limited_by_address(own_site):
    target = "/CCM_Proxy_ServerAuth/AADAuthInfo?TenantID=nobody"
    with Client(own_site, THERE) as greedy, Client(own_site, ELSEWHERE) as other:
        until("one address is told to wait", lambda: greedy.ask(target).status == 429, 15, 0)
        assert other.ask(target).status == 401


# --- memory -----------------------------------------------------------------------------------------------------------

HEADS = 32 * 1024 * 1024  # that all strangers may hold
HEAD = 60 * 1000


def unfinished_h1():
    return b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + HEAD * b"v"


def unfinished_h2():
    """Fields of 10,000 bytes, RFC 7541 6.2.2, without END_HEADERS."""
    field = b"\0\1x\x7f\x91\x4d" + 10000 * b"v"
    frames = [(1, 1, b"\x82\x87\x84\x01\x09localhost"), *((9, 0, field) for _ in range(HEAD // 10000))]
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + b"".join(
        len(block).to_bytes(3, "big") + bytes([kind, flags]) + b"\0\0\0\1" + block for kind, flags, block in frames)


@contextlib.contextmanager
def holding(site, port, version, count):
    """So many connections of one address, each with a head that does not end."""
    head = unfinished_h2() if version == HTTP2 else unfinished_h1()
    ctx = gatewayclient.context(site.report["ca"], alpn=version)
    with contextlib.ExitStack() as all_of_them:
        held = []
        for _ in range(count):
            held.append(all_of_them.enter_context(ctx.wrap_socket(bare(port, THERE), server_hostname="localhost")))
            with contextlib.suppress(OSError):
                held[-1].sendall(head)
        yield held


@pytest.mark.parametrize("version", [HTTP1, HTTP2])
def test_an_address_that_holds_all_heads_gives_way_to_a_newcomers_first_request(small, device, version):
    site = small(max_connections=4000, handshakes_per_address=10000)
    with holding(site, site.port, version, 2 * HEADS // HEAD) as held:
        for one in (HTTP1, HTTP2):
            device_of_it = device(f"newcomer-{one[:2]}")
            assert gatewayclient.request(site, one, "GET", METADATA, certificate=device_of_it.path, key=device_of_it.key).status == 200
            assert gatewayclient.request(site, one, "GET", METADATA, [("X-Large", 30000 * "v")]).status == 401  # a stranger, too
        until("no more is held than may be", lambda: open_among(held) <= HEADS // HEAD)
        assert open_among(held) > HEADS // HEAD // 2  # room was made, no more
    assert away(site, "memory") > HEADS // HEAD // 2


@pytest.mark.parametrize("version", [HTTP1, HTTP2])
def test_the_same_at_a_management_point(own_site, version):
    port = int(own_site.report["mp_urls"]["https"].rsplit(":", 1)[1])
    with holding(own_site, port, version, 2 * HEADS // HEAD) as held:
        until("no more is held than may be", lambda: open_among(held) <= HEADS // HEAD)
        assert open_among(held) > HEADS // HEAD // 2
        with Client(own_site, port=port) as client:
            assert client.ask("/SMS_MP/.sms_aut?MPLIST").status == 200


# --- time -------------------------------------------------------------------------------------------------------------


def trickles(connection):
    """One more byte of credit; false: the gateway has closed."""
    try:
        connection.h2.increment_flow_control_window(1)
        connection.flush()
        return is_open(connection.tls) or connection.events() is not None
    except (OSError, h2.exceptions.ProtocolError):
        return False


def test_a_stranger_stays_for_less_than_a_minute_whatever_it_sends(own_site, device):
    known = let_in(own_site, device("known"))
    ctx = gatewayclient.context(own_site.report["ca"], alpn=HTTP2)
    with gatewayclient.H2(own_site.port, ctx) as idle, gatewayclient.H2(own_site.port, ctx) as trickling:
        until("both are gone", lambda: not trickles(trickling) and not is_open(idle.tls), 60, 1)
    assert away(own_site, "late") >= 1
    assert known.ask().status == 200
    known.tls.close()


# --- descriptors ------------------------------------------------------------------------------------------------------


def test_strangers_give_up_their_descriptors_when_the_process_has_no_more(small, device):
    site = small(max_connections=400, strangers_per_address=400)
    pid = site.pid("cmg-gateway")
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with silent(site.port, THERE, 100) as strangers:
        until("they are counted", lambda: len(os.listdir(f"/proc/{pid}/fd")) > 100)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), before[1]))
        honest = [let_in(site, device(f"honest-{n}")) for n in range(3)]
        assert all(one.ask().status == 200 for one in honest)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        assert open_among(strangers) < 100 and away(site, "descriptors") >= 3
        for one in honest:
            one.tls.close()


def test_more_connections_than_descriptors_are_a_fault_in_the_configuration_and_a_warning_at_the_start(small):
    site = small()
    path = site.folder / "gateway.yaml"
    path.write_text(path.read_text().replace("max_connections: 16\n", "max_connections: 1000000\nworkers: 8\n").replace("workers: 1\n", ""))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    code, _, err = programs.run([program("cmg-gateway"), "--check-config", "--config", path], check=False)
    assert code == 1 and f"8 workers x 1000000 connections" in err and str(limits[1]) in err and "LimitNOFILE" in err
    site.kill("cmg-gateway")
    site.run("cmg-gateway")
    site.wait_ready()
    assert "1000000 connections" in site.log("cmg-gateway")


# --- the log ----------------------------------------------------------------------------------------------------------


def refuse_many(site, count, target):
    """Pipelined, so that the gateway is the limit."""
    batch = gatewayclient.written_h1("GET", target, (), None, "localhost") * 50
    with Client(site, THERE) as client:
        for _ in range(count // 50):
            client.tls.sendall(batch)
            answers = b""
            while answers.count(b"HTTP/1.1 404 ") < 50 or not answers.endswith(b"}"):
                answers += client.tls.recv(65536)


def test_strangers_write_a_bounded_number_of_lines_and_are_told_by_number(small):
    site = small(refusals_per_address=100000)
    before, began = site.log("cmg-gateway"), time.monotonic()
    refuse_many(site, 5000, NOWHERE + "/" + "x" * 3900)
    written = site.log("cmg-gateway")[len(before):]
    lines = [line for line in written.splitlines() if " refused" in line]
    assert 100 <= len(lines) <= 200 + 10 * (time.monotonic() - began) + 2
    assert max(map(len, lines)) < 1024
    assert site.refusals("CMGService_Unknown_Endpoint", "unknown_endpoint") == 5000
    told = until("the others are told by number",
                 lambda: re.search(r"refused: more of the same peer=127\.0\.0\.2 count=(\d+) .*unknown_endpoint", site.log("cmg-gateway")), 15)
    assert 4000 < int(told.group(1)) < 5000


def test_strangers_write_a_bounded_number_of_lines_of_a_management_points_access_log(own_site):
    port, began = int(own_site.report["mp_urls"]["https"].rsplit(":", 1)[1]), time.monotonic()
    before = len(own_site.access_log())
    with Client(own_site, THERE, port=port) as client:
        for _ in range(1000):
            assert client.ask("/SMS_MP/.sms_pol?" + "x" * 3900).status == 401
    lines = [line for line in own_site.access_log()[before:] if THERE in line]
    assert 100 <= len(lines) <= 200 + 10 * (time.monotonic() - began) + 2
    assert max(map(len, lines)) < 1024
    until("the others are told by number", lambda: "request: more of the same peer=127.0.0.2" in own_site.log("cmg-mp"), 15)


# --- readiness --------------------------------------------------------------------------------------------------------

SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


def threads(pid, what, begin):
    """Those of a process whose file of this name below /proc begins so."""
    return [int(t) for t in os.listdir(f"/proc/{pid}/task")
            if (open(f"/proc/{pid}/task/{t}/{what}", encoding="ascii").read().strip() + " ").startswith(begin + " ")]


@contextlib.contextmanager
def standing(which):
    """Some threads stand still meanwhile."""
    libc = ctypes.CDLL(None, use_errno=True)

    def trace(what, thread):
        assert libc.ptrace(what, thread, None, None) == 0, os.strerror(ctypes.get_errno())

    for thread in which:
        trace(SEIZE, thread)
        trace(INTERRUPT, thread)
        os.waitpid(thread, WALL)
    try:
        yield
    finally:
        for thread in which:
            trace(DETACH, thread)


def test_a_gateway_is_not_ready_while_a_worker_stands_and_ready_again_after(small):
    site = small(workers=2)
    assert site.ready()
    with standing(threads(site.pid("cmg-gateway"), "comm", "worker-1")):
        until("it tells that it is not ready", lambda: site.admin_page("/readyz")[0] == 503, 15)
        assert "worker 1 stands" in site.admin_page("/readyz")[1]
        assert site.admin_page("/healthz")[0] == 200
    until("it is ready again", site.ready, 10)


# --- verdicts ---------------------------------------------------------------------------------------------------------

FUTEX, OF_ADDRESS = "202", 8


def test_an_address_with_many_certificates_that_wait_for_a_verdict_is_told_429_and_no_other(small, tmp_path):
    site = small(max_connections=200)
    ca = site.ca(tmp_path)

    def with_a_heap(name):
        device = ca.device(name)
        heap = heap_of_certificates(tmp_path / name, device.client(), 40, ca.name)
        return types.SimpleNamespace(path=heap, key=device.key)

    let_in(site, with_a_heap("first")).tls.close()
    shown = with_a_heap("second")
    pool = threads(site.pid("cmg-gateway"), "syscall", FUTEX)
    assert len(pool) >= 4  # libuv's: its workers wait for work
    with contextlib.ExitStack() as clients:
        connect = lambda source: clients.enter_context(Client(site, source, shown))
        with standing(pool):
            waiting = [connect(THERE) for _ in range(OF_ADDRESS)]
            told = connect(THERE).ask()
            assert (told.status, told.problem()["reason"]) == (429, "too_many_requests") and told.headers["retry-after"]
            assert "take long to be judged" in told.problem()["detail"]
            other = connect(HERE)
        assert other.ask().status == 200
        assert {client.ask().status for client in waiting} == {200}
