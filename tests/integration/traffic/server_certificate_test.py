# SPDX-License-Identifier: Apache-2.0
"""Server certificates of the gateway (chosen by name) and of https management points: read anew while connections stay,
and told of before they end."""
import calendar
import os
import re
import signal
import socket
import ssl

import pytest
from cryptography import x509

from kit import gatewayclient, pki, programs
from kit.gatewayclient import HTTP1, serial_shown
from kit.programs import program, until

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
WITHIN_S = 15  # files are looked at every 10 s


def server_certificate(ca, name, **more):
    return ca.device(name, usage=(pki.SERVER_AUTH,), dns=name, file=f"server-{name}", **more)


def install(site, pair):
    """The key first, as a careful administrator does, each in one step."""
    for source, target in ((pair.key, "pki/gateway.key"), (pair.path, "pki/gateway.pem")):
        new = site.folder / (target + ".new")
        new.write_bytes(source.read_bytes())
        new.chmod(0o600)
        new.rename(site.folder / target)


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
        assert serial_shown(own_site) != new.certificate.serial_number
        install(own_site, new)
        until("the new certificate is shown", lambda: serial_shown(own_site) == new.certificate.serial_number, WITHIN_S)
        assert b" 200 " in ask(old)
    ends = calendar.timegm(new.certificate.not_valid_after.timetuple())
    until("the site is told", lambda: any(c["not_after"] == ends and "server certificate of gateway gw1" in c["what"]
                                          for c in own_site.cmg("status")["certificates"]), 10)


def test_a_hangup_reads_the_files_at_once(own_site, server_ca):
    new = server_certificate(server_ca, "localhost")
    install(own_site, new)
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("the new certificate is shown", lambda: serial_shown(own_site) == new.certificate.serial_number, 3)


@pytest.mark.parametrize("text, told", [("", "server certificate"), ("no PEM at all", "server certificate"), (None, "No such file")])
def test_a_file_that_can_not_be_used_is_told_and_the_certificate_in_use_stays(own_site, server_ca, text, told):
    before = serial_shown(own_site)
    if text is None:
        (own_site.folder / "pki/gateway.pem").unlink()
    else:
        (own_site.folder / "pki/gateway.pem").write_text(text)
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("the log tells of it", lambda: "the server certificates in use stay" in own_site.log("cmg-gateway"), 5)
    [line] = [line for line in own_site.log("cmg-gateway").splitlines() if "in use stay" in line]
    assert "pki/gateway.pem" in line and told in line
    assert serial_shown(own_site) == before
    problem = until("status tells of it", lambda: problem_of(own_site, "certificate_unread"), 10)
    assert problem["of"] == "gw1" and "pki/gateway.pem" in problem["found"] and told in problem["found"]
    install(own_site, server_certificate(server_ca, "localhost"))
    until("it is gone when the file is mended", lambda: not problem_of(own_site, "certificate_unread"), WITHIN_S)


def test_a_certificate_whose_key_is_another_one_is_not_taken(own_site, server_ca):
    before, new = serial_shown(own_site), server_certificate(server_ca, "localhost")
    (own_site.folder / "pki/gateway.pem").write_bytes(new.path.read_bytes())
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("the log tells of it", lambda: "the server certificates in use stay" in own_site.log("cmg-gateway"), 5)
    assert serial_shown(own_site) == before


@pytest.mark.parametrize("days, told", [(59, "within_days=60"), (13, "within_days=14"), (0.5, "within_days=1")])
def test_a_certificate_that_ends_soon_is_told_once(own_site, server_ca, days, told):
    assert "server certificate expires soon" not in own_site.log("cmg-gateway")
    install(own_site, server_certificate(server_ca, "localhost", days=(-1, days)))
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("the log warns", lambda: "server certificate expires soon" in own_site.log("cmg-gateway"), 5)
    [line] = [line for line in own_site.log("cmg-gateway").splitlines() if "expires soon" in line]
    assert told in line and "CN=localhost" in line


