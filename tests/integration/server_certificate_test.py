# SPDX-License-Identifier: Apache-2.0
"""The gateway's server certificates: chosen by name, read anew while connections stay, and told of before they end."""
import calendar
import os
import signal

import pytest

from kit import gatewayclient, pki
from kit.gatewayclient import HTTP1
from kit.programs import until

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
WITHIN_S = 15  # files are looked at every 10 s


@pytest.fixture
def server_ca(own_site, tmp_path):
    return own_site.ca(tmp_path)


def server_certificate(ca, name, **more):
    return ca.device(name, usage=(pki.SERVER_AUTH,), dns=name, file=f"server-{name}", **more)


def install(site, pair):
    """The key first, as a careful administrator does, each in one step."""
    for source, target in ((pair.key, "pki/gateway.key"), (pair.path, "pki/gateway.pem")):
        new = site.folder / (target + ".new")
        new.write_bytes(source.read_bytes())
        new.chmod(0o600)
        new.rename(site.folder / target)


def shown(site, name="localhost"):
    """The serial number of the certificate that a new connection with this name is shown."""
    with gatewayclient.connect(site.port, gatewayclient.context(site.report["ca"]), name) as connection:
        return int(connection.getpeercert()["serialNumber"], 16)


def problem_of(site, cause):
    return next((p for p in site.cmg("status")["problems"] if p["cause"] == cause), None)


def ask(connection):
    connection.sendall(f"GET {METADATA} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = connection.recv(65536)
    return head.split(b"\r\n")[0]


def test_a_new_certificate_in_the_file_is_shown_and_old_connections_stay(own_site, server_ca):
    context = gatewayclient.context(own_site.report["ca"], own_site.pki("certificate"), own_site.pki("key"))
    new = server_certificate(server_ca, "localhost")
    with gatewayclient.connect(own_site.port, context) as old:
        assert b" 200 " in ask(old)
        assert shown(own_site) != new.certificate.serial_number
        install(own_site, new)
        until("the new certificate is shown", lambda: shown(own_site) == new.certificate.serial_number, WITHIN_S)
        assert b" 200 " in ask(old)
    ends = calendar.timegm(new.certificate.not_valid_after.timetuple())
    until("the site is told", lambda: any(c["not_after"] == ends and "server certificate of gateway gw1" in c["what"]
                                          for c in own_site.cmg("status")["certificates"]), 10)


def test_a_hangup_reads_the_files_at_once(own_site, server_ca):
    new = server_certificate(server_ca, "localhost")
    install(own_site, new)
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("the new certificate is shown", lambda: shown(own_site) == new.certificate.serial_number, 3)


@pytest.mark.parametrize("text, told", [("", "server certificate"), ("no PEM at all", "server certificate"), (None, "No such file")])
def test_a_file_that_can_not_be_used_is_told_and_the_certificate_in_use_stays(own_site, server_ca, text, told):
    before = shown(own_site)
    if text is None:
        (own_site.folder / "pki/gateway.pem").unlink()
    else:
        (own_site.folder / "pki/gateway.pem").write_text(text)
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("the log tells of it", lambda: "the server certificates in use stay" in own_site.log("cmg-gateway"), 5)
    [line] = [line for line in own_site.log("cmg-gateway").splitlines() if "in use stay" in line]
    assert "pki/gateway.pem" in line and told in line
    assert shown(own_site) == before
    problem = until("status tells of it", lambda: problem_of(own_site, "certificate_unread"), 10)
    assert problem["of"] == "gw1" and "pki/gateway.pem" in problem["found"] and told in problem["found"]
    install(own_site, server_certificate(server_ca, "localhost"))
    until("it is gone when the file is mended", lambda: not problem_of(own_site, "certificate_unread"), WITHIN_S)


def test_a_certificate_whose_key_is_another_one_is_not_taken(own_site, server_ca):
    before, new = shown(own_site), server_certificate(server_ca, "localhost")
    (own_site.folder / "pki/gateway.pem").write_bytes(new.path.read_bytes())
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("the log tells of it", lambda: "the server certificates in use stay" in own_site.log("cmg-gateway"), 5)
    assert shown(own_site) == before


@pytest.mark.parametrize("days, told", [(59, "within_days=60"), (13, "within_days=14"), (0.5, "within_days=1")])
def test_a_certificate_that_ends_soon_is_told_once(own_site, server_ca, days, told):
    assert "server certificate ends soon" not in own_site.log("cmg-gateway")
    install(own_site, server_certificate(server_ca, "localhost", days=(-1, days)))
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("the log warns", lambda: "server certificate ends soon" in own_site.log("cmg-gateway"), 5)
    [line] = [line for line in own_site.log("cmg-gateway").splitlines() if "ends soon" in line]
    assert told in line and "CN=localhost" in line


def test_the_certificate_is_chosen_by_the_name_that_the_client_asks_for(own_site, server_ca):
    second = server_certificate(server_ca, "devices.example")
    configuration = own_site.folder / "gateway.yaml"
    configuration.write_text(configuration.read_text().replace(
        "server_certificates: [", f"server_certificates: [{{certificate: {second.path}, key: {second.key}}}, "))
    own_site.kill("cmg-gateway")
    own_site.run("cmg-gateway")
    own_site.wait_ready()
    assert shown(own_site, "devices.example") == second.certificate.serial_number
    assert shown(own_site, "localhost") != second.certificate.serial_number
    answer = gatewayclient.request(own_site, HTTP1, "GET", METADATA, certificate=own_site.pki("certificate"),
                                   key=own_site.pki("key"))
    assert answer.status == 200


def test_a_gateway_that_shows_no_certificate_for_its_own_name_or_a_published_host_is_told(own_site, server_ca, upstream):
    """Until it is mended by what was told."""
    other = server_certificate(server_ca, "other.example")
    install(own_site, other)
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    problem = until("its own name is missed", lambda: problem_of(own_site, "server_name_missing"), 10)
    assert problem["of"] == "gw1" and "its own name, localhost" in problem["found"], problem
    own_site.cmg("endpoint", "add", "wiki", "--host", "wiki.example", "--url", upstream.url, "--auth", "pki")
    found = [p["found"] for p in own_site.cmg("status")["problems"] if p["cause"] == "server_name_missing"]
    assert len(found) == 2 and "wiki.example, the host of endpoint wiki" in found[1], found
    install(own_site, server_ca.device("both", usage=(pki.SERVER_AUTH,), dns=["localhost", "wiki.example"], file="server-both"))
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("nothing is missed any more", lambda: not problem_of(own_site, "server_name_missing"), 10)
