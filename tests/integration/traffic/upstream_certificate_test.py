# SPDX-License-Identifier: Apache-2.0
"""A server inside that wants a client certificate says so in its own way: nginx with a page under 400, or with 496, IIS with 403.7."""
import pytest

from kit import gatewayclient
from kit.pki import SERVER_AUTH
from kit.servers import Nginx
from kit.upstream import Broken

NEEDED = "CMGConnector_Clientcertificaterequired"


@pytest.fixture(scope="module")
def nginx(site, ca, folder):
    place = folder / "wants-certificate"
    place.mkdir()
    (place / "www").mkdir()
    pair = ca.device("wants.example", usage=[SERVER_AUTH], file="wants", dns=["localhost"])
    server = Nginx(place / "nginx", place / "www", (pair.path, pair.key, ca.path))
    site.publish("wants", "--url", server.url, "--anchors", ca.path)
    yield server
    site.cmg("endpoint", "remove", "wants")
    server.close()


def ask(site, version, target, headers=(), method="GET", body=None):
    return gatewayclient.request(site, version, method, f"/CCM_Proxy_MutualAuth/wants{target}", headers, body,
                                 certificate=site.pki("certificate"), key=site.pki("key"))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_nginxs_page_that_no_certificate_was_sent_is_named(site, nginx, version, method):
    answer = ask(site, version, "/x", method=method, body=b"x" if method == "POST" else None)
    assert answer.status == 400
    if method == "HEAD":  # there is no page to tell it by
        assert answer.headers["cmg-status-text"] == "CMGConnector_BadRequest" and answer.body == b""
        return
    assert answer.headers["cmg-status-text"] == NEEDED
    assert b"No required SSL certificate was sent" in answer.body and len(answer.body) == int(answer.headers["content-length"])


def test_another_400_of_nginx_stays_what_it_is(site, nginx, version):
    """Its own limits come before it looks for a certificate."""
    answer = ask(site, version, "/x", [("X-Large", "x" * 20000)])
    assert answer.status == 400 and answer.headers["server"].startswith("nginx")
    assert answer.headers["cmg-status-text"] == "CMGConnector_BadRequest" and b"Too Large" in answer.body


def test_iiss_403_7_goes_on_in_its_own_words(site, version):
    """IIS says it in the reason phrase; its pages are in the language of the server."""
    iis = Broken(b"HTTP/1.1 403 Client certificate required\r\nServer: Microsoft-IIS/10.0\r\nContent-Length: 5\r\n\r\n403.7")
    site.publish("iis", "--url", iis.url)
    try:
        answer = gatewayclient.request(site, version, "GET", "/CCM_Proxy_MutualAuth/iis/x", certificate=site.pki("certificate"),
                                       key=site.pki("key"))
        assert (answer.status, answer.headers["cmg-status-text"], answer.body) == (403, NEEDED, b"403.7")
    finally:
        site.cmg("endpoint", "remove", "iis")
        iis.close()
