# SPDX-License-Identifier: Apache-2.0
"""Behind a load balancer that tells whose connection it passes on (PROXY protocol, version 2): the gateway believes the
addresses that it lists, and nobody else; limits, logs and what servers inside are told are the client's."""
import contextlib
import os
import socket
import ssl
import struct

import pytest

from kit import gatewayclient, programs
from kit.haproxy import PROGRAM, haproxy
from kit.programs import until

BALANCER, CLIENT, OTHER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
WAIT_S = 30
needs_haproxy = pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="haproxy is not installed: make deps")


def told(client, port=40000, command=0x21, more=b""):
    addresses = socket.inet_aton(client) + socket.inet_aton("127.0.0.1") + struct.pack("!HH", port, 443)
    return SIGNATURE + bytes((command, 0x11)) + struct.pack("!H", len(addresses + more)) + addresses + more


@pytest.fixture
def listed(own_site):
    """A gateway that lists the balancer's address."""
    own_site.stop("cmg-gateway")
    with open(own_site.folder / "gateway.yaml", "a", encoding="utf-8") as configuration:
        configuration.write(f"proxy_protocol: {{from: ['{BALANCER}', '10.9.8.0/24']}}\n")
    own_site.run("cmg-gateway")
    own_site.wait_ready()
    return own_site


def bare(port, source, header=b""):
    connection = socket.create_connection(("127.0.0.1", port), WAIT_S, source_address=(source, 0))
    connection.sendall(header)
    return connection


@contextlib.contextmanager
def tls_of(site, connection):
    with site_context(site).wrap_socket(connection, server_hostname="localhost") as tls:
        yield tls


def site_context(site):
    return gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"))


def ask(tls, target):
    tls.sendall(gatewayclient.written_h1("GET", target, (), None, "localhost"))
    return gatewayclient.read_h1(tls)


def is_closed(connection):
    """Without a byte."""
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


def forwarded(upstream):
    return dict(upstream.seen[-1]["headers"])["forwarded"]


@needs_haproxy
def test_servers_inside_and_logs_tell_the_clients_address_and_not_the_balancers(listed, upstream, tmp_path):
    listed.publish("echo", "--url", upstream.url)
    with haproxy(tmp_path, listed.port, BALANCER, "send-proxy-v2 check inter 100") as port:
        with tls_of(listed, bare(port, CLIENT)) as tls:
            assert ask(tls, "/CCM_Proxy_MutualAuth/echo/x").status == 200
        assert forwarded(upstream).startswith(f"for={CLIENT};")
        with bare(port, OTHER, b"no TLS at all\r\n\r\n"):
            until("the log names it", lambda: f"handshake failed peer={OTHER}" in listed.log("cmg-gateway"), 20)
    assert BALANCER not in listed.log("cmg-gateway")
    assert "DOWN" not in (tmp_path / "haproxy.log").read_text()


def test_who_is_told_to_come_too_often_is_turned_away_and_others_of_the_same_balancer_are_not(listed, upstream):
    listed.publish("echo", "--url", upstream.url)
    listed.stop("cmg-gateway")
    with open(listed.folder / "gateway.yaml", "a", encoding="utf-8") as configuration:
        configuration.write("handshakes_per_address: 1\n")
    listed.run("cmg-gateway")
    listed.wait_ready()
    until("the attacker is turned away", lambda: attack(listed), WAIT_S, 0)
    assert f"turned away peer={OTHER}" in listed.log("cmg-gateway")
    with tls_of(listed, bare(listed.port, BALANCER, told(CLIENT))) as tls:
        assert ask(tls, "/CCM_Proxy_MutualAuth/echo/x").status == 200
    assert f"peer={BALANCER}" not in listed.log("cmg-gateway")


def attack(site):
    with contextlib.suppress(OSError), bare(site.port, BALANCER, told(OTHER)) as connection:
        connection.sendall(b"no TLS")
        connection.recv(1)
    return f"turned away peer={OTHER}" in site.log("cmg-gateway")


