# SPDX-License-Identifier: Apache-2.0
"""Something on the way opens TLS: whoever of ours fails at it names the issuer of the certificate that it was shown."""
import json
import ssl

import pytest

from kit import pki, programs
from kit.between import Between
from kit.device import Device
from kit.programs import until

ISSUER = "Inspection CA"


class Opener(Between):
    """Opens TLS by a certificate of its own, after CONNECT where `proxy` is set."""

    def __init__(self, folder, proxy=False, dns="localhost"):
        super().__init__()
        self.ca, self.proxy = pki.Ca(folder, ISSUER), proxy
        pair = self.ca.device("opened", usage=[pki.SERVER_AUTH], dns=dns, file="opened")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.path, pair.key)

    def serve(self, connection):
        head = b""
        while self.proxy and b"\r\n\r\n" not in head:
            head += connection.recv(1)
        if self.proxy:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with self.context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)


@pytest.fixture(autouse=True)
def of_no_environment(monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)


def test_a_connector_names_the_issuer_that_a_proxy_shows_it_and_the_proxy(own_site, tmp_path):
    with Opener(tmp_path, proxy=True) as opener:
        own_site.stop("cmg-connector")
        with open(own_site.folder / "connector.yaml", "a", encoding="utf-8") as configuration:
            configuration.write(f"proxy: {{url: 'http://127.0.0.1:{opener.port}'}}\n")
        own_site.run("cmg-connector")

        def told():
            return next((p for p in own_site.cmg("status")["problems"] if "is not the site's" in p["found"]), None)
        problem = until("status tells it", told, 60)
    assert f"issued by 'CN={ISSUER}'" in problem["found"] and f"(through the proxy 127.0.0.1:{opener.port})" in problem["found"]
    assert "breaks TLS open" in problem["remedy"]


@pytest.mark.parametrize("dns", ["localhost", "elsewhere.example"])
def test_a_device_and_the_analyzer_name_the_issuer_that_a_proxy_shows_them(site, tmp_path, dns):
    device = Device(site, tmp_path).at("ehttp").registered_by_token()
    with Opener(tmp_path, proxy=True, dns=dns) as opener:
        device.must("set", "ClientAlwaysOnInternet=1", f"Proxy=http://127.0.0.1:{opener.port}")
        if dns != "localhost":  # its root was even given to the device, and the name alone is another
            device.must("set", f"GatewayCA={opener.ca.path}")
        failure, analyzed = str(device.must_fail("policy")), str(device.run("analyze")[1])
    assert ISSUER in failure and ISSUER in analyzed, (failure, analyzed)
    assert ("tls_intercepted" if dns == "localhost" else "tls_wrong_host") in analyzed


@pytest.mark.parametrize("trusted", [False, True], ids=["of nobody we know", "of another name"])
def test_the_site_names_the_issuer_where_its_messages_do_not_get_through(site, tmp_path, trusted):
    with Opener(tmp_path, dns="elsewhere.example" if trusted else "localhost") as opener:
        own = ["--server-ca", opener.ca.path] if trusted else []
        site.cmg("alerts", "add", "opened", "--webhook", f"https://localhost:{opener.port}/", *own)
        try:
            _, out, err = programs.run([programs.program("cmg"), "alerts", "test", "opened", "--json", "--socket", site.report["admin_socket"]], False)
        finally:
            site.cmg("alerts", "remove", "opened")
    assert f"issued by 'CN={ISSUER}'" in json.dumps(json.loads(out or err), ensure_ascii=False), out + err
