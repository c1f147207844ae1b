# SPDX-License-Identifier: Apache-2.0
"""Sources whose servers have certificates of a CA of their own: by https and by ldaps, judged by that CA and by nothing else."""
import functools
import json
import re
import shutil
import socket
import ssl
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import conftest
from kit import gatewayclient, pki
from kit.directory import Directory
from kit.gatewayclient import HTTP1
from kit.programs import until

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


class SecureWeb:
    def __init__(self, folder, pair):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.path, pair.key)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"https://localhost:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Place:
    def __init__(self, folder, store):
        self.folder, self.www, self.count = folder, folder / "www", 0
        self.www.mkdir()
        self.servers = pki.Ca(folder, "Servers")
        self.others = pki.Ca(folder, "Others")
        names = ["localhost", socket.gethostname()]  # libldap looks for the latter where the URL says localhost
        pair = self.servers.device("localhost", usage=(pki.SERVER_AUTH,), dns=names, file="server")
        self.web, self.directory = SecureWeb(self.www, pair), Directory(folder / "slapd", tls=pair)
        self.site = conftest.running_site(folder / "site", store)

    def close(self):
        conftest.end_site(self.site)
        self.web.close()
        self.directory.close()

    def publish(self, kind):
        """A trusted root, a device, and where its list is."""
        self.count += 1
        ca = pki.Ca(self.folder, f"Root {self.count}")
        ca.one, ca.id = ca.device(f"device-{self.count}"), f"list-{self.count}"
        der = x509.load_pem_x509_crl(ca.crl().read_bytes()).public_bytes(serialization.Encoding.DER)
        if kind == "https":
            (self.www / f"{ca.id}.crl").write_bytes(der)
            ca.url = f"{self.web.url}/{ca.id}.crl"
        else:
            plain = self.directory.publish(ca.name, der)
            ca.url = plain.replace(f"ldap://127.0.0.1:{self.directory.port}", f"ldaps://localhost:{self.directory.tls_port}")
        self.site.add("trust", "add", "--anchor", ca.path)
        return ca

    def verdict(self, pair):
        answer = gatewayclient.request(self.site, HTTP1, "GET", METADATA, **pair.client())
        return "ok" if answer.status == 200 else answer.problem()["reason"]


@pytest.fixture(scope="module")
def place(new_store):
    folder = conftest.temporary_folder()
    it = Place(folder, new_store())
    try:
        yield it
    finally:
        it.close()
        shutil.rmtree(folder, ignore_errors=True)


WAYS = [("https", "internet"), ("https", "connector"), ("ldaps", "connector")]


@pytest.mark.parametrize("kind, via", WAYS)
def test_a_list_comes_from_a_server_whose_ca_was_named(place, kind, via):
    ca = place.publish(kind)
    place.site.add("trust", "add", "--crl-source", ca.id, "--url", ca.url, "--via", via, "--source-ca", place.servers.path)
    until("the list is there", lambda: place.verdict(ca.one) == "ok", 15)
    [listed] = [s for s in place.site.cmg("source", "list")["sources"] if s["id"] == ca.id]
    assert listed["own_ca"]


@pytest.mark.parametrize("named", ["none", "another"])
@pytest.mark.parametrize("kind, via", WAYS)
def test_a_server_of_another_ca_is_not_believed(place, kind, via, named):
    ca = place.publish(kind)
    own = ["--source-ca", place.others.path] if named == "another" else []
    place.site.add("trust", "add", "--crl-source", ca.id, "--url", ca.url, "--via", via, *own)
    told = until("it was tried", lambda: re.search(rf"could not be fetched.*?source=\"?{ca.id}.*", place.site.log("cmg-gateway")), 15)
    assert place.verdict(ca.one) == "crl_unavailable"
    assert kind != "https" or "issued by 'CN=Servers'" in told[0]


@pytest.mark.parametrize("kind, via", WAYS)
def test_a_server_of_the_right_ca_and_another_name_is_not_believed(place, kind, via):
    ca = place.publish(kind)
    url = ca.url.replace("localhost", "127.0.0.1")
    place.site.add("trust", "add", "--crl-source", ca.id, "--url", url, "--via", via, "--source-ca", place.servers.path)
    told = until("it was tried", lambda: re.search(rf"could not be fetched.*?source=\"?{ca.id}.*", place.site.log("cmg-gateway")), 15)
    assert place.verdict(ca.one) == "crl_unavailable"
    assert kind != "https" or "issued by 'CN=Servers'" in told[0]


def test_the_ca_can_be_named_later(place):
    ca = place.publish("https")
    place.site.add("source", "add", ca.id, "--url", ca.url)
    until("it was tried", lambda: re.search(rf"could not be fetched.*?source=\"?{ca.id}", place.site.log("cmg-gateway")), 15)
    place.site.add("source", "add", ca.id, "--url", ca.url, "--source-ca", place.servers.path)
    until("the list is there", lambda: place.verdict(ca.one) == "ok", 15)


@pytest.mark.parametrize("url", ["http://localhost/x.crl", "ldap://localhost/cn=x"])
def test_a_ca_for_a_source_without_tls_is_refused(place, url):
    code, answer = place.site.cmg("source", "add", "plain", "--url", url, "--source-ca", place.servers.path, check=False)
    assert code == 1 and "https:// and ldaps://" in json.dumps(answer)


def test_what_is_no_certificate_is_refused(place):
    text = place.folder / "text"
    text.write_text("no certificate")
    code, answer = place.site.cmg("source", "add", "bad", "--url", "https://localhost/x.crl", "--source-ca", text, check=False)
    assert code == 1 and answer["error"]["remedy"]