def test_a_header_may_come_in_pieces_with_more_in_it_or_be_of_the_balancer_itself(listed, upstream):
    listed.publish("echo", "--url", upstream.url)
    header = told(CLIENT, more=b"\x04\x00\x04zzzz" + b"\x05\x01\x00" + b"i" * 256)
    connection = bare(listed.port, BALANCER)
    for i in range(0, len(header), 7):
        connection.sendall(header[i:i + 7])
    with tls_of(listed, connection) as tls:
        assert ask(tls, "/CCM_Proxy_MutualAuth/echo/x").status == 200
    assert forwarded(upstream).startswith(f"for={CLIENT};")
    six = SIGNATURE + b"\x21\x21" + struct.pack("!H", 36) + socket.inet_pton(socket.AF_INET6, "2001:db8::7") * 2 + b"\0\1\0\2"
    with tls_of(listed, bare(listed.port, BALANCER, six)) as tls:
        assert ask(tls, "/CCM_Proxy_MutualAuth/echo/x").status == 200
    assert "2001:db8::7" in forwarded(upstream)
    for local in (told(CLIENT, command=0x20), SIGNATURE + b"\x20\0\0\0"):
        with tls_of(listed, bare(listed.port, BALANCER, local)) as tls:
            assert ask(tls, "/CCM_Proxy_MutualAuth/echo/x").status == 200
        assert forwarded(upstream).startswith(f"for={BALANCER};")
    bare(listed.port, BALANCER).close()  # looks whether the port is open: no fault
    assert "does not tell whose" not in listed.log("cmg-gateway")


def test_header_and_client_hello_in_one_packet_are_told_apart(listed, upstream):
    listed.publish("echo", "--url", upstream.url)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = site_context(listed).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    with bare(listed.port, BALANCER, told(CLIENT) + outgoing.read()) as connection:
        while True:
            incoming.write(connection.recv(65536))
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
        assert tls.version() == "TLSv1.3"


NO_HEADERS = {
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "begins with TLS"),
    "version 1": (b"PROXY TCP4 127.0.0.3 127.0.0.1 40000 443\r\n", "version 1 of the PROXY protocol"),
    "HTTP": (b"GET / HTTP/1.1\r\nX-Forwarded-For: 127.0.0.3\r\n\r\n", "does not begin with a header"),
    "UDP": (told(CLIENT).replace(b"\x21\x11", b"\x21\x12"), "something else than TCP"),
    "too long": (SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 65535, "at most 4096 are read"),
    "half of one": (told(CLIENT)[:20], "in time"),
    "nothing": (b"", "in time"),
}


@pytest.mark.parametrize("begin, words", NO_HEADERS.values(), ids=NO_HEADERS)
def test_a_listed_address_without_a_header_is_refused_by_name(listed, begin, words):
    with contextlib.suppress(ConnectionError):
        assert is_closed(bare(listed.port, BALANCER, begin))
    line = until("it is logged", lambda: [row for row in listed.log("cmg-gateway").splitlines() if "does not tell whose" in row], 20)[0]
    assert f"peer={BALANCER}" in line and words in line


def test_from_other_addresses_no_header_is_looked_for(listed, upstream):
    listed.publish("echo", "--url", upstream.url)
    with bare(listed.port, CLIENT, told(OTHER) + b"\x16\x03\x01"):
        until("it is no TLS", lambda: f"handshake failed peer={CLIENT}" in listed.log("cmg-gateway"), 20)
    assert OTHER not in listed.log("cmg-gateway")
    with tls_of(listed, bare(listed.port, CLIENT)) as tls:
        assert ask(tls, "/CCM_Proxy_MutualAuth/echo/x").status == 200
    assert forwarded(upstream).startswith(f"for={CLIENT};")


WRONG = {"everybody": ("'0.0.0.0/0'", "is everybody"), "everybody by IPv6": ("'::/0'", "is everybody"),
         "a name": ("balancer.example", "is no network"), "bits behind the prefix": ("'10.0.0.7/8'", "is no network")}


@pytest.mark.parametrize("network, words", WRONG.values(), ids=WRONG)
def test_whom_a_gateway_can_not_believe_is_refused_with_the_line(own_site, network, words):
    path = own_site.folder / "wrong.yaml"
    path.write_text((own_site.folder / "gateway.yaml").read_text() + f"proxy_protocol:\n  from: [10.0.0.1, {network}]\n")
    line = len(path.read_text().splitlines())
    code, out, err = programs.run([programs.program("cmg-gateway"), "--config", path, "--check-config"], check=False)
    assert code != 0 and f"wrong.yaml:{line}: proxy_protocol: from: " in out + err and words in out + err, out + err