def test_the_certificate_is_chosen_by_the_name_that_the_client_asks_for(own_site, server_ca):
    second = server_certificate(server_ca, "devices.example")
    configuration = own_site.folder / "gateway.yaml"
    configuration.write_text(configuration.read_text().replace(
        "server_certificates: [", f"server_certificates: [{{certificate: {second.path}, key: {second.key}}}, "))
    own_site.kill("cmg-gateway")
    own_site.run("cmg-gateway")
    own_site.wait_ready()
    assert serial_shown(own_site, "devices.example") == second.certificate.serial_number
    assert serial_shown(own_site, "localhost") != second.certificate.serial_number
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


# --- a management point's ---

POINT = r'(?s)id: "(\d+)"\s+mode: https\s+listen: "127\.0\.0\.1:(\d+)"'


def of_point(site):
    """(context without a judge, port) of its https management point."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context, int(re.search(POINT, (site.folder / "mp.yaml").read_text())[2])


def point_shows(site):
    context, port = of_point(site)
    with socket.create_connection(("127.0.0.1", port), 5) as raw, context.wrap_socket(raw) as connection:
        return x509.load_der_x509_certificate(connection.getpeercert(True)).serial_number


def shows_or_none(site):
    try:
        return point_shows(site)
    except ConnectionRefusedError:
        return None


def point_files(site, pair, name="mp"):
    for source, ending in ((pair.key, "key"), (pair.path, "pem")):
        new = site.folder / f"pki/{name}.{ending}.new"
        new.write_bytes(source.read_bytes())
        new.chmod(0o600)
        new.rename(site.folder / f"pki/{name}.{ending}")


def with_files(site, *keys):
    """Its configuration with these keys in place of certificate and key."""
    text, count = re.subn(r"(\s*)certificate: \S+/pki/mp\.pem\S*\s+key: \S+", lambda m: "".join(m[1] + key for key in keys),
                          (site.folder / "mp.yaml").read_text())
    assert count == 1, text
    return text


def through(site):
    """A request of a device that the management point answers."""
    return gatewayclient.request(site, HTTP1, "GET", f"/CCM_Proxy_MutualAuth/{site.role('https')}/SMS_MP/.sms_aut?MPLIST",
                                 certificate=site.pki("certificate"), key=site.pki("key")).status


def pkcs12(pair, path, password):
    programs.run(["openssl", "pkcs12", "-export", "-in", pair.path, "-inkey", pair.key, "-out", path, "-passout", f"pass:{password}"])
    path.chmod(0o600)


@pytest.mark.parametrize("hangup", [True, False], ids=["at a hang-up", "by itself"])
def test_a_management_points_new_certificate_is_shown_and_connections_stay(own_site, server_ca, hangup):
    new, before = server_certificate(server_ca, "localhost"), point_shows(own_site)
    context, port = of_point(own_site)
    assert through(own_site) == 200
    with socket.create_connection(("127.0.0.1", port), 5) as raw, context.wrap_socket(raw) as old:
        old.settimeout(10)
        point_files(own_site, new)
        if hangup:
            os.kill(own_site.pid("cmg-mp"), signal.SIGHUP)
        until("the new certificate is shown", lambda: point_shows(own_site) == new.certificate.serial_number != before, 3 if hangup else 25)
        old.sendall(b"GET /SMS_MP/.sms_aut?MPLIST HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert old.recv(65536).startswith(b"HTTP/1.1 ")
    assert through(own_site) == 200


def test_another_cas_certificate_is_believed_by_connectors_once_its_anchors_are_there(own_site, tmp_path):
    other = pki.Ca(tmp_path, "Another Server CA")
    (own_site.folder / "pki/ca.pem").rename(own_site.folder / "pki/ca.was")
    (own_site.folder / "pki/ca.pem").write_bytes((own_site.folder / "pki/ca.was").read_bytes() + other.path.read_bytes())
    point_files(own_site, server_certificate(other, "localhost"))
    os.kill(own_site.pid("cmg-mp"), signal.SIGHUP)
    until("it is read", lambda: "the server certificate was read anew" in own_site.log("cmg-mp"), 5)
    until("devices come through", lambda: through(own_site) == 200, 20)


@pytest.mark.parametrize("fault", ["another key", "nothing", "a key for others"])
def test_a_management_points_files_that_can_not_be_used_are_told_and_what_is_in_use_stays(own_site, server_ca, fault):
    before, new = point_shows(own_site), server_certificate(server_ca, "localhost")
    point_files(own_site, new)
    if fault == "another key":
        point_files(own_site, pki.Pair(None, None, server_certificate(server_ca, "localhost").path, new.key))
        (own_site.folder / "pki/mp.key").write_bytes(server_ca.device("someone").key.read_bytes())
    elif fault == "nothing":
        (own_site.folder / "pki/mp.pem").write_text("")
    else:
        (own_site.folder / "pki/mp.key").chmod(0o644)
    os.kill(own_site.pid("cmg-mp"), signal.SIGHUP)
    until("the log tells of it", lambda: "the server certificate in use stays" in own_site.log("cmg-mp"), 5)
    assert point_shows(own_site) == before


def test_a_management_points_certificate_that_ends_soon_is_told_once(own_site, server_ca):
    point_files(own_site, server_certificate(server_ca, "localhost", days=(-1, 13)))
    for _ in range(2):
        os.kill(own_site.pid("cmg-mp"), signal.SIGHUP)
    until("the log warns", lambda: "server certificate expires soon" in own_site.log("cmg-mp"), 20)
    [line] = [line for line in own_site.log("cmg-mp").splitlines() if "expires soon" in line]
    assert "within_days=14" in line and f"mp={own_site.role('https')}" in line


@pytest.mark.parametrize("password", [b"", b"a secret", b"a secret\r\n"], ids=["without a password", "with one", "with one from Windows"])
def test_a_management_point_takes_pkcs12_and_reads_it_anew(own_site, server_ca, tmp_path, password):
    first, file = server_certificate(server_ca, "localhost"), tmp_path / "mp.p12"
    pkcs12(first, file, password.decode().strip())
    keys = [f"certificate: {file}", f"password_file: {tmp_path}/password"][:2 if password else 1]
    if password:
        (tmp_path / "password").write_bytes(password)
        (tmp_path / "password").chmod(0o600)
    configuration = own_site.folder / "mp.yaml"
    configuration.write_text(with_files(own_site, *keys))
    code, out, err = programs.run([program("cmg-mp"), "--check-config", "--config", configuration], False)
    assert code == 0, out + err
    own_site.kill("cmg-mp")
    own_site.run("cmg-mp")
    own_site.wait_ready()
    until("it is shown", lambda: shows_or_none(own_site) == first.certificate.serial_number, 10)
    second = server_certificate(server_ca, "localhost")
    pkcs12(second, file, password.decode().strip())
    os.kill(own_site.pid("cmg-mp"), signal.SIGHUP)
    until("the new one is shown", lambda: point_shows(own_site) == second.certificate.serial_number, 5)
    until("devices come through", lambda: through(own_site) == 200, 20)


def test_a_management_points_pkcs12_that_can_not_be_read_is_refused_by_what_it_lacks(own_site, server_ca, tmp_path):
    file, password = tmp_path / "mp.p12", tmp_path / "password"
    pkcs12(server_certificate(server_ca, "localhost"), file, "secret")
    def said(content, mode=0o600):
        keys = [f"certificate: {file}"]
        if content is not None:
            password.write_bytes(content)
            password.chmod(mode)
            keys.append(f"password_file: {password}")
        changed = own_site.folder / "changed.yaml"
        changed.write_text(with_files(own_site, *keys))
        code, out, err = programs.run([program("cmg-mp"), "--check-config", "--config", changed], False)
        return code, out + err
    assert said(b"secret")[0] == 0
    for content, words in ((None, "password_file"), (b"other", "is not that of"), ("secret".encode("utf-16"), "UTF-16"),
                           (b"\xef\xbb\xbfsecret\r\n", "byte order mark"), (b"\n", "is empty")):
        code, out = said(content)
        assert code == 1 and words in out, (content, out)
    code, out = said(b"secret", 0o644)
    assert code == 1 and "chmod 600" in out
